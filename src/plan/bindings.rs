//! What each pin and each group of tied layers costs: the best plan without it, everything else kept.
//!
//! Lifting a constraint never raises the optimum, so that a cost is 0 or more. Each is lifted alone: where two layers
//! tied to each other are pinned, lifting one pin changes nothing and costs 0. Cost: one search for each pin and each
//! group.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::plan::relief::Relief;
use crate::table::{Budget, PlanningTable};

/// What holds layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindingKind {
    /// One layer must take one candidate.
    Pin,
    /// Layers must take the candidate with the same id.
    Group,
}

/// A constraint of the table, and what it costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// What it is.
    pub kind: BindingKind,
    /// Names of the layers it holds.
    pub layers: Vec<String>,
    /// Id of the candidate that a pin asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<String>,
    /// Smallest objective without the constraint, or the smallest that was found.
    pub objective: f64,
    /// The objective of the plan minus that: what the constraint loses; at least that much where it is not proved.
    pub cost: f64,
    /// Whether no plan without the constraint is better.
    pub proved: bool,
}

/// The cost of every pin, in the order of the layers, and then of every group. `plan_objective` is the objective of the
/// plan with all of them; `limit` is for all searches together, and what it cuts off is not proved.
///
/// # Errors
/// [`crate::error::Error::Usage`] for a budget that does not fit the table, [`crate::error::Error::Infeasible`] when
/// there is no plan even without a constraint, and those of the search.
pub fn bindings(
    table: &PlanningTable,
    budgets: &[Budget],
    plan_objective: f64,
    limit: Option<Duration>,
) -> Result<Vec<Binding>> {
    let start = Instant::now();
    let name = |l: usize| table.layers()[l].name.clone();
    let without = |freed: PlanningTable, kind, layers, candidate| {
        let left = limit.map(|l| l.saturating_sub(start.elapsed()));
        let Relief { objective, gain, proved } = Relief::search(&freed, budgets, plan_objective, left)?;
        Ok(Binding { kind, layers, candidate, objective, cost: gain, proved })
    };
    let pins = table.pins().iter().map(|(&l, &c)| {
        let id = table.layers()[l].candidates[c].id.clone();
        without(table.without_pin(l), BindingKind::Pin, vec![name(l)], Some(id))
    });
    let groups = table.groups().iter().enumerate().map(|(g, group)| {
        without(table.without_group(g), BindingKind::Group, group.iter().map(|&l| name(l)).collect(), None)
    });
    pins.chain(groups).collect()
}

#[cfg(test)]
#[path = "bindings_tests.rs"]
mod tests;
