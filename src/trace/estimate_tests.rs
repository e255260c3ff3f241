use std::cell::Cell;

use super::*;
use crate::progress::{Silent, Stage};
use crate::trace::fixtures::Synthetic;

const OPTIONS: TraceOptions = TraceOptions { min_rounds: 2, max_rounds: 50, relative_error: 0.05, max_seconds: None };

/// What the loop did: its traces, all saves by their number of cells, and what it warned of.
struct Outcome {
    traces: Result<Traces>,
    saves: Vec<usize>,
    warnings: Vec<String>,
}

/// Asks to stop after so many cells.
struct Watcher {
    stop_at: u64,
    done: u64,
    warnings: Vec<String>,
}

impl Observer for Watcher {
    fn start(&mut self, _: Stage<'_>) {}
    fn at(&mut self, done: u64, _: &str) {
        self.done = done;
    }
    fn finish(&mut self, _: &str) {}
    fn warn(&mut self, message: &str) {
        self.warnings.push(message.into());
    }
    fn stop_requested(&self) -> bool {
        self.done >= self.stop_at
    }
}

/// Runs with a clock that gains `tick` seconds with every look at it.
fn run(source: &Synthetic, options: &TraceOptions, cells: &mut Cells, tick: f64, stop_at: u64) -> Outcome {
    let time = Cell::new(0.0);
    let clock = || time.replace(time.get() + tick);
    let mut saves = Vec::new();
    let mut watcher = Watcher { stop_at, done: 0, warnings: Vec::new() };
    let mut save = |cells: &Cells| {
        saves.push(cells.len());
        Ok(())
    };
    let traces = Loop::new(source, cells, &mut save, &mut watcher, &clock).and_then(|mut l| l.rounds(options));
    Outcome { traces, saves, warnings: watcher.warnings }
}

fn traces(source: &Synthetic, options: &TraceOptions) -> Traces {
    run(source, options, &mut source.cells(), 0.0, u64::MAX).traces.unwrap()
}

#[test]
fn it_stops_when_every_trace_is_known() {
    let source = Synthetic::new(6, 1.0, 0.1);
    let found = traces(&source, &OPTIONS);
    let StopReason::RelativeError { worst } = found.stop else { panic!("{found:?}") };
    assert_eq!(found.worst_relative_error, Some(worst));
    assert!(worst <= 0.05 && (2..50).contains(&found.rounds), "{found:?}");
    assert!(found.quantities.iter().all(|q| q.stderr.unwrap() <= 0.05 * q.trace.abs()));
    assert_eq!((found.blocks, source.drawn.get()), (6, 6 * found.rounds));
}

#[test]
fn it_stops_when_more_probes_do_not_help() {
    let found = traces(&Synthetic::new(10, 1.0, 3.0), &OPTIONS);
    let StopReason::DataNoise { probe_share } = found.stop else { panic!("{found:?}") };
    assert!(probe_share < 0.5 && found.rounds < 50);
    assert!(found.worst_relative_error.unwrap() > 0.05);
    // Six blocks are too few to tell.
    let few = traces(&Synthetic::new(6, 1.0, 3.0), &OPTIONS);
    assert_eq!(few.rounds, OPTIONS.max_rounds, "{few:?}");
}

#[test]
fn it_stops_at_the_limit_of_rounds() {
    let found = traces(&Synthetic::new(6, 1.0, 0.0), &TraceOptions { max_rounds: 3, relative_error: 1e-9, ..OPTIONS });
    assert_eq!((found.stop, found.rounds), (StopReason::ProbeLimit { rounds: 3 }, 3));
}

#[test]
fn without_randomness_there_is_one_round() {
    let source = Synthetic { random: false, ..Synthetic::new(6, 0.0, 1.0) };
    let found = traces(&source, &OPTIONS);
    assert_eq!((found.stop, found.rounds, source.drawn.get()), (StopReason::OneRound, 1, 6));
    assert!(found.quantities.iter().all(|q| q.probe_stderr == Some(0.0) && q.data_stderr == q.stderr));
    let mut cells = source.cells();
    let part = Part::parse("1/1").unwrap();
    estimate_part(&source, 9, part, &mut cells, &mut |_| Ok(()), &mut Silent).unwrap();
    assert_eq!(cells.len(), 6);
}

#[test]
fn when_the_time_is_up_the_complete_rounds_count() {
    // Two looks at the clock for a cell and one for a round, of 0.5 s each: 10 s are over in the third round.
    let source = Synthetic::new(4, 1.0, 0.0);
    let options = TraceOptions { relative_error: 1e-9, max_seconds: Some(10.0), ..OPTIONS };
    let mut cells = source.cells();
    let late = run(&source, &options, &mut cells, 0.5, u64::MAX);
    let found = late.traces.unwrap();
    let StopReason::TimeLimit { seconds } = found.stop else { panic!("{found:?}") };
    assert!((10.0..11.0).contains(&seconds) && found.rounds == 2 && cells.len() == 9, "{found:?} {}", cells.len());
    let two = traces(&source, &TraceOptions { max_rounds: 2, relative_error: 1e-9, ..OPTIONS });
    assert_eq!((found.quantities, found.blocks), (two.quantities, 4));
    assert_eq!((late.saves.last(), late.warnings.len()), (Some(&9), 0));
}

#[test]
fn when_the_time_is_up_in_the_first_round_the_blocks_so_far_count_and_that_is_told() {
    let source = Synthetic::new(4, 1.0, 0.0);
    let options = TraceOptions { max_seconds: Some(1.6), ..OPTIONS };
    let late = run(&source, &options, &mut source.cells(), 0.5, u64::MAX);
    let found = late.traces.unwrap();
    assert!(matches!(found.stop, StopReason::TimeLimit { .. }) && (found.rounds, found.blocks) == (0, 2), "{found:?}");
    assert!(late.warnings[0].contains("2 of 4 batches"));
    // Shares 0.1 and 0.2 of all are a third and two thirds of these two.
    let draw = |b: usize| source.draw(0, b, &|| Ok(())).unwrap()[0];
    assert!((found.quantities[0].trace - (draw(0) + 2.0 * draw(1)) / 3.0).abs() <= 1e-14);
    assert!(found.quantities[0].stderr.is_some());
}

#[test]
fn an_interrupted_estimate_goes_on_from_its_cells_to_the_same_result() {
    let source = Synthetic::new(5, 1.0, 0.0);
    let whole = traces(&source, &OPTIONS);
    for stop_at in 1..5 * whole.rounds {
        let mut cells = source.cells();
        let stopped = run(&source, &OPTIONS, &mut cells, 0.0, stop_at);
        assert!(matches!(stopped.traces, Err(Error::Interrupted)));
        assert_eq!(stopped.saves, [stop_at as usize]);
        let mut saved = Cells::parse(&cells.to_json().unwrap(), "saved").unwrap();
        let before = source.drawn.get();
        assert_eq!(run(&source, &OPTIONS, &mut saved, 0.0, u64::MAX).traces.unwrap(), whole);
        assert_eq!(source.drawn.get() - before, 5 * whole.rounds - stop_at);
    }
}

#[test]
fn rounds_that_are_there_are_not_drawn_again_and_those_beyond_the_last_do_not_count() {
    let source = Synthetic::new(4, 1.0, 0.0);
    let mut cells = source.cells();
    let options = TraceOptions { max_rounds: 7, relative_error: 1e-9, ..OPTIONS };
    let seven = run(&source, &options, &mut cells, 0.0, u64::MAX).traces.unwrap();
    let three = TraceOptions { max_rounds: 3, ..options };
    let fewer = run(&source, &three, &mut cells, 0.0, u64::MAX).traces.unwrap();
    assert_eq!((fewer.rounds, source.drawn.get()), (3, 28));
    // What was drawn before by other options changes nothing.
    assert_eq!(fewer, traces(&Synthetic::new(4, 1.0, 0.0), &three));
    assert_eq!(run(&source, &options, &mut cells, 0.0, u64::MAX).traces.unwrap(), seven);
    assert_eq!(source.drawn.get(), 28);
}

#[test]
fn cells_are_saved_about_once_a_second_and_at_the_end() {
    let source = Synthetic::new(4, 1.0, 0.0);
    let options = TraceOptions { max_rounds: 3, relative_error: 1e-9, ..OPTIONS };
    // Two looks at the clock for a cell, of 0.2 s each: a save every third cell, as 0.8 s are not yet a second.
    let saves = run(&source, &options, &mut source.cells(), 0.2, u64::MAX).saves;
    assert!(saves.windows(2).all(|pair| pair[0] <= pair[1] && pair[1] - pair[0] <= 3), "{saves:?}");
    assert_eq!(saves.last(), Some(&12));
    assert!(saves.len() <= 7, "{saves:?}");
    assert_eq!(run(&source, &options, &mut source.cells(), 0.0, u64::MAX).saves, [12]);
}

#[test]
fn faults_of_saving_and_of_the_source_end_the_estimate() {
    let source = Synthetic::new(4, 1.0, 0.0);
    let mut refuse = |_: &Cells| Err(Error::Internal("disk full".into()));
    let error = estimate(&source, &OPTIONS, &mut source.cells(), &mut refuse, &mut Silent).unwrap_err();
    assert!(error.to_string().contains("disk full"));
    let mut others = Synthetic::new(5, 1.0, 0.0).cells();
    assert!(estimate(&source, &OPTIONS, &mut others, &mut |_| Ok(()), &mut Silent).is_err());
    let diverged = Synthetic::new(4, f64::INFINITY, 0.0);
    let error = estimate(&diverged, &OPTIONS, &mut diverged.cells(), &mut |_| Ok(()), &mut Silent).unwrap_err();
    assert!(error.to_string().contains("diverged"));
}

#[test]
fn a_round_that_the_time_runs_out_in_at_its_last_block_is_complete() {
    let source = Synthetic::new(1, 1.0, 0.0);
    let late = run(&source, &TraceOptions { max_seconds: Some(0.0), ..OPTIONS }, &mut source.cells(), 1.0, u64::MAX);
    let found = late.traces.unwrap();
    assert!(matches!(found.stop, StopReason::TimeLimit { .. }), "{found:?}");
    assert_eq!((found.rounds, found.blocks, late.warnings.len()), (1, 1, 0));
}
