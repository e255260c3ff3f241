//! From a table and budgets to a proved plan: problem → solver → proof → plan → verification.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::numeric::sum;
use crate::plan::alternatives;
use crate::plan::plan::{PLAN_FORMAT, Plan, PlanBudget, PlanLayer, Provenance, SolverNote, Status};
use crate::plan::verify::{Origin, verify};
use crate::solve::{Backend, Exact, Ilp, Outcome, Problem, Solution, Solver, StopReason, diagnose, fault};
use crate::table::{Budget, PlanningTable};

/// Relative difference of regrets below which a plan counts as the best.
pub const OPTIMAL: f64 = 1e-9;

/// Who chooses the plan. The bound is always ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// The exact solver.
    #[default]
    Exact,
    /// A general integer solver, whose answer is then proved or refuted.
    General(Backend),
}

/// How a plan is looked for, and what is written of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search {
    /// Who chooses.
    pub method: Method,
    /// Wall time after which the best plan so far is given.
    pub limit: Option<Duration>,
    /// Whether wall time is written into the plan; without it the same input gives the same bytes.
    pub timed: bool,
    /// How many of the best plans are wanted; all but the first become alternatives.
    pub keep: usize,
}

impl Default for Search {
    fn default() -> Self {
        Search { method: Method::default(), limit: None, timed: false, keep: 1 }
    }
}

impl Search {
    /// Limits the wall time.
    pub fn within(self, limit: Option<Duration>) -> Self {
        Search { limit, ..self }
    }
}

/// The best plan of a table within budgets, proved and verified, and what was wrong with the answer of a general
/// solver.
///
/// With a limit on time, or where the proof outgrows its memory, the plan may be [`Status::Feasible`] with a gap.
///
/// # Errors
/// [`Error::Usage`] for a budget that does not fit the table, a number of plans that is not offered, or several plans
/// from a general solver; [`Error::Infeasible`] with the smallest feasible values, [`Error::NoPlanYet`] when no plan
/// was found in time, [`Error::Internal`] when the plan does not verify.
pub fn optimize(
    table: &PlanningTable,
    budgets: &[Budget],
    search: Search,
    provenance: Provenance,
) -> Result<(Plan, Option<String>)> {
    let start = Instant::now();
    let left = || search.limit.map(|l| l.saturating_sub(start.elapsed()));
    alternatives::check_count(search.keep)?;
    if search.keep > 1 && search.method != Method::Exact {
        return Err(Error::Usage(format!(
            "{} best plans from a general solver: found one, expected the exact solver\n  hint: use `exact`",
            search.keep
        )));
    }
    let problem = Problem::new(table, budgets)?;
    let exact = Exact::default();
    let (solution, name, remark) = match search.method {
        Method::Exact => (exact.best(&problem, 1, left())?, exact.name().to_string(), None),
        Method::General(backend) => {
            let solver = Ilp::new(backend);
            let claim = solver.solve(&problem, left())?;
            let proof = exact.best(&problem, 1, left())?;
            let remark = remark(&problem, solver.name(), &claim, &proof);
            let solution = if proof.choices.is_empty() { proof } else { claimed(&problem, &claim, proof) };
            (solution, format!("{} + proof", solver.name()), remark)
        }
    };
    if solution.choices.is_empty() {
        return Err(match (solution.stop, remark) {
            (None, _) => diagnose(&problem, left())?.into_error(None),
            (Some(_), Some(remark)) => Error::NoPlanYet(remark),
            (Some(_), None) => {
                Error::NoPlanYet("stopped before a plan was found\n  hint: allow more time, or loosen a budget".into())
            }
        });
    }
    let (solution, proved) = match search.keep {
        1 => (solution, None),
        keep => alternatives::ranked(&problem, solution, keep, left()).map(|(s, proved)| (s, Some(proved)))?,
    };
    let seconds = search.timed.then(|| start.elapsed().as_secs_f64());
    let note = SolverNote { name, nodes: solution.states, seconds };
    let mut plan = assemble(table, &problem, &solution.choices[0], &solution, note, provenance);
    plan.alternatives = alternatives::alternatives(table, &problem, &solution.choices);
    plan.alternatives_proved = proved;
    verify(&plan, table, Origin::Computed)?;
    Ok((plan, remark))
}

/// The choice of a general solver with our bound; nothing if it has none.
fn claimed(problem: &Problem, claim: &Outcome, proof: Solution) -> Solution {
    let Some(choice) = claim.choice() else {
        return Solution { choices: Vec::new(), stop: Some(StopReason::NoProof), ..proof };
    };
    let above = problem.objective(choice) - proof.bound;
    let best = above <= OPTIMAL * (problem.objective(choice) - problem.floor());
    Solution { choices: vec![choice.to_vec()], stop: (!best).then_some(StopReason::NoProof), ..proof }
}

/// What a user should know of the answer of a general solver.
fn remark(problem: &Problem, name: &str, claim: &Outcome, proof: &Solution) -> Option<String> {
    let best = proof.choices.first()?;
    let (objective, bound) = (problem.objective(best), proof.bound);
    let Outcome::Feasible { choice, stop, .. } = claim else {
        let hint = "allow it more time, or leave out `--solver`; microlp is not asked with more than 20,000 candidates";
        return Some(format!("{name} found no plan, and there is one of objective {objective:e}\n  hint: {hint}"));
    };
    // One that was not stopped believes its answer to be the best.
    let believed = match stop {
        StopReason::NoProof => problem.objective(choice),
        _ => problem.floor(),
    };
    let claim = Outcome::Feasible {
        choice: choice.clone(),
        objective: problem.objective(choice),
        bound: believed,
        stop: *stop,
    };
    let proved = Outcome::Feasible { choice: best.clone(), objective, bound, stop: StopReason::NoProof };
    fault(problem, &claim, &proved).map(|fault| format!("{name} {fault}"))
}

/// The document of a choice, every number of it from the table.
pub(super) fn assemble(
    table: &PlanningTable,
    problem: &Problem,
    choice: &[usize],
    solution: &Solution,
    solver: SolverNote,
    provenance: Provenance,
) -> Plan {
    let candidates = problem.candidates(choice);
    let chosen = || table.layers().iter().zip(&candidates).map(|(layer, &c)| (layer, &layer.candidates[c]));
    let layers = chosen().map(|(layer, c)| PlanLayer {
        name: layer.name.clone(),
        candidate: c.id.clone(),
        weight_bits: c.weight_bits,
        activation_bits: c.activation_bits,
        sensitivity: c.sensitivity,
        cost: table.cost_names().iter().cloned().zip(c.cost.iter().copied()).collect(),
    });
    let objective = sum(chosen().map(|(_, c)| c.sensitivity));
    let size = sum(chosen().map(|(_, c)| c.sensitivity.abs()));
    let bound = solution.bound.min(objective);
    let budgets = problem.budgets().iter().zip(&solution.multipliers).map(|(b, &shadow_price)| {
        let column = table.cost_names().iter().position(|n| *n == b.name);
        let used = sum(chosen().filter_map(|(_, c)| column.map(|k| c.cost[k])));
        let slack = b.limit - used;
        PlanBudget { name: b.name.clone(), limit: b.limit, used, slack, shadow_price, without: None, higher: None }
    });
    Plan {
        format: PLAN_FORMAT.into(),
        status: if solution.stop.is_none() { Status::Optimal } else { Status::Feasible },
        objective,
        bound,
        gap: Plan::relative_gap(objective, bound, size),
        budgets: budgets.collect(),
        unlimited: None,
        layers: layers.collect(),
        alternatives: Vec::new(),
        alternatives_proved: None,
        bindings: Vec::new(),
        stability: None,
        solver,
        provenance,
    }
}

#[cfg(test)]
#[path = "optimize_tests.rs"]
mod tests;
