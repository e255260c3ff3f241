use super::*;
use crate::progress::Silent;
use crate::trace::fixtures::Synthetic;
use crate::trace::{Part, TraceOptions, TraceSource, Traces, estimate, estimate_part};

const ROUNDS: u64 = 3;
const OPTIONS: TraceOptions =
    TraceOptions { min_rounds: ROUNDS, max_rounds: ROUNDS, relative_error: 0.0, max_seconds: None };

fn source() -> Synthetic {
    Synthetic::new(4, 1.0, 1.0)
}

/// The parts of `n`, each through its file.
fn parts(n: u64) -> Vec<(String, Cells)> {
    let part = |k: u64| {
        let mut cells = source().cells();
        let part = Part::parse(&format!("{k}/{n}")).unwrap();
        estimate_part(&source(), ROUNDS, part, &mut cells, &mut |_| Ok(()), &mut Silent).unwrap();
        (format!("part{k}.json"), Cells::parse(&cells.to_json().unwrap(), "part").unwrap())
    };
    (1..=n).map(part).collect()
}

fn traces(cells: &mut Cells) -> (Traces, u64) {
    let source = source();
    let traces = estimate(&source, &OPTIONS, cells, &mut |_| Ok(()), &mut Silent).unwrap();
    (traces, source.drawn.get())
}

#[test]
fn every_split_in_every_order_gives_the_traces_of_one_process_bit_for_bit() {
    let mut whole = source().cells();
    let (expected, drawn) = traces(&mut whole);
    assert_eq!(drawn, ROUNDS * 4);
    for n in 1..=13 {
        for turn in 0..n as usize {
            for reversed in [false, true] {
                let mut files = parts(n);
                files.rotate_left(turn);
                if reversed {
                    files.reverse();
                }
                let mut merged = merge(files).unwrap();
                assert_eq!(merged.to_json().unwrap(), whole.to_json().unwrap(), "{n} parts from {turn}");
                assert_eq!(merged.missing(ROUNDS).count, 0);
                assert_eq!(traces(&mut merged), (expected.clone(), 0));
            }
        }
    }
}

#[test]
fn a_merge_that_loses_a_cell_is_seen_and_says_which() {
    let mut whole = source().cells();
    let (expected, _) = traces(&mut whole);
    for lost in whole.values.keys().copied().collect::<Vec<_>>() {
        let mut merged = merge(parts(3)).unwrap();
        merged.values.remove(&lost);
        assert_ne!(merged.to_json().unwrap(), whole.to_json().unwrap());
        let missing = merged.missing(ROUNDS);
        assert_eq!((missing.count, missing.first), (1, vec![lost]));
        // What is missing is drawn, and only that.
        assert_eq!(traces(&mut merged), (expected.clone(), 1));
    }
    let two_of_three = merge(parts(3).into_iter().take(2)).unwrap();
    assert_eq!(two_of_three.missing(ROUNDS).first, [(0, 2), (1, 1), (2, 0), (2, 3)]);
}

#[test]
fn what_is_not_of_one_estimate_is_refused_with_both_names() {
    let change = |change: &dyn Fn(&mut Cells)| {
        let mut files = parts(2);
        change(&mut files[1].1);
        let error = merge(files).unwrap_err().to_string();
        assert!(error.contains("part1.json") && error.contains("part2.json"), "{error}");
        error
    };
    assert!(change(&|c| c.key = "other".into()).contains("`other`"));
    assert!(change(&|c| c.estimator = "exact".into()).contains("`exact`"));
    assert!(change(&|c| c.quantities[1] = "c".into()).contains("another entry 1"));
    assert!(change(&|c| c.quantities.push("c".into())).contains("3 entries"));
    assert!(change(&|c| c.shares[0] += 1e-16).contains("shares"));
    let last_bit = |c: &mut Cells| {
        let mut values = source().draw(0, 0, &|| Ok(())).unwrap();
        values[1] = f64::from_bits(values[1].to_bits() ^ 1);
        c.values.insert((0, 0), values);
    };
    assert!(change(&last_bit).contains("round 0, block 0"));
    assert!(merge([]).is_err());
}

#[test]
fn the_same_cell_with_the_same_values_is_fine_and_the_third_file_is_compared_with_the_one_that_has_it() {
    let mut files = parts(2);
    files.push(("again.json".into(), files[1].1.clone()));
    assert_eq!(merge(files.clone()).unwrap().len(), ROUNDS as usize * 4);
    files[2].1.values.insert((0, 1), vec![0.0, 0.0]);
    let error = merge(files).unwrap_err().to_string();
    assert!(error.contains("again.json") && error.contains("part2.json"), "{error}");
}
