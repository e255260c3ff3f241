//! The last word on a plan: everything in it recomputed from the table and the chosen ids alone, in f64 with
//! compensated sums, layer by layer, without anything the solvers computed.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::numeric::sum;
use crate::plan::alternatives;
use crate::plan::plan::{PLAN_FORMAT, Plan, Status};
use crate::plan::totals::ROUNDING;
use crate::solve::problem::{EXACT, budget_tolerance};
use crate::table::{Candidate, PlanningTable};

/// Largest gap of a plan that says it is optimal, relative to the largest sensitivities.
pub const OPTIMAL_GAP: f64 = 1e-9;

/// Where a plan comes from, and so whose fault a fault in it is.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// The program made it: a fault is [`Error::Internal`].
    Computed,
    /// This file: a fault is [`Error::Input`].
    File(&'a str),
}

impl Origin<'_> {
    pub(super) fn fault<T>(self, key: &str, found: impl ToString, expected: impl ToString) -> Result<T> {
        let (found, expected) = (found.to_string(), expected.to_string());
        Err(match self {
            Origin::Computed => Error::Internal(format!("plan, {key}: found {found}, expected {expected}")),
            Origin::File(place) => {
                Error::input(format!("{place}: {key}"), found, expected, "plan again from this table")
            }
        })
    }

    pub(super) fn number(self, key: &str, found: f64, expected: f64, scale: f64) -> Result<()> {
        if (found - expected).abs() <= ROUNDING * scale { Ok(()) } else { self.fault(key, found, expected) }
    }
}

/// Recomputes a plan from the table.
///
/// # Errors
/// By [`Origin`], for the first of: a layer or candidate that is not the table's, numbers of a layer that are not the
/// table's, a pin or a tie that is not kept, an objective or a cost that is not the sum, a budget exceeded, a bound or
/// gap that does not fit the status.
pub fn verify(plan: &Plan, table: &PlanningTable, origin: Origin) -> Result<()> {
    if plan.format != PLAN_FORMAT {
        return origin.fault("format", &plan.format, PLAN_FORMAT);
    }
    if plan.status == Status::Infeasible {
        return origin.fault("status", "infeasible", "a plan to verify");
    }
    let chosen = layers(plan, table, origin)?;
    keeps(&chosen, table, origin)?;
    let size = sum(chosen.iter().map(|c| c.sensitivity.abs()));
    origin.number("objective", plan.objective, sum(chosen.iter().map(|c| c.sensitivity)), size)?;
    budgets(plan, table, &chosen, origin)?;
    proof(plan, table, size, origin)?;
    alternatives::verify(plan, table, &chosen, origin)
}

/// Every tie and every pin.
pub(super) fn keeps(chosen: &[&Candidate], table: &PlanningTable, origin: Origin) -> Result<()> {
    for group in table.groups() {
        if let Some(&l) = group.iter().find(|&&l| chosen[l].id != chosen[group[0]].id) {
            let expected = format!("{} as in tied layer `{}`", chosen[group[0]].id, table.layers()[group[0]].name);
            return origin.fault(&format!("layer `{}`", table.layers()[l].name), &chosen[l].id, expected);
        }
    }
    for (&l, &c) in table.pins() {
        let layer = &table.layers()[l];
        if chosen[l].id != layer.candidates[c].id {
            return origin.fault(&format!("pinned layer `{}`", layer.name), &chosen[l].id, &layer.candidates[c].id);
        }
    }
    Ok(())
}

/// The chosen candidates, after comparing every number of every layer.
fn layers<'a>(plan: &Plan, table: &'a PlanningTable, origin: Origin) -> Result<Vec<&'a Candidate>> {
    if plan.layers.len() != table.layers().len() {
        return origin.fault("layers", plan.layers.len(), table.layers().len());
    }
    let mut chosen = Vec::with_capacity(plan.layers.len());
    for (found, layer) in plan.layers.iter().zip(table.layers()) {
        let key = format!("layer `{}`", layer.name);
        if found.name != layer.name {
            return origin.fault("layers", format!("`{}`", found.name), format!("`{}`", layer.name));
        }
        let Some(c) = layer.candidate(&found.candidate) else {
            return origin.fault(&key, &found.candidate, "the id of a candidate of this layer");
        };
        let candidate = &layer.candidates[c];
        if (found.weight_bits, found.activation_bits) != (candidate.weight_bits, candidate.activation_bits) {
            let bits = |w: Option<u32>, a: Option<u32>| format!("{w:?} weight and {a:?} activation bits");
            let expected = bits(candidate.weight_bits, candidate.activation_bits);
            return origin.fault(&key, bits(found.weight_bits, found.activation_bits), expected);
        }
        origin.number(&format!("{key}, sensitivity"), found.sensitivity, candidate.sensitivity, 0.0)?;
        if !found.cost.iter().map(|(n, &v)| (n, v)).eq(table.cost_names().iter().zip(candidate.cost.iter().copied())) {
            return origin.fault(&format!("{key}, cost"), format!("{:?}", found.cost), format!("{:?}", candidate.cost));
        }
        chosen.push(candidate);
    }
    Ok(chosen)
}

/// Every budget: named once, its sum right, its limit kept. Whole numbers are compared exactly.
fn budgets(plan: &Plan, table: &PlanningTable, chosen: &[&Candidate], origin: Origin) -> Result<()> {
    let mut seen = BTreeSet::new();
    for budget in &plan.budgets {
        let key = format!("budget `{}`", budget.name);
        let column = table.cost_names().iter().position(|n| *n == budget.name);
        let Some(k) = column.filter(|k| seen.insert(*k)) else {
            return origin.fault(&key, "a second limit or no such cost", "one limit for a cost of the table");
        };
        let used = sum(chosen.iter().map(|c| c.cost[k]));
        origin.number(&format!("{key}, used"), budget.used, used, used)?;
        origin.number(&format!("{key}, slack"), budget.slack, budget.limit - used, used.max(budget.limit.abs()))?;
        if !within(table, k, budget.limit, used) {
            return origin.fault(&key, used, format!("at most {}", budget.limit));
        }
        if !(budget.shadow_price >= 0.0 && budget.shadow_price.is_finite()) {
            return origin.fault(&format!("{key}, shadow_price"), budget.shadow_price, "a finite number, 0 or more");
        }
    }
    Ok(())
}

/// Whether a sum of the cost in column `k` keeps a limit, by the rule of the problem: exact only where every candidate
/// that could be within the limit costs a whole number.
pub(super) fn within(table: &PlanningTable, k: usize, limit: f64, used: f64) -> bool {
    let tolerance = budget_tolerance(table.layers().len());
    let admitted = limit * (1.0 + tolerance);
    let candidates = table.layers().iter().flat_map(|l| &l.candidates);
    let whole = candidates.map(|c| c.cost[k]).filter(|&c| c <= admitted).all(|c| c.fract() == 0.0);
    // Beyond the whole numbers that f64 has, the problem counts in fractions of the limit.
    let whole = whole && limit < EXACT;
    limit.is_finite() && used <= if whole { limit } else { admitted }
}

/// How far a proved objective may be above its bound.
pub(super) fn allowance(table: &PlanningTable) -> f64 {
    let largest = |l: &crate::table::Layer| l.candidates.iter().map(|c| c.sensitivity.abs()).fold(0.0, f64::max);
    OPTIMAL_GAP * sum(table.layers().iter().map(largest))
}

/// Bound and gap against the objective, the status and the `size` of the sensitivities.
fn proof(plan: &Plan, table: &PlanningTable, size: f64, origin: Origin) -> Result<()> {
    if plan.bound.is_nan() || plan.bound > plan.objective {
        return origin.fault("bound", plan.bound, format!("at most the objective {}", plan.objective));
    }
    origin.number("gap", plan.gap, Plan::relative_gap(plan.objective, plan.bound, size), plan.gap.abs().max(1.0))?;
    if plan.status == Status::Optimal && plan.objective - plan.bound > allowance(table) {
        return origin.fault("gap", plan.gap, "none in a plan that says it is optimal");
    }
    Ok(())
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
