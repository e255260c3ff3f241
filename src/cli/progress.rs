//! Progress bars on standard error.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Global;
use crate::cli::tell::tell;
use crate::progress::Observer;

/// Set by Ctrl-C and by a request to terminate; the running stage then writes a checkpoint and stops.
static STOP: AtomicBool = AtomicBool::new(false);

/// A second signal ends the program at once, unless it is the echo of the first: some programs signal a process and its
/// group.
const ECHO: Duration = Duration::from_secs(1);

/// How often a long stage says on a pipe how far it is.
const TELL_EVERY: Duration = Duration::from_secs(30);

/// Shows stages as bars; on a pipe, one line when a stage begins and ends, and now and then in a long one.
#[derive(Debug)]
pub struct Bars {
    bar: Option<ProgressBar>,
    what: String,
    started: Instant,
    /// When a pipe was last told how far it is.
    told: Instant,
    quiet: bool,
    idle: bool,
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
        Self {
            bar: None,
            what: String::new(),
            started: Instant::now(),
            told: Instant::now(),
            quiet: global.quiet,
            idle: true,
        }
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
            let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_message(what.to_string());
            bar.enable_steady_tick(Duration::from_millis(250));
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

impl Observer for Bars {
    fn start(&mut self, what: &str, total: u64) {
        (self.what, self.started, self.told, self.idle) = (what.into(), Instant::now(), Instant::now(), false);
        if self.quiet {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{prefix:26} {bar:12} {pos}/{len} {elapsed}+{eta} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(what.to_string());
        if bar.is_hidden() {
            // Not a terminal: one line when a stage begins and one when it ends.
            tell!("{what} …");
        }
        self.bar = Some(bar);
    }

    fn at(&mut self, done: u64, detail: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(detail.to_string());
            if bar.is_hidden() && self.told.elapsed() >= TELL_EVERY {
                self.told = Instant::now();
                let (total, seconds) = (bar.length().unwrap_or(0), self.started.elapsed().as_secs_f64());
                tell!("{} … {done}/{total} after {seconds:.0} s {detail}", self.what);
            }
        }
    }

    fn finish(&mut self, summary: &str) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
            tell!("{:26} {:6.1} s  {summary}", self.what, self.started.elapsed().as_secs_f64());
        }
    }

    fn warn(&mut self, message: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| tell!("warning: {message}")),
            None => tell!("warning: {message}"),
        }
    }

    fn stop_requested(&self) -> bool {
        STOP.load(Ordering::SeqCst)
    }
}
