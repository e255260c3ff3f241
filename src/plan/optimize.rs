//! From a table and budgets to a proved plan: problem → integer solver → proof → plan → verification.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::numeric::sum;
use crate::plan::plan::{PLAN_FORMAT, Plan, PlanBudget, PlanLayer, Provenance, SolverNote, Status};
use crate::plan::verify::{Origin, verify};
use crate::solve::{Certificate, Ilp, Outcome, Problem, Solver, certify, diagnose};
use crate::table::{Budget, PlanningTable};

/// Longest that the integer solver may look for a starting point; the proof does not need one, and finds the same
/// plan without.
const START_LIMIT: Duration = Duration::from_millis(100);

/// Which facts about the run go into the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// Wall time too.
    Timed,
    /// Only what is the same at every run.
    Reproducible,
}

/// The best plan of a table within budgets, proved and verified.
///
/// With a `limit` on wall time, or where the proof outgrows its memory, the plan may be [`Status::Feasible`] with a gap.
///
/// # Errors
/// [`Error::Usage`] for a budget that does not fit the table, [`Error::Infeasible`] with the smallest feasible values,
/// [`Error::Unproved`] when the time was up before any plan was found, [`Error::Internal`] when the plan does not
/// verify.
pub fn optimize(
    table: &PlanningTable,
    budgets: &[Budget],
    limit: Option<Duration>,
    provenance: Provenance,
    report: Report,
) -> Result<Plan> {
    let start = Instant::now();
    let left = || limit.map(|l| l.saturating_sub(start.elapsed()));
    let problem = Problem::new(table, budgets)?;
    let solver = Ilp;
    let claim = solver.solve(&problem, Some(limit.map_or(START_LIMIT, |l| START_LIMIT.min(l / 4))))?;
    let certificate = certify(&problem, &claim, left())?;
    let (choice, bound, status) = match &certificate.outcome {
        Outcome::Optimal { choice, bound, .. } => (choice, *bound, Status::Optimal),
        Outcome::Feasible { choice, bound, .. } => (choice, *bound, Status::Feasible),
        Outcome::Infeasible => return Err(Error::Infeasible(diagnose(&problem, left())?.to_string())),
        Outcome::Unknown { .. } => {
            let message = "stopped before a plan was found\n  hint: allow more time, or loosen a budget";
            return Err(Error::Unproved(message.into()));
        }
    };
    let seconds = (report == Report::Timed).then(|| start.elapsed().as_secs_f64());
    let note = SolverNote { name: format!("{} + proof", solver.name()), nodes: certificate.states, seconds };
    let plan = assemble(table, &problem, choice, bound, status, &certificate, note, provenance);
    verify(&plan, table, Origin::Computed)?;
    Ok(plan)
}

/// The document of a choice, every number of it from the table.
#[allow(clippy::too_many_arguments)] // one call, each argument a part of the document
fn assemble(
    table: &PlanningTable,
    problem: &Problem,
    choice: &[usize],
    bound: f64,
    status: Status,
    certificate: &Certificate,
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
    let bound = bound.min(objective);
    let budgets = problem.budgets().iter().zip(&certificate.multipliers).map(|(b, &shadow_price)| {
        let column = table.cost_names().iter().position(|n| *n == b.name);
        let used = sum(chosen().filter_map(|(_, c)| column.map(|k| c.cost[k])));
        PlanBudget { name: b.name.clone(), limit: b.limit, used, slack: b.limit - used, shadow_price }
    });
    Plan {
        format: PLAN_FORMAT.into(),
        status,
        objective,
        bound,
        gap: Plan::relative_gap(objective, bound, size),
        budgets: budgets.collect(),
        layers: layers.collect(),
        solver,
        provenance,
    }
}

#[cfg(test)]
#[path = "optimize_tests.rs"]
mod tests;
