//! Where the threads' time goes.

use std::time::{Duration, Instant};

/// What a thread is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Layers, forward.
    Forward,
    /// Gradients of layers' inputs.
    InputGradient,
    /// Gradients of layers' weights.
    WeightGradient,
    /// Quantisers of layers' inputs, both ways.
    Quantizers,
    /// Batch norms with their ReLUs, statistics and sums, both ways.
    Norms,
    /// Sums with their ReLUs, pools, subsamplings and functions, both ways.
    Others,
}

impl Part {
    /// Every part.
    pub const ALL: [Part; 6] =
        [Part::Forward, Part::InputGradient, Part::WeightGradient, Part::Quantizers, Part::Norms, Part::Others];
}

/// A stopwatch of one thread; stopped it costs a comparison.
#[derive(Debug, Default)]
pub(super) struct Clock {
    last: Option<Instant>,
    spent: [Duration; Part::ALL.len()],
}

impl Clock {
    /// Starts, or stops.
    pub fn set(&mut self, running: bool) {
        self.last = running.then(Instant::now);
    }

    /// What has passed since the last call was spent on `part`.
    #[inline]
    pub fn lap(&mut self, part: Part) {
        if let Some(last) = &mut self.last {
            let now = Instant::now();
            self.spent[part as usize] += now - std::mem::replace(last, now);
        }
    }

    /// Time spent on a part.
    pub fn spent(&self, part: Part) -> Duration {
        self.spent[part as usize]
    }
}
