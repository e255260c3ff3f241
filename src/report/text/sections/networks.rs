//! FP32, uniform precisions and plans side by side.

use super::super::block::{Block, Table, number, or_missing, words};
use crate::report::units::{accuracy, bytes, change, loss, operations, perplexity, plan_title, relative, significant};
use crate::report::{Kind, NetworkRow, Report};

pub(super) fn networks(report: &Report) -> Vec<Block> {
    if report.networks.is_empty() {
        return Vec::new();
    }
    let measured = report.networks.iter().any(|row| row.accuracy.is_some());
    let text = match (measured, report.samples.language) {
        (false, _) => "The networks are not evaluated yet.",
        (true, false) => {
            "Accuracies (± standard error) are on the held-out samples, differences to FP32 in points and on the same samples."
        }
        (true, true) => {
            "Perplexities and accuracies of the next token (± standard error) are on the held-out samples, differences of perplexity \
             to FP32 on the same samples."
        }
    };
    vec![Block::Heading("Networks".into()), Block::Paragraph(text.into()), Block::Table(accuracies(report))]
}

/// One row for each network.
pub(in crate::report::text) fn accuracies(report: &Report) -> Table {
    let language = report.samples.language;
    let mut columns = vec![words("network")];
    if language {
        columns.push(number("perplexity"));
    }
    columns.push(number(if language { "next-token accuracy" } else { "accuracy" }));
    columns.extend(["against FP32", "loss", "BitOPs", "weights", "sum of sensitivities"].map(number));
    let row = |row: &NetworkRow| {
        let mut cells = vec![name(row.kind, &row.name)];
        if language {
            cells.push(or_missing(row.perplexity, |p| perplexity(p, row.perplexity_stderr)));
        }
        cells.extend([
            or_missing(row.accuracy, |share| accuracy(share, row.accuracy_stderr)),
            or_missing(row.change, |c| match c.perplexity() {
                (more, error) if language => relative(more, error),
                _ => change(c.accuracy, c.accuracy_stderr),
            }),
            or_missing(row.loss, loss),
            operations(row.bitops),
            bytes(row.weight_bytes),
            or_missing(row.objective, |objective| significant(objective, 4)),
        ]);
        cells
    };
    Table { columns, rows: report.networks.iter().map(row).collect() }
}

/// What a network is called.
pub(in crate::report::text) fn name(kind: Kind, name: &str) -> String {
    match kind {
        Kind::Fp32 => "FP32".into(),
        Kind::Uniform => format!("uniform {name}"),
        Kind::Plan => plan_title(name),
    }
}
