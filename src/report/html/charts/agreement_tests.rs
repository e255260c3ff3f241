use super::super::reading::{at, close, drawn, ticks};
use super::*;
use crate::report::fixture;
use crate::report::plot::oracle::Read;

/// The markers in the order of the points.
fn markers(elements: &[Read]) -> Vec<Read> {
    let legend = elements.iter().position(|e| e.has("axis-title")).unwrap();
    elements[legend..].iter().filter(|e| e.has("dot")).cloned().collect()
}

#[test]
fn points_lie_where_the_logarithmic_axes_say_and_the_diagonal_is_where_both_are_equal() {
    let mut report = fixture::report();
    // Discs have coordinates that are easy to read.
    let points = &mut report.agreement.as_mut().unwrap().points;
    points.iter_mut().for_each(|point| point.candidate = "w8a8".into());
    let elements = drawn(|| agreement(&report));
    let (x, y) = (ticks(&elements, true), ticks(&elements, false));
    let points = &report.agreement.as_ref().unwrap().points;
    let markers = markers(&elements);
    assert_eq!(markers.len(), points.len());
    for (marker, point) in markers.iter().zip(points).filter(|(_, point)| point.measured > 0.0) {
        close(marker.number("cx"), at(&x, true, point.predicted));
        close(marker.number("cy"), at(&y, true, point.measured));
    }
    let diagonal = elements.iter().filter(|e| e.has("reference")).find(|e| e.get("y1") != e.get("y2")).unwrap();
    let share = (at(&x, true, 0.1) - diagonal.number("x1")) / (diagonal.number("x2") - diagonal.number("x1"));
    close(diagonal.number("y1") + share * (diagonal.number("y2") - diagonal.number("y1")), at(&y, true, 0.1));
}

#[test]
fn increases_that_are_not_positive_lie_on_the_floor_and_are_counted() {
    let report = fixture::report();
    let elements = drawn(|| agreement(&report));
    let hidden = report.agreement.as_ref().unwrap().points.iter().filter(|p| p.measured <= 0.0).count();
    assert_eq!(hidden, 5);
    let floor = elements.iter().find(|e| e.has("axis") && e.get("y1") == e.get("y2")).unwrap().number("y1");
    let on_floor: Vec<Read> =
        markers(&elements).into_iter().filter(|m| m.tag == "circle" && (m.number("cy") - floor).abs() < 0.01).collect();
    assert_eq!(on_floor.len(), hidden);
    assert!(on_floor.iter().all(|marker| marker.has("open")));
    assert_eq!(elements.iter().filter(|e| e.has("below")).count(), hidden);
    assert!(elements.iter().any(|e| e.has("note") && e.text.starts_with("5 measured increases")));
}

#[test]
fn what_is_within_two_standard_errors_of_zero_is_open() {
    let mut report = fixture::report();
    let points = &mut report.agreement.as_mut().unwrap().points;
    for (point, errors) in points.iter_mut().zip([2.1, 1.9].into_iter().cycle()) {
        (point.measured, point.stderr, point.candidate) = (errors * 0.01, 0.01, "w8a8".into());
    }
    let elements = drawn(|| agreement(&report));
    let open: Vec<bool> = markers(&elements).iter().map(|marker| marker.has("open")).collect();
    assert!(open.iter().enumerate().all(|(index, open)| *open == (index % 2 == 1)), "{open:?}");
}

#[test]
fn the_caption_has_the_rank_correlations_and_every_point_is_named() {
    let report = fixture::report();
    let elements = drawn(|| agreement(&report));
    let notes: String = elements.iter().filter(|e| e.has("note")).map(|e| format!("{} ", e.text)).collect();
    assert!(notes.contains("Order of all 15 increases: Spearman’s ρ 0.93, Kendall’s τ 0.81."), "{notes}");
    assert!(notes.contains("w4a4 ρ 0.93, τ 0.81; w2a2"), "{notes}");
    assert_eq!(elements.iter().filter(|e| e.has("mark")).count(), 15);
    assert!(elements.iter().any(|e| e.get("data-tip").starts_with("stem, w8a8\npredicted 0.000864\nmeasured ")));
}

#[test]
fn without_measurements_there_is_no_chart() {
    assert!(agreement(&fixture::partial()).is_none());
    let mut report = fixture::report();
    let rows = report.agreement.as_mut().unwrap();
    rows.ranks.clear();
    rows.points.truncate(2);
    rows.points[0].measured = f64::NAN;
    (rows.points[1].measured, rows.points[1].predicted, rows.points[1].stderr) = (0.0, 0.0, 0.0);
    assert_eq!(markers(&drawn(|| agreement(&report))).len(), 1);
    report.agreement.as_mut().unwrap().points.truncate(1);
    assert!(agreement(&report).is_none());
    drawn(|| agreement(&fixture::hostile()));
}

#[test]
fn of_many_points_the_tab_key_stops_at_the_named_ones() {
    let mut report = fixture::report();
    let points = &mut report.agreement.as_mut().unwrap().points;
    *points = points.iter().cycle().take(10 * points.len()).cloned().collect();
    let elements = drawn(|| agreement(&report));
    assert_eq!(elements.iter().filter(|e| e.get("tabindex") == "0").count(), NAMED);
    assert_eq!(elements.iter().filter(|e| e.has("mark")).count(), 150);
}
