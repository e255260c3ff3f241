use super::*;
use crate::report::plot::oracle::{Read, check, read};
use crate::report::{FrontRow, Landmark, fixture};

fn drawn(section: &FrontSection) -> Vec<Read> {
    let drawing = front(0, section).unwrap().to_string();
    check(&drawing);
    read(&drawing)
}

fn section() -> FrontSection {
    fixture::report().fronts.remove(0)
}

/// A front of so many points of so many layers.
fn long(points: usize, layers: usize) -> FrontSection {
    let mut section = section();
    section.points = (0..points)
        .map(|index| FrontRow {
            cost: 1e8 + 3.1e5 * index as f64,
            objective: 20.0 / (1.0 + index as f64),
            supported: Some(index % 10 == 0),
            proved: true,
            layers: (0..layers).map(|layer| ((index + layer) % 3) as u32).collect(),
        })
        .collect();
    section
}

#[test]
fn every_point_is_a_mark_that_names_its_plan() {
    let section = section();
    let elements = drawn(&section);
    let points: Vec<&Read> = elements.iter().filter(|e| !e.get("data-front").is_empty()).collect();
    assert_eq!(points.len(), section.points.len());
    for (index, point) in points.iter().enumerate() {
        assert_eq!(point.get("data-front"), format!("bitops:{index}"));
        assert!(point.get("data-tip").contains("proved") && point.has("mark"));
    }
    assert_eq!(points.iter().filter(|e| e.has("open")).count(), 1, "one point of the fixture is not supported");
    assert_eq!(points[2].get("data-tip").lines().last(), Some("2 × w8a8, 2 × w4a4, 1 × w2a2"));
    assert_eq!(elements.iter().filter(|e| e.has("budget")).count(), 2 + 1, "two limits and the legend");
}

#[test]
fn points_lie_where_the_ticks_say_and_the_staircase_goes_through_them() {
    let section = section();
    let elements = drawn(&section);
    let ticks = |end: bool, at: &str, shift: f64| -> ((f64, f64), (f64, f64)) {
        let ticks = elements.iter().filter(|e| e.has("tick") && e.has("end") == end);
        let ticks: Vec<(f64, f64)> = ticks.map(|e| (e.text.parse().unwrap(), e.number(at) + shift)).collect();
        (ticks[0], ticks[ticks.len() - 1])
    };
    let ((x0, x1), (y0, y1)) = (ticks(false, "x", 0.0), ticks(true, "y", -4.2));
    let points: Vec<&Read> = elements.iter().filter(|e| !e.get("data-front").is_empty()).collect();
    let stairs = elements.iter().find(|e| e.has("thin")).unwrap().get("d");
    for (mark, point) in points.into_iter().zip(&section.points) {
        let expected = x0.1 + (point.cost / 1e6 - x0.0) / (x1.0 - x0.0) * (x1.1 - x0.1);
        assert!((mark.number("cx") - expected).abs() < 0.05, "{mark:?} {expected}");
        let expected = y0.1 + (point.objective / y0.0).ln() / (y1.0 / y0.0).ln() * (y1.1 - y0.1);
        assert!((mark.number("cy") - expected).abs() < 0.05, "{mark:?} {expected}");
        assert!(
            stairs.contains(&format!("V{}", mark.get("cy")))
                || stairs.ends_with(mark.get("cy"))
                || stairs.starts_with(&format!("M{} {}", mark.get("cx"), mark.get("cy")))
        );
    }
}

#[test]
fn a_thousand_points_stay_small_and_few_of_them_stop_the_tab_key() {
    let section = long(1_000, 200);
    let drawing = front(3, &section).unwrap().to_string();
    assert!(drawing.len() < 300_000, "{} bytes", drawing.len());
    let elements = drawn(&section);
    let stops = elements.iter().filter(|e| !e.get("data-front").is_empty() && e.get("tabindex") == "0").count();
    assert_eq!(stops, 100);
}

#[test]
fn objectives_that_are_not_positive_are_drawn_on_a_linear_axis() {
    let mut section = section();
    section.points[5].objective = -0.5;
    let elements = drawn(&section);
    assert!(!elements.iter().any(|e| e.has("axis-title") && e.text.contains("logarithmic")));
    section.points.truncate(1);
    section.landmarks.clear();
    drawn(&section);
    section.points.clear();
    assert!(front(0, &section).is_none());
}

#[test]
fn plans_that_share_a_limit_share_its_line_and_hostile_names_stay_names() {
    let mut section = fixture::hostile().fronts.remove(0);
    drawn(&section);
    for landmark in &mut section.landmarks {
        landmark.limit = landmark.limit.map(|_| 9e7);
    }
    section.cost = fixture::HOSTILE[0].into();
    let elements = drawn(&section);
    assert_eq!(elements.iter().filter(|e| e.has("budget")).count(), 1 + 1);
    assert!(elements.iter().any(|e| e.get("data-front") == format!("{}:0", fixture::HOSTILE[0])));
}

#[test]
fn many_plans_with_limits_are_named_without_overlaps() {
    let mut section = long(300, 20);
    let landmark = section.landmarks[3].clone();
    section.landmarks.extend((0..12).map(|index| {
        let cost = 1e8 + 7e6 * f64::from(index);
        let limit = Some(cost + 1e6);
        Landmark {
            name: format!("plan number {index}"),
            cost,
            limit,
            objective: 15.0 / f64::from(1 + index),
            ..landmark.clone()
        }
    }));
    let elements = drawn(&section);
    let limits = elements.iter().filter(|e| e.has("direct") && e.text.ends_with(" limit")).count();
    let plans = elements.iter().filter(|e| e.has("direct") && e.text.starts_with("plan n")).count();
    assert!(limits >= 1 && plans >= 6, "{limits} limits and {plans} plans are named");
}
