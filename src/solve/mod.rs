//! Bit allocation as an integer program (method.md §5): the planning problem, its solvers and the proof.
//!
//! Nothing here knows what a model is. A planning table and budgets ([`crate::table`]) make a [`Problem`]; a [`Solver`]
//! answers it with an [`Outcome`]. [`Exact`] is ours and proves what it says; the answers of others are checked
//! ([`fault`]).

use std::time::Duration;

use crate::error::Result;

pub mod claim;
pub mod exact;
pub mod exhaustive;
pub mod feasibility;
pub mod ilp;
pub mod problem;

pub use claim::fault;
pub use exact::{Exact, Solution};
pub use exhaustive::Exhaustive;
pub use feasibility::{Infeasibility, diagnose, infeasibility};
pub use ilp::{Backend, Ilp};
pub use problem::Problem;

/// Why a search ended without a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The time was up.
    TimeLimit,
    /// The proof needs more states than it may hold in memory.
    StateLimit,
    /// The method proves nothing by itself.
    NoProof,
}

/// What a solver says. A problem without a plan is an answer, not an error.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// No choice is better.
    Optimal {
        /// One option index per group.
        choice: Vec<usize>,
        /// Its `Σ Ω`.
        objective: f64,
        /// No feasible choice is below this; within rounding of the objective.
        bound: f64,
    },
    /// A choice within every budget, not shown to be the best.
    Feasible {
        /// One option index per group.
        choice: Vec<usize>,
        /// Its `Σ Ω`.
        objective: f64,
        /// No feasible choice is below this.
        bound: f64,
        /// Why there is no proof.
        stop: StopReason,
    },
    /// No choice is within every budget.
    Infeasible,
    /// Neither a choice nor a proof that there is none.
    Unknown {
        /// Why.
        stop: StopReason,
    },
}

impl Outcome {
    /// The choice, if there is one.
    pub fn choice(&self) -> Option<&[usize]> {
        match self {
            Outcome::Optimal { choice, .. } | Outcome::Feasible { choice, .. } => Some(choice),
            Outcome::Infeasible | Outcome::Unknown { .. } => None,
        }
    }
}

/// Something that answers planning problems.
///
/// The contract, tested on every implementor from one list: a choice it returns names one option per group and is
/// within every budget; the objective is the one of the choice; the bound is not above the optimum; `Optimal` and
/// `Infeasible` are true; the same problem without a time limit gets the same answer.
pub trait Solver {
    /// Name for reports.
    fn name(&self) -> &str;

    /// Answers a problem, within about `limit` where one is given.
    ///
    /// # Errors
    /// Only faults of the program; what a problem can be is an [`Outcome`].
    fn solve(&self, problem: &Problem, limit: Option<Duration>) -> Result<Outcome>;
}

#[cfg(test)]
mod average_tests;
#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
