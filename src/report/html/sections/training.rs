//! How training went, and what the quantisers' scales did meanwhile.

use maud::html;

use crate::report::html::charts;
use crate::report::html::figure::figure;
use crate::report::html::shell::Section;
use crate::report::html::table::{Cell, Row, Table};
use crate::report::units::{loss, percent, plural};
use crate::report::{Phase, Report};

/// The section.
pub fn section(report: &Report) -> Section {
    let (id, title) = ("training", "Training");
    if report.training.iter().all(|phase| phase.epochs.is_empty()) {
        let sentence = match report.training.is_empty() {
            true => "The weights were given, and no network is trained in this run.",
            false => "No epoch of training is recorded yet.",
        };
        return Section::without(id, title, sentence);
    }
    let phases: Vec<String> = report.training.iter().map(extent).collect();
    let body = html! {
        p { (phases.join("; ")) ". Accuracies here are on the training samples as they were augmented." }
        @for (index, phase) in report.training.iter().enumerate() { (figure(&phase.title, charts::training(report, index))) }
        (table(report))
        (figure("Scales of the quantisers", charts::scales(report)))
    };
    Section::new(id, title, body)
}

fn extent(phase: &Phase) -> String {
    let done = phase.epochs.len();
    if done as u64 == phase.planned {
        format!("{}: {}", phase.title, plural(done as u64, "epoch"))
    } else {
        format!("{}: {done} of {}", phase.title, plural(phase.planned, "epoch"))
    }
}

/// Where every network of every phase stood after the last epoch.
fn table(report: &Report) -> Table {
    let rows = report.training.iter().flat_map(|phase| {
        phase.networks.iter().enumerate().filter_map(move |(index, network)| {
            let last = phase.epochs.last()?;
            Some(Row::from(vec![
                Cell::text(&phase.title),
                Cell::name(network),
                Cell::number(phase.epochs.len() as f64, phase.epochs.len()),
                Cell::optional(last.loss.get(index).copied(), loss),
                Cell::optional(last.accuracy.get(index).copied(), percent),
            ]))
        })
    });
    Table::new("After the last epoch", "training")
        .words("Phase")
        .words("Network")
        .numbers("Epoch")
        .numbers("Training loss")
        .hint("Mean cross-entropy, nats")
        .numbers("Training accuracy")
        .rows(rows)
}
