//! Several runs side by side as one page.

mod front;
mod layers;
mod networks;
mod runs;
mod settings;
mod training;

use maud::html;

use super::shell::{self, Heading, Section};
use super::table::Table;
use super::words::footer;
use crate::report::Comparison;
use crate::report::units::plural;

/// The page of a comparison; differences are to the first run.
pub fn comparison_html(comparison: &Comparison) -> String {
    let names: Vec<&str> = comparison.runs.iter().map(|run| run.name.as_str()).collect();
    let heading = Heading {
        title: format!("{} compared", plural(names.len() as u64, "run")),
        lead: html! {
            @for (index, name) in names.iter().enumerate() {
                @if index > 0 { " · " }
                bdi { (name) }
            }
        },
        notice: None,
        file: "comparison",
        footer: footer(comparison.runs.first().map_or("", |run| &run.version)),
    };
    let sections: [Section; 7] = [
        runs::section(comparison),
        settings::section(comparison),
        networks::section(comparison),
        layers::section(comparison),
        front::section(comparison),
        training::section(comparison),
        settings::provenance(comparison),
    ];
    shell::page(&heading, &sections, comparison)
}

/// A column of numbers for each run.
fn columns_of_runs(table: Table, comparison: &Comparison) -> Table {
    comparison.runs.iter().fold(table, |table, run| table.numbers(&run.name))
}
