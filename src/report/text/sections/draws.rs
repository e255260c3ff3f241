//! What mixed-precision training drew.

use super::super::block::{Block, Table, number, or_missing, words};
use crate::report::units::{grouped, percent, significant};
use crate::report::{DrawLayer, Draws, Report};

/// Layers whose counts are less probable than this are shown.
const IMPROBABLE: f64 = 0.05;

/// At most so many of them, the least probable first.
const MOST_LAYERS: usize = 10;

pub(super) fn draws(report: &Report) -> Vec<Block> {
    let Some(draws) = &report.draws else { return Vec::new() };
    let tested = draws.layers.iter().filter(|layer| layer.p_value.is_some()).count();
    let mut improbable: Vec<(f64, &DrawLayer)> = draws
        .layers
        .iter()
        .filter_map(|layer| layer.p_value.map(|p| (p, layer)))
        .filter(|(p, _)| *p < IMPROBABLE)
        .collect();
    improbable.sort_by(|a, b| a.0.total_cmp(&b.0));
    let limit = percent(IMPROBABLE);
    let verdict = match improbable.len() {
        0 => format!("No layer's counts have a probability below {limit}."),
        count => format!(
            "{count} of {tested} tested layers have counts with a probability below {limit}; chance alone gives about {limit} of them."
        ),
    };
    let mut blocks = vec![
        Block::Heading("Draws of mixed-precision training".into()),
        Block::Paragraph(format!(
            "Drawn by {} with σ = {} in the last epoch, for {} searched layers. {verdict}",
            draws.strategy,
            significant(draws.sigma, 3),
            draws.layers.len()
        )),
        Block::Table(totals(draws)),
    ];
    improbable.truncate(MOST_LAYERS);
    if !improbable.is_empty() {
        let rows = improbable.iter().flat_map(|(p, layer)| rows(report, *p, layer)).collect();
        let columns =
            vec![words("layer"), words("candidate"), number("drawn"), number("intended"), number("probability")];
        blocks.push(Block::Paragraph("The least probable layers:".into()));
        blocks.push(Block::Table(Table { columns, rows }));
    }
    blocks
}

/// Over all layers.
fn totals(draws: &Draws) -> Table {
    let mut totals: Vec<(&str, u64, f64)> = Vec::new();
    for count in draws.layers.iter().flat_map(|layer| &layer.candidates) {
        match totals.iter_mut().find(|(candidate, _, _)| *candidate == count.candidate) {
            Some((_, drawn, intended)) => {
                *drawn = drawn.saturating_add(count.drawn);
                *intended += count.intended;
            }
            None => totals.push((&count.candidate, count.drawn, count.intended)),
        }
    }
    let row = |(candidate, drawn, intended): &(&str, u64, f64)| {
        let ratio = (*intended > 0.0).then(|| percent(*drawn as f64 / intended));
        vec![candidate.to_string(), grouped(*drawn), format!("{intended:.1}"), or_missing(ratio, |ratio| ratio)]
    };
    let columns = vec![words("candidate"), number("drawn"), number("intended"), number("of the intended")];
    Table { columns, rows: totals.iter().map(row).collect() }
}

fn rows(report: &Report, p: f64, layer: &DrawLayer) -> Vec<Vec<String>> {
    let name = report.layers.get(layer.layer).map_or("", |layer| &layer.name);
    let row = |count: &crate::report::DrawCount| {
        vec![
            name.to_string(),
            count.candidate.clone(),
            grouped(count.drawn),
            format!("{:.1}", count.intended),
            significant(p, 2),
        ]
    };
    layer.candidates.iter().map(row).collect()
}
