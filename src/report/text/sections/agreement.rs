//! Predicted against measured increases of the loss.

use super::super::block::{Block, Table, number, or_missing, words};
use crate::report::units::{accuracy, correlation, grouped, plus_minus};
use crate::report::{JointRow, RankRow, Report};

pub(super) fn agreement(report: &Report) -> Vec<Block> {
    let Some(agreement) = &report.agreement else { return Vec::new() };
    let mut blocks = vec![
        Block::Heading("Predicted against measured increases of the loss".into()),
        Block::Paragraph(format!(
            "Each layer alone at each candidate, on {} held-out {}; the loss of FP32 is {} nats. {}",
            grouped(agreement.samples),
            report.samples.noun,
            plus_minus(agreement.base, Some(agreement.base_stderr)),
            agreement.note
        )),
    ];
    if !agreement.ranks.is_empty() {
        blocks.push(Block::Table(ranks(&agreement.ranks)));
    }
    if !agreement.joint.is_empty() {
        let row = |joint: &JointRow| {
            vec![
                joint.candidate.clone(),
                plus_minus(joint.measured, Some(joint.stderr)),
                plus_minus(joint.sum, Some(joint.sum_stderr)),
                or_missing(joint.not_additive, |share| accuracy(share, joint.not_additive_stderr)),
            ]
        };
        let columns = vec![
            words("candidate"),
            number("all layers together"),
            number("sum of layers alone"),
            number("share that is not additive"),
        ];
        blocks.push(Block::Paragraph(
            "All layers at one candidate, but pinned ones at their pin; increase of the loss in nats:".into(),
        ));
        blocks.push(Block::Table(Table { columns, rows: agreement.joint.iter().map(row).collect() }));
    }
    blocks
}

/// Rank correlations, one row for each.
pub(in crate::report::text) fn ranks(ranks: &[RankRow]) -> Table {
    let row = |rank: &RankRow| {
        vec![
            rank.candidate.clone().unwrap_or_else(|| "all".into()),
            grouped(rank.count),
            or_missing(rank.spearman, correlation),
            or_missing(rank.kendall, correlation),
        ]
    };
    let columns = vec![words("candidates"), number("values"), number("Spearman ρ"), number("Kendall τ")];
    Table { columns, rows: ranks.iter().map(row).collect() }
}
