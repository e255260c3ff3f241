use super::super::reading::drawn;
use super::*;
use crate::report::plot::oracle::Read;
use crate::report::{Report, fixture};

/// The fixture twice; the second one gives layer 3 the widest candidate.
fn two() -> (Report, Report) {
    let (first, mut second) = (fixture::report(), fixture::report());
    second.name = "other".into();
    let choice = &mut second.plans[0].choices[3];
    (choice.candidate, choice.weight_bits, choice.activation_bits) = ("w8a8".into(), 8, 8);
    (first, second)
}

fn cells(elements: &[Read]) -> Vec<&Read> {
    elements.iter().filter(|e| e.has("set") && e.has("mark")).collect()
}

#[test]
fn every_layer_of_every_run_is_a_cell_with_its_bits() {
    let (first, second) = two();
    let comparison = Comparison::new(vec![first.clone(), second.clone()]);
    let elements = drawn(|| compared_bits(&comparison));
    assert_eq!(cells(&elements).len(), 2 * 5);
    let numbers: Vec<&str> = elements.iter().filter(|e| e.has("inside")).map(|e| e.text.as_str()).collect();
    let expected: Vec<String> = (0..5)
        .flat_map(|layer| [&first, &second].map(|run| run.plans[0].choices[layer].weight_bits.to_string()))
        .collect();
    assert_eq!(numbers, expected, "one column after another");
    let tips: Vec<&str> = cells(&elements).iter().map(|e| e.get("data-tip")).collect();
    assert!(tips.contains(&"stem\nother: w8a8, pinned") && tips.contains(&"block1.shortcut\nother: w8a8"), "{tips:?}");
}

#[test]
fn only_what_differs_is_marked_and_framed() {
    let (first, second) = two();
    let marks = |runs: Vec<Report>| {
        let comparison = Comparison::new(runs);
        let elements = drawn(|| compared_bits(&comparison));
        let columns: Vec<String> = elements
            .iter()
            .filter(|e| e.has("dot") && !e.get("data-layer").is_empty())
            .map(|e| e.get("data-layer").into())
            .collect();
        // One frame is in the legend.
        (columns, elements.iter().filter(|e| e.has("other")).count() - 1)
    };
    assert_eq!(marks(vec![first.clone(), second]), (vec!["3".to_string()], 1));
    assert_eq!(marks(vec![first.clone(), first]), (vec![], 0));
}

#[test]
fn many_layers_go_on_below_and_layers_that_a_run_lacks_are_blank() {
    let (mut first, second) = two();
    for index in 0..100 {
        let (mut layer, choice) = (first.layers[1].clone(), first.plans[0].choices[1].clone());
        layer.name = format!("a layer with a rather long name.{index}");
        first.layers.push(layer);
        first.plans[0].choices.push(choice);
    }
    let comparison = Comparison::new(vec![first, second]);
    let elements = drawn(|| compared_bits(&comparison));
    let cells = cells(&elements);
    assert_eq!(cells.len(), 2 * 105);
    assert_eq!(cells.iter().filter(|e| e.get("data-tip").ends_with("this run has no such layer")).count(), 100);
    let rows: std::collections::BTreeSet<&str> =
        elements.iter().filter(|e| e.has("cell") && e.tag == "rect").map(|e| e.get("y")).collect();
    assert_eq!(rows.len(), 3 + 1, "three blocks, in one of which the second run has layers");
    let names = elements.iter().filter(|e| e.has("tick") && !e.get("data-layer").is_empty());
    assert_eq!(names.map(|e| e.get("data-layer").parse::<usize>().unwrap()).max(), Some(104));
}

#[test]
fn before_there_is_a_plan_there_is_no_chart() {
    assert!(compared_bits(&Comparison::new(vec![fixture::partial(), fixture::partial()])).is_none());
    let comparison = Comparison::new(vec![fixture::partial(), fixture::hostile(), fixture::report()]);
    let elements = drawn(|| compared_bits(&comparison));
    assert!(elements.iter().any(|e| e.get("data-tip").ends_with("no plan yet")));
}
