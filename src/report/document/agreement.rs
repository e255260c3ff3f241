//! Predicted against measured increases of the loss.

use serde::{Deserialize, Serialize};

/// Every layer alone at every candidate, all layers at each candidate, and how well the orders agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Held-out samples that the loss was taken over.
    pub samples: u64,
    /// What was quantised, and whether the networks of the run are that, in a sentence.
    pub note: String,
    /// Loss of the FP32 network, nats.
    pub base: f64,
    /// Its standard error.
    pub base_stderr: f64,
    /// One for each layer and candidate.
    pub points: Vec<AgreementPoint>,
    /// Over all, then for each candidate.
    pub ranks: Vec<RankRow>,
    /// All layers at one candidate.
    pub joint: Vec<JointRow>,
}

/// One layer at one candidate, all others FP32.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgreementPoint {
    /// Index of the layer.
    pub layer: usize,
    /// The candidate.
    pub candidate: String,
    /// Predicted increase of the loss, nats.
    pub predicted: f64,
    /// Measured increase of the loss, nats; may be negative.
    pub measured: f64,
    /// Its standard error.
    pub stderr: f64,
}

/// How well the predicted order is the measured one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankRow {
    /// Among the layers at this candidate; none: all layers and candidates.
    pub candidate: Option<String>,
    /// Values compared.
    pub count: u64,
    /// Spearman's ρ.
    pub spearman: Option<f64>,
    /// Kendall's τ-b.
    pub kendall: Option<f64>,
}

/// All layers at one candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JointRow {
    /// The candidate.
    pub candidate: String,
    /// Measured increase with all layers together.
    pub measured: f64,
    /// Its standard error.
    pub stderr: f64,
    /// Sum of the increases of the layers alone.
    pub sum: f64,
    /// Its standard error.
    pub sum_stderr: f64,
    /// Share of the joint increase that is no sum of the layers' own; none if there is no increase beyond two
    /// standard errors.
    pub not_additive: Option<f64>,
    /// Its standard error.
    pub not_additive_stderr: Option<f64>,
}
