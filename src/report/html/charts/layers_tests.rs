use super::*;
use crate::report::fixture;
use crate::report::plot::oracle::{Read, check, read};

/// The fixture with its layers over and over.
fn deep(count: usize) -> Report {
    let mut report = fixture::report();
    let repeated = |index: usize| index % 5;
    let layers = report.layers.clone();
    report.layers = (0..count).map(|i| layers[repeated(i)].clone()).collect();
    for (index, layer) in report.layers.iter_mut().enumerate() {
        layer.name = format!("blocks.{index}.{}", layer.name);
    }
    for plan in &mut report.plans {
        let choices = plan.choices.clone();
        plan.choices = (0..count).map(|i| choices[repeated(i)].clone()).collect();
    }
    report
}

fn drawn(report: &Report) -> Vec<Read> {
    let drawing = layers(report).unwrap().to_string();
    check(&drawing);
    read(&drawing)
}

#[test]
fn every_depth_fits_and_every_layer_has_one_column_with_a_name() {
    for count in [1, 2, 9, 50, 200] {
        let elements = drawn(&deep(count));
        let columns: Vec<&Read> = elements.iter().filter(|e| e.has("mark")).collect();
        assert_eq!(columns.len(), count);
        for (index, column) in columns.iter().enumerate() {
            assert_eq!(column.get("data-layer"), index.to_string());
            assert!(column.get("aria-label").starts_with(&format!("blocks.{index}.")), "{column:?}");
        }
    }
}

#[test]
fn bars_are_as_high_as_their_layers_are_large() {
    let report = fixture::report();
    let elements = drawn(&report);
    for (series, value) in
        [("s2", (|l: &LayerRow| l.parameters) as fn(&LayerRow) -> u64), ("s6", |l: &LayerRow| l.macs)]
    {
        let bars: Vec<&Read> = elements.iter().filter(|e| e.has("bar") && e.has(series)).collect();
        let unit = bars[1].number("height") / value(&report.layers[1]) as f64;
        for (bar, layer) in bars.iter().zip(&report.layers) {
            assert!((bar.number("height") - unit * value(layer) as f64).abs() < 0.03, "{bar:?}");
        }
    }
}

#[test]
fn sensitivities_lie_where_the_ticks_of_their_axis_say() {
    let report = fixture::report();
    let elements = drawn(&report);
    let panel = elements.iter().position(|e| e.text.starts_with("Sensitivity")).unwrap();
    let until = elements.iter().position(|e| e.text.starts_with("Average")).unwrap();
    let inside = || elements[panel..until].iter();
    let ticks: Vec<(f64, f64)> =
        inside().filter(|e| e.has("tick")).map(|e| (e.text.parse().unwrap(), e.number("y") - 4.2)).collect();
    let (a, b) = (ticks[0], ticks[ticks.len() - 1]);
    let dots: Vec<f64> = inside().filter(|e| e.tag == "circle").map(|e| e.number("cy")).collect();
    assert_eq!(dots.len(), report.plans[0].choices.len());
    for (at, choice) in dots.into_iter().zip(&report.plans[0].choices) {
        let expected = a.1 + (choice.sensitivity / a.0).ln() / (b.0 / a.0).ln() * (b.1 - a.1);
        assert!((at - expected).abs() < 0.05, "{at} {expected}");
    }
}

#[test]
fn what_is_not_positive_is_open_and_said() {
    let mut report = fixture::report();
    report.plans[0].choices[1].sensitivity = 0.0;
    report.plans[0].choices[2].sensitivity = -1e-6;
    let elements = drawn(&report);
    assert_eq!(elements.iter().filter(|e| e.tag == "circle" && e.has("open")).count(), 2);
    assert!(elements.iter().any(|e| e.has("note") && e.text.contains("2 layers without a positive value")));
}

/// Notes of the last panel would stand on the names below it.
#[test]
fn notes_stand_below_the_names_of_the_layers() {
    let mut report = deep(50);
    (report.layers[0].macs, report.layers[1].macs) = (0, 1 << 40);
    let elements = drawn(&report);
    let at = |class: &str| elements.iter().filter(|e| e.has(class)).map(|e| e.number("y")).fold(f64::NAN, f64::max);
    assert!(at("note") > at("axis-title"), "{} {}", at("note"), at("axis-title"));
    assert!(elements.iter().any(|e| e.has("note") && e.text.starts_with("Open marks at the bottom of “Multiply-")));
}

#[test]
fn pins_and_groups_have_shapes_of_their_own() {
    let elements = drawn(&fixture::report());
    // One in the legend, the others in the panel.
    assert_eq!(elements.iter().filter(|e| e.has("dot") && e.has("s3")).count(), 1 + 1);
    assert_eq!(elements.iter().filter(|e| e.has("dot") && e.has("s4")).count(), 1 + 2);
}

#[test]
fn a_run_without_a_plan_or_without_layers_is_drawn_as_far_as_it_got() {
    let partial = drawn(&fixture::partial());
    assert!(!partial.iter().any(|e| e.text.contains("Sensitivity") || e.text.contains("Bits")));
    let mut report = fixture::report();
    report.plans.clear();
    let elements = drawn(&report);
    assert!(elements.iter().any(|e| e.text.contains("narrowest candidate")));
    report.layers.clear();
    assert!(layers(&report).is_none());
    drawn(&fixture::hostile());
}
