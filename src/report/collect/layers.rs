//! The layers: what they are, how sensitive they are, what their candidates cost.

use crate::report::collect::LayerFacts;
use crate::report::collect::checked::Checked;
use crate::report::{CandidateRow, LayerRow};
use crate::space::Candidate;
use crate::table::PlanningTable;

/// One row for each layer, in graph order. The candidates are those of the planning table, which also has what a pin keeps a
/// layer from; before there is one, those of the facts.
pub(super) fn rows(checked: &Checked<'_>) -> Vec<LayerRow> {
    checked.facts.layers.iter().enumerate().map(|(l, layer)| row(checked, l, layer)).collect()
}

fn row(checked: &Checked<'_>, index: usize, layer: &LayerFacts) -> LayerRow {
    let sensitivity = checked.sensitivity.and_then(|s| s.layers.get(index));
    let stderr = sensitivity.and_then(|s| s.trace.stderr).map(|e| e / layer.parameters.max(1) as f64);
    let (pin, candidates) = match checked.table {
        Some(table) => tabled(table, index),
        None => (None, known(checked, index, layer)),
    };
    let first = || layer.candidates.first().map(|c| c.candidate.to_string());
    LayerRow {
        name: layer.name.clone(),
        parameters: layer.parameters,
        macs: layer.macs,
        pinned: pin.or_else(|| first().filter(|_| layer.pinned)),
        group: checked.groups.iter().position(|g| g.contains(&index)),
        average_trace: sensitivity.map(|s| s.average_trace),
        trace_stderr: stderr.filter(|e| e.is_finite()),
        candidates,
    }
}

/// Pin and candidates as the planning table has them, the pin first.
fn tabled(table: &PlanningTable, index: usize) -> (Option<String>, Vec<CandidateRow>) {
    let Some(layer) = table.layers().get(index) else { return (None, Vec::new()) };
    let column = |name: &str| table.cost_names().iter().position(|n| n == name);
    let (bitops, weight_bytes) = (column("bitops"), column("weight_bytes"));
    let row = |c: &crate::table::Candidate| {
        let cost = |column: Option<usize>| column.and_then(|k| c.cost.get(k)).copied().unwrap_or_default();
        let (weight_bits, activation_bits) = bits(&c.id, c.weight_bits, c.activation_bits);
        CandidateRow {
            id: c.id.clone(),
            weight_bits,
            activation_bits,
            sensitivity: Some(c.sensitivity),
            stderr: c.stderr,
            bitops: cost(bitops),
            weight_bytes: cost(weight_bytes),
        }
    };
    let pin = table.pins().get(&index).and_then(|&c| layer.candidates.get(c)).map(|c| c.id.clone());
    let mut rows: Vec<CandidateRow> = layer.candidates.iter().map(row).collect();
    rows.sort_by_key(|r| (pin.as_ref() != Some(&r.id), std::cmp::Reverse((r.weight_bits, r.activation_bits))));
    (pin, rows)
}

/// Candidates as the facts have them, with sensitivities if there are any.
fn known(checked: &Checked<'_>, index: usize, layer: &LayerFacts) -> Vec<CandidateRow> {
    let sensitivity = checked.sensitivity.and_then(|s| s.layers.get(index));
    let row = |c: &super::CandidateFacts| {
        let estimate = sensitivity.and_then(|s| s.candidates.iter().find(|s| s.candidate == c.candidate));
        CandidateRow {
            id: c.candidate.to_string(),
            weight_bits: c.candidate.weight_bits().into(),
            activation_bits: c.candidate.activation_bits().into(),
            sensitivity: estimate.map(|e| e.sensitivity),
            stderr: estimate.and_then(|e| e.stderr).filter(|e| e.is_finite()),
            bitops: c.bitops as f64,
            weight_bytes: c.weight_bytes as f64,
        }
    };
    layer.candidates.iter().map(row).collect()
}

/// The bits of a candidate; where a table does not state them, those of its name.
pub(super) fn bits(id: &str, weights: Option<u32>, activations: Option<u32>) -> (u32, u32) {
    let named: Option<Candidate> = id.parse().ok();
    (
        weights.or_else(|| named.map(|c| c.weight_bits().into())).unwrap_or_default(),
        activations.or_else(|| named.map(|c| c.activation_bits().into())).unwrap_or_default(),
    )
}
