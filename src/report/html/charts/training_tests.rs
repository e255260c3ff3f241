use super::super::reading::{at, close, drawn, ticks};
use super::*;
use crate::report::fixture;
use crate::report::plot::oracle::Read;

/// The elements of the left panel and of the right one.
fn halves(elements: &[Read]) -> (Vec<Read>, Vec<Read>) {
    let place = |e: &Read| ["cx", "x"].iter().find_map(|name| e.get(name).parse::<f64>().ok());
    let placed =
        |left: bool| elements.iter().filter(|e| place(e).is_some_and(|x| (x < 380.0) == left)).cloned().collect();
    (placed(true), placed(false))
}

#[test]
fn losses_and_accuracies_lie_where_the_ticks_say() {
    let report = fixture::report();
    let elements = drawn(|| training(&report, 1));
    let (left, right) = halves(&elements);
    let epochs = &report.training[1].epochs;
    let dots = |side: &[Read]| side.iter().filter(|e| e.has("mark") && e.has("s0")).cloned().collect::<Vec<_>>();
    let (losses, shares) = (dots(&left), dots(&right));
    assert_eq!((losses.len(), shares.len()), (epochs.len(), epochs.len()), "discs are of the first network");
    for (index, epoch) in epochs.iter().enumerate() {
        close(losses[index].number("cy"), at(&ticks(&left, false), false, epoch.loss[0]));
        close(losses[index].number("cx"), at(&ticks(&left, true), false, index as f64 + 1.0));
        close(shares[index].number("cy"), at(&ticks(&right, false), false, 100.0 * epoch.accuracy[0]));
    }
    let shifted = at(&ticks(&left, false), false, epochs[0].loss[0] + 0.02);
    assert!((losses[0].number("cy") - shifted).abs() > 0.06, "the check sees a loss that is off by 0.02");
}

#[test]
fn every_value_is_a_named_mark_and_every_line_has_its_name_at_its_end() {
    let report = fixture::report();
    let elements = drawn(|| training(&report, 2));
    assert_eq!(elements.iter().filter(|e| e.has("mark")).count(), 2 * 3 * 3);
    for name in &report.training[2].networks {
        assert_eq!(elements.iter().filter(|e| e.has("direct") && e.text == *name).count(), 2, "{name}");
    }
    let tip = "w4a4, epoch 3 of 3\nloss 0.5333\n70.0 % right";
    assert_eq!(elements.iter().filter(|e| e.get("data-tip") == tip).count(), 2);
}

#[test]
fn a_phase_that_is_not_finished_keeps_room_for_the_epochs_to_come() {
    let report = fixture::partial();
    let (left, _) = halves(&drawn(|| training(&report, 0)));
    let axis = ticks(&left, true);
    assert_eq!(axis.last().unwrap().0, 5.0);
    let last = left.iter().rfind(|e| e.has("mark")).unwrap();
    close(last.number("cx"), at(&axis, false, 2.0));
}

#[test]
fn before_the_second_epoch_there_is_no_chart() {
    let mut report = fixture::partial();
    report.training[0].epochs.truncate(1);
    assert!(training(&report, 0).is_none() && training(&report, 7).is_none());
}

#[test]
fn values_that_are_no_numbers_are_left_out() {
    let mut report = fixture::report();
    let phase = &mut report.training[1];
    phase.planned = 2;
    phase.epochs.truncate(2);
    phase.epochs[0].loss[1] = f64::NAN;
    phase.epochs[0].accuracy.truncate(1);
    phase.networks[2] = fixture::HOSTILE[0].into();
    let elements = drawn(|| training(&report, 1));
    assert_eq!(elements.iter().filter(|e| e.has("mark")).count(), (6 - 1) + (6 - 2));
}
