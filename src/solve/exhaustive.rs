//! Every choice, one after the other: the oracle for small problems.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::solve::{Outcome, Problem, Solver, StopReason};

/// Tries all choices of a problem that has at most `most` of them; cost `O(most · groups)`.
#[derive(Debug, Clone, Copy)]
pub struct Exhaustive {
    /// Most choices that it agrees to try.
    pub most: u64,
}

impl Default for Exhaustive {
    fn default() -> Self {
        Exhaustive { most: 1 << 20 }
    }
}

impl Solver for Exhaustive {
    fn name(&self) -> &str {
        "exhaustive"
    }

    /// The first choice, in lexicographic order, of those with the smallest objective.
    ///
    /// # Errors
    /// [`Error::Usage`] when the problem has more choices than agreed.
    fn solve(&self, problem: &Problem, limit: Option<Duration>) -> Result<Outcome> {
        let start = Instant::now();
        let sizes: Vec<usize> = problem.groups().iter().map(|g| g.options.len()).collect();
        let count = sizes.iter().try_fold(1u64, |n, &s| n.checked_mul(s as u64)).filter(|&n| n <= self.most);
        let Some(count) = count else {
            return Err(Error::Usage(format!(
                "solver `exhaustive`: found {sizes:?} options per group, expected at most {} choices in all\n  \
                 hint: use another solver",
                self.most
            )));
        };
        let mut choice = vec![0; sizes.len()];
        let mut best: Option<(f64, Vec<usize>)> = None;
        for n in 0..count {
            if problem.is_feasible(&choice) {
                let objective = problem.objective(&choice);
                if best.as_ref().is_none_or(|(b, _)| objective < *b) {
                    best = Some((objective, choice.clone()));
                }
            }
            if n % 1024 == 0 && limit.is_some_and(|l| start.elapsed() >= l) {
                let stop = StopReason::TimeLimit;
                return Ok(best.map_or(Outcome::Unknown { stop }, |(objective, choice)| Outcome::Feasible {
                    choice,
                    objective,
                    bound: problem.floor(),
                    stop,
                }));
            }
            for (digit, &size) in choice.iter_mut().zip(&sizes).rev() {
                *digit += 1;
                if *digit < size {
                    break;
                }
                *digit = 0;
            }
        }
        Ok(best.map_or(Outcome::Infeasible, |(objective, choice)| Outcome::Optimal {
            choice,
            objective,
            bound: objective,
        }))
    }
}
