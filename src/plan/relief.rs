//! What each limit costs: the best plan without it, and with 1 % more of it, everything else kept.
//!
//! A limit binds if the plan would be better without it. Its shadow price does not tell that: it is a slope of the
//! bound, and at a degenerate optimum it is positive for limits that could go; nor what a little more is worth, because
//! plans follow the bound in steps. So both are planned again. Cost: two searches for each budget, and one for all.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::plan::plan::Plan;
use crate::plan::totals::{ROUNDING, Totals};
use crate::solve::{Exact, Problem, diagnose};
use crate::table::{Budget, PlanningTable};

/// The limit of the second search, in parts of the first.
const HIGHER: f64 = 1.01;

/// The best plan under something less.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relief {
    /// Its objective, or the smallest that was found.
    pub objective: f64,
    /// The objective of the plan minus that, 0 or more; at least that much where it is not proved.
    pub gain: f64,
    /// Whether no plan under it is better.
    pub proved: bool,
}

impl Relief {
    /// The best plan of a table and budgets that admit a plan of objective `known`, within a time.
    ///
    /// # Errors
    /// [`crate::error::Error::Usage`] for a budget that does not fit the table, [`crate::error::Error::Infeasible`]
    /// when there is no plan, and those of the search.
    pub(super) fn search(
        table: &PlanningTable,
        budgets: &[Budget],
        known: f64,
        limit: Option<Duration>,
    ) -> Result<Self> {
        let problem = Problem::new(table, budgets)?;
        let solution = Exact::default().best(&problem, 1, limit)?;
        let proved = solution.stop.is_none();
        let Some(choice) = solution.choices.first() else {
            return if proved {
                Err(diagnose(&problem, limit)?.into_error(None))
            } else {
                Ok(Self { objective: known, gain: 0.0, proved })
            };
        };
        let candidates = problem.candidates(choice);
        let totals = Totals::new(table, &candidates);
        // The plan itself is one of them, and a difference of rounding is none.
        let better = totals.objective() < known - ROUNDING * totals.size();
        let objective = if better { totals.objective() } else { known };
        Ok(Self { objective, gain: known - objective, proved })
    }

    /// Whether a plan under it is better; none if none was found, and none excluded.
    pub fn helps(&self) -> Option<bool> {
        if self.gain > 0.0 { Some(true) } else { self.proved.then_some(false) }
    }
}

impl Plan {
    /// Plans again without each limit, with 1 % more of each, and without all; `limit` is for all searches together,
    /// and what it cuts off is not proved.
    ///
    /// # Errors
    /// [`crate::error::Error::Usage`] when the budgets are not the table's, and those of the search.
    pub fn relieve(&mut self, table: &PlanningTable, limit: Option<Duration>) -> Result<()> {
        let start = Instant::now();
        let budgets: Vec<Budget> = self.budgets.iter().map(|b| Budget::new(&b.name, b.limit)).collect();
        let objective = self.objective;
        let search = |budgets: &[Budget]| {
            Relief::search(table, budgets, objective, limit.map(|l| l.saturating_sub(start.elapsed())))
        };
        for (k, row) in self.budgets.iter_mut().enumerate() {
            let mut others = budgets.clone();
            others.remove(k);
            row.without = Some(search(&others)?);
            let mut higher = budgets.clone();
            higher[k].limit *= HIGHER;
            row.higher = Some(search(&higher)?);
        }
        self.unlimited = match self.budgets.as_slice() {
            [only] => only.without,
            _ => Some(search(&[])?),
        };
        Ok(())
    }
}

#[cfg(test)]
#[path = "relief_tests.rs"]
mod tests;
