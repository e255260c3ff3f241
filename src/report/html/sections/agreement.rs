//! Whether the predicted increases of the loss are the measured ones.

use maud::html;

use crate::report::html::charts;
use crate::report::html::figure::figure;
use crate::report::html::shell::Section;
use crate::report::html::table::{Cell, Row, Table};
use crate::report::html::words::{count, layer_name};
use crate::report::units::{accuracy, correlation, grouped, plus_minus, significant};
use crate::report::{Agreement, AgreementPoint, JointRow, RankRow, Report};

/// The section.
pub fn section(report: &Report) -> Section {
    let (id, title) = ("agreement", "Agreement");
    let Some(agreement) = &report.agreement else {
        let sentence =
            "The increases of the loss were not measured in this run: measured_images in the search space asks for it.";
        return Section::without(id, title, sentence);
    };
    let body = html! {
        p {
            "Each layer alone was quantised to each candidate, and the increase of the loss measured on "
            (count(agreement.samples, &report.samples.noun)) ". The FP32 network's loss is "
            (plus_minus(agreement.base, Some(agreement.base_stderr))) " nats. " (agreement.note)
        }
        (figure("Measured against predicted increases of the loss", charts::agreement(report)))
        (ranks(agreement))
        (joint(agreement))
        (points(report, agreement))
    };
    Section::new(id, title, body)
}

fn ranks(agreement: &Agreement) -> Table {
    let row = |row: &RankRow| Row {
        primary: row.candidate.is_none(),
        cells: vec![
            Cell::name(row.candidate.as_deref().unwrap_or("all")),
            Cell::number(row.count as f64, grouped(row.count)),
            Cell::optional(row.spearman, correlation),
            Cell::optional(row.kendall, correlation),
        ],
        ..Row::default()
    };
    Table::new("Whether the order is right", "rank-correlations")
        .words("Candidate")
        .numbers("Values")
        .numbers("Spearman’s ρ")
        .hint("1: the predicted order is the measured one; 0: no relation")
        .numbers("Kendall’s τ-b")
        .rows(agreement.ranks.iter().map(row))
}

fn joint(agreement: &Agreement) -> Table {
    let row = |row: &JointRow| {
        Row::from(vec![
            Cell::name(&row.candidate),
            Cell::measured(row.measured, Some(row.stderr), plus_minus),
            Cell::measured(row.sum, Some(row.sum_stderr), plus_minus),
            Cell::measured(row.not_additive, row.not_additive_stderr, accuracy),
        ])
    };
    Table::new("All layers together against the sum of the layers alone", "joint-increases")
        .words("Candidate")
        .numbers("All layers, nats")
        .hint("Measured increase of the loss with all layers at this candidate, but pinned ones at their pin")
        .numbers("Sum of single layers, nats")
        .numbers("Not additive")
        .hint("Share of the joint increase that is no sum of the layers’ own")
        .rows(agreement.joint.iter().map(row))
}

fn points(report: &Report, agreement: &Agreement) -> maud::Markup {
    let row = |point: &AgreementPoint| Row {
        layer: Some(point.layer),
        cells: vec![
            Cell::name(&layer_name(report, point.layer)),
            Cell::text(&point.candidate),
            Cell::number(point.predicted, significant(point.predicted, 3)),
            Cell::measured(point.measured, Some(point.stderr), plus_minus),
        ],
        ..Row::default()
    };
    let table = Table::new("Predicted and measured increases of the loss", "agreement")
        .words("Layer")
        .words("Candidate")
        .numbers("Predicted, nats")
        .numbers("Measured, nats")
        .rows(agreement.points.iter().map(row));
    html! {
        details {
            summary { "Every layer and candidate" }
            (table)
        }
    }
}
