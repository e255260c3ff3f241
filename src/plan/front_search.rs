//! The searches that a front is made of: the best plan within a limit on one cost, below a cost, and of weighted sums.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::numeric::sum;
use crate::plan::totals::{ROUNDING, Totals};
use crate::solve::problem::{Group, budget_tolerance};
use crate::solve::{Exact, Problem, Solution, diagnose};
use crate::table::planning_table::MAX_VALUE;
use crate::table::{Budget, PlanningTable};

/// Whole numbers below this are exact in f64.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A plan, by the numbers that a front needs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// Candidate index of each layer.
    pub candidates: Vec<usize>,
    /// Option index of each group.
    pub choice: Vec<usize>,
    /// Sum of the cost.
    pub cost: f64,
    /// `Σ Ω`.
    pub objective: f64,
    /// `Σ |Ω|`.
    pub size: f64,
    /// No plan within the limit of its search is below this.
    pub bound: f64,
    /// Whether it is the best one there.
    pub proved: bool,
}

impl Found {
    /// Whether this, being cheaper, is no worse than a plan, but for rounding.
    pub fn dominates(&self, dearer: &Found) -> bool {
        self.objective <= dearer.objective + ROUNDING * dearer.size
    }
}

/// How a search ended.
#[derive(Debug)]
pub(super) enum Answer {
    /// With a plan, proved or not.
    Found(Found),
    /// With the proof that there is none.
    None,
    /// With nothing: no time or memory was left.
    Stopped,
}

/// The best plans of a table within some budgets, by their sums of one cost.
#[derive(Debug)]
pub(super) struct FrontSearch<'a> {
    table: &'a PlanningTable,
    column: usize,
    name: &'a str,
    others: &'a [Budget],
    /// Relative differences of fractional costs up to here may be rounding.
    tolerance: f64,
    /// Smallest cost of an option that is no whole number.
    fraction: f64,
    /// Sum of the smallest costs.
    cheapest: f64,
    deadline: Option<Instant>,
}

impl<'a> FrontSearch<'a> {
    /// The searches within `others`, which together may take `limit`.
    ///
    /// # Errors
    /// [`Error::Usage`] for a budget that does not fit the table.
    pub fn new(
        table: &'a PlanningTable,
        name: &'a str,
        others: &'a [Budget],
        limit: Option<Duration>,
    ) -> Result<FrontSearch<'a>> {
        let problem = Problem::new(table, &limited(others, name, f64::MAX))?;
        let k = others.len();
        let costs = |g: &Group| g.options.iter().map(|o| o.cost[k]).collect::<Vec<f64>>();
        let all: Vec<Vec<f64>> = problem.groups().iter().map(costs).collect();
        let least = |costs: &Vec<f64>| costs.iter().copied().fold(f64::INFINITY, f64::min);
        Ok(FrontSearch {
            table,
            // Found, or the problem would have refused it.
            column: table.cost_names().iter().position(|n| n == name).unwrap_or_default(),
            name,
            others,
            tolerance: budget_tolerance(problem.groups().len()),
            fraction: all.iter().flatten().copied().filter(|c| c.fract() != 0.0).fold(f64::INFINITY, f64::min),
            cheapest: sum(all.iter().map(least)),
            deadline: limit.and_then(|l| Instant::now().checked_add(l)),
        })
    }

    /// Every layer at its cheapest candidate.
    pub fn cheapest(&self) -> f64 {
        self.cheapest
    }

    /// The best plan without a limit on the cost.
    ///
    /// # Errors
    /// [`Error::Infeasible`], [`Error::NoPlanYet`].
    pub fn best(&self) -> Result<Found> {
        let problem = Problem::new(self.table, self.others)?;
        match self.answer(&problem)? {
            Answer::Found(found) => Ok(found),
            Answer::None => Err(diagnose(&problem, self.left())?.into_error(None)),
            Answer::Stopped => Err(Error::NoPlanYet(
                "stopped before a point was found\n  hint: allow more time, or loosen a budget".into(),
            )),
        }
    }

    /// The best plan within a limit on the cost.
    pub fn within(&self, limit: f64) -> Result<Answer> {
        self.answer(&Problem::new(self.table, &limited(self.others, self.name, limit))?)
    }

    /// The best plan that costs less than this one, in the arithmetic of the problem.
    ///
    /// Whole costs are below exactly when the limit is one less. Fractional ones are counted in units of `limit·2⁻⁵⁰`
    /// with `s = tolerance·2⁴⁹` to spare, and rounding is at most `s / 2` of them: what is above `limit·(1 +
    /// ¾·tolerance)` is never within a limit, and what is below `limit·(1 + ¼·tolerance)` always is. So `cost / (1 +
    /// tolerance)` excludes this plan and all within a relative ¼·tolerance of it, and admits all that are cheaper by
    /// ¾·tolerance.
    pub fn cheaper(&self, found: &Found) -> Result<Answer> {
        let widened = found.cost * (1.0 + self.tolerance);
        let limit = match widened < self.fraction && widened < EXACT {
            true => found.cost - 1.0,
            false => found.cost / (1.0 + self.tolerance),
        };
        if !(limit >= 0.0 && found.cost > 0.0) {
            return Ok(Answer::None);
        }
        let problem = Problem::new(self.table, &limited(self.others, self.name, limit))?;
        if problem.is_feasible(&found.choice) {
            return Err(Error::Internal(format!("limit {limit} admits the cost {}", found.cost)));
        }
        self.answer(&problem)
    }

    /// The least cost of any plan; none if the search stopped before it was known.
    pub fn least_cost(&self) -> Result<Option<f64>> {
        let mut table = self.table.clone();
        table.set_sensitivities(|_, _, c| c.cost[self.column]);
        self.proved(&table).map(|found| found.map(|f| f.cost))
    }

    /// A plan of least `objective + λ·cost`; none if the search stopped or the numbers are too large.
    pub fn weighted(&self, lambda: f64) -> Result<Option<Found>> {
        let (mut table, mut fits) = (self.table.clone(), true);
        table.set_sensitivities(|_, _, c| {
            let weighted = c.sensitivity + lambda * c.cost[self.column];
            fits &= weighted.abs() <= MAX_VALUE;
            if weighted.is_nan() { MAX_VALUE } else { weighted }
        });
        if fits { self.proved(&table) } else { Ok(None) }
    }

    /// The proved best plan of a table with other sensitivities, by the numbers of ours.
    fn proved(&self, table: &PlanningTable) -> Result<Option<Found>> {
        match self.answer(&Problem::new(table, self.others)?)? {
            Answer::Found(found) if found.proved => Ok(Some(found)),
            _ => Ok(None),
        }
    }

    fn answer(&self, problem: &Problem) -> Result<Answer> {
        let left = self.left();
        if left == Some(Duration::ZERO) {
            return Ok(Answer::Stopped);
        }
        let Solution { choices, bound, stop, .. } = Exact::default().best(problem, 1, left)?;
        let Some(choice) = choices.into_iter().next() else {
            return Ok(if stop.is_none() { Answer::None } else { Answer::Stopped });
        };
        let candidates = problem.candidates(&choice);
        let totals = Totals::new(self.table, &candidates);
        let (objective, size, cost) = (totals.objective(), totals.size(), totals.cost(self.column));
        let (bound, proved) = (bound.min(objective), stop.is_none());
        Ok(Answer::Found(Found { candidates, choice, cost, objective, size, bound, proved }))
    }

    fn left(&self) -> Option<Duration> {
        self.deadline.map(|d| d.saturating_duration_since(Instant::now()))
    }
}

/// The other budgets and this one.
fn limited(others: &[Budget], name: &str, limit: f64) -> Vec<Budget> {
    others.iter().cloned().chain([Budget::new(name, limit)]).collect()
}
