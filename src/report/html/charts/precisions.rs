//! The same candidate looks the same in every chart.

use crate::report::Report;
use crate::report::plot::{FONT, cut, named, width};

/// Ids of the candidates of all layers, widest first: the index of a candidate here is its series.
pub(super) fn precisions(report: &Report) -> Vec<String> {
    let mut rows: Vec<_> = report.layers.iter().flat_map(|layer| &layer.candidates).collect();
    rows.sort_by(|a, b| (b.weight_bits, b.activation_bits, &a.id).cmp(&(a.weight_bits, a.activation_bits, &b.id)));
    let mut ids: Vec<String> = rows.into_iter().map(|row| row.id.clone()).collect();
    ids.dedup();
    ids
}

/// The series of a candidate; of one that no layer has, the next one behind all.
pub(super) fn series(precisions: &[String], id: &str) -> usize {
    precisions.iter().position(|other| other == id).unwrap_or(precisions.len())
}

/// The name of a layer as tips say it.
pub(super) fn layer_name(report: &Report, layer: usize) -> String {
    report.layers.get(layer).map_or_else(|| format!("layer {layer}"), |row| named(&row.name))
}

/// A name that fits into `limit`: the parts that it shares with its neighbours, up to a dot, go first.
pub(super) fn tail(name: &str, limit: f64) -> String {
    let starts = name.match_indices('.').map(|(at, _)| name.split_at(at + 1).1);
    let mut fitting = starts.map(|rest| format!("…{rest}")).filter(|short| width(short, FONT) <= limit);
    if width(name, FONT) <= limit {
        return name.to_string();
    }
    fitting.next().filter(|short| short.chars().count() > 4).unwrap_or_else(|| cut(name, FONT, limit))
}

#[cfg(test)]
#[path = "precisions_tests.rs"]
mod tests;
