//! Training: losses and accuracies of every precision, scales, draws.

use serde::{Deserialize, Serialize};

/// One phase of training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// `fp32`, `multi_precision`, `mixed_precision`.
    pub name: String,
    /// For people.
    pub title: String,
    /// Epochs asked for.
    pub planned: u64,
    /// What each network of a step is: `fp32`, or its base precision, widest first.
    pub networks: Vec<String>,
    /// The epochs done.
    pub epochs: Vec<EpochRow>,
    /// Scales of the quantisers at the end of each epoch.
    pub scales: Vec<ScaleTrajectory>,
}

/// One epoch; a value for each of [`Phase::networks`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// Mean training loss, nats.
    pub loss: Vec<f64>,
    /// Share of right predictions on the (augmented) training samples, `0..=1`.
    pub accuracy: Vec<f64>,
}

/// The scales of one layer over the epochs of one phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScaleTrajectory {
    /// Index of the layer.
    pub layer: usize,
    /// Geometric mean of the weight scales (of the master, at the widest bits); empty if the weights stay FP32.
    pub weight: Vec<f64>,
    /// Bits of an input activation → its scale, for every width that the layer may take.
    pub activations: Vec<(u32, Vec<f64>)>,
}

/// What mixed-precision training drew, beside what it was meant to draw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draws {
    /// `hasb`, `uniform` or `tempered`.
    pub strategy: String,
    /// `σ` of the last epoch.
    pub sigma: f64,
    /// The layers that are searched; those of a group draw together.
    pub layers: Vec<DrawLayer>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrawLayer {
    /// Index of the layer.
    pub layer: usize,
    /// Its candidates, widest first.
    pub candidates: Vec<DrawCount>,
    /// Probability of counts at least as far from the intended ones, by the chi-square test with the covariance of
    /// draws that keep the step's precision most of the time; none where too few of them are random.
    pub p_value: Option<f64>,
}

/// One candidate of one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrawCount {
    /// Its id.
    pub candidate: String,
    /// How often it was trained.
    pub drawn: u64,
    /// How often it was to be expected (method of the paper's Algorithm 1).
    pub intended: f64,
}
