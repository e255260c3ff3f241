//! FP32, uniform precisions and plans side by side.

use maud::html;

use crate::report::html::charts;
use crate::report::html::figure::figure;
use crate::report::html::shell::Section;
use crate::report::html::table::{Cell, Row, Table};
use crate::report::html::words::{count, network};
use crate::report::units::{accuracy, bytes, loss, operations, significant};
use crate::report::{Kind, NetworkRow, Report};

/// The section.
pub fn section(report: &Report) -> Section {
    let (id, title) = ("networks", "Networks");
    if report.networks.is_empty() {
        return Section::without(id, title, "No network is costed yet.");
    }
    let samples = &report.samples;
    let body = html! {
        p {
            @if report.networks.iter().any(|row| row.accuracy.is_some()) {
                "Judged on " (count(samples.held_out, &samples.noun)) " that no network was trained on; ± is one standard \
                error. A difference within two of them is no evidence."
            } @else {
                "Costs are known, accuracies are not: the evaluation comes last."
            }
        }
        (figure("Accuracy against cost", charts::networks(report)))
        (table(report))
    };
    Section::new(id, title, body)
}

fn table(report: &Report) -> Table {
    let row = |row: &NetworkRow| Row {
        primary: row.kind == Kind::Plan,
        cells: vec![
            Cell::named(network(row.kind, &row.name)),
            Cell::optional(row.perplexity, |perplexity| significant(perplexity, 4)),
            row.accuracy.map_or_else(Cell::missing, |share| {
                Cell::measured(share, row.accuracy_stderr, accuracy(share, row.accuracy_stderr))
            }),
            Cell::optional(row.loss, loss),
            Cell::number(row.bitops, operations(row.bitops)),
            Cell::number(row.weight_bytes, bytes(row.weight_bytes)),
            Cell::optional(row.objective, |objective| significant(objective, 4)),
        ],
        ..Row::default()
    };
    Table::new("Costs and accuracies", "networks")
        .words("Network")
        .numbers("Perplexity")
        .numbers(if report.samples.language { "Next-token accuracy" } else { "Accuracy" })
        .numbers("Loss")
        .hint("Mean cross-entropy, nats")
        .numbers("BitOPs")
        .numbers("Weights")
        .numbers("Objective")
        .hint("Sum of the sensitivities")
        .rows(report.networks.iter().map(row))
}
