//! What was decided, and how far the run got.

use super::super::block::{Block, Table, number, or_missing, words};
use crate::report::units::grouped;
use crate::report::{Report, StageState};

/// Remarks that are shown; a network of many layers can have one for each.
const MOST_REMARKS: usize = 20;

pub(super) fn decision(report: &Report) -> Vec<Block> {
    let samples = &report.samples;
    let mut blocks = vec![
        Block::Title(report.name.clone()),
        Block::Paragraph(format!(
            "Network {}, {} {} for training, {} held out.",
            report.network,
            grouped(samples.training),
            samples.noun,
            grouped(samples.held_out)
        )),
    ];
    if !report.decisions.is_empty() {
        blocks.push(Block::Heading("Decision".into()));
        for (i, decision) in report.decisions.iter().enumerate() {
            blocks.push(Block::Paragraph(decision.clone()));
            if let Some(plan) = report.plans.get(i).filter(|plan| !plan.notes.is_empty()) {
                blocks.push(Block::List(plan.notes.clone()));
            }
        }
    }
    if report.stages.iter().any(|stage| matches!(stage.state, StageState::Begun | StageState::Waiting)) {
        blocks.extend([Block::Heading("How far the run got".into()), Block::Table(stages(report))]);
    }
    if !report.remarks.is_empty() {
        let mut remarks: Vec<String> = report.remarks.iter().take(MOST_REMARKS).cloned().collect();
        if report.remarks.len() > remarks.len() {
            remarks.push(format!("And {} more.", report.remarks.len() - remarks.len()));
        }
        blocks.extend([Block::Heading("Remarks".into()), Block::List(remarks)]);
    }
    blocks
}

fn stages(report: &Report) -> Table {
    let rows = report.stages.iter().map(|stage| {
        let state = match stage.state {
            StageState::Done => "done",
            StageState::Begun => "begun",
            StageState::Waiting => "waiting",
            StageState::NotNeeded => "not needed",
        };
        vec![
            stage.title.clone(),
            state.into(),
            or_missing(stage.epochs, |(done, planned)| format!("{} of {}", grouped(done), grouped(planned))),
        ]
    });
    Table { columns: vec![words("stage"), words("state"), number("epochs")], rows: rows.collect() }
}
