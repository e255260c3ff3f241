//! The proof: an answer of our own that does not believe the solver whose claim it starts from.
//!
//! Passes of the search (`search.rs`) with growing width run until one leaves nothing behind. A round that finds a
//! better choice than the one it started from is followed by another, scaled to the better one: the last round starts
//! from the optimum, so the choice (also among equals), the multipliers and the number of states are the same whatever
//! was claimed. Everything is counted in integers; against the real objective that is exact to one unit per group,
//! `2⁻⁵²` of the regret (the objective above `Σ_g min Ω`), and the bound that is given out allows for it.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::numeric::sum;
use crate::solve::bound::Suffixes;
use crate::solve::scaled::{Scaled, floor, trivial};
use crate::solve::search::pass;
use crate::solve::{Outcome, Problem, Solver, StopReason};

/// Width of the first pass, and how much wider each next one is.
const NARROWEST: usize = 1 << 8;
const WIDENED: usize = 8;
/// Relative difference of objectives below which a claim counts as true.
pub const CLAIM_TOLERANCE: f64 = 1e-9;

/// A proved answer, and what was wrong with the claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    /// The answer, with a choice at least as good as the claimed one.
    pub outcome: Outcome,
    /// Why the claim is false, if it is.
    pub fault: Option<String>,
    /// Multiplier of each budget at the best bound: how much the bound falls per unit of cost. 0 if it cannot bind.
    pub multipliers: Vec<f64>,
    /// States that the last round looked at.
    pub states: u64,
}

/// The proof, and as a solver the proof without any claim to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certifier {
    /// Most states that go on from one group to the next; times the options of a group, times about 80 bytes, this is
    /// the memory that a proof may need. At least 1.
    pub widest: usize,
}

impl Default for Certifier {
    fn default() -> Self {
        Certifier { widest: 1 << 18 }
    }
}

impl Solver for Certifier {
    fn name(&self) -> &str {
        "certifier"
    }

    fn solve(&self, problem: &Problem, limit: Option<Duration>) -> Result<Outcome> {
        Ok(self.certify(problem, &Outcome::Unknown { stop: StopReason::NoProof }, limit)?.outcome)
    }
}

/// Proves or refutes what a solver claims, and gives the answer; [`Certifier::certify`] in the default memory.
///
/// # Errors
/// [`Error::Internal`] if the proof contradicts itself.
pub fn certify(problem: &Problem, claim: &Outcome, limit: Option<Duration>) -> Result<Certificate> {
    Certifier::default().certify(problem, claim, limit)
}

impl Certifier {
    /// Proves or refutes what a solver claims, and gives the answer.
    ///
    /// # Errors
    /// [`Error::Internal`] if the proof contradicts itself.
    pub fn certify(&self, problem: &Problem, claim: &Outcome, limit: Option<Duration>) -> Result<Certificate> {
        let deadline = limit.and_then(|l| Instant::now().checked_add(l));
        let smallest = floor(problem);
        let regret = |choice: &[usize]| {
            sum(choice.iter().enumerate().map(|(g, &o)| problem.groups()[g].options[o].objective - smallest[g]))
        };
        let valid = |c: &&[usize]| problem.is_choice(c) && problem.is_feasible(c);
        let mut best: Option<Vec<usize>> = claim.choice().filter(valid).map(<[usize]>::to_vec);
        let highest =
            || problem.groups().iter().map(|g| g.options.iter().map(|o| o.objective).fold(f64::MIN, f64::max));
        let mut cap = scale(best.as_deref().map_or_else(|| sum(highest().zip(&smallest).map(|(h, s)| h - s)), regret));
        let mut bound = f64::NEG_INFINITY;
        loop {
            let scaled = Scaled::new(problem, cap);
            let round = round(&scaled, best.as_deref(), self.widest.max(1), deadline);
            let unrounded = sum(smallest.iter().copied().chain([round.bound * scaled.unit]));
            // One unit a group for the rounding of regrets, one bit for each of the two sums.
            let allowance = (problem.groups().len() + 2) as f64 * scaled.unit + 2.0 * f64::EPSILON * unrounded.abs();
            bound = bound.max(unrounded - allowance).max(trivial(problem));
            if let Some(choice) = round.choice {
                if !problem.is_feasible(&choice) {
                    return Err(Error::Internal("the search left the budgets".into()));
                }
                // Time allows another round only if the clock did not end this one.
                let again = round.improved && round.stop != Some(StopReason::TimeLimit);
                cap = scale(regret(&choice));
                best = Some(choice);
                if again {
                    continue;
                }
            }
            let outcome = match (best, round.stop) {
                (None, None) => Outcome::Infeasible,
                (None, Some(stop)) => Outcome::Unknown { stop },
                (Some(choice), stop) => {
                    let objective = problem.objective(&choice);
                    let bound = bound.min(objective);
                    match stop {
                        None => Outcome::Optimal { choice, objective, bound },
                        Some(stop) => Outcome::Feasible { choice, objective, bound, stop },
                    }
                }
            };
            let mut multipliers = vec![0.0; problem.budgets().len()];
            for ((&k, &capacity), l) in scaled.rows.iter().zip(&scaled.capacity).zip(&round.multipliers) {
                multipliers[k] = l * scaled.unit / (capacity.max(1) as f64 * problem.unit(k));
            }
            return Ok(Certificate {
                fault: fault(problem, claim, &outcome),
                outcome,
                multipliers,
                states: round.states,
            });
        }
    }
}

/// The power of two at or above a regret, so that equal choices with differently rounded sums scale alike.
fn scale(regret: f64) -> f64 {
    let power = 2f64.powi(regret.log2().ceil().clamp(-900.0, 1020.0) as i32);
    if regret > power { 2.0 * power } else { power }
}

/// What the passes of one scaling found.
struct Round {
    /// The best choice, if one is known.
    choice: Option<Vec<usize>>,
    /// Whether it is better than the one at the start, or the first.
    improved: bool,
    /// Lower bound in units.
    bound: f64,
    /// Why there is no proof, if there is none.
    stop: Option<StopReason>,
    multipliers: Vec<f64>,
    states: u64,
}

fn round(scaled: &Scaled, start: Option<&[usize]>, widest: usize, deadline: Option<Instant>) -> Round {
    let multipliers = scaled.multipliers();
    let suffixes = Suffixes::new(scaled, &multipliers);
    let steps = || scaled.steps.iter().zip(&scaled.order);
    let known = start.map(|choice| {
        steps().filter_map(|(items, &g)| items.iter().find(|i| i.option == choice[g])).map(|i| i.regret).sum::<i64>()
    });
    // Without a start nothing is above the sum of the largest regrets, and the scale was chosen to hold that sum.
    let all = || scaled.steps.iter().map(|items| items.iter().map(|i| i.regret).max().unwrap_or(0)).sum::<i64>();
    let mut most = known.unwrap_or_else(all);
    let mut round =
        Round { choice: None, improved: false, bound: f64::NEG_INFINITY, stop: None, multipliers, states: 0 };
    let mut width = NARROWEST.min(widest);
    loop {
        let pass = pass(scaled, &suffixes, most, width, deadline);
        round.states += pass.states;
        if let Some((regret, taken)) = pass.best {
            round.improved |= known.is_none_or(|k| regret < k);
            most = regret;
            let mut choice = vec![0; taken.len()];
            steps().zip(taken).for_each(|((items, &g), i)| choice[g] = items[i].option);
            round.choice = Some(choice);
        }
        round.bound = round.bound.max(pass.left.min(most as f64));
        round.stop = match pass.late {
            true => Some(StopReason::TimeLimit),
            // Regrets are whole units: less than one unit below the best there is none. Without any choice the proof
            // that there is none must leave nothing behind.
            false if start.is_some() || round.choice.is_some() => {
                (pass.left <= most as f64 - 1.0).then_some(StopReason::StateLimit)
            }
            false => pass.left.is_finite().then_some(StopReason::StateLimit),
        };
        if round.stop != Some(StopReason::StateLimit) || width == widest {
            return round;
        }
        width = (width * WIDENED).min(widest);
    }
}

/// What is wrong with a claim, given the proved answer.
fn fault(problem: &Problem, claim: &Outcome, outcome: &Outcome) -> Option<String> {
    let (choice, objective, bound) = match claim {
        Outcome::Unknown { .. } => return None,
        Outcome::Infeasible => return outcome.choice().map(|_| "claims that no plan exists, and one does".into()),
        Outcome::Optimal { choice, objective, .. } => (choice, *objective, *objective),
        Outcome::Feasible { choice, objective, bound, .. } => (choice, *objective, *bound),
    };
    if !problem.is_choice(choice) {
        return Some("claims a choice of options that do not exist".into());
    }
    if !problem.is_feasible(choice) {
        return Some("claims a choice that exceeds a budget".into());
    }
    let best = outcome.choice().map_or(f64::INFINITY, |c| problem.objective(c));
    let real = problem.objective(choice);
    let tolerance = CLAIM_TOLERANCE * real.abs().max(real - trivial(problem));
    if (objective - real).abs() > tolerance {
        return Some(format!("claims objective {objective}, its choice has {real}"));
    }
    (bound > best + tolerance).then(|| format!("claims that {bound} is the least, and a choice has {best}"))
}

#[cfg(test)]
#[path = "certify_tests.rs"]
mod tests;
