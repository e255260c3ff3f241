//! The stage of the fronts: for every cost that some plan limits, the best plans at all its limits, nothing else limited.

use crate::error::Result;
use crate::plan::{Extent, Front, pareto};
use crate::run::Pipeline;
use crate::run::pipeline::key;
use crate::run::planning::TABLE;
use crate::store::{read_json, write_atomic};
use crate::table::PlanningTable;

/// Most searches for a whole front; a longer one is shown at [`LIMITS`] equally spaced limits. A number of searches, not a
/// time, so that the same inputs give the same points.
const MOST_SEARCHES: usize = 800;

const LIMITS: usize = 161;

/// File of the front against a cost.
pub(super) fn front_file(cost: &str) -> String {
    format!("front-{cost}.json")
}

impl Pipeline<'_> {
    /// The fronts of the planning problem, in the order in which the plans name the costs first.
    ///
    /// # Errors
    /// Those of the search; when a file cannot be written; [`crate::error::Error::Interrupted`].
    pub fn fronts(&mut self) -> Result<(String, Vec<Front>)> {
        let (plan_key, _) = self.plans()?;
        let mut costs: Vec<String> = Vec::new();
        for (_, budgets) in self.study.outline.budgets()? {
            for budget in budgets {
                if !costs.contains(&budget.name) {
                    costs.push(budget.name);
                }
            }
        }
        let key = key("fronts", &(plan_key, MOST_SEARCHES, LIMITS, &costs))?;
        self.stage("fronts", &key, |p| {
            let table = PlanningTable::read(&p.workspace.path(TABLE))?;
            for cost in &costs {
                let whole = Extent::Whole { most: MOST_SEARCHES };
                let mut front = pareto(&table, cost, &[], whole, None, p.observer)?;
                if !front.complete {
                    front = pareto(&table, cost, &[], Extent::Limits(LIMITS), None, p.observer)?;
                }
                write_atomic(&p.workspace.path(&front_file(cost)), front.to_json()?.as_bytes())?;
            }
            Ok(costs.iter().map(|cost| front_file(cost)).collect())
        })?;
        let read = |cost: &String| read_json(&self.workspace.path(&front_file(cost)));
        Ok((key, costs.iter().map(read).collect::<Result<_>>()?))
    }
}
