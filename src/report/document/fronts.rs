//! The exact front of the objective against one cost.

use serde::{Deserialize, Serialize};

/// One front with what lies around it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrontSection {
    /// Name of the cost; no other cost is limited.
    pub cost: String,
    /// Whether every point of the front is here.
    pub whole: bool,
    /// Otherwise the number of equally spaced limits whose best plans are here; several may have the same.
    pub limits: Option<u64>,
    /// Ids of the candidates that the points' layers are indices into.
    pub candidates: Vec<String>,
    /// The points, cheapest first.
    pub points: Vec<FrontRow>,
    /// Uniform precisions and the run's plans on the same axes.
    pub landmarks: Vec<Landmark>,
}

/// A plan that no other beats in objective and cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrontRow {
    /// What it costs.
    pub cost: f64,
    /// Sum of the sensitivities.
    pub objective: f64,
    /// Whether it lies on the lower convex hull of the front; none if not known.
    pub supported: Option<bool>,
    /// Whether no plan is better within its cost.
    pub proved: bool,
    /// Candidate of each layer, as an index into [`FrontSection::candidates`].
    pub layers: Vec<u32>,
}

/// What kind of network a landmark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LandmarkKind {
    /// Every layer at one candidate.
    Uniform,
    /// A plan of the run; it may have other budgets too, and then lies above the front.
    Plan,
}

/// A network beside the front.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Landmark {
    /// Name of the plan, or candidate.
    pub name: String,
    /// What it is.
    pub kind: LandmarkKind,
    /// What it costs.
    pub cost: f64,
    /// Sum of the sensitivities.
    pub objective: f64,
    /// A plan's limit of this cost, if it has one: the budget line.
    pub limit: Option<f64>,
    /// Held-out accuracy, `0..=1`, where it was measured.
    pub accuracy: Option<f64>,
    /// Its standard error.
    pub accuracy_stderr: Option<f64>,
    /// Perplexity of language models, where it was measured.
    pub perplexity: Option<f64>,
    /// Its standard error.
    pub perplexity_stderr: Option<f64>,
}
