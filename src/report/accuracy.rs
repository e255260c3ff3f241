//! Accuracies of the FP32 model, the uniform precisions and the plans, `bitplan.evaluation/1`.

use serde::{Deserialize, Serialize};

use crate::supernet::Evaluation;

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
pub struct AccuracyRow {
    /// `fp32`, a candidate, or a plan's name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Bit operations of one inference.
    pub bitops: u64,
    /// Bytes of weights and scales.
    pub weight_bytes: u64,
    /// On the held-out samples.
    pub evaluation: Evaluation,
    /// For packed networks: the largest difference of a logit between the packed integer weights and the training form.
    /// Their predictions are always the same; the run fails otherwise.
    pub packed_difference: Option<f64>,
}

impl AccuracyRow {
    /// In percent.
    pub fn accuracy(&self) -> f64 {
        100.0 * self.evaluation.accuracy()
    }
}

/// All accuracies of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccuracyTable {
    /// `bitplan.evaluation/1`.
    pub format: String,
    /// The rows: FP32, uniform from wide to narrow, plans.
    pub rows: Vec<AccuracyRow>,
}

impl AccuracyTable {
    /// With the format of this version.
    pub fn new(rows: Vec<AccuracyRow>) -> Self {
        Self { format: "bitplan.evaluation/1".into(), rows }
    }
}
