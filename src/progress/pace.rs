//! Rate and remaining time of a stage.
//!
//! ```text
//! after each report of n more pieces in t seconds:   N ← k N + n,   T ← k T + t,   k = 2^−min(t/60, n/10)
//! rate = N/T          remaining = max(left/rate − time since the report, (left − 1)/rate)
//! ```
//!
//! The mean of the stage so far at its beginning, later that of the last minutes (or of the last pieces, where each takes
//! long): a machine that others use too is not always as fast. What an earlier run has done counts for neither.

use std::time::Duration;

/// Half-life of what the rate remembers, in seconds; in pieces where that is longer.
const HALF_SECONDS: f64 = 60.0;
const HALF_PIECES: f64 = 10.0;

/// A rate of less than that says nothing: the first steps of a training are slow.
const LEAST_SECONDS: f64 = 1.0;

/// How fast a stage goes. Times are since its beginning: the caller has the clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    total: u64,
    done: u64,
    /// When `done` last grew.
    grown: Duration,
    pieces: f64,
    seconds: f64,
}

impl Pace {
    /// A stage of `total` pieces that begins after `done` of them.
    pub fn new(total: u64, done: u64) -> Self {
        Self { total, done, grown: Duration::ZERO, pieces: 0.0, seconds: 0.0 }
    }

    /// Pieces of the stage.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Pieces that are done.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Per cent of the pieces that are done, rounded down.
    pub fn percent(&self) -> u64 {
        match self.total {
            0 => 100,
            total => (u128::from(self.done.min(total)) * 100 / u128::from(total)) as u64,
        }
    }

    /// `done` pieces are done at `now`.
    pub fn advance(&mut self, now: Duration, done: u64) {
        if done <= self.done {
            return;
        }
        let (pieces, seconds) = ((done - self.done) as f64, now.saturating_sub(self.grown).as_secs_f64());
        let keep = (-(seconds / HALF_SECONDS).min(pieces / HALF_PIECES)).exp2();
        (self.pieces, self.seconds) = (keep * self.pieces + pieces, keep * self.seconds + seconds);
        (self.done, self.grown) = (done, now);
    }

    /// Pieces a second; none before something is known.
    pub fn rate(&self) -> Option<f64> {
        (self.pieces > 0.0 && self.seconds >= LEAST_SECONDS).then(|| self.pieces / self.seconds)
    }

    /// Time to the end; none before something is known, and when all is done.
    pub fn remaining(&self, now: Duration) -> Option<Duration> {
        let left = self.total.saturating_sub(self.done) as f64;
        let rate = self.rate().filter(|_| left > 0.0)?;
        let since = now.saturating_sub(self.grown).as_secs_f64();
        Duration::try_from_secs_f64((left / rate - since).max((left - 1.0) / rate)).ok()
    }
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
