//! The allocation problem as a 0/1 program for a general solver, through the modelling crate that only this file names.
//!
//! Such solvers compare with absolute tolerances near 1e-6, on sensitivities whose sum may be 1e-9: unscaled they call
//! plans optimal that are not. The objective is scaled so that the mean range of a group is 1e6, each budget to a
//! limit of 1e6. The answer is read back by the largest value in each group, checked to be integral, and never
//! trusted: it is only ever a [`Outcome::Feasible`] without proof, for [`crate::solve::certify()`] to start from.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use good_lp::solvers::WithTimeLimit;
use good_lp::{Expression, Solution, SolverModel, Variable, microlp, variable, variables};

use crate::error::Result;
use crate::solve::scaled::trivial;
use crate::solve::{Outcome, Problem, Solver, StopReason};

/// Mean range of the objective of a group, and every limit, after scaling.
const SCALE: f64 = 1e6;
/// Farthest that a value may be from 0 or 1.
const INTEGRALITY: f64 = 1e-6;

/// Most variables that it is asked with: more only cost time, no answer comes within a second.
const MOST_VARIABLES: usize = 20_000;

/// The general integer solver.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ilp;

impl Solver for Ilp {
    fn name(&self) -> &str {
        "microlp"
    }

    /// A feasible choice without a proof, or [`Outcome::Unknown`].
    fn solve(&self, problem: &Problem, limit: Option<Duration>) -> Result<Outcome> {
        // The solver asserts on numbers inside; a fault there costs the starting point, not the proof.
        let choice = catch_unwind(AssertUnwindSafe(|| choose(problem, limit))).unwrap_or(None);
        let stop = StopReason::NoProof;
        Ok(match choice.filter(|c| problem.is_feasible(c)) {
            Some(choice) => {
                Outcome::Feasible { objective: problem.objective(&choice), choice, bound: trivial(problem), stop }
            }
            None => Outcome::Unknown { stop },
        })
    }
}

fn choose(problem: &Problem, limit: Option<Duration>) -> Option<Vec<usize>> {
    let groups = problem.groups();
    if groups.iter().map(|g| g.options.len()).sum::<usize>() > MOST_VARIABLES {
        return None;
    }
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
    let mut columns: Vec<Vec<(usize, Variable)>> = Vec::with_capacity(groups.len());
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
    let mut model = vars.minimise(objective).using(microlp);
    for column in &columns {
        let one: Expression = column.iter().map(|&(_, v)| v).sum();
        model.add_constraint(one.eq(1.0));
    }
    for (k, &capacity) in problem.capacity().iter().enumerate() {
        let mut used = Expression::default();
        for (group, column) in groups.iter().zip(&columns) {
            for &(o, v) in column {
                used.add_mul(group.options[o].weight[k] as f64 / capacity.max(1) as f64 * SCALE, v);
            }
        }
        model.add_constraint(used.leq(capacity.min(1) as f64 * SCALE));
    }
    if let Some(limit) = limit {
        model = model.with_time_limit(limit.as_secs_f64());
    }
    let solution = model.solve().ok()?;
    columns
        .iter()
        .map(|column| {
            let values = || column.iter().map(|&(o, v)| (solution.value(v), o));
            let (_, option) = values().max_by(|a, b| a.0.total_cmp(&b.0))?;
            let integral = values().all(|(x, o)| (x - f64::from(u8::from(o == option))).abs() <= INTEGRALITY);
            integral.then_some(option)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solve::Certifier;
    use crate::table::fixtures::{Kind, budgets, random};
    use crate::table::{PlanningTable, RawTable};

    #[test]
    fn scaled_to_its_tolerances_it_finds_the_optimum_of_tiny_sensitivities() {
        for seed in 0..3 {
            let table = random(Kind::Real, 54, 4, false, seed);
            let limits = budgets(&table, &[0.3, 0.35]);
            let mut raw = RawTable::from(&table);
            raw.layers.iter_mut().flat_map(|l| &mut l.candidates).for_each(|c| c.sensitivity *= 1e-9);
            let problem = Problem::new(&PlanningTable::check(raw, "test").unwrap(), &limits).unwrap();
            let found = Ilp.solve(&problem, None).unwrap();
            let proved = Certifier::default().solve(&problem, None).unwrap();
            assert_eq!(found.choice(), proved.choice(), "{seed}");
        }
    }

    #[test]
    fn a_problem_without_a_plan_is_left_to_the_proof() {
        let table = random(Kind::Real, 5, 3, false, 1);
        let problem = Problem::new(&table, &[crate::table::Budget::new("cost0", 1.0)]).unwrap();
        let outcome = Ilp.solve(&problem, None).unwrap();
        assert_eq!(outcome, Outcome::Unknown { stop: StopReason::NoProof });
    }
}
