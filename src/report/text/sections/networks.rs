//! FP32, uniform precisions and plans side by side.

use super::super::block::{Block, Table, number, or_missing, words};
use crate::report::units::{accuracy, bytes, loss, operations, significant};
use crate::report::{Kind, NetworkRow, Report};

pub(super) fn networks(report: &Report) -> Vec<Block> {
    if report.networks.is_empty() {
        return Vec::new();
    }
    let measured = report.networks.iter().any(|row| row.accuracy.is_some());
    let text = match (measured, report.samples.language) {
        (false, _) => "The networks are not evaluated yet.",
        (true, false) => "Accuracies (± standard error) are on the held-out samples.",
        (true, true) => "Perplexities and accuracies of the next token (± standard error) are on the held-out samples.",
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
    columns.extend(["loss", "BitOPs", "weights", "sum of sensitivities"].map(number));
    let row = |row: &NetworkRow| {
        let mut cells = vec![name(row.kind, &row.name)];
        if language {
            cells.push(or_missing(row.perplexity, |p| format!("{p:.3}")));
        }
        cells.extend([
            or_missing(row.accuracy, |share| accuracy(share, row.accuracy_stderr)),
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
        Kind::Plan => format!("plan {name}"),
    }
}
