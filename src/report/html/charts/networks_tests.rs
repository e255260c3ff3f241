use super::*;
use crate::report::fixture;
use crate::report::plot::oracle::{Read, check, read};

fn drawn(report: &Report) -> Vec<Read> {
    let drawing = networks(report).unwrap().to_string();
    check(&drawing);
    read(&drawing)
}

#[test]
fn every_network_is_a_mark_in_both_panels_and_is_named_beside_it() {
    let report = fixture::report();
    let elements = drawn(&report);
    assert_eq!(elements.iter().filter(|e| e.has("mark")).count(), 2 * report.networks.len());
    for row in &report.networks {
        assert_eq!(elements.iter().filter(|e| e.has("direct") && e.text == row.name).count(), 2, "{}", row.name);
    }
}

#[test]
fn accuracies_and_costs_lie_where_the_ticks_say() {
    let report = fixture::report();
    let elements = drawn(&report);
    let first = elements.iter().position(|e| e.has("tick")).unwrap();
    let last = elements.iter().position(|e| e.text.starts_with("BitOPs")).unwrap();
    let ticks = |end: bool, at: &str, shift: f64| -> ((f64, f64), (f64, f64)) {
        let ticks = elements[first..last].iter().filter(|e| e.has("tick") && e.has("end") == end);
        let ticks: Vec<(f64, f64)> = ticks.map(|e| (e.text.parse().unwrap(), e.number(at) + shift)).collect();
        (ticks[0], ticks[ticks.len() - 1])
    };
    let (y0, y1) = ticks(true, "y", -4.2);
    let (x0, x1) = ticks(false, "x", 0.0);
    let uniform: Vec<&Read> = elements.iter().filter(|e| e.has("mark") && e.has("s0")).take(3).collect();
    let rows = report.networks.iter().filter(|row| row.kind == Kind::Uniform);
    for (mark, row) in uniform.into_iter().zip(rows) {
        let expected = y0.1 + (100.0 * row.accuracy.unwrap() - y0.0) / (y1.0 - y0.0) * (y1.1 - y0.1);
        assert!((mark.number("cy") - expected).abs() < 0.05, "{mark:?} {expected}");
        let expected = x0.1 + (row.bitops / 1e9 / x0.0).ln() / (x1.0 / x0.0).ln() * (x1.1 - x0.1);
        assert!((mark.number("cx") - expected).abs() < 0.05, "{mark:?} {expected}");
    }
}

#[test]
fn language_models_are_judged_by_perplexity() {
    let mut report = fixture::report();
    report.samples.language = true;
    assert!(networks(&report).is_none(), "no perplexity was measured");
    for (index, row) in report.networks.iter_mut().enumerate() {
        row.perplexity = Some(5.0 * 6f64.powi(index as i32));
    }
    let elements = drawn(&report);
    assert!(elements.iter().any(|e| e.has("axis-title") && e.text.starts_with("Perplexity")));
    assert!(!elements.iter().any(|e| e.has("error")));
    let beyond = elements.iter().filter(|e| e.has("mark") && e.has("open")).count();
    assert_eq!(beyond, 2 * 4, "5 and 30 fit on the axis; 180 and more are beyond ten times the best");
    assert!(elements.iter().any(|e| e.has("note") && e.text.contains("w4a4 (180.0)")));
}

#[test]
fn before_the_evaluation_there_is_no_chart_and_hostile_names_stay_names() {
    assert!(networks(&fixture::partial()).is_none());
    drawn(&fixture::hostile());
    let mut one = fixture::report();
    one.networks.truncate(1);
    assert_eq!(drawn(&one).iter().filter(|e| e.has("mark")).count(), 2);
}
