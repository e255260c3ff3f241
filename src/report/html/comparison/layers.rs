//! What the first plan of each run gives the layers.

use maud::{Markup, html};

use super::super::charts;
use super::super::figure::figure;
use super::super::shell::Section;
use super::super::table::{Cell, Row, Table};
use crate::report::units::{correlation, grouped, plus_minus};
use crate::report::{ComparedLayer, ComparedRanks, Comparison, LayerOfRun, RankRow};

/// The section.
pub fn section(comparison: &Comparison) -> Section {
    let (id, title) = ("layers", "Layers");
    if comparison.layers.is_empty() {
        return Section::without(id, title, "No run knows its layers yet.");
    }
    let body = html! {
        p {
            (comparison.layer_differences())
            @if comparison.layers.iter().any(|layer| layer.differs) { " They are in bold." }
        }
        label.filter.js-only { input #only-different type="checkbox"; " Only layers that differ" }
        (figure("Bits of the first plans", charts::compared_bits(comparison)))
        (table(comparison))
        (ranks(comparison))
    };
    Section::new(id, title, body)
}

fn table(comparison: &Comparison) -> Table {
    let table = Table::new("Choices of the first plan", "layers").numbers("#").words("Layer").numbers("Weights");
    let table = comparison.runs.iter().fold(table, |table, run| table.words(&run.name));
    let table = comparison.runs.iter().fold(table, |table, run| {
        table.numbers(format!("Ω in {}", run.name)).hint("Sensitivity of the choice, with its standard error")
    });
    table.rows(comparison.layers.iter().enumerate().map(row))
}

fn row((index, layer): (usize, &ComparedLayer)) -> Row {
    let of = |cell: fn(&LayerOfRun) -> Cell| {
        layer.runs.iter().map(move |run| run.as_ref().map_or_else(Cell::missing, cell)).collect::<Vec<_>>()
    };
    let weights = layer.runs.iter().flatten().next().map(|layer| layer.parameters);
    let mut cells = vec![
        Cell::number(index as f64, index + 1),
        Cell::name(&layer.name),
        weights.map_or_else(Cell::missing, |weights| Cell::number(weights as f64, grouped(weights))),
    ];
    cells.extend(of(choice));
    cells.extend(of(sensitivity));
    Row { layer: Some(index), primary: layer.differs, same: !layer.differs, cells }
}

fn choice(layer: &LayerOfRun) -> Cell {
    let Some((candidate, bits)) = layer.candidate.as_ref().zip(layer.weight_bits) else { return Cell::missing() };
    let shown: Markup = html! {
        span.bits data-bits=(bits) { (candidate) }
        @if layer.pinned.is_some() { span.note { " pinned" } }
    };
    Cell::ranked(f64::from(bits), candidate, shown)
}

fn sensitivity(layer: &LayerOfRun) -> Cell {
    Cell::measured(layer.sensitivity, layer.sensitivity_stderr, plus_minus)
}

/// Whether two runs put the sensitivities in the same order.
fn ranks(comparison: &Comparison) -> Table {
    let name = |run: usize| comparison.runs.get(run).map_or("", |run| run.name.as_str());
    let row = |(pair, rank): (&ComparedRanks, &RankRow)| Row {
        primary: rank.candidate.is_none(),
        cells: vec![
            Cell::named(html! { bdi { (name(pair.first)) } " and " bdi { (name(pair.second)) } }),
            Cell::text(rank.candidate.as_deref().unwrap_or("all")),
            Cell::number(rank.count as f64, grouped(rank.count)),
            Cell::optional(rank.spearman, correlation),
            Cell::optional(rank.kendall, correlation),
        ],
        ..Row::default()
    };
    let pairs = comparison.ranks.iter().flat_map(|pair| pair.ranks.iter().map(move |rank| (pair, rank)));
    Table::new("Whether the sensitivities are in the same order", "rank-correlations")
        .words("Runs")
        .words("Candidate")
        .numbers("Values")
        .numbers("Spearman’s ρ")
        .numbers("Kendall’s τ-b")
        .rows(pairs.map(row))
}
