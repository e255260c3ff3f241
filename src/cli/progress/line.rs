//! What a running stage shows: one line of a terminal that never wraps, and the lines of a pipe.

use std::time::Duration;

use console::{Alignment, measure_text_width, pad_str, truncate_str};

use crate::error::fault::turns;
use crate::progress::{Pace, Stage};

/// Columns of the bar.
const BAR: usize = 10;

/// Columns of `100 %`.
const PERCENT: usize = 5;

/// The name of a stage is not cut to fewer columns than [`NAME`] as long as anything else can go but the remaining time,
/// and for that not to fewer than these.
const SHORTEST_NAME: usize = 12;

/// A detail of fewer columns says nothing.
const SHORTEST_DETAIL: usize = 12;

/// The columns that names are padded to, so that lines of finished stages stand in columns.
pub(super) const NAME: usize = 26;

/// A running stage.
#[derive(Debug, Clone)]
pub(super) struct Running {
    what: String,
    unit: Option<String>,
    pace: Pace,
    detail: String,
}

impl Running {
    pub fn new(stage: Stage<'_>) -> Self {
        Self {
            what: printable(stage.what),
            unit: stage.unit.map(printable),
            pace: Pace::new(stage.total, stage.done),
            detail: String::new(),
        }
    }

    /// Its name.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// `done` pieces are done at `now`, a time since the beginning.
    pub fn advance(&mut self, now: Duration, done: u64, detail: &str) {
        self.pace.advance(now, done);
        self.detail = printable(detail);
    }

    /// Whether nothing is left to do: the last line follows at once.
    pub fn is_done(&self) -> bool {
        self.pace.done() >= self.pace.total()
    }

    /// `1234/9380`, where the pieces have a name.
    fn counts(&self) -> Option<String> {
        self.unit.as_ref().map(|_| format!("{}/{}", self.pace.done(), self.pace.total()))
    }

    /// `28.1 steps/s`; in minutes or hours where that is less than one.
    fn rate(&self) -> Option<String> {
        let (unit, rate) = (self.unit.as_ref()?, self.pace.rate()?);
        let (rate, per) = match rate {
            _ if rate >= 1.0 => (rate, "s"),
            _ if rate * 60.0 >= 1.0 => (rate * 60.0, "min"),
            _ => (rate * 3600.0, "h"),
        };
        Some(format!("{rate:.*} {unit}/{per}", usize::from(rate < 100.0)))
    }

    fn left(&self, now: Duration) -> Option<String> {
        self.pace.remaining(now).map(|left| format!("{} left", words(left)))
    }

    /// The first line of a pipe: what begins, and where it goes on.
    pub fn first(&self) -> String {
        match self.counts() {
            Some(counts) if self.pace.done() > 0 => format!("{} … from {counts} on", self.what),
            _ => format!("{} …", self.what),
        }
    }

    /// A line of a pipe: `training: 1234/9380 (13 %), 28.1 steps/s, 4 min 50 s left, loss 0.61`.
    pub fn plain(&self, now: Duration) -> String {
        let percent = format!("{} %", self.pace.percent());
        let done = self.counts().map_or_else(|| percent.clone(), |counts| format!("{counts} ({percent})"));
        let detail = Some(self.detail.clone()).filter(|d| !d.is_empty());
        let parts = [Some(done), self.rate(), self.left(now), detail];
        format!("{}: {}", self.what, parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }

    /// The line of a terminal of so many columns; what does not fit is left out, the least important first.
    pub fn fitted(&self, now: Duration, columns: usize, colours: bool) -> String {
        const GAP: usize = 2;
        // The last column stays free: some terminals go to the next line once it is written.
        let mut free = columns.saturating_sub(1);
        // Takes a part if it leaves so much for others.
        let mut take = |part: Option<String>, keep: usize| {
            let part = part.filter(|part| measure_text_width(part) + GAP + keep <= free);
            free -= part.as_ref().map_or(0, |part| measure_text_width(part) + GAP);
            part
        };
        let (whole, percent) = (measure_text_width(&self.what), Some(format!("{:>3} %", self.pace.percent())));
        let name = whole.min(NAME);
        let left = take(self.left(now), name.min(SHORTEST_NAME) + GAP + PERCENT);
        let counts = take(self.counts(), name);
        // Beside counts and a bar it can go.
        let sure = if counts.is_none() { take(percent.clone(), 1) } else { None };
        let rate = take(self.rate(), name);
        let bar = take(Some("█".repeat(BAR)), name).map(|_| self.bar(colours));
        let percent = sure.or_else(|| take(percent, name));
        let elapsed = take(Some(words(now)), NAME);
        let name = free.min(if elapsed.is_some() { whole.max(NAME) } else { whole });
        let what = match name {
            0 => String::new(),
            _ => pad_str(&self.what, name, Alignment::Left, Some("…")).into_owned(),
        };
        free = free.saturating_sub(name + GAP);
        let detail = (free >= SHORTEST_DETAIL).then(|| truncate_str(&self.detail, free, "…").into_owned());
        let parts = [Some(what), bar, counts, percent, rate, elapsed, left, detail];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
    }

    fn bar(&self, colours: bool) -> String {
        let full = (self.pace.percent() as usize * BAR / 100).min(BAR);
        let (done, rest) = ("█".repeat(full), "░".repeat(BAR - full));
        if colours { format!("\x1b[36m{done}\x1b[39m{rest}") } else { done + &rest }
    }
}

/// Without what moves the cursor, changes colours or reverses the rest of the line: names come from files.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || turns(c) { ' ' } else { c }).collect()
}

/// `48 s`, `4 min 50 s`, `3 h 20 min`, `2 d 5 h`.
fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// Whether a pipe is told again: after 10 s, then every 30 s.
pub(super) fn is_due(now: Duration, told: Option<Duration>) -> bool {
    const FIRST: Duration = Duration::from_secs(10);
    const AGAIN: Duration = Duration::from_secs(30);
    told.map_or(now >= FIRST, |told| now.saturating_sub(told) >= AGAIN)
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
