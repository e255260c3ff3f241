use super::super::reading::{at, close, drawn, path, ticks};
use super::*;
use crate::report::plot::oracle::Read;
use crate::report::{ScaleTrajectory, fixture};

/// The lines that are seen of a layer, in the order of the panels.
fn lines(elements: &[Read], layer: &str) -> Vec<Read> {
    let mut of = String::new();
    let mut lines = Vec::new();
    for element in elements {
        if element.tag == "g" {
            of = element.get("data-layer").into();
        }
        if element.has("thin") && of == layer {
            lines.push(element.clone());
        }
    }
    lines
}

#[test]
fn lines_are_logarithms_of_the_scales_over_the_first_one_and_run_through_the_phases() {
    let report = fixture::report();
    let elements = drawn(|| scales(&report));
    let end = elements.iter().position(|e| e.text.starts_with("Activation")).unwrap();
    let (x, y) = (ticks(&elements[..end], true), ticks(&elements[..end], false));
    let of = |phase: usize| report.training[phase].scales.iter().find(|s| s.layer == 4).unwrap().weight.clone();
    let values = [of(1), of(2)].concat();
    let places = path(&lines(&elements, "4")[0]);
    assert_eq!(places.len(), values.len());
    for (index, (value, place)) in values.iter().zip(&places).enumerate() {
        close(place.1, at(&y, false, (value / values[0]).log2()));
        close(place.0, at(&x, false, index as f64 + 1.0));
    }
    assert!((places[2].1 - at(&y, false, values[2] / values[0])).abs() > 1.0, "the check sees a missing logarithm");
}

#[test]
fn every_quantiser_is_a_named_mark() {
    let report = fixture::report();
    let elements = drawn(|| scales(&report));
    // Five layers: weights, and activations at three widths, of which the pinned one has one.
    assert_eq!(elements.iter().filter(|e| e.has("mark")).count(), 5 + 5 + 4 + 4);
    for layer in &report.layers {
        assert!(elements.iter().any(|e| e.has("direct") && e.text == layer.name), "{}", layer.name);
    }
    assert!(elements.iter().any(|e| e.get("data-tip").starts_with("fc\nfrom 0.0200 to 0.0280, × 1.40 (6 epochs)")));
}

#[test]
fn of_many_layers_those_that_moved_most_are_named() {
    let mut report = fixture::report();
    let phase = &mut report.training[1];
    let first = phase.scales[0].clone();
    phase.scales = (0..60)
        .map(|layer| ScaleTrajectory { layer, weight: vec![1.0, 1.0 + layer as f64], ..first.clone() })
        .collect();
    report.training.truncate(2);
    let elements = drawn(|| scales(&report));
    let named: Vec<&str> = elements.iter().filter(|e| e.has("direct")).map(|e| e.get("data-layer")).collect();
    assert_eq!(named.len(), NAMED);
    assert!(named.iter().all(|layer| layer.parse::<usize>().unwrap() >= 60 - NAMED), "{named:?}");
}

#[test]
fn scales_that_have_no_logarithm_are_left_out_and_without_scales_there_is_no_chart() {
    assert!(scales(&fixture::partial()).is_none());
    let mut report = fixture::report();
    report.training.truncate(2);
    for scale in &mut report.training[1].scales {
        scale.weight = vec![0.0, -1.0, f64::NAN];
        scale.activations.clear();
    }
    assert!(scales(&report).is_none());
    report.training[1].scales[3].weight = vec![0.0, 0.5, 1.0];
    let elements = drawn(|| scales(&report));
    assert_eq!(path(&lines(&elements, "3")[0]).len(), 2);
    drawn(|| scales(&fixture::hostile()));
}
