//! FP32, uniform precisions and plans side by side.

use maud::html;

use crate::report::html::charts;
use crate::report::html::figure::figure;
use crate::report::html::shell::Section;
use crate::report::html::table::{Cell, Row, Table};
use crate::report::html::words::{count, network};
use crate::report::units::{accuracy, bytes, change, loss, operations, perplexity, relative, significant};
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
                "Judged on " (count(samples.held_out, &samples.noun)) " held out; ± is one standard error of each network. Two \
                of these errors may overlap and networks still differ: differences to FP32 are on the same samples, and have \
                errors of their own. One within two of them is no evidence."
            } @else {
                "Costs are known, accuracies are not: the evaluation comes last."
            }
        }
        (figure("Accuracy against cost", charts::networks(report)))
        (table(report))
    };
    Section::new(id, title, body)
}

fn of_accuracy(row: &NetworkRow) -> Cell {
    Cell::measured(row.change.map(|c| c.accuracy), row.change.and_then(|c| c.accuracy_stderr), change)
}

fn of_perplexity(row: &NetworkRow) -> Cell {
    let (more, error) = row.change.map(|c| c.perplexity()).unzip();
    Cell::measured(more, error.flatten(), relative)
}

fn table(report: &Report) -> Table {
    let row = |row: &NetworkRow| Row {
        primary: row.kind == Kind::Plan,
        cells: vec![
            Cell::named(network(row.kind, &row.name)),
            Cell::measured(row.perplexity, row.perplexity_stderr, perplexity),
            Cell::measured(row.accuracy, row.accuracy_stderr, accuracy),
            if report.samples.language { of_perplexity(row) } else { of_accuracy(row) },
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
        .numbers(if report.samples.language { "Perplexity against FP32" } else { "Against FP32, points" })
        .hint("Difference on the same samples, with its standard error")
        .numbers("Loss")
        .hint("Mean cross-entropy, nats")
        .numbers("BitOPs")
        .numbers("Weights")
        .numbers("Objective")
        .hint("Sum of the sensitivities")
        .rows(report.networks.iter().map(row))
}
