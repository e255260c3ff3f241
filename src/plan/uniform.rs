//! The best plan that gives every layer the same candidate: what a plan of mixed precision has to beat.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::plan::optimize::OPTIMAL;
use crate::plan::totals::Totals;
use crate::solve::Problem;
use crate::table::raw::unique_keys;
use crate::table::{Budget, PlanningTable, uniform_choices};

/// A uniform choice within the budgets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UniformPlan {
    /// Id that every layer takes that has a choice ([`crate::table::uniform`]).
    pub candidate: String,
    /// Sum of the sensitivities.
    pub objective: f64,
    /// Budget name → sum of that cost.
    #[serde(deserialize_with = "unique_keys")]
    pub used: BTreeMap<String, f64>,
}

impl UniformPlan {
    /// Whether it is as good as a plan of this objective, to a relative 1e-9: then mixing precisions gains nothing.
    pub fn is_as_good_as(&self, objective: f64) -> bool {
        self.objective - objective <= OPTIMAL * self.objective.abs().max(objective.abs())
    }
}

/// The uniform choice of smallest objective among those within the budgets, the first of equal ones; none if none is
/// within them. Cost: linear in the candidates, for each id.
///
/// # Errors
/// [`crate::error::Error::Usage`] for a budget that does not fit the table.
pub fn best_uniform(table: &PlanningTable, budgets: &[Budget]) -> Result<Option<UniformPlan>> {
    let problem = Problem::new(table, budgets)?;
    let mut best: Option<UniformPlan> = None;
    for (candidate, candidates) in uniform_choices(table) {
        let feasible = choice(&problem, &candidates).is_some_and(|c| problem.is_feasible(&c));
        let totals = Totals::new(table, &candidates);
        let objective = totals.objective();
        if feasible && best.as_ref().is_none_or(|b| objective < b.objective) {
            best = Some(UniformPlan { candidate, objective, used: totals.used(budgets) });
        }
    }
    Ok(best)
}

/// The choice of a problem that takes these candidates; none if it ties or pins layers otherwise.
pub(super) fn choice(problem: &Problem, candidates: &[usize]) -> Option<Vec<usize>> {
    let option = |g: &crate::solve::problem::Group| {
        g.options.iter().position(|o| g.layers.iter().zip(&o.candidates).all(|(&l, &c)| candidates[l] == c))
    };
    problem.groups().iter().map(option).collect()
}

#[cfg(test)]
#[path = "uniform_tests.rs"]
mod tests;
