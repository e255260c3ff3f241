//! Activation memory while each node of the graph runs.

use svg::Document;

use super::networks::draw_labels;
use super::notes::notes;
use crate::report::plot::{Area, Band, Chart, Key, Label, Scale, Shape, bar, dot, named, one_line, steps};
use crate::report::{Memory, MemoryProfile, Report, units};

/// Tensors at the peak that are named.
const NAMED: usize = 4;

/// Of more nodes than this, the tab key stops at the peaks only.
const TABBED: usize = 120;

/// The chart; none if the profile is not known.
pub fn memory(report: &Report) -> Option<Document> {
    let memory = report.memory.as_ref()?;
    let profiles: Vec<&MemoryProfile> = memory.profiles.iter().filter(|profile| !profile.bytes.is_empty()).collect();
    let (first, others) = profiles.split_first()?;
    let count = memory.nodes.len();
    if count == 0 {
        return None;
    }
    let mut chart = Chart::new("chart-memory", "Activation memory", &description(memory, &profiles));
    let mut keys = vec![Key::bars(6, &one_line(&first.network)).class("soft")];
    keys.extend(others.iter().enumerate().map(|(series, profile)| Key::line(series, &one_line(&profile.network))));
    keys.push(Key::shaped(Shape::Diamond, 6, "peak"));
    chart.legend(&keys);
    let largest = profiles.iter().flat_map(|profile| &profile.bytes).copied().max().unwrap_or_default() as f64;
    let (unit, name) = units::axis_unit("bytes", largest);
    let area = chart.panel(&format!("Activations of one sample while a node runs, {name}"), 240.0);
    let band = Band::new(count, area.across());
    // Room above for the names of the peaks.
    let y = Scale::linear_from_zero([1.12 * largest / unit], area.upward());
    chart.y_axis(&area, &y);
    let names: Vec<String> = memory.nodes.iter().map(|node| named(node)).collect();
    chart.categories(&area, &band, &names, "Nodes in the order in which they run");
    let stairs = |profile: &MemoryProfile| -> Vec<(f64, f64)> {
        let at = |(node, bytes): (usize, &u64)| (band.start(node), y.at(*bytes as f64 / unit));
        let mut places: Vec<(f64, f64)> = profile.bytes.iter().take(count).enumerate().map(at).collect();
        places.extend(places.last().map(|&(_, last)| (band.start(places.len()), last)));
        places
    };
    let mut outline = vec![(area.left, area.bottom)];
    outline.extend(stairs(first));
    outline.extend(outline.last().map(|&(x, _)| (x, area.bottom)));
    chart.draw(steps(&outline).series(6).class("area"));
    for (series, profile) in others.iter().enumerate() {
        chart.draw(steps(&stairs(profile)).series(series));
    }
    let place = |profile: &MemoryProfile, node: usize| {
        let bytes = profile.bytes.get(node)?;
        Some((band.center(node), y.at(*bytes as f64 / unit)))
    };
    peaks(&mut chart, &area, &profiles, place);
    // Over everything: a strip for each node, which says all networks.
    for node in 0..count {
        let strip = bar(band.start(node), area.top, band.start(node + 1), area.bottom)
            .class("hit")
            .tip(&tip(memory, &profiles, node));
        let strip = match layer(report, memory, node) {
            Some(layer) => strip.layer(layer),
            None => strip,
        };
        let peak = profiles.iter().any(|profile| profile.peak == node);
        chart.draw(if count > TABBED && !peak { strip.untabbed() } else { strip });
    }
    for profile in &profiles {
        notes(&mut chart, &peak(memory, profile));
    }
    Some(chart.finish())
}

/// Marks the peaks and says how large they are.
fn peaks(
    chart: &mut Chart,
    area: &Area,
    profiles: &[&MemoryProfile],
    place: impl Fn(&MemoryProfile, usize) -> Option<(f64, f64)>,
) {
    let mut wishes = Vec::new();
    for (index, profile) in profiles.iter().enumerate() {
        let Some((x, y)) = place(profile, profile.peak) else { continue };
        let series = if index == 0 { 6 } else { index - 1 };
        chart.draw(dot(Shape::Diamond, x, y, 4.5).series(series));
        let bytes = profile.bytes.get(profile.peak).copied().unwrap_or_default();
        wishes.push(Label { x, y, text: format!("{} {}", one_line(&profile.network), units::bytes(bytes as f64)) });
    }
    let all = profiles.iter().flat_map(|profile| (0..profile.bytes.len()).map(move |node| (profile, node)));
    let taken: Vec<(f64, f64)> = all.filter_map(|(profile, node)| place(profile, node)).collect();
    draw_labels(chart, &wishes, &taken, area);
}

fn node_name(memory: &Memory, node: usize) -> String {
    memory.nodes.get(node).map_or_else(|| format!("node {node}"), |name| named(name))
}

/// The layer that a node is, if exactly one has its name.
fn layer(report: &Report, memory: &Memory, node: usize) -> Option<usize> {
    let name = memory.nodes.get(node)?;
    let mut same = report.layers.iter().enumerate().filter(|(_, layer)| layer.name == *name);
    let (index, _) = same.next()?;
    same.next().is_none().then_some(index)
}

fn tip(memory: &Memory, profiles: &[&MemoryProfile], node: usize) -> String {
    let bytes = |profile: &&MemoryProfile| {
        let bytes = units::bytes(*profile.bytes.get(node)? as f64);
        Some(format!("\n{} {bytes}", one_line(&profile.network)))
    };
    let all: String = profiles.iter().filter_map(bytes).collect();
    format!("{}{all}", node_name(memory, node))
}

/// The peak of a network as a sentence.
fn peak(memory: &Memory, profile: &MemoryProfile) -> String {
    let bytes = profile.bytes.get(profile.peak).copied().unwrap_or_default();
    let live: Vec<String> = profile.live.iter().take(NAMED).map(|&node| node_name(memory, node)).collect();
    let more = profile.live.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let live =
        if live.is_empty() { String::new() } else { format!("; outputs that exist then: {}{more}", live.join(", ")) };
    let (network, node) = (one_line(&profile.network), node_name(memory, profile.peak));
    format!("{network}: peak {} while {node} runs{live}.", units::bytes(bytes as f64))
}

fn description(memory: &Memory, profiles: &[&MemoryProfile]) -> String {
    let peaks: Vec<String> = profiles.iter().map(|profile| peak(memory, profile)).collect();
    format!("Bytes of activations that exist while each node runs. {}", peaks.join(" "))
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
