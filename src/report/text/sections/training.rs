//! The last epoch of every phase of training.

use super::super::bars::course;
use super::super::block::{Block, Table, number, or_missing, words};
use crate::report::units::{accuracy, loss};
use crate::report::{Phase, Report};

pub(super) fn training(report: &Report) -> Vec<Block> {
    let rows: Vec<Vec<String>> = report.training.iter().flat_map(rows).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = vec![
        words("phase"),
        words("network"),
        number("epochs"),
        number("last loss"),
        number("training accuracy"),
        words("course of the loss"),
    ];
    vec![Block::Heading("Training".into()), Block::Table(Table { columns, rows })]
}

fn rows(phase: &Phase) -> Vec<Vec<String>> {
    let row = |(index, network): (usize, &String)| {
        let losses: Vec<f64> = phase.epochs.iter().filter_map(|epoch| epoch.loss.get(index)).copied().collect();
        let right = phase.epochs.last().and_then(|epoch| epoch.accuracy.get(index));
        vec![
            phase.title.clone(),
            network.clone(),
            format!("{} of {}", phase.epochs.len(), phase.planned),
            or_missing(losses.last(), |nats| loss(*nats)),
            or_missing(right, |share| accuracy(*share, None)),
            course(&losses),
        ]
    };
    phase.networks.iter().enumerate().map(row).collect()
}
