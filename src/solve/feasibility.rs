//! Why no plan exists: the smallest value of every budget that would do, alone and beside the others, and which
//! budgets conflict.

use std::fmt;
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::numeric::sum;
use crate::solve::{Outcome, Problem, StopReason, certify};

/// How one budget stands in a problem without a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetRange {
    /// Its name.
    pub name: String,
    /// Its limit.
    pub limit: f64,
    /// Smallest feasible value if it were the only budget: every layer at its cheapest candidate.
    pub alone: f64,
    /// Smallest feasible value beside all other budgets; none if they have no plan without it either, or if the time
    /// was up before it was known.
    pub beside_others: Option<f64>,
}

/// Why a problem has no plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Infeasibility {
    /// Every budget, in the order given.
    pub budgets: Vec<BudgetRange>,
    /// A set of budgets that together have no plan, while any of them dropped there is one.
    pub conflict: Vec<String>,
}

/// Finds out why a problem has no plan; costs at most two proofs per budget.
///
/// # Errors
/// Those of [`certify()`].
pub fn diagnose(problem: &Problem, limit: Option<Duration>) -> Result<Infeasibility> {
    let start = Instant::now();
    let left = || limit.map(|l| l.saturating_sub(start.elapsed()));
    let prove = |p: &Problem| certify(p, &Outcome::Unknown { stop: StopReason::NoProof }, left());
    let count = problem.budgets().len();
    let mut budgets = Vec::with_capacity(count);
    for (k, budget) in problem.budgets().iter().enumerate() {
        let least = |g: &super::problem::Group| g.options.iter().map(|o| o.cost[k]).fold(f64::INFINITY, f64::min);
        let alone = sum(problem.groups().iter().map(least));
        let others: Vec<usize> = (0..count).filter(|&j| j != k).collect();
        let beside_others = match prove(&problem.minimising(k, &others))?.outcome {
            Outcome::Optimal { objective, .. } => Some(objective),
            _ => None,
        };
        budgets.push(BudgetRange { name: budget.name.clone(), limit: budget.limit, alone, beside_others });
    }
    // Deletion filter: drop each budget in turn, for good if there is no plan without it.
    let mut kept: Vec<usize> = (0..count).collect();
    for k in 0..count {
        let rest: Vec<usize> = kept.iter().copied().filter(|&j| j != k).collect();
        if !rest.is_empty() && prove(&problem.minimising(k, &rest))?.outcome == Outcome::Infeasible {
            kept = rest;
        }
    }
    Ok(Infeasibility { conflict: kept.iter().map(|&k| problem.budgets()[k].name.clone()).collect(), budgets })
}

impl fmt::Display for Infeasibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no plan satisfies the budgets")?;
        for b in self.budgets.iter().filter(|b| self.conflict.contains(&b.name)) {
            write!(f, "\n  `{}` is {}, the smallest feasible value is ", b.name, b.limit)?;
            match b.beside_others {
                _ if self.conflict.len() == 1 => write!(f, "{} (every layer at its cheapest candidate)", b.alone)?,
                Some(value) => write!(f, "{value} beside the other budgets, {} alone", b.alone)?,
                None => write!(f, "{} alone", b.alone)?,
            }
        }
        if self.conflict.len() > 1 {
            write!(f, "\n  these {} budgets conflict: each can be met without the others", self.conflict.len())?;
        }
        for b in self.budgets.iter().filter(|b| !self.conflict.contains(&b.name) && b.alone > b.limit) {
            write!(f, "\n  `{}` is {}, the smallest feasible value is {} too", b.name, b.limit, b.alone)?;
        }
        write!(f, "\n  hint: raise a budget to its smallest feasible value, or add cheaper candidates")
    }
}

#[cfg(test)]
#[path = "feasibility_tests.rs"]
mod tests;
