//! Which precisions mixed-precision training drew, beside those it was meant to draw.

use maud::html;

use crate::report::html::charts;
use crate::report::html::figure::figure;
use crate::report::html::shell::Section;
use crate::report::html::table::{Cell, Row, Table};
use crate::report::html::words::layer_name;
use crate::report::units::{grouped, significant};
use crate::report::{DrawCount, DrawLayer, Draws, Report};

/// The section.
pub fn section(report: &Report) -> Section {
    let (id, title) = ("draws", "Draws");
    let Some(draws) = &report.draws else {
        let asked = report.training.iter().any(|phase| phase.name == "mixed_precision");
        let why = if asked { "has drawn nothing yet" } else { "was not asked for" };
        return Section::without(id, title, &format!("Mixed-precision training {why}."));
    };
    let body = html! {
        p {
            "Mixed-precision training gave every step a random precision for each layer (" (draws.strategy) ", σ = "
            (significant(draws.sigma, 3)) " in the last epoch). A small p-value says that the counts are far from the \
            intended ones: of many layers, a few are small by chance."
        }
        (figure("Draws against intentions", charts::draws(report)))
        (table(report, draws))
    };
    Section::new(id, title, body)
}

fn table(report: &Report, draws: &Draws) -> Table {
    let mut ids: Vec<&str> = Vec::new();
    for candidate in draws.layers.iter().flat_map(|layer| &layer.candidates) {
        if !ids.contains(&candidate.candidate.as_str()) {
            ids.push(&candidate.candidate);
        }
    }
    let row = |layer: &DrawLayer| {
        let count = |id: &&str| layer.candidates.iter().find(|count| count.candidate == **id);
        let mut cells = vec![Cell::name(&layer_name(report, layer.layer))];
        cells.extend(ids.iter().map(|id| count(id).map_or_else(Cell::missing, drawn)));
        cells.push(Cell::optional(layer.p_value, |p| significant(p, 2)));
        Row { layer: Some(layer.layer), cells, ..Row::default() }
    };
    let table = Table::new("Draws of every layer: drawn / intended", "draws").words("Layer");
    let table = ids.iter().fold(table, |table, id| table.numbers(*id));
    table.numbers("p-value").hint("Chi-square test").rows(draws.layers.iter().map(row))
}

fn drawn(count: &DrawCount) -> Cell {
    Cell::number(
        count.drawn as f64,
        html! { (grouped(count.drawn)) span.missing { " / " (format!("{:.1}", count.intended)) } },
    )
}
