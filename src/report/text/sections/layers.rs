//! Layers: what they are, what they become.

use super::super::block::{Block, Table, number, or_missing, words};
use crate::report::units::{grouped, percent, plan_title, plus_minus, trace};
use crate::report::{LayerRow, PlanRow, Report};

/// Layers that are shown.
pub(in crate::report::text) const MOST_LAYERS: usize = 60;

pub(super) fn layers(report: &Report) -> Vec<Block> {
    if report.layers.is_empty() {
        return Vec::new();
    }
    let shown = shown(report);
    let mut notes = Vec::new();
    if !report.plans.is_empty() && report.layers.iter().any(|layer| layer.pinned.is_some()) {
        notes.push("* is a candidate that the search space pins the layer to.".into());
    }
    if shown.len() < report.layers.len() {
        notes.push(format!(
            "The {} of {} layers with the most {} are shown; the CSV of the layers has all.",
            shown.len(),
            report.layers.len(),
            if report.plans.is_empty() { "weights" } else { "sensitivity" }
        ));
    }
    let mut blocks = vec![Block::Heading("Layers".into())];
    if !notes.is_empty() {
        blocks.push(Block::Paragraph(notes.join(" ")));
    }
    blocks.push(Block::Table(table(report, &shown)));
    if let Some(plan) = report.plans.first() {
        let note = format!(
            "Of {}: the sensitivity of each choice, how often it stays the same in the resamplings, and its share of \
             the plan's BitOPs and weight bytes.",
            plan_title(&plan.name)
        );
        blocks.extend([Block::Paragraph(note), Block::Table(choices(report, plan, &shown))]);
    }
    blocks
}

/// Indices of the layers that are shown, in graph order.
fn shown(report: &Report) -> Vec<usize> {
    let weight = |index: usize| match report.plans.first().and_then(|plan| plan.choices.get(index)) {
        Some(choice) => choice.sensitivity,
        None => report.layers.get(index).map_or(0.0, |layer| layer.parameters as f64),
    };
    let mut indices: Vec<usize> = (0..report.layers.len()).collect();
    indices.sort_by(|&a, &b| weight(b).total_cmp(&weight(a)));
    indices.truncate(MOST_LAYERS);
    indices.sort_unstable();
    indices
}

/// What the layers are, and what each plan makes of them.
fn table(report: &Report, shown: &[usize]) -> Table {
    let traces = report.layers.iter().any(|layer| layer.average_trace.is_some());
    let mut columns = vec![words("layer"), number("weights"), number("MACs")];
    columns.extend(traces.then(|| number("mean trace")));
    columns.extend(report.plans.iter().map(|plan| number(&plan.name)));
    let row = |(index, layer): (usize, &LayerRow)| {
        let mut cells = vec![layer.name.clone(), grouped(layer.parameters), grouped(layer.macs)];
        if traces {
            cells.push(or_missing(layer.average_trace, |average| trace(average, layer.trace_stderr)));
        }
        cells.extend(report.plans.iter().map(|plan| {
            or_missing(plan.choices.get(index), |choice| match layer.pinned {
                Some(_) => format!("{}*", choice.candidate),
                None => choice.candidate.clone(),
            })
        }));
        cells
    };
    Table { columns, rows: of_layers(report, shown, row) }
}

/// What the choices of one plan lose, how sure they are, and what they take.
fn choices(report: &Report, plan: &PlanRow, shown: &[usize]) -> Table {
    let resampled = plan.choices.iter().any(|c| c.stays.is_some());
    let mut columns = vec![words("layer"), number("choice"), number("sensitivity")];
    columns.extend(resampled.then(|| number("stays")));
    columns.extend([number("BitOPs"), number("bytes")]);
    let row = |(index, layer): (usize, &LayerRow)| {
        let choice = plan.choices.get(index);
        let mut cells = vec![
            layer.name.clone(),
            or_missing(choice, |choice| choice.candidate.clone()),
            or_missing(choice, |choice| plus_minus(choice.sensitivity, choice.stderr)),
        ];
        if resampled {
            cells.push(or_missing(choice.and_then(|choice| choice.stays), percent));
        }
        cells.push(or_missing(plan.share(index, "bitops"), percent));
        cells.push(or_missing(plan.share(index, "weight_bytes"), percent));
        cells
    };
    Table { columns, rows: of_layers(report, shown, row) }
}

fn of_layers(report: &Report, shown: &[usize], row: impl Fn((usize, &LayerRow)) -> Vec<String>) -> Vec<Vec<String>> {
    shown.iter().filter_map(|&index| Some((index, report.layers.get(index)?))).map(row).collect()
}
