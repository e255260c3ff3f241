//! The planning table of a network whose layers become tensors of ggml types.
//!
//! ```text
//! Ω_{l,c} = t̄_l · ‖Q_c(W_l) − W_l‖²        Q_c: the quantiser of type c, as it will run
//! ```
//!
//! Weights only: llama.cpp rounds activations in one way whatever the plan. Costs are what stands in the file: whole blocks
//! of codes with their scales. Candidates are the types whose blocks make whole rows and hold the largest weight; a layer
//! that the search space pins to `fp32` is `f32`. A head that has the weights of the table of tokens is one tensor with it
//! there: both take one type, and its bytes count once.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::export::gguf::{GgmlType, squared_error};
use crate::graph::Role;
use crate::run::Outline;
use crate::sensitivity::{LayerSensitivity, SensitivityReport};
use crate::space::Candidate;
use crate::supernet::Parameters;
use crate::table::{PlanningTable, RawCandidate, RawLayer, RawTable, TABLE_FORMAT};

/// What the table has to know of a layer.
#[derive(Debug, Clone)]
pub struct GgmlLayer<'a> {
    /// Its name.
    pub name: &'a str,
    /// Shape of its weight, output channels first.
    pub shape: &'a [usize],
    /// Its FP32 weights.
    pub weights: &'a [f32],
    /// `t̄_l`, mean trace of a weight.
    pub average_trace: f64,
    /// Its standard error, if known.
    pub stderr: Option<f64>,
    /// Whether it stays floats.
    pub pinned: bool,
    /// Bytes of what is stored with it and is no weight of a layer: biases, norms.
    pub other_bytes: u64,
    /// The layer before it that has the same tensor.
    pub shares: Option<usize>,
}

/// Sensitivities and costs of every type of every layer; `groups` are layers that take the same type.
///
/// # Errors
/// [`Error::Internal`] if a layer shares the tensor of one behind it.
pub fn ggml_table(name: &str, layers: &[GgmlLayer<'_>], groups: &[Vec<usize>]) -> Result<RawTable> {
    let stored = |layer: &GgmlLayer<'_>| if layer.shares.is_some() { 0 } else { layer.weights.len() };
    let all = layers.iter().map(stored).sum::<usize>().max(1) as f64;
    let mut raw = Vec::with_capacity(layers.len());
    for layer in layers {
        let mut candidates = Vec::new();
        let largest = layer.weights.iter().fold(0.0f32, |largest, weight| largest.max(weight.abs()));
        let possible = |ggml: &GgmlType| (!layer.pinned || *ggml == GgmlType::F32) && largest <= ggml.largest();
        for ggml in GgmlType::ALL.into_iter().filter(possible) {
            let Some(bytes) = ggml.bytes(layer.shape) else { continue };
            let loss = squared_error(layer.weights, layer.shape, ggml)?;
            let bytes = if layer.shares.is_some() { 0 } else { bytes };
            let bits = ggml.bits_per_weight();
            let cost = [
                ("weight_bytes", bytes as f64),
                ("model_bytes", (bytes + layer.other_bytes) as f64),
                ("avg_weight_bits", bits * stored(layer) as f64 / all),
                ("layer_avg_weight_bits", bits / layers.len() as f64),
            ];
            candidates.push(RawCandidate {
                id: ggml.to_string(),
                weight_bits: Some(ggml.code_bits()),
                activation_bits: None,
                sensitivity: layer.average_trace * loss,
                stderr: layer.stderr.map(|error| error * loss),
                cost: cost.into_iter().collect(),
            });
        }
        raw.push(RawLayer { name: layer.name.into(), parameters: Some(layer.weights.len() as u64), candidates });
    }
    let named = |group: &Vec<usize>| group.iter().filter_map(|&l| Some(layers.get(l)?.name.to_string())).collect();
    Ok(RawTable {
        format: TABLE_FORMAT.into(),
        name: name.into(),
        layers: raw,
        groups: with_shared(layers, groups)?.iter().map(named).collect(),
        pins: BTreeMap::new(),
    })
}

/// The groups, with layers of one tensor in one.
fn with_shared(layers: &[GgmlLayer<'_>], groups: &[Vec<usize>]) -> Result<Vec<Vec<usize>>> {
    let mut groups = groups.to_vec();
    for (l, layer) in layers.iter().enumerate() {
        let Some(other) = layer.shares else { continue };
        if other >= l {
            return Err(Error::Internal(format!("`{}` shares a layer behind it", layer.name)));
        }
        let (mut joined, rest): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|g| g.contains(&l) || g.contains(&other));
        joined.push(vec![other, l]);
        let mut members = joined.concat();
        members.sort_unstable();
        members.dedup();
        groups = rest;
        groups.push(members);
    }
    Ok(groups)
}

/// The table of a search space, from the sensitivities of its FP32 model.
///
/// # Errors
/// When the weights lack a layer, or a number is not finite.
pub fn ggml_planning_table(outline: &Outline, report: &SensitivityReport, float: &Parameters) -> Result<PlanningTable> {
    let scheme = outline.scheme();
    let weights = scheme.layers.iter().map(|layer| float.values(&format!("{}.weight", layer.name)));
    let weights: Vec<Vec<f32>> = weights.collect::<Result<_>>()?;
    let others = outline.net.network().graph().parameters();
    let others = others.iter().filter(|p| !matches!(p.role, Role::Weight | Role::Table));
    let other_bytes = others.map(|p| 4 * p.elements() as u64).sum();
    let layer = |(l, measured): (usize, &LayerSensitivity)| {
        let own = &scheme.layers[l];
        // Token tables and heads have two axes of the same extents; other layers that are equal are no one tensor there.
        let same = |&other: &usize| own.name == "lm_head" && weights[other] == weights[l];
        GgmlLayer {
            name: &own.name,
            shape: &own.weight_shape,
            weights: &weights[l],
            average_trace: measured.average_trace,
            stderr: measured.trace.stderr.map(|error| error / own.cost.parameters as f64),
            pinned: own.candidates == [Candidate::FP32],
            // Only their sum over the layers counts.
            other_bytes: if l == 0 { other_bytes } else { 0 },
            shares: (0..l).find(same),
        }
    };
    let layers: Vec<GgmlLayer<'_>> = report.layers.iter().enumerate().map(layer).collect();
    PlanningTable::check(ggml_table(&outline.space.name, &layers, &scheme.groups)?, "planning table")
}

#[cfg(test)]
#[path = "ggml_tests.rs"]
mod tests;
