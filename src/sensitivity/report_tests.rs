use std::path::Path;

use super::*;
use crate::space::Space;

fn spec() -> SensitivitySpec {
    let text = "format: bitplan.space/1\nname: s\nmodel: {zoo: resnet8, input: [1, 28, 28], classes: 10}\n\
                data: {train: {npy: {images: a, labels: b}}, test: {npy: {images: a, labels: b}}}\n\
                search: {candidates: [w8a8, w4a4]}\nsensitivity: {images: 32, max_probes: 4}\n";
    Space::parse(text, Path::new("s.yaml")).unwrap().sensitivity
}

/// Traces of 1 with these standard errors of probes and of data.
fn told(errors: &[(f64, f64)], stop: StopReason) -> Option<String> {
    let estimate = |&(probe, data): &(f64, f64)| TraceEstimate {
        trace: 1.0,
        stderr: Some(probe.hypot(data)),
        probe_stderr: Some(probe),
        data_stderr: Some(data),
        half_width: None,
    };
    let quantities: Vec<TraceEstimate> = errors.iter().map(estimate).collect();
    let worst = relative_errors(&quantities).flatten().reduce(f64::max);
    inexact(&Traces { quantities, rounds: 4, blocks: 4, stop, worst_relative_error: worst }, &spec())
}

/// 32 · (0.2/0.05)² = 512, 32 · (0.25/0.05)² = 800: rounded up to hundreds.
#[test]
fn inexact_traces_come_with_what_would_help() {
    let limit = StopReason::ProbeLimit { rounds: 4 };
    let found = told(&[(0.15, 0.2), (0.01, 0.01)], limit).unwrap();
    assert_eq!(
        found,
        "1 of 2 traces have a standard error above 5 % (worst 25.0 % of it, or of 1 % of the largest trace): more probes \
         alone would leave 20.0 %; about 600 training samples are needed: `images` in the search space"
    );
    let found = told(&[(0.25, 0.04)], limit).unwrap();
    assert!(found.ends_with("more probes would help: `max_probes` above 4 in the search space"), "{found}");
    let found = told(&[(0.0, 0.25)], StopReason::OneRound).unwrap();
    assert!(
        found.ends_with("more probes would not help; about 800 training samples would: `images` in the search space")
    );
    assert_eq!(told(&[(0.01, 0.01)], StopReason::RelativeError { worst: 0.014 }), None);
}

#[test]
fn long_lists_are_cut() {
    let names: Vec<String> = (0..7).map(|i| format!("l{i}")).collect();
    assert_eq!([several(&names[..5]), several(&names)], ["l0, l1, l2, l3, l4", "l0, l1, l2, l3, l4 and 2 more"]);
}
