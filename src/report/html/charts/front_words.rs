//! The words of the chart of a front: legend, tips, description.

use super::network_words::judged;
use crate::report::plot::{Key, Shape, named, one_line};
use crate::report::{FrontRow, FrontSection, Landmark, LandmarkKind, units};

/// Shape and series of a network beside the front.
pub(super) fn look(kind: LandmarkKind) -> (Shape, usize) {
    match kind {
        LandmarkKind::Uniform => (Shape::Square, 2),
        LandmarkKind::Plan => (Shape::Diamond, 1),
    }
}

/// The legend: of what is drawn only.
pub(super) fn keys(section: &FrontSection) -> Vec<Key> {
    let mut keys = Vec::new();
    if !section.points.is_empty() {
        let whole = match (section.whole, section.limits) {
            (true, _) => "exact front",
            (false, Some(_)) => "front at equally spaced limits",
            (false, None) => "part of the front",
        };
        keys.push(Key::joined(0, whole));
        if section.points.iter().any(|point| point.supported == Some(false)) {
            keys.push(Key::dots(0, "not on its convex hull").class("open"));
        }
    }
    for kind in [LandmarkKind::Plan, LandmarkKind::Uniform] {
        if section.landmarks.iter().any(|landmark| landmark.kind == kind) {
            let (shape, series) = look(kind);
            let name = if kind == LandmarkKind::Plan { "plans of this run" } else { "uniform precisions" };
            keys.push(Key::shaped(shape, series, name));
        }
    }
    if section.landmarks.iter().any(|landmark| landmark.limit.is_some()) {
        keys.push(Key::role("budget", "limit of a plan"));
    }
    keys
}

/// What a point of the front says.
pub(super) fn point_tip(section: &FrontSection, point: &FrontRow) -> String {
    let mut counts = vec![0usize; section.candidates.len()];
    for &candidate in &point.layers {
        if let Some(count) = counts.get_mut(candidate as usize) {
            *count += 1;
        }
    }
    let takes = section.candidates.iter().zip(counts).filter(|(_, count)| *count > 0);
    let takes: Vec<String> = takes.map(|(candidate, count)| format!("{count} × {}", one_line(candidate))).collect();
    format!(
        "{} {}\nΩ {}{}\n{}",
        one_line(&units::cost_title(&section.cost)),
        units::cost(&section.cost, point.cost),
        units::significant(point.objective, 4),
        if point.proved { ", proved" } else { ", not proved" },
        takes.join(", ")
    )
}

/// What a network beside the front says.
pub(super) fn landmark_tip(section: &FrontSection, landmark: &Landmark) -> String {
    let cost = one_line(&units::cost_title(&section.cost));
    let mut lines = vec![named(&landmark.name), format!("{cost} {}", units::cost(&section.cost, landmark.cost))];
    lines.extend(landmark.limit.map(|limit| format!("limit {}", units::cost(&section.cost, limit))));
    lines.push(format!("Ω {}", units::significant(landmark.objective, 4)));
    lines.extend(judged(landmark.accuracy, landmark.accuracy_stderr, landmark.perplexity, landmark.perplexity_stderr));
    lines.join("\n")
}

/// What the chart shows and its main finding.
pub(super) fn description(section: &FrontSection, cost: &str) -> String {
    let ends = section.points.first().zip(section.points.last()).map(|(first, last)| {
        let end = |point: &FrontRow| {
            format!(
                "objective {} at {}",
                units::significant(point.objective, 4),
                units::cost(&section.cost, point.cost)
            )
        };
        format!(" From {} to {}.", end(first), end(last))
    });
    let plans = section.landmarks.iter().filter(|landmark| landmark.kind == LandmarkKind::Plan);
    let plans: Vec<String> = plans
        .map(|plan| {
            let objective = units::significant(plan.objective, 4);
            format!(" Plan {}: objective {objective} at {}.", plan.name, units::cost(&section.cost, plan.cost))
        })
        .collect();
    format!(
        "{} plans, each the one of least objective within its {cost}.{}{}",
        section.points.len(),
        ends.unwrap_or_default(),
        plans.concat()
    )
}
