//! Layers and fronts of several runs.

use super::super::block::{Block, Table, number, or_missing, words};
use super::super::sections::{MOST_LAYERS, ranks};
use crate::report::units::{cost, cost_title, plus_minus, significant};
use crate::report::{ComparedFront, ComparedLayer, Comparison};

pub(super) fn layers(comparison: &Comparison) -> Vec<Block> {
    if comparison.layers.is_empty() {
        return Vec::new();
    }
    let (other, same): (Vec<&ComparedLayer>, Vec<&ComparedLayer>) =
        comparison.layers.iter().partition(|layer| layer.differs);
    // Few layers are all shown in their order; of many, those that differ come first.
    let shown: Vec<&ComparedLayer> = match comparison.layers.len() <= MOST_LAYERS {
        true => comparison.layers.iter().collect(),
        false => other.iter().chain(&same).take(MOST_LAYERS).copied().collect(),
    };
    let mut note = format!("Bits and sensitivities in the first plan of each run. {}", comparison.layer_differences());
    if shown.len() < comparison.layers.len() {
        note.push_str(&format!(" {} are shown, those that differ first; the JSON document has all.", shown.len()));
    }
    let mut columns = vec![words("layer"), words("")];
    for run in &comparison.runs {
        columns.extend([number(&run.name), number("sensitivity")]);
    }
    let row = |layer: &&ComparedLayer| {
        let mut cells = vec![layer.name.clone(), difference(layer).into()];
        for run in &layer.runs {
            let candidate = run.as_ref().and_then(|layer| layer.candidate.clone());
            let missing = if run.is_none() { "not there" } else { super::super::block::MISSING };
            cells.push(candidate.unwrap_or_else(|| missing.into()));
            let sensitivity = run.as_ref().and_then(|layer| Some((layer.sensitivity?, layer.sensitivity_stderr)));
            cells.push(or_missing(sensitivity, |(value, stderr)| plus_minus(value, stderr)));
        }
        cells
    };
    let mut blocks = vec![
        Block::Heading("Layers".into()),
        Block::Paragraph(note),
        Block::Table(Table { columns, rows: shown.iter().map(row).collect() }),
    ];
    for pair in &comparison.ranks {
        let name = |index: usize| comparison.runs.get(index).map_or("", |run| &run.name);
        let names = format!("Order of the sensitivities, {} against {}:", name(pair.first), name(pair.second));
        blocks.extend([Block::Paragraph(names), Block::Table(ranks(&pair.ranks))]);
    }
    blocks
}

/// What differs in a layer that all runs have; of others the cells say where it is not there.
fn difference(layer: &ComparedLayer) -> &'static str {
    match (layer.other_bits, layer.other_size) {
        (true, true) => "≠ bits, weights or MACs",
        (true, false) => "≠ bits",
        (false, true) => "≠ weights or MACs",
        (false, false) => "",
    }
}

pub(super) fn fronts(comparison: &Comparison) -> Vec<Block> {
    comparison
        .fronts
        .iter()
        .filter(|front| !front.steps.is_empty())
        .flat_map(|front| section(comparison, front))
        .collect()
}

fn section(comparison: &Comparison, front: &ComparedFront) -> Vec<Block> {
    let columns = [number(format!("{} within", cost_title(&front.cost)))];
    let columns = columns.into_iter().chain(comparison.runs.iter().map(|run| number(&run.name))).collect();
    let rows = front.steps.iter().map(|step| {
        let objectives = step.objectives.iter().map(|objective| or_missing(*objective, |o| significant(o, 4)));
        [cost(&front.cost, step.limit)].into_iter().chain(objectives).collect()
    });
    vec![
        Block::Heading(format!("Sensitivity against {}", cost_title(&front.cost))),
        Block::Paragraph("The smallest sum of sensitivities within each limit.".into()),
        Block::Table(Table { columns, rows: rows.collect() }),
    ]
}
