//! Plans: what they choose, use and lose.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::{Relief, Status};

/// One plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanRow {
    /// Its name.
    pub name: String,
    /// How far it is proved.
    pub status: Status,
    /// Sum of the sensitivities.
    pub objective: f64,
    /// No plan within the budgets is below this.
    pub bound: f64,
    /// Proved relative distance from the best.
    pub gap: f64,
    /// Its budgets.
    pub budgets: Vec<BudgetRow>,
    /// The best plan without any of them.
    pub unlimited: Option<Relief>,
    /// Mean bits of a weight.
    pub mean_weight_bits: f64,
    /// What each layer becomes, in the order of the layers.
    pub choices: Vec<Choice>,
    /// What each pin and each group costs.
    pub bindings: Vec<BindingRow>,
    /// How it holds against the standard errors of the sensitivities, where these are known.
    pub stability: Option<StabilityRow>,
    /// What else a reader of the decision may want to know, as sentences: what more of each limit is worth, the best
    /// uniform precision beside it, the costliest constraint, how sure the choice is.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl PlanRow {
    /// Sum of a cost over the layers; none if the layers do not have it.
    pub fn total(&self, cost: &str) -> Option<f64> {
        let mut costs = self.choices.iter().filter_map(|choice| choice.cost.get(cost)).peekable();
        costs.peek()?;
        Some(costs.sum())
    }

    /// Part of the sum of a cost that one layer takes, `0..=1`.
    pub fn share(&self, layer: usize, cost: &str) -> Option<f64> {
        let own = self.choices.get(layer)?.cost.get(cost)?;
        self.total(cost).filter(|total| *total > 0.0).map(|total| own / total)
    }
}

/// A limit and what is used of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BudgetRow {
    /// Name of the cost: `bitops`, `weight_bytes`, `latency_ms`, …
    pub name: String,
    /// Upper limit.
    pub limit: f64,
    /// Sum over the layers.
    pub used: f64,
    /// Whether the best plan without it, with all other limits, is better; none if the searches did not settle that.
    pub binds: Option<bool>,
    /// That plan.
    pub without: Option<Relief>,
    /// The best plan with 1 % more of it.
    pub higher: Option<Relief>,
    /// How much the bound falls per unit of a higher limit; plans follow it in steps.
    pub shadow_price: f64,
}

impl BudgetRow {
    /// Whether it binds, in words.
    pub fn verdict(&self) -> &'static str {
        match self.binds {
            Some(true) => "binds",
            Some(false) => "does not bind",
            None => "not settled",
        }
    }
}

/// What one layer becomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Id of the candidate.
    pub candidate: String,
    /// Bits of a weight.
    pub weight_bits: u32,
    /// Bits of an input activation.
    pub activation_bits: u32,
    /// `Ω` of the choice.
    pub sensitivity: f64,
    /// Its standard error, if known.
    pub stderr: Option<f64>,
    /// Cost name → cost: `bitops`, `weight_bytes` and all others of the planning table.
    pub cost: BTreeMap<String, f64>,
    /// Share of the resampled plans that choose the same, if resampled.
    pub stays: Option<f64>,
    /// Candidate id → share of the resampled plans that choose it.
    pub shares: BTreeMap<String, f64>,
}

/// What a constraint of the search space costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BindingRow {
    /// Names of the layers it holds: one for a pin, more for a group.
    pub layers: Vec<String>,
    /// Candidate that a pin asks for; none for a group.
    pub candidate: Option<String>,
    /// The plan's objective minus the smallest without the constraint.
    pub cost: f64,
    /// Whether that is exact; otherwise it costs at least that.
    pub proved: bool,
}

/// A plan against resampled sensitivities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StabilityRow {
    /// Draws.
    pub draws: u64,
    /// Share of the draws whose best plan is this one.
    pub same_plan: f64,
    /// Mean relative loss above the best plan of a draw.
    pub regret_mean: f64,
    /// The largest of these.
    pub regret_max: f64,
}
