//! Draws until enough is known: the loop over rounds and blocks.

use std::time::Instant;

use crate::error::{Error, Result};
use crate::progress::Observer;
use crate::trace::noise::estimates;
use crate::trace::stop::{reason, worst_relative_error};
use crate::trace::{Cells, Part, StopReason, TraceEstimate, TraceSource};

/// Seconds between two saves: a kill loses at most the draws of so long, and writing all of them each time stays cheap.
const SAVE_EVERY: f64 = 1.0;

/// Fewest blocks whose spread is taken for the data's noise: with 4 every fifteenth estimate would stop too early by chance.
const FEWEST_BLOCKS: usize = 8;

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceOptions {
    /// At least so many rounds before the error can stop the estimate.
    pub min_rounds: u64,
    /// At most so many rounds.
    pub max_rounds: u64,
    /// Standard error relative to the trace that is good enough.
    pub relative_error: f64,
    /// At most so many seconds from the start of this call; looked at after each draw.
    pub max_seconds: Option<f64>,
}

/// Traces of all quantities.
#[derive(Debug, Clone, PartialEq)]
pub struct Traces {
    /// One per quantity.
    pub quantities: Vec<TraceEstimate>,
    /// `R`: complete rounds that they come from; 0 if the time was up within the first.
    pub rounds: u64,
    /// `B`: blocks that they come from; fewer than all if the time was up within the first round.
    pub blocks: usize,
    /// Why no more.
    pub stop: StopReason,
    /// Largest standard error relative to its trace (or to 1 % of the largest trace), if known.
    pub worst_relative_error: Option<f64>,
}

/// Estimates every trace from rounds of draws over all blocks. Cells that are there are not drawn again; rounds
/// beyond the one that suffices do not count, so that equal options give equal traces. `save` gets all cells about once a
/// second and at the end; `observer` the number of cells.
///
/// # Errors
/// When a draw fails or is not finite, `save` fails, the cells are of another source, or the observer asks to stop (all
/// is saved then).
pub fn estimate(
    source: &dyn TraceSource,
    options: &TraceOptions,
    cells: &mut Cells,
    save: &mut dyn FnMut(&Cells) -> Result<()>,
    observer: &mut dyn Observer,
) -> Result<Traces> {
    let start = Instant::now();
    Loop::new(source, cells, save, observer, &|| start.elapsed().as_secs_f64())?.rounds(options)
}

/// Draws the cells of one part of `rounds` rounds; [`crate::trace::merge`] puts the parts together. A source
/// without randomness has one round.
///
/// # Errors
/// As [`estimate`].
pub fn estimate_part(
    source: &dyn TraceSource,
    rounds: u64,
    part: Part,
    cells: &mut Cells,
    save: &mut dyn FnMut(&Cells) -> Result<()>,
    observer: &mut dyn Observer,
) -> Result<()> {
    let start = Instant::now();
    let rounds = if source.random() { rounds } else { rounds.min(1) };
    Loop::new(source, cells, save, observer, &|| start.elapsed().as_secs_f64())?.part(rounds, part)
}

/// What the loop works with. The clock gives seconds.
struct Loop<'a> {
    source: &'a dyn TraceSource,
    cells: &'a mut Cells,
    save: &'a mut dyn FnMut(&Cells) -> Result<()>,
    observer: &'a mut dyn Observer,
    clock: &'a dyn Fn() -> f64,
    saved: f64,
}

impl<'a> Loop<'a> {
    fn new(
        source: &'a dyn TraceSource,
        cells: &'a mut Cells,
        save: &'a mut dyn FnMut(&Cells) -> Result<()>,
        observer: &'a mut dyn Observer,
        clock: &'a dyn Fn() -> f64,
    ) -> Result<Self> {
        if source.quantities() != cells.quantities.len() || source.shares() != cells.shares {
            return Err(Error::Internal("draws of another source".into()));
        }
        let saved = clock();
        Ok(Self { source, cells, save, observer, clock, saved })
    }

    fn rounds(&mut self, options: &TraceOptions) -> Result<Traces> {
        let (blocks, random) = (self.cells.shares.len(), self.source.random());
        let mut round = 0;
        // From the first round on, whatever is there already: the same settings stop at the same round.
        loop {
            let mut detail = String::new();
            if round > 0 {
                let quantities = estimates(self.cells, round, random);
                let worst_relative_error = worst_relative_error(&quantities);
                detail = worst_relative_error.map_or(String::new(), |e| format!("error {:.0} %", 100.0 * e));
                let stop = reason(&quantities, round, random, (self.clock)(), options);
                // Few blocks do not tell the data's noise from the probes'.
                let doubtful = matches!(stop, Some(StopReason::DataNoise { .. }))
                    && blocks < FEWEST_BLOCKS
                    && round < options.max_rounds;
                if let Some(stop) = stop.filter(|_| !doubtful) {
                    (self.save)(self.cells)?;
                    return Ok(Traces { quantities, rounds: round, blocks, stop, worst_relative_error });
                }
            }
            for block in 0..blocks {
                self.take(round, block, &detail)?;
                let seconds = (self.clock)();
                let late = options.max_seconds.is_some_and(|limit| seconds >= limit);
                if late && block + 1 < blocks {
                    return self.at_time_limit(round, seconds);
                }
            }
            round += 1;
        }
    }

    fn part(&mut self, rounds: u64, part: Part) -> Result<()> {
        let blocks = self.cells.shares.len();
        for (round, block) in (0..rounds).flat_map(|round| (0..blocks).map(move |block| (round, block))) {
            if part.contains(round, block, blocks) {
                self.take(round, block, "")?;
            }
        }
        (self.save)(self.cells)
    }

    /// Draws one cell, unless it is there.
    fn take(&mut self, round: u64, block: usize, detail: &str) -> Result<()> {
        if self.cells.get(round, block).is_some() {
            return Ok(());
        }
        if self.observer.stop_requested() {
            (self.save)(self.cells)?;
            return Err(Error::Interrupted);
        }
        let observer = &*self.observer;
        let go_on = || if observer.stop_requested() { Err(Error::Interrupted) } else { Ok(()) };
        let draw = self.source.draw(round, block, &go_on);
        if matches!(draw, Err(Error::Interrupted)) {
            (self.save)(self.cells)?;
        }
        self.cells.insert(round, block, draw?)?;
        self.observer.at(self.cells.len() as u64, detail);
        let now = (self.clock)();
        if now - self.saved >= SAVE_EVERY {
            (self.save)(self.cells)?;
            self.saved = now;
        }
        Ok(())
    }

    /// The complete rounds, or the blocks of the first one so far.
    fn at_time_limit(&mut self, rounds: u64, seconds: f64) -> Result<Traces> {
        (self.save)(self.cells)?;
        let all = self.cells.shares.len();
        let visited = (0..all).filter(|&block| self.cells.get(0, block).is_some()).count();
        if rounds == 0 {
            let share = format!("{visited} of {all} batches");
            self.observer.warn(&format!("the time was up after {share}: the traces are those of these batches"));
        }
        let quantities = estimates(self.cells, rounds.max(1), self.source.random());
        let worst_relative_error = worst_relative_error(&quantities);
        let (blocks, stop) = (visited.min(all), StopReason::TimeLimit { seconds });
        Ok(Traces { quantities, rounds, blocks, stop, worst_relative_error })
    }
}

#[cfg(test)]
#[path = "estimate_tests.rs"]
mod tests;
