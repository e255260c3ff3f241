//! Activation memory over the schedule.

use maud::html;

use crate::report::html::charts;
use crate::report::html::figure::figure;
use crate::report::html::shell::Section;
use crate::report::html::table::{Cell, Row, Table};
use crate::report::units::{bytes, percent};
use crate::report::{Memory, MemoryProfile, Report};

/// The section.
pub fn section(report: &Report) -> Section {
    let (id, title) = ("memory", "Memory");
    let Some(memory) = &report.memory else {
        return Section::without(id, title, "Activation memory is computed with the plans.");
    };
    let body = html! {
        p {
            "Bytes of activations that exist while each node of the network runs, of one sample, in the order of the graph, \
            each tensor at the bits of the layer that reads it next. A device that works in place needs less than the peak, \
            one that has scratch memory or wide accumulators needs more."
        }
        (figure("Activation memory over the schedule", charts::memory(report)))
        (table(memory))
    };
    Section::new(id, title, body)
}

fn table(memory: &Memory) -> Table {
    let node = |index: &usize| memory.nodes.get(*index).map_or_else(|| format!("node {index}"), Clone::clone);
    let float = memory.profiles.iter().find(|profile| profile.network == "fp32").and_then(peak);
    let row = |profile: &MemoryProfile| {
        let most = peak(profile);
        let share = most.zip(float).filter(|(_, float)| *float > 0.0).map(|(peak, float)| peak / float);
        let live: Vec<String> = profile.live.iter().map(node).collect();
        Row::from(vec![
            Cell::name(if profile.network == "fp32" { "FP32" } else { &profile.network }),
            Cell::optional(most, bytes),
            Cell::optional(share, percent),
            Cell::text(node(&profile.peak)),
            Cell::text(live.join(", ")),
        ])
    };
    Table::new("Peaks", "memory")
        .words("Network")
        .numbers("Peak")
        .numbers("Of FP32")
        .words("While this runs")
        .words("Outputs that exist then")
        .rows(memory.profiles.iter().map(row))
}

fn peak(profile: &MemoryProfile) -> Option<f64> {
    profile.bytes.get(profile.peak).map(|&bytes| bytes as f64)
}
