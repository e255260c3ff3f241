//! Progress on standard error: a line that changes on a terminal, plain lines elsewhere.
//!
//! Colours are those of `NO_COLOR` (<https://no-color.org>): none where it is set, nor on a pipe or a terminal that
//! calls itself dumb.

mod line;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::cli::Global;
use crate::cli::progress::line::{NAME, Running, is_due, printable};
use crate::cli::tell::tell;
use crate::progress::{Observer, Stage};

/// Set by Ctrl-C and by a request to terminate; the running stage then writes a checkpoint and stops.
static STOP: AtomicBool = AtomicBool::new(false);

/// A second signal ends the program at once, unless it is the echo of the first: some programs signal a process and its
/// group.
const ECHO: Duration = Duration::from_secs(1);

/// How often a terminal is drawn, also while one long piece is at work.
const TICK: Duration = Duration::from_millis(200);

/// Shows the stages.
#[derive(Debug)]
pub struct Bars {
    shown: Option<Shown>,
    quiet: bool,
    idle: bool,
}

/// The stage that is running.
#[derive(Debug)]
struct Shown {
    running: Arc<Mutex<Running>>,
    started: Instant,
    /// On a terminal.
    bar: Option<ProgressBar>,
    /// When a pipe was last told how far it is.
    told: Option<Duration>,
}

impl Bars {
    /// Bars as the options want them; the first Ctrl-C from now on asks to stop, the second one kills.
    pub fn new(global: &Global) -> Self {
        let mut first: Option<Instant> = None;
        let _ = ctrlc::set_handler(move || {
            STOP.store(true, Ordering::SeqCst);
            if first.get_or_insert_with(Instant::now).elapsed() > ECHO {
                std::process::exit(i32::from(crate::error::exit_code::INTERRUPTED));
            }
        });
        Self { shown: None, quiet: global.quiet, idle: true }
    }

    /// Whether no stage had anything to do.
    pub fn is_idle(&self) -> bool {
        self.idle
    }

    /// Says so if no stage had anything to do.
    pub fn conclude(&self) {
        if self.idle && !self.quiet {
            tell!("everything was up to date");
        }
    }
}

/// Shows that something without stages is going on, once it takes a while; gone when dropped.
#[derive(Debug)]
pub struct Spinner(Option<ProgressBar>);

impl Spinner {
    /// A spinner as the options want it.
    pub fn new(global: &Global, what: &str) -> Self {
        let bar = (!global.quiet).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_message(printable(what));
            bar.enable_steady_tick(TICK);
            bar
        });
        Self(bar)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}

impl Shown {
    fn new(stage: Stage<'_>) -> Self {
        let (running, started) = (Arc::new(Mutex::new(Running::new(stage))), Instant::now());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let bar = (!bar.is_hidden()).then(|| {
            let (shown, coloured) = (Arc::clone(&running), colours());
            // The line is made when it is drawn: the terminal may have become narrower, and time passes.
            let line = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                let columns = usize::from(Term::stderr().size().1);
                let _ = out.write_str(&locked(&shown).fitted(started.elapsed(), columns, coloured));
            };
            let style = ProgressStyle::with_template("{line}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            bar.set_style(style.with_key("line", line));
            bar.enable_steady_tick(TICK);
            bar
        });
        if bar.is_none() {
            tell!("{}", locked(&running).first());
        }
        Self { running, started, bar, told: None }
    }
}

/// What another thread left when it failed is still good enough to show.
fn locked(running: &Mutex<Running>) -> MutexGuard<'_, Running> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether standard error takes colours.
fn colours() -> bool {
    // `CLICOLOR_FORCE` would outdo `NO_COLOR`, and colour pipes.
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && Term::stderr().is_term() && console::colors_enabled_stderr()
}

impl Drop for Shown {
    /// A stage that ends early leaves its line.
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.abandon();
            tell!("");
        }
    }
}

impl Observer for Bars {
    fn start(&mut self, stage: Stage<'_>) {
        self.idle = false;
        if let Some(bar) = self.shown.take().and_then(|mut shown| shown.bar.take()) {
            bar.finish_and_clear();
        }
        self.shown = (!self.quiet).then(|| Shown::new(stage));
    }

    fn at(&mut self, done: u64, detail: &str) {
        let Some(shown) = &mut self.shown else { return };
        let now = shown.started.elapsed();
        let mut running = locked(&shown.running);
        running.advance(now, done, detail);
        if shown.bar.is_none() && !running.is_done() && is_due(now, shown.told) {
            shown.told = Some(now);
            tell!("{}", running.plain(now));
        }
    }

    fn finish(&mut self, summary: &str) {
        if let Some(mut shown) = self.shown.take() {
            if let Some(bar) = shown.bar.take() {
                bar.finish_and_clear();
            }
            let seconds = shown.started.elapsed().as_secs_f64();
            tell!("{:NAME$} {seconds:6.1} s  {}", locked(&shown.running).what(), printable(summary));
        }
    }

    fn warn(&mut self, message: &str) {
        let warning = if colours() { "\x1b[33mwarning:\x1b[39m" } else { "warning:" };
        match self.shown.as_ref().and_then(|shown| shown.bar.as_ref()) {
            Some(bar) => bar.suspend(|| tell!("{warning} {message}")),
            None => tell!("{warning} {message}"),
        }
    }

    fn stop_requested(&self) -> bool {
        STOP.load(Ordering::SeqCst)
    }
}
