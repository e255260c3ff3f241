//! Peak memory of activations.

use super::super::block::{Block, Table, number, words};
use crate::report::units::bytes;
use crate::report::{Memory, MemoryProfile, Report};

/// Tensors that are named.
const NAMED: usize = 4;

pub(super) fn memory(report: &Report) -> Vec<Block> {
    let Some(memory) = &report.memory else { return Vec::new() };
    let columns = vec![words("network"), number("peak"), words("while this runs"), words("outputs that exist then")];
    let rows: Vec<Vec<String>> = memory.profiles.iter().map(|profile| row(memory, profile)).collect();
    vec![
        Block::Heading("Peak memory of activations".into()),
        Block::Paragraph("Of one sample, over the graph's schedule.".into()),
        Block::Table(Table { columns, rows }),
    ]
}

fn row(memory: &Memory, profile: &MemoryProfile) -> Vec<String> {
    let node = |index: usize| memory.nodes.get(index).cloned().unwrap_or_default();
    let mut live: Vec<String> = profile.live.iter().take(NAMED).map(|&index| node(index)).collect();
    if profile.live.len() > NAMED {
        live.push(format!("{} more", profile.live.len() - NAMED));
    }
    let peak = profile.bytes.get(profile.peak).map_or_else(|| "–".into(), |&peak| bytes(peak as f64));
    vec![profile.network.clone(), peak, node(profile.peak), live.join(", ")]
}
