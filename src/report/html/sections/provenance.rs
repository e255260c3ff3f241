//! What the report was made from, so that it can be made again.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::progress::stages;
use crate::report::html::shell::Section;
use crate::report::html::table::{Cell, Row, Table};
use crate::report::html::words::{known_names, named};
use crate::report::{Machine, Report};

/// The section.
pub fn section(report: &Report) -> Section {
    let (provenance, known) = (&report.provenance, known_names(report));
    let body = html! {
        p { "bitplan " (provenance.version) ", seed " (provenance.seed) ". The same inputs and settings give the same files again." }
        @if !report.settings.is_empty() {
            h3 { "Settings" }
            ul.settings {
                @for setting in &report.settings { li { (named(&setting.text, &known)) } }
            }
        }
        @if super::progress(report).is_none() && !report.stages.is_empty() { (stages("Stages", report)) }
        (hashes("Inputs", "inputs", "Input", &provenance.inputs))
        (hashes("Files of the run", "files", "File", &provenance.files))
        @if let Some(machine) = &report.machine { (facts(machine)) }
    };
    Section::new("provenance", "Provenance", body)
}

/// Content hashes: whole in the page, so that they can be copied, and short to the eye.
fn hashes(title: &str, file: &str, what: &str, hashes: &BTreeMap<String, String>) -> Table {
    let row = |(name, hash): (&String, &String)| {
        Row::from(vec![Cell::name(name), Cell::text(html! { code.hash title=(hash) { (hash) } })])
    };
    Table::new(title, file).words(what).words("BLAKE3").rows(hashes.iter().map(row))
}

fn facts(machine: &Machine) -> Markup {
    html! {
        h3 { "Machine" }
        dl.facts {
            dt { "Command" }
            dd { code { (machine.command) } }
            dt { "Processor" }
            dd { (machine.processor) ", " (machine.threads) " threads used" }
            dt { "System" }
            dd { (machine.system) }
        }
    }
}
