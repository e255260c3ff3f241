//! What was asked for, and what the runs were made from.

use maud::html;

use super::super::shell::Section;
use super::super::table::{Cell, Row, Table};
use crate::report::units::plural;
use crate::report::{ComparedValue, Comparison};

/// The settings.
pub fn section(comparison: &Comparison) -> Section {
    let differing = comparison.settings.iter().filter(|value| value.differs).count();
    let body = html! {
        p {
            @if differing == 0 { "All settings are the same." } @else {
                (differing) " of " (plural(comparison.settings.len() as u64, "setting")) " not the same in all runs: in bold."
            }
        }
        (table("Settings", "settings", &comparison.settings, comparison, false))
    };
    Section::new("settings", "Settings", body)
}

/// Version, inputs, files.
pub fn provenance(comparison: &Comparison) -> Section {
    let body = html! {
        p { "Content hashes (BLAKE3) that are the same stand for the same bytes; what differs is in bold." }
        (table("Versions, inputs, files", "provenance", &comparison.provenance, comparison, true))
    };
    Section::new("provenance", "Provenance", body)
}

fn table(title: &str, file: &str, values: &[ComparedValue], comparison: &Comparison, hashes: bool) -> Table {
    let cell = |value: &Option<String>| match value {
        None => Cell::missing(),
        Some(hash) if hashes && is_hash(hash) => Cell::text(html! { code.hash title=(hash) { (hash) } }),
        Some(value) => Cell::text(html! { bdi { (value) } }),
    };
    let row = |value: &ComparedValue| Row {
        primary: value.differs,
        cells: [Cell::name(&value.name)].into_iter().chain(value.runs.iter().map(cell)).collect(),
        ..Row::default()
    };
    let table = comparison.runs.iter().fold(Table::new(title, file).words("What"), |table, run| table.words(&run.name));
    table.rows(values.iter().map(row))
}

fn is_hash(text: &str) -> bool {
    text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
