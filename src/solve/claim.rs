//! What is wrong with the answer of a solver, given what is proved.

use crate::solve::{Outcome, Problem};

/// Relative difference of objectives below which a claim counts as true.
pub const CLAIM_TOLERANCE: f64 = 1e-9;

/// Why a claim is false, if it is, beside a proved answer of the same problem.
pub fn fault(problem: &Problem, claim: &Outcome, proved: &Outcome) -> Option<String> {
    let (choice, objective, bound) = match claim {
        Outcome::Unknown { .. } => return None,
        Outcome::Infeasible => return proved.choice().map(|_| "claims that no plan exists, and one does".into()),
        Outcome::Optimal { choice, objective, .. } => (choice, *objective, *objective),
        Outcome::Feasible { choice, objective, bound, .. } => (choice, *objective, *bound),
    };
    if !problem.is_choice(choice) {
        return Some("claims a choice of options that do not exist".into());
    }
    if !problem.is_feasible(choice) {
        return Some("claims a choice that exceeds a budget".into());
    }
    let best = proved.choice().map_or(f64::INFINITY, |c| problem.objective(c));
    let real = problem.objective(choice);
    let tolerance = CLAIM_TOLERANCE * real.abs().max(real - problem.floor());
    if (objective - real).abs() > tolerance {
        return Some(format!("claims objective {objective}, its choice has {real}"));
    }
    (bound > best + tolerance).then(|| format!("claims that {bound} is the least, and a choice has {best}"))
}

#[cfg(test)]
#[path = "claim_tests.rs"]
mod tests;
