//! Accuracies of the FP32 model, the uniform precisions and the plans, `bitplan.evaluation/1`.

use serde::{Deserialize, Serialize};

use crate::report::Kind;
use crate::supernet::{Evaluation, Paired};

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
    /// Its results minus those of each row above, on the same samples, in the order of the rows.
    #[serde(default)]
    pub minus: Vec<Paired>,
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
