use super::super::reading::{at, close, drawn, ticks};
use super::*;
use crate::report::plot::oracle::Read;
use crate::report::{Report, fixture};

fn runs() -> (Report, Report) {
    let (first, mut second) = (fixture::report(), fixture::report());
    second.name = "other".into();
    for row in &mut second.networks {
        row.accuracy = row.accuracy.map(|share| share - 0.01);
    }
    (first, second)
}

fn upper(elements: &[Read]) -> Vec<Read> {
    let first = elements.iter().position(|e| e.has("axis-title")).unwrap();
    let end = elements.iter().position(|e| e.text.starts_with("BitOPs")).unwrap();
    let rest: Vec<Read> = elements[first..].iter().filter(|e| e.has("mark")).cloned().collect();
    let half = rest.len() / 2;
    elements[first..end].iter().filter(|e| e.has("tick")).cloned().chain(rest[..half].iter().cloned()).collect()
}

#[test]
fn networks_of_all_runs_lie_where_the_ticks_say() {
    let (first, second) = runs();
    let comparison = Comparison::new(vec![first.clone(), second]);
    let elements = drawn(|| compared_accuracy(&comparison));
    assert_eq!(elements.iter().filter(|e| e.has("mark")).count(), 2 * 2 * first.networks.len());
    let upper = upper(&elements);
    let (x, y) = (ticks(&upper, true), ticks(&upper, false));
    for row in &first.networks {
        let tip = format!("small, {}\n", row.name);
        let mark = upper.iter().find(|e| e.get("data-tip").starts_with(&tip)).unwrap();
        close(mark.number("cx"), at(&x, true, row.bitops / 1e9));
        close(mark.number("cy"), at(&y, false, 100.0 * row.accuracy.unwrap()));
        assert_eq!(mark.has("open"), row.kind != Kind::Plan, "{}", row.name);
    }
}

#[test]
fn language_models_are_judged_by_perplexity_if_all_have_one() {
    let (mut first, mut second) = runs();
    first.networks.iter_mut().for_each(|row| row.perplexity = Some(20.0));
    let title = |first: &Report, second: &Report| {
        let comparison = Comparison::new(vec![first.clone(), second.clone()]);
        drawn(|| compared_accuracy(&comparison)).iter().find(|e| e.has("axis-title")).unwrap().text.clone()
    };
    assert!(title(&first, &second).starts_with("Right predictions"));
    second.networks.iter_mut().for_each(|row| row.perplexity = Some(30.0));
    assert!(title(&first, &second).starts_with("Perplexity"));
}

#[test]
fn other_held_out_data_is_said() {
    let (mut first, mut second) = runs();
    let said = |first: &Report, second: &Report| {
        let comparison = Comparison::new(vec![first.clone(), second.clone()]);
        drawn(|| compared_accuracy(&comparison)).iter().any(|e| e.has("note") && e.text.contains("same held-out data"))
    };
    first.provenance.inputs.insert("held-out data".into(), "aa".into());
    second.provenance.inputs.insert("held-out data".into(), "aa".into());
    assert!(!said(&first, &second));
    second.provenance.inputs.insert("held-out data".into(), "bb".into());
    assert!(said(&first, &second));
}

#[test]
fn before_an_evaluation_there_is_no_chart() {
    assert!(compared_accuracy(&Comparison::new(vec![fixture::partial(), fixture::partial()])).is_none());
    let comparison = Comparison::new(vec![fixture::partial(), fixture::hostile()]);
    drawn(|| compared_accuracy(&comparison));
}
