//! How the report was made, and from what.

use super::super::block::{Block, Table, number, words};
use crate::report::Report;
use crate::report::units::{duration, hash};

pub(super) fn settings(report: &Report) -> Vec<Block> {
    if report.settings.is_empty() {
        return Vec::new();
    }
    let texts = report.settings.iter().map(|setting| setting.text.clone()).collect();
    vec![Block::Heading("Settings".into()), Block::List(texts)]
}

pub(super) fn provenance(report: &Report) -> Vec<Block> {
    let provenance = &report.provenance;
    let mut blocks = vec![
        Block::Heading("Provenance".into()),
        Block::Paragraph(format!("bitplan {}, seed {}.", provenance.version, provenance.seed)),
    ];
    let rows: Vec<Vec<String>> = provenance
        .inputs
        .iter()
        .chain(&provenance.files)
        .map(|(name, digits)| vec![name.clone(), hash(digits)])
        .collect();
    if !rows.is_empty() {
        blocks.push(Block::Table(Table {
            columns: vec![words("input or file"), words("BLAKE3 hash begins with")],
            rows,
        }));
    }
    if let Some(machine) = &report.machine {
        blocks.push(Block::Paragraph(format!(
            "`{}` on {}, {}, {} threads.",
            machine.command, machine.processor, machine.system, machine.threads
        )));
        let title = |name: &String| {
            let stage = report.stages.iter().find(|stage| stage.name == *name);
            stage.map_or_else(|| name.clone(), |stage| stage.title.clone())
        };
        let order = |name: &String| report.stages.iter().position(|stage| stage.name == *name).unwrap_or(usize::MAX);
        let mut seconds: Vec<(&String, f64)> = machine.seconds.iter().map(|(name, seconds)| (name, *seconds)).collect();
        seconds.sort_by_key(|(name, _)| order(name));
        let rows: Vec<Vec<String>> =
            seconds.into_iter().map(|(name, seconds)| vec![title(name), duration(seconds)]).collect();
        if !rows.is_empty() {
            blocks.push(Block::Table(Table { columns: vec![words("stage"), number("wall time")], rows }));
        }
    }
    blocks
}
