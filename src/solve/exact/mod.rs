//! The exact solver of the allocation problem, a multiple-choice knapsack with any number of rows.
//!
//! | step | is |
//! |-|-|
//! | `reduced` | integers, without what cannot matter |
//! | `dual` | the multipliers of the Lagrangian bound |
//! | `priced` | what every option costs at them |
//! | `start` | a first choice |
//! | `branch` | fixes large groups where the bound alone leads nowhere |
//! | `levels` | all choices within growing gaps of the bound, until the best one is inside |
//! | `enumerate`, `half`, `join` | one such level, by meeting in the middle |
//!
//! Sums of regrets and weights are integers; the bound and the `d` are f64 rounded down, with an allowance that every
//! comparison respects. The answer depends on the problem alone, not on the order of its layers, a start or the clock,
//! unless a limit ends the search.

mod best;
mod branch;
mod dual;
mod enumerate;
mod half;
mod join;
mod levels;
mod priced;
mod reduced;
mod start;

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::numeric::sum;
use crate::solve::exact::best::Best;
use crate::solve::exact::enumerate::Effort;
use crate::solve::exact::priced::Priced;
use crate::solve::exact::reduced::{REGRET_BITS, Reduced};
use crate::solve::{Outcome, Problem, Solver, StopReason};

/// Bits of the regret of the answer below which the units are too coarse and the search is run again with finer ones.
const COARSE_BITS: i32 = REGRET_BITS - 12;
/// How much finer a unit must be to be worth another start.
const FINER: f64 = 8.0;

/// The solver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exact {
    /// Most states in each half of a level; 70 to 90 bytes each.
    pub states: usize,
    /// Most work of a search, in states and pairs of them; a thousand million take some seconds.
    pub work: u64,
}

impl Default for Exact {
    fn default() -> Self {
        Exact { states: 1 << 20, work: 1 << 33 }
    }
}

/// The best choices of a problem, and what is proved of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// Choices within every budget, best first: as many as wanted, or as there are.
    pub choices: Vec<Vec<usize>>,
    /// No choice is below this; infinite if there is none.
    pub bound: f64,
    /// Why not all of them are proved to be the best, if they are not.
    pub stop: Option<StopReason>,
    /// Multiplier of each budget: how much the bound falls per unit of cost. 0 if it cannot bind.
    pub multipliers: Vec<f64>,
    /// Combinations that were looked at.
    pub states: u64,
}

impl Solver for Exact {
    fn name(&self) -> &str {
        "exact"
    }

    fn solve(&self, problem: &Problem, limit: Option<Duration>) -> Result<Outcome> {
        let solution = self.best(problem, 1, limit)?;
        let choice = solution.choices.into_iter().next();
        Ok(match (choice, solution.stop) {
            (None, None) => Outcome::Infeasible,
            (None, Some(stop)) => Outcome::Unknown { stop },
            (Some(choice), stop) => {
                let (objective, bound) = (problem.objective(&choice), solution.bound);
                match stop {
                    None => Outcome::Optimal { choice, objective, bound },
                    Some(stop) => Outcome::Feasible { choice, objective, bound, stop },
                }
            }
        })
    }
}

impl Exact {
    /// The best `keep` choices (at least 1).
    ///
    /// # Errors
    /// [`Error::Internal`] if the search contradicts itself.
    pub fn best(&self, problem: &Problem, keep: usize, limit: Option<Duration>) -> Result<Solution> {
        let deadline = limit.and_then(|l| Instant::now().checked_add(l));
        let effort = Effort { states: self.states.max(1), work: self.work, any: false, deadline };
        let smallest: Vec<f64> = problem.floors().collect();
        let highest = |g: usize| problem.groups()[g].options.iter().map(|o| o.objective).fold(f64::MIN, f64::max);
        let mut cap = power(sum(smallest.iter().enumerate().map(|(g, s)| highest(g) - s)));
        let mut found = within(problem, cap, keep.max(1), None, effort);
        // An outlier may have made the unit too coarse for the choices that matter.
        while found.choices.len() == keep && found.stop != Some(StopReason::TimeLimit) {
            let worst = found.choices.last().map_or(0.0, |c| regret_of(problem, c));
            let finer = power(worst);
            if worst <= 0.0 || finer >= cap * 2f64.powi(COARSE_BITS - REGRET_BITS) {
                break;
            }
            cap = finer;
            let again = within(problem, cap, keep, None, effort);
            let states = found.states + again.states;
            // Where the regret itself is a rounding error, nothing may be left within the new cap.
            if again.choices.len() == keep && (again.stop.is_none() || found.stop.is_some()) {
                found = again;
            }
            found.states = states;
        }
        checked(problem, found)
    }
}

/// `Ω` of a choice above the smallest of every group.
fn regret_of(problem: &Problem, choice: &[usize]) -> f64 {
    let chosen = choice.iter().zip(problem.groups()).map(|(&o, g)| g.options[o].objective);
    sum(chosen.zip(problem.floors()).map(|(objective, smallest)| objective - smallest))
}

/// The power of two at or above a regret, so that equal regrets with differently rounded sums scale alike.
pub(super) fn power(regret: f64) -> f64 {
    let power = 2f64.powi(regret.log2().ceil().clamp(-900.0, 1020.0) as i32);
    if regret > power { 2.0 * power } else { power }
}

fn checked(problem: &Problem, found: Solution) -> Result<Solution> {
    match found.choices.iter().all(|c| problem.is_choice(c) && problem.is_feasible(c)) {
        true => Ok(found),
        false => Err(Error::Internal("the search left the budgets".into())),
    }
}

/// What an earlier search with a coarser unit found.
struct Known {
    choice: Vec<usize>,
    rows: Vec<usize>,
    divisor: Vec<i64>,
    /// Objective per unit of weight of each row.
    prices: Vec<f64>,
}

impl Known {
    fn new(reduced: &Reduced, priced: &Priced, options: &[usize]) -> Self {
        Known {
            choice: reduced.choice(options),
            rows: reduced.rows.clone(),
            divisor: reduced.divisor.clone(),
            prices: priced.multipliers.iter().map(|l| l * reduced.unit).collect(),
        }
    }
}

/// The best choices with a regret up to `cap`; one may be known.
fn within(problem: &Problem, cap: f64, keep: usize, known: Option<Known>, effort: Effort) -> Solution {
    let none = Solution {
        choices: Vec::new(),
        bound: f64::INFINITY,
        stop: None,
        multipliers: vec![0.0; problem.budgets().len()],
        states: 0,
    };
    let Some(reduced) = Reduced::new(problem, cap, keep) else { return none };
    // A unit a group for rounding; a cap on whole numbers is exact.
    let limit = (cap / reduced.unit).round() as i128 + if effort.any { 0 } else { reduced.len() as i128 };
    let mut best = Best::new(keep, limit);
    // Multipliers of the objective: the same in any unit of regret, and the same weights.
    let multipliers = match &known {
        Some(known) if known.rows == reduced.rows && known.divisor == reduced.divisor => {
            known.prices.iter().map(|p| p / reduced.unit).collect()
        }
        _ => dual::multipliers(&reduced, effort.deadline),
    };
    let priced = Priced::sound(&reduced, multipliers);
    let mut states = 0;
    let start = known.and_then(|k| reduced.locate(problem, &k.choice));
    match start.or_else(|| start::start(&reduced, &priced.multipliers)) {
        Some(options) => {
            let regret = reduced.total(&options);
            let above = regret_of(problem, &reduced.choice(&options));
            // A finer unit before the search costs less than one after it. The cap is the regret itself, not what the
            // coarse unit makes of it: that may be below what every choice loses.
            let finer = power(above * (1.0 + 1e-9));
            if keep == 1 && !effort.any && above > 0.0 && finer < cap / FINER {
                let known = Known::new(&reduced, &priced, &options);
                let found = within(problem, finer, keep, Some(known), effort);
                if !found.choices.is_empty() {
                    return found;
                }
            }
            best.offer(regret, || reduced.choice(&options));
        }
        None => match feasible(problem, &reduced, effort) {
            (Feasible::No, _) => return none,
            (Feasible::Unknown(stop), s) => {
                return Solution { bound: f64::NEG_INFINITY, stop: Some(stop), states: s, ..none };
            }
            (Feasible::Yes(options), s) => {
                states = s;
                options.into_iter().for_each(|o| best.offer(reduced.total(&o), || reduced.choice(&o)));
            }
        },
    }
    let mut multipliers = none.multipliers;
    for ((&k, l), &divisor) in reduced.rows.iter().zip(&priced.multipliers).zip(&reduced.divisor) {
        multipliers[k] = l * reduced.unit / (divisor as f64 * problem.unit(k));
    }
    // One unit a group for the rounding of regrets, if there are any.
    let unit = if reduced.regret.iter().all(|&r| r == 0) { 0.0 } else { reduced.unit };
    let rounding = (reduced.len() + 2) as f64 * unit;
    let proof = branch::search(reduced, priced, &mut best, effort);
    let least = best.list().first().map_or(limit + 1, |(regret, _)| *regret);
    let lowest = sum(problem.floors().chain([least.min(proof.bound) as f64 * unit]));
    Solution {
        choices: best.list().iter().map(|(_, choice)| choice.clone()).collect(),
        // One bit for each of two sums.
        bound: lowest - rounding - 2.0 * f64::EPSILON * lowest.abs(),
        stop: proof.stop,
        multipliers,
        states: states + proof.work,
    }
}

/// Whether there is any choice within the capacities.
enum Feasible {
    /// There is: one option for each group, unless the one that was found loses more than the cap.
    Yes(Option<Vec<usize>>),
    /// There is none.
    No,
    /// Not known, and why.
    Unknown(StopReason),
}

/// Looks for any choice within the budgets: the least weight in one of them within the others is a problem with one
/// budget less. Gives also the states it took.
fn feasible(problem: &Problem, reduced: &Reduced, effort: Effort) -> (Feasible, u64) {
    let Some(&last) = reduced.rows.last() else {
        return (Feasible::Yes(Some(reduced.first[..reduced.len()].to_vec())), 0);
    };
    if effort.deadline.is_some_and(|d| Instant::now() >= d) {
        return (Feasible::Unknown(StopReason::TimeLimit), 0);
    }
    let lighter = problem.weighing(last);
    // Whole units below 2⁵³: exact.
    let cap = problem.capacity()[last] as f64 - lighter.floor();
    if cap < 0.0 {
        return (Feasible::No, 0);
    }
    let found = within(&lighter, cap.max(1.0), 1, None, Effort { any: true, ..effort });
    let choice = found.choices.into_iter().next().filter(|c| problem.is_feasible(c));
    let feasible = match (choice, found.stop) {
        (Some(choice), _) => Feasible::Yes(reduced.locate(problem, &choice)),
        (None, Some(stop)) => Feasible::Unknown(stop),
        (None, None) => Feasible::No,
    };
    (feasible, found.states)
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
