//! Networks side by side: FP32, uniform precisions, plans.

use serde::{Deserialize, Serialize};

use crate::supernet::Paired;

/// What kind of network a row is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Not quantised.
    Fp32,
    /// Every layer at one candidate (pinned layers at their pin).
    Uniform,
    /// A plan.
    Plan,
}

/// One network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkRow {
    /// `fp32`, a candidate, or a plan's name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Bit operations of one inference.
    pub bitops: f64,
    /// Bytes of codes and scales; of FP32, of its weights.
    pub weight_bytes: f64,
    /// Sum of the sensitivities; none for FP32 and before the sensitivities.
    pub objective: Option<f64>,
    /// Share of right predictions on the held-out samples, `0..=1`; none before the evaluation, like all below.
    pub accuracy: Option<f64>,
    /// Its standard error, from sample to sample.
    pub accuracy_stderr: Option<f64>,
    /// Mean cross-entropy, nats.
    pub loss: Option<f64>,
    /// Of language models.
    pub perplexity: Option<f64>,
    /// Its standard error, from sample to sample.
    pub perplexity_stderr: Option<f64>,
    /// What it has more than FP32, on the same samples; none of FP32 itself.
    pub change: Option<Paired>,
}
