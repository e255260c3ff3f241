//! An interruption after some steps.

use bitplan::progress::{Observer, Stage};

/// Counts steps, and asks to stop after some.
pub struct Stopping(pub u64, pub u64);

impl Observer for Stopping {
    fn start(&mut self, _: Stage<'_>) {}
    fn at(&mut self, _: u64, _: &str) {
        self.0 += 1;
    }
    fn finish(&mut self, _: &str) {}
    fn warn(&mut self, _: &str) {}
    fn stop_requested(&self) -> bool {
        self.0 >= self.1
    }
}
