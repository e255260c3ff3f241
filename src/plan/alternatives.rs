//! The next-best plans: what else is nearly as good within the same budgets (method.md §5).
//!
//! The plan of rank 1 is the plan itself, and is the same however many others are asked for. Those of rank 2 to K are
//! written as what differs from it. "Distinct" means that some layer has another candidate; plans of equal objective
//! have an order that depends on the table alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::plan::plan::{Plan, Status};
use crate::plan::totals::{ROUNDING, Totals};
use crate::plan::verify::{Origin, allowance, keeps, within};
use crate::solve::{Exact, Problem, Solution};
use crate::table::raw::unique_keys;
use crate::table::{Candidate, PlanningTable};

/// Most plans that may be asked for: the search holds and compares them all.
pub const MOST_PLANS: usize = 1_000;

/// A plan that is not the best one, as what differs from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// Its place among all plans within the budgets, by objective: 2 for the next-best one.
    pub rank: usize,
    /// Sum of the sensitivities of its candidates.
    pub objective: f64,
    /// The objective above that of the plan.
    pub above: f64,
    /// Budget name → sum of that cost over the layers.
    #[serde(deserialize_with = "unique_keys")]
    pub used: BTreeMap<String, f64>,
    /// Layer name → candidate id, for the layers that differ from the plan.
    #[serde(deserialize_with = "unique_keys")]
    pub changes: BTreeMap<String, String>,
}

/// The best `keep` choices of a problem of which `best` holds the first: that one stays first if it is proved, and the
/// second value says whether all of them are.
///
/// # Errors
/// [`Error::Usage`] for a number of plans that is not offered; those of the search.
pub(super) fn ranked(
    problem: &Problem,
    mut best: Solution,
    keep: usize,
    limit: Option<Duration>,
) -> Result<(Solution, bool)> {
    let more = Exact::default().best(problem, keep, limit)?;
    best.states += more.states;
    best.bound = best.bound.max(more.bound);
    let proved = more.stop.is_none();
    let mut others = more.choices;
    others.retain(|c| *c != best.choices[0]);
    // Stable: equal objectives keep the order of the search.
    others.sort_by(|a, b| problem.objective(a).total_cmp(&problem.objective(b)));
    if proved {
        best.stop = None;
    }
    // A plan that was not proved may turn out not to be the best.
    let first = problem.objective(&best.choices[0]);
    let at = match best.stop {
        Some(_) => others.iter().position(|c| problem.objective(c) >= first).unwrap_or(others.len()),
        None => 0,
    };
    let known = best.choices.remove(0);
    others.insert(at, known);
    others.truncate(keep);
    best.choices = others;
    Ok((best, proved))
}

/// Refuses numbers of plans that are not offered.
pub(super) fn check_count(keep: usize) -> Result<()> {
    if (1..=MOST_PLANS).contains(&keep) {
        return Ok(());
    }
    Err(Error::Usage(format!("number of best plans: found {keep}, expected 1 to {MOST_PLANS}")))
}

/// The choices after the first, as documents.
pub(super) fn alternatives(table: &PlanningTable, problem: &Problem, choices: &[Vec<usize>]) -> Vec<Alternative> {
    let Some((first, others)) = choices.split_first() else { return Vec::new() };
    let first = problem.candidates(first);
    let least = Totals::new(table, &first).objective();
    let document = |(rank, choice): (usize, &Vec<usize>)| {
        let candidates = problem.candidates(choice);
        let totals = Totals::new(table, &candidates);
        let differs = (0..first.len()).filter(|&l| first[l] != candidates[l]);
        let change = |l: usize| {
            let layer = &table.layers()[l];
            (layer.name.clone(), layer.candidates[candidates[l]].id.clone())
        };
        let objective = totals.objective();
        Alternative {
            rank,
            objective,
            above: objective - least,
            used: totals.used(problem.budgets()),
            changes: differs.map(change).collect(),
        }
    };
    (2..).zip(others).map(document).collect()
}

/// Recomputes every alternative of a plan from the table; `chosen` are the candidates of the plan itself.
///
/// # Errors
/// By [`Origin`], for the first that is not a plan of this table within the budgets, has other numbers, is below the
/// plan or the one before it, or stands twice; and for a proof that is claimed of some plans and not of the best.
pub(super) fn verify(plan: &Plan, table: &PlanningTable, chosen: &[&Candidate], origin: Origin) -> Result<()> {
    match plan.alternatives_proved {
        None if !plan.alternatives.is_empty() => {
            return origin.fault("alternatives_proved", "nothing", "whether the alternatives are proved");
        }
        Some(true) if plan.status != Status::Optimal => {
            return origin.fault("alternatives_proved", "true", "false beside a plan that is not optimal");
        }
        _ if plan.alternatives.is_empty() => return Ok(()),
        _ => {}
    }
    let index: HashMap<&str, usize> = table.layers().iter().enumerate().map(|(l, layer)| (&*layer.name, l)).collect();
    let (mut seen, mut last, allowance) = (BTreeSet::new(), plan.objective, allowance(table));
    for (expected, other) in (2..).zip(&plan.alternatives) {
        let key = format!("alternative {expected}");
        if other.rank != expected {
            return origin.fault(&format!("{key}, rank"), other.rank, expected);
        }
        if other.changes.is_empty() || !seen.insert(&other.changes) {
            return origin.fault(&format!("{key}, changes"), "those of another plan", "a plan that is not listed yet");
        }
        let mut own = chosen.to_vec();
        for (name, id) in &other.changes {
            let place = format!("{key}, layer `{name}`");
            let Some(&l) = index.get(name.as_str()) else {
                return origin.fault(&place, "no such layer", "a layer of the table");
            };
            match table.layers()[l].candidate(id) {
                Some(c) if *id != own[l].id => own[l] = &table.layers()[l].candidates[c],
                _ => return origin.fault(&place, id, "the id of another candidate of this layer"),
            }
        }
        keeps(&own, table, origin)?;
        numbers(&key, other, plan, table, &own, origin)?;
        // The order is proved to the tolerance of the proof.
        if other.objective < last - allowance {
            return origin.fault(&format!("{key}, objective"), other.objective, format!("at least {last}"));
        }
        last = other.objective;
    }
    Ok(())
}

/// The objective and the costs of one alternative.
fn numbers(
    key: &str,
    other: &Alternative,
    plan: &Plan,
    table: &PlanningTable,
    own: &[&Candidate],
    origin: Origin,
) -> Result<()> {
    let sum = |value: &dyn Fn(&Candidate) -> f64| crate::numeric::sum(own.iter().map(|c| value(c)));
    let size = sum(&|c| c.sensitivity.abs());
    origin.number(&format!("{key}, objective"), other.objective, sum(&|c| c.sensitivity), size)?;
    let scale = size.max(plan.objective.abs()) * (1.0 + ROUNDING);
    origin.number(&format!("{key}, above"), other.above, other.objective - plan.objective, scale)?;
    if !other.used.keys().eq(plan.budgets.iter().map(|b| &b.name).collect::<BTreeSet<_>>()) {
        return origin.fault(&format!("{key}, used"), format!("{:?}", other.used.keys()), "the budgets of the plan");
    }
    for budget in &plan.budgets {
        let (place, found) = (format!("{key}, used, `{}`", budget.name), other.used[&budget.name]);
        let Some(k) = table.cost_names().iter().position(|n| *n == budget.name) else {
            return origin.fault(&place, "no such cost", "a cost of the table");
        };
        let used = sum(&|c| c.cost[k]);
        origin.number(&place, found, used, used)?;
        if !within(table, k, budget.limit, used) {
            return origin.fault(&place, used, format!("at most {}", budget.limit));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "alternatives_tests.rs"]
mod tests;
