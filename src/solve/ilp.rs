//! The allocation problem as a 0/1 program for a general solver, through the modelling crate that only this file names.
//!
//! Such solvers compare with absolute tolerances near 1e-6, on sensitivities whose sum may be 1e-9: unscaled they call
//! plans optimal that are not. The objective is scaled so that the mean range of a group is 1e6, each budget to a
//! limit of 1e6; every [`Backend`] gets the same numbers. The answer is read back by the largest value in each group,
//! checked to be integral, and never trusted: it is only ever a [`Outcome::Feasible`] without proof, which
//! [`crate::solve::Exact`] proves or refutes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use good_lp::solvers::{SolutionStatus, WithTimeLimit};
use good_lp::variable::UnsolvedProblem;
use good_lp::{Constraint, Expression, Solution, SolverModel, Variable, microlp, variable, variables};

use crate::error::Result;
use crate::solve::{Outcome, Problem, Solver, StopReason};

/// Mean range of the objective of a group, and every limit, after scaling.
const SCALE: f64 = 1e6;
/// Farthest that a value may be from 0 or 1.
const INTEGRALITY: f64 = 1e-6;

/// A general integer solver that is compiled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Pure Rust.
    Microlp,
    /// C++; asked for an optimum without a gap, on one thread.
    #[cfg(feature = "highs")]
    Highs,
}

impl Backend {
    /// All that are compiled in.
    pub const ALL: &[Backend] = &[
        Backend::Microlp,
        #[cfg(feature = "highs")]
        Backend::Highs,
    ];

    /// Most variables that it is asked with.
    fn most_variables(self) -> usize {
        match self {
            // More only cost time: no answer comes within a second, nor does the time limit hold.
            Backend::Microlp => 20_000,
            #[cfg(feature = "highs")]
            Backend::Highs => usize::MAX,
        }
    }
}

/// A general integer solver.
#[derive(Debug, Clone, Copy)]
pub struct Ilp {
    backend: Backend,
}

impl Ilp {
    /// The solver behind this backend.
    pub fn new(backend: Backend) -> Self {
        Ilp { backend }
    }
}

impl Solver for Ilp {
    fn name(&self) -> &str {
        match self.backend {
            Backend::Microlp => "microlp",
            #[cfg(feature = "highs")]
            Backend::Highs => "highs",
        }
    }

    /// A feasible choice without a proof, or [`Outcome::Unknown`]. The reason is [`StopReason::TimeLimit`] where the
    /// time was up, and [`StopReason::NoProof`] where the solver believes the choice to be the best.
    fn solve(&self, problem: &Problem, limit: Option<Duration>) -> Result<Outcome> {
        // A solver may assert on numbers inside; a fault there costs the starting point, not the proof.
        let answer = catch_unwind(AssertUnwindSafe(|| answer(self.backend, problem, limit))).unwrap_or(None);
        Ok(match answer.filter(|(choice, _)| problem.is_feasible(choice)) {
            Some((choice, stop)) => {
                Outcome::Feasible { objective: problem.objective(&choice), choice, bound: problem.floor(), stop }
            }
            None => Outcome::Unknown { stop: StopReason::NoProof },
        })
    }
}

/// Option index and variable of what a group may take.
type Columns = Vec<Vec<(usize, Variable)>>;

fn answer(backend: Backend, problem: &Problem, limit: Option<Duration>) -> Option<(Vec<usize>, StopReason)> {
    if problem.groups().iter().map(|g| g.options.len()).sum::<usize>() > backend.most_variables() {
        return None;
    }
    let (program, columns, rows) = program(problem);
    let seconds = limit.map(|l| l.as_secs_f64());
    match backend {
        Backend::Microlp => {
            let model = program.using(microlp);
            read(if let Some(s) = seconds { model.with_time_limit(s) } else { model }, rows, &columns)
        }
        #[cfg(feature = "highs")]
        Backend::Highs => {
            let model = program.using(good_lp::highs).set_threads(1).set_mip_rel_gap(0.0).ok()?;
            read(if let Some(s) = seconds { model.with_time_limit(s) } else { model }, rows, &columns)
        }
    }
}

/// The scaled program: objective and variables, what stands for each option, and the rows.
fn program(problem: &Problem) -> (UnsolvedProblem, Columns, Vec<Constraint>) {
    let groups = problem.groups();
    let ranges = groups.iter().map(|g| {
        let (low, high) =
            g.options.iter().fold((f64::MAX, f64::MIN), |(l, h), o| (l.min(o.objective), h.max(o.objective)));
        (low, high - low)
    });
    let ranges: Vec<(f64, f64)> = ranges.collect();
    let mean = ranges.iter().map(|r| r.1).sum::<f64>() / groups.len() as f64;
    let factor = if mean > 0.0 { SCALE / mean } else { 1.0 };
    let mut vars = variables!();
    let mut objective = Expression::default();
    let mut columns: Columns = Vec::with_capacity(groups.len());
    for (group, (low, _)) in groups.iter().zip(&ranges) {
        // What exceeds a budget alone would only blur the scale of its row.
        let fits = |o: &usize| group.options[*o].weight.iter().zip(problem.capacity()).all(|(w, c)| w <= c);
        let column: Vec<(usize, Variable)> =
            (0..group.options.len()).filter(fits).map(|o| (o, vars.add(variable().binary()))).collect();
        for &(o, v) in &column {
            objective.add_mul((group.options[o].objective - low) * factor, v);
        }
        columns.push(column);
    }
    let one = |column: &Vec<(usize, Variable)>| column.iter().map(|&(_, v)| v).sum::<Expression>().eq(1.0);
    let mut rows: Vec<Constraint> = columns.iter().map(one).collect();
    for (k, &capacity) in problem.capacity().iter().enumerate() {
        let mut used = Expression::default();
        for (group, column) in groups.iter().zip(&columns) {
            for &(o, v) in column {
                used.add_mul(group.options[o].weight[k] as f64 / capacity.max(1) as f64 * SCALE, v);
            }
        }
        rows.push(used.leq(capacity.min(1) as f64 * SCALE));
    }
    (vars.minimise(objective), columns, rows)
}

/// Solves, and reads the choice back if every value is nearly 0 or 1.
fn read<M: SolverModel>(model: M, rows: Vec<Constraint>, columns: &Columns) -> Option<(Vec<usize>, StopReason)> {
    let solution = model.with_all(rows).solve().ok()?;
    let option = |column: &Vec<(usize, Variable)>| {
        let values = || column.iter().map(|&(o, v)| (solution.value(v), o));
        let (_, option) = values().max_by(|a, b| a.0.total_cmp(&b.0))?;
        let integral = values().all(|(x, o)| (x - f64::from(u8::from(o == option))).abs() <= INTEGRALITY);
        integral.then_some(option)
    };
    let choice = columns.iter().map(option).collect::<Option<Vec<usize>>>()?;
    let late = matches!(solution.status(), SolutionStatus::TimeLimit);
    Some((choice, if late { StopReason::TimeLimit } else { StopReason::NoProof }))
}

#[cfg(test)]
#[path = "ilp_tests.rs"]
mod tests;
