//! The runs, their settings, their training, and what they were made from.

use super::super::block::{Block, Table, number, or_missing, words};
use crate::report::units::{accuracy, grouped, hash, loss};
use crate::report::{ComparedRun, ComparedValue, Comparison};

pub(super) fn runs(comparison: &Comparison) -> Vec<Block> {
    let row = |run: &ComparedRun| {
        vec![
            run.name.clone(),
            run.network.clone(),
            or_missing(run.primary.clone(), |plan| plan),
            or_missing(run.folder.clone(), |folder| folder),
            if run.finished { "yes" } else { "no" }.into(),
        ]
    };
    let columns = ["run", "network", "first plan", "folder", "finished"].map(words).to_vec();
    let mut blocks = vec![
        Block::Title(format!("Comparison of {} runs", comparison.runs.len())),
        Block::Table(Table { columns, rows: comparison.runs.iter().map(row).collect() }),
    ];
    if !comparison.remarks.is_empty() {
        blocks.extend([Block::Heading("Remarks".into()), Block::List(comparison.remarks.clone())]);
    }
    let decided = |run: &ComparedRun| run.decisions.first().map(|decision| format!("{}: {decision}", run.name));
    let decisions: Vec<String> = comparison.runs.iter().filter_map(decided).collect();
    if !decisions.is_empty() {
        blocks.extend([Block::Heading("Decisions".into()), Block::List(decisions)]);
    }
    blocks
}

pub(super) fn settings(comparison: &Comparison) -> Vec<Block> {
    section(comparison, "Settings", &comparison.settings, Clone::clone)
}

pub(super) fn provenance(comparison: &Comparison) -> Vec<Block> {
    let mut blocks = section(comparison, "Provenance", &comparison.provenance, |value| hash(value));
    if let Some(Block::Paragraph(note)) = blocks.get_mut(1) {
        note.push_str(" Of BLAKE3 hashes the first 16 digits are shown.");
    }
    blocks
}

/// The values that differ, and how many do not.
fn section(comparison: &Comparison, title: &str, values: &[ComparedValue], show: fn(&String) -> String) -> Vec<Block> {
    if values.is_empty() {
        return Vec::new();
    }
    let other: Vec<&ComparedValue> = values.iter().filter(|value| value.differs).collect();
    let mut blocks = vec![
        Block::Heading(title.into()),
        Block::Paragraph(match other.len() {
            0 => "The same in all runs.".into(),
            count => format!("{count} of {} differ.", values.len()),
        }),
    ];
    let row = |value: &&ComparedValue| {
        let cells = value.runs.iter().map(|cell| or_missing(cell.as_ref(), show));
        [value.name.clone()].into_iter().chain(cells).collect()
    };
    if !other.is_empty() {
        let columns = [words("")].into_iter().chain(comparison.runs.iter().map(|run| words(&run.name))).collect();
        blocks.push(Block::Table(Table { columns, rows: other.iter().map(row).collect() }));
    }
    blocks
}

pub(super) fn training(comparison: &Comparison) -> Vec<Block> {
    let rows: Vec<Vec<String>> = comparison
        .training
        .iter()
        .flat_map(|phase| {
            phase.networks.iter().map(|network| {
                let mut cells = vec![phase.title.clone(), network.network.clone()];
                for (run, epochs) in network.runs.iter().zip(&phase.epochs) {
                    cells.push(or_missing(*epochs, |(done, planned)| {
                        format!("{} of {}", grouped(done), grouped(planned))
                    }));
                    cells.push(or_missing(*run, |last| match last.accuracy {
                        Some(share) => format!("{}, {}", loss(last.loss), accuracy(share, None)),
                        None => loss(last.loss),
                    }));
                }
                cells
            })
        })
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let mut columns = vec![words("phase"), words("network")];
    for run in &comparison.runs {
        columns.extend([number("epochs"), number(&run.name)]);
    }
    vec![
        Block::Heading("Training".into()),
        Block::Paragraph("Loss and training accuracy of the last epoch.".into()),
        Block::Table(Table { columns, rows }),
    ]
}
