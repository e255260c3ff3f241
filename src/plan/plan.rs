//! The document `bitplan.plan/1`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::plan::alternatives::Alternative;
use crate::plan::bindings::Binding;
use crate::plan::relief::Relief;
use crate::plan::stability::Stability;
use crate::store::read_text;
use crate::table::raw::{parse_json, to_json, unique_keys};

/// The `format` field of a plan.
pub const PLAN_FORMAT: &str = "bitplan.plan/1";

/// How far a plan is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// No plan is better.
    Optimal,
    /// Within every budget; how far from the best is the gap.
    Feasible,
    /// There is no plan; such a document has no layers.
    Infeasible,
}

/// A plan, as it is written and read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// `bitplan.plan/1`.
    pub format: String,
    /// How far it is proved.
    pub status: Status,
    /// Sum of the sensitivities of the chosen candidates.
    pub objective: f64,
    /// No plan within the budgets is below this.
    pub bound: f64,
    /// `(objective − bound) / Σ|sensitivity|` over the chosen candidates: relative to the objective, and safe where
    /// sensitivities of both signs cancel. Not divided if that sum is 0.
    pub gap: f64,
    /// Every budget, in the order given.
    pub budgets: Vec<PlanBudget>,
    /// The best plan without any limit, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlimited: Option<Relief>,
    /// Every layer, in the order of the table.
    pub layers: Vec<PlanLayer>,
    /// The next-best plans, where they were asked for, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Alternative>,
    /// Whether it is proved that no other plan belongs among them, and that there are no more where fewer stand here
    /// than were asked for. `status` is about the plan itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternatives_proved: Option<bool>,
    /// What each pin and each group of tied layers costs, where that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<Binding>,
    /// How the choices hold against the standard errors of the sensitivities, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stability: Option<Stability>,
    /// What found it.
    pub solver: SolverNote,
    /// What it was made from.
    pub provenance: Provenance,
}

/// A budget and what the plan uses of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanBudget {
    /// Name of the cost.
    pub name: String,
    /// Upper limit.
    pub limit: f64,
    /// Sum of the cost over the layers.
    pub used: f64,
    /// `limit − used`; below zero by rounding only.
    pub slack: f64,
    /// How much the bound falls per unit of a higher limit. The plan need not follow: see [`PlanBudget::without`].
    pub shadow_price: f64,
    /// The best plan without this limit, where that was asked for: the limit binds if it is better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<Relief>,
    /// The best plan with 1 % more of it, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub higher: Option<Relief>,
}

/// What a layer becomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanLayer {
    /// Its name.
    pub name: String,
    /// Id of the chosen candidate.
    pub candidate: String,
    /// Bits of a weight, where the table knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_bits: Option<u32>,
    /// Bits of an activation, where the table knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_bits: Option<u32>,
    /// What the choice loses.
    pub sensitivity: f64,
    /// Cost name → cost of the choice, all of the table's.
    #[serde(deserialize_with = "unique_keys")]
    pub cost: BTreeMap<String, f64>,
}

/// What found a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SolverNote {
    /// Its name.
    pub name: String,
    /// States that the proof looked at.
    pub nodes: u64,
    /// Wall time; left out where the same input must give the same bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// What a plan was made from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Version of the program.
    pub version: String,
    /// Input → content hash.
    #[serde(default, deserialize_with = "unique_keys")]
    pub inputs: BTreeMap<String, String>,
    /// Seed of the run; the planning itself draws no random number.
    pub seed: u64,
    /// The command line.
    pub command: String,
    /// The export format whose rules and bytes it keeps to, if it was made for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

impl Plan {
    /// Reads a plan from a file. It is what the file says: [`crate::plan::verify()`] says whether that is true.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read, [`Error::Input`] when it is not a plan.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_text(path)?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads a plan from JSON text; `place` names the source in messages.
    ///
    /// # Errors
    /// [`Error::Input`] with line and column, or with the format that was found.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let plan: Plan = parse_json(text, place, "a `bitplan.plan/1` document")?;
        if plan.format != PLAN_FORMAT {
            let (found, expected) = (format!("`{}`", plan.format), format!("`{PLAN_FORMAT}`"));
            return Err(Error::input(format!("{place}: format"), found, expected, "pass a plan of this version"));
        }
        Ok(plan)
    }

    /// The plan as JSON text, indented, with a final newline; the same bytes for the same plan.
    ///
    /// # Errors
    /// [`Error::Internal`] if a number has no JSON form.
    pub fn to_json(&self) -> Result<String> {
        to_json(self)
    }

    /// The relative gap of an objective and its bound; `size` is the sum of the magnitudes of the sensitivities.
    pub fn relative_gap(objective: f64, bound: f64, size: f64) -> f64 {
        (objective - bound) / if size > 0.0 { size } else { 1.0 }
    }
}
