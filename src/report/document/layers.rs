//! Layers: what they are, how sensitive they are, what their candidates cost.

use serde::{Deserialize, Serialize};

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerRow {
    /// Its name: any text.
    pub name: String,
    /// Weights.
    pub parameters: u64,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// Candidate that the search space pins it to.
    pub pinned: Option<String>,
    /// Number of its group in [`crate::report::Report::groups`].
    pub group: Option<usize>,
    /// `t̄`, trace of the loss's curvature in its weights, per weight; none before the sensitivities.
    pub average_trace: Option<f64>,
    /// Standard error of `t̄`; a trace below it is not resolved and counts as the error.
    pub trace_stderr: Option<f64>,
    /// What it may take, widest first; of a pinned layer the pin first, then what the pin keeps it from.
    pub candidates: Vec<CandidateRow>,
}

/// One candidate of one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateRow {
    /// Its id: `w4a8`, `fp32`.
    pub id: String,
    /// Bits of a weight.
    pub weight_bits: u32,
    /// Bits of an input activation.
    pub activation_bits: u32,
    /// `Ω`, what the plan minimises the sum of; none before the sensitivities.
    pub sensitivity: Option<f64>,
    /// Standard error of `Ω`, if known.
    pub stderr: Option<f64>,
    /// Bit operations of one inference.
    pub bitops: f64,
    /// Bytes of codes and scales.
    pub weight_bytes: f64,
}
