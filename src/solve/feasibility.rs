//! Why no plan exists: the smallest value of every budget that would do, alone and beside the others, which budgets
//! conflict, and what is cheapest to give up.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::numeric::sum;
use crate::solve::problem::{Group, Problem};
use crate::solve::{Exact, Outcome, Solver};

/// Bisections of the factor by which all limits are raised.
const BISECTIONS: usize = 40;
/// Limits are raised together to this multiple at most.
const MOST_RAISED: f64 = 1e6;

/// How one budget stands in a problem without a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Infeasibility {
    /// Every budget, in the order given.
    pub budgets: Vec<BudgetRange>,
    /// A set of budgets that together have no plan, while any of them dropped there is one.
    pub conflict: Vec<String>,
    /// The budget whose limit must be raised by the smallest share, if raising one is enough.
    pub cheapest: Option<String>,
    /// Factor by which all limits of the conflict must be raised together, where raising one is not enough.
    pub together: Option<f64>,
}

/// Why no plan is within the budgets of a problem; none if there is one, or if that could not be decided.
///
/// # Errors
/// Those of the search.
pub fn infeasibility(problem: &Problem) -> Result<Option<Infeasibility>> {
    match Exact::default().solve(problem, None)? {
        Outcome::Infeasible => diagnose(problem, None).map(Some),
        _ => Ok(None),
    }
}

/// Finds out why a problem has no plan; costs at most two searches for each budget, and forty where several must be
/// raised together.
///
/// # Errors
/// Those of the search.
pub fn diagnose(problem: &Problem, limit: Option<Duration>) -> Result<Infeasibility> {
    let start = Instant::now();
    let left = || limit.map(|l| l.saturating_sub(start.elapsed()));
    let solve = |p: &Problem| Exact::default().solve(p, left());
    let count = problem.budgets().len();
    let mut budgets = Vec::with_capacity(count);
    for (k, budget) in problem.budgets().iter().enumerate() {
        let least = |g: &Group| g.options.iter().map(|o| o.cost[k]).fold(f64::INFINITY, f64::min);
        let alone = sum(problem.groups().iter().map(least));
        let others: Vec<usize> = (0..count).filter(|&j| j != k).collect();
        let beside_others = match solve(&problem.minimising(k, &others))? {
            Outcome::Optimal { objective, .. } => Some(objective),
            _ => None,
        };
        budgets.push(BudgetRange { name: budget.name.clone(), limit: budget.limit, alone, beside_others });
    }
    // Deletion filter: drop each budget in turn, for good if there is no plan without it.
    let mut kept: Vec<usize> = (0..count).collect();
    for k in 0..count {
        let rest: Vec<usize> = kept.iter().copied().filter(|&j| j != k).collect();
        if !rest.is_empty() && solve(&problem.minimising(k, &rest))? == Outcome::Infeasible {
            kept = rest;
        }
    }
    let raise = |b: &BudgetRange| b.beside_others.map(|v| (v - b.limit) / b.limit);
    let raised = budgets.iter().filter_map(|b| Some((raise(b)?, b.name.clone())));
    let cheapest = raised.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name);
    let together = match cheapest {
        None => together(problem, solve)?,
        Some(_) => None,
    };
    Ok(Infeasibility {
        conflict: kept.iter().map(|&k| problem.budgets()[k].name.clone()).collect(),
        budgets,
        cheapest,
        together,
    })
}

/// The smallest factor of all limits that has a plan, rounded up.
fn together(problem: &Problem, solve: impl Fn(&Problem) -> Result<Outcome>) -> Result<Option<f64>> {
    let feasible = |factor: f64| -> Result<bool> { Ok(solve(&problem.raised(factor))?.choice().is_some()) };
    let (mut low, mut high) = (1.0, 2.0);
    while !feasible(high)? {
        (low, high) = (high, high * 4.0);
        if high > MOST_RAISED {
            return Ok(None);
        }
    }
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        match feasible(middle)? {
            true => high = middle,
            false => low = middle,
        }
    }
    Ok(Some((high * 1e4).ceil() / 1e4))
}

impl Infeasibility {
    /// The error that ends a command; `plan` names the plan where there are several.
    pub fn into_error(self, plan: Option<&str>) -> Error {
        let message = plan.map(|name| format!("plan `{name}`: ")).unwrap_or_default() + &self.to_string();
        match serde_json::to_value(self) {
            Ok(detail) => Error::Infeasible { message, detail: Box::new(detail) },
            Err(e) => Error::Internal(format!("not JSON: {e}")),
        }
    }
}

impl fmt::Display for Infeasibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no plan satisfies the budgets")?;
        for b in self.budgets.iter().filter(|b| self.conflict.contains(&b.name)) {
            write!(f, "\n  `{}` is {}, the smallest feasible value is ", b.name, b.limit)?;
            let alone = Least(b.alone);
            match b.beside_others {
                _ if self.conflict.len() == 1 => {
                    write!(f, "{alone} (every layer at its cheapest candidate or its pin)")?
                }
                Some(value) => write!(f, "{} beside the other budgets, {alone} alone", Least(value))?,
                None => write!(f, "{alone} alone")?,
            }
        }
        if self.conflict.len() > 1 {
            write!(f, "\n  these {} budgets conflict: each can be met without the others", self.conflict.len())?;
        }
        for b in self.budgets.iter().filter(|b| !self.conflict.contains(&b.name) && b.alone > b.limit) {
            write!(f, "\n  `{}` is {}, the smallest feasible value is {}", b.name, b.limit, Least(b.alone))?;
        }
        let raised = self.budgets.iter().find(|b| Some(&b.name) == self.cheapest.as_ref());
        match (raised.and_then(|b| Some((b, b.beside_others?))), self.together) {
            (Some((b, value)), _) if b.limit > 0.0 => {
                let more = match value / b.limit - 1.0 {
                    share if share < 10.0 => format!("{:.2} % more", 100.0 * share),
                    share => format!("{:.3e} times as much", share + 1.0),
                };
                write!(f, "\n  hint: the smallest change is `{}` to {}, {more}", b.name, Least(value))
            }
            (Some((b, value)), _) => write!(f, "\n  hint: raise `{}` to {}", b.name, Least(value)),
            (None, Some(factor)) => {
                write!(f, "\n  hint: raising one is not enough; all limits times {factor} have a plan")
            }
            (None, None) => write!(f, "\n  hint: raise several budgets, or add cheaper candidates"),
        }
    }
}

/// A smallest value, rounded up to ten digits: as a limit it is still feasible.
struct Least(f64);

impl fmt::Display for Least {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Least(value) = *self;
        if value.fract() == 0.0 || !(1e-300..1e15).contains(&value) {
            return write!(f, "{value}");
        }
        let digits = (9 - value.log10().floor() as i32).clamp(0, 300);
        let unit = 10f64.powi(-digits);
        let rounded = format!("{value:.*}", digits as usize);
        let up = match rounded.parse::<f64>() {
            Ok(near) if near >= value => rounded,
            _ => format!("{:.*}", digits as usize, value + unit),
        };
        f.write_str(if digits > 0 { up.trim_end_matches('0').trim_end_matches('.') } else { &up })
    }
}

#[cfg(test)]
#[path = "feasibility_tests.rs"]
mod tests;
