//! The words of the chart of measured networks: legend, tips, description.

use crate::report::plot::{Key, Shape, named};
use crate::report::{Kind, NetworkRow, Report, units};

/// Series of a kind of network.
pub(super) fn series(kind: Kind) -> usize {
    match kind {
        Kind::Uniform => 0,
        Kind::Plan => 1,
        Kind::Fp32 => 6,
    }
}

/// Shape of a kind of network.
pub(super) fn shape(kind: Kind) -> Shape {
    match kind {
        Kind::Uniform => Shape::Circle,
        Kind::Plan => Shape::Diamond,
        Kind::Fp32 => Shape::Star,
    }
}

/// The legend: of what is drawn only.
pub(super) fn keys(rows: &[&NetworkRow]) -> Vec<Key> {
    let has = |kind: Kind| rows.iter().any(|row| row.kind == kind);
    let mut keys = Vec::new();
    if has(Kind::Plan) {
        keys.push(Key::shaped(Shape::Diamond, 1, "plans"));
    }
    if has(Kind::Uniform) {
        keys.push(Key::joined(0, "uniform precisions"));
    }
    if has(Kind::Fp32) {
        keys.push(Key::shaped(Shape::Star, 6, "FP32"));
        keys.push(Key::role("reference", "level of FP32"));
    }
    let error = |row: &NetworkRow| if row.perplexity.is_some() { row.perplexity_stderr } else { row.accuracy_stderr };
    if rows.iter().any(|row| error(row).is_some_and(|error| error > 0.0)) {
        keys.push(Key::error(6, "± one standard error"));
    }
    keys
}

/// What a network says when it is pointed at.
pub(super) fn tip(row: &NetworkRow) -> String {
    let mut lines = vec![named(&row.name)];
    lines.extend(judged(row.accuracy, row.accuracy_stderr, row.perplexity, row.perplexity_stderr));
    lines.push(format!("{} BitOPs", units::operations(row.bitops)));
    lines.push(format!("{} of weights", units::bytes(row.weight_bytes)));
    lines.extend(row.objective.map(|objective| format!("objective {}", units::significant(objective, 4))));
    lines.join("\n")
}

/// How a network was judged: a line each for accuracy and perplexity, as far as they were measured.
pub(super) fn judged(
    accuracy: Option<f64>,
    stderr: Option<f64>,
    perplexity: Option<f64>,
    perplexity_stderr: Option<f64>,
) -> Vec<String> {
    let accuracy = accuracy.map(|accuracy| match stderr {
        Some(error) => format!("{} ± {} right", units::percent(accuracy), units::percent(error)),
        None => format!("{} right", units::percent(accuracy)),
    });
    let perplexity = perplexity.map(|value| format!("perplexity {}", units::perplexity(value, perplexity_stderr)));
    accuracy.into_iter().chain(perplexity).collect()
}

/// What the chart shows and its main finding.
pub(super) fn description(report: &Report, rows: &[&NetworkRow]) -> String {
    let value = |row: &NetworkRow| match (report.samples.language, row.perplexity, row.accuracy) {
        (true, Some(perplexity), _) => format!("perplexity {}", units::significant(perplexity, 4)),
        (_, _, Some(accuracy)) => format!("{} right", units::percent(accuracy)),
        _ => "not measured".into(),
    };
    let said: Vec<String> = rows
        .iter()
        .map(|row| format!("{}: {} at {} BitOPs", row.name, value(row), units::operations(row.bitops)))
        .collect();
    format!(
        "Measured on held-out {}, against bit operations and against weight bytes. {}.",
        report.samples.noun,
        said.join("; ")
    )
}
