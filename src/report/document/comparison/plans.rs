//! Plans of several runs side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::matching::{Match, differs, items, matched};
use crate::plan::Status;
use crate::report::document::{BudgetRow, PlanRow, Report};

/// One plan: what has the same name in the runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedPlan {
    /// Its name.
    pub name: String,
    /// In each run; none where a run has no such plan.
    pub runs: Vec<Option<PlanTotals>>,
    /// Whether objective or costs are not the same in all runs.
    pub differs: bool,
}

/// What a plan comes to in one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanTotals {
    /// Whether it is the run's first plan.
    pub primary: bool,
    /// How far it is proved.
    pub status: Status,
    /// Sum of the sensitivities.
    pub objective: f64,
    /// Proved relative distance from the best.
    pub gap: f64,
    /// Its budgets.
    pub budgets: Vec<BudgetRow>,
    /// Mean bits of a weight.
    pub mean_weight_bits: f64,
    /// Cost name → sum over the layers.
    pub totals: BTreeMap<String, f64>,
    /// Share of the resampled plans that are the same plan, if resampled.
    pub same_plan: Option<f64>,
    /// Layers with another candidate than in the first run, of those that both have; none for the first run.
    pub other_layers: Option<u64>,
}

pub(super) fn plans(reports: &[Report], layers: &[Match]) -> Vec<ComparedPlan> {
    let lists: Vec<&[PlanRow]> = reports.iter().map(|r| r.plans.as_slice()).collect();
    let compared = matched(&lists, |plan| plan.name.clone()).into_iter().filter_map(|places| {
        let runs = items(&lists, &places);
        let first = runs.first().copied().flatten();
        let totals = |(run, plan): (usize, &Option<&PlanRow>)| {
            plan.map(|plan| PlanTotals {
                primary: places.get(run).copied().flatten() == Some(0),
                status: plan.status,
                objective: plan.objective,
                gap: plan.gap,
                budgets: plan.budgets.clone(),
                mean_weight_bits: plan.mean_weight_bits,
                totals: totals(plan),
                same_plan: plan.stability.as_ref().map(|s| s.same_plan),
                other_layers: first.filter(|_| run > 0).map(|first| other_layers(first, plan, run, layers)),
            })
        };
        Some(ComparedPlan {
            name: runs.iter().flatten().next()?.name.clone(),
            differs: differs(&runs, |plan| (plan.objective, self::totals(plan))),
            runs: runs.iter().enumerate().map(totals).collect(),
        })
    });
    compared.collect()
}

/// Cost name → sum over the layers.
fn totals(plan: &PlanRow) -> BTreeMap<String, f64> {
    let names: BTreeSet<&String> = plan.choices.iter().flat_map(|choice| choice.cost.keys()).collect();
    names.into_iter().filter_map(|name| Some((name.clone(), plan.total(name)?))).collect()
}

fn other_layers(first: &PlanRow, plan: &PlanRow, run: usize, layers: &[Match]) -> u64 {
    let choice = |plan: &PlanRow, index: Option<usize>| Some(plan.choices.get(index?)?.candidate.clone());
    let other = |layer: &&Match| {
        let here = choice(first, layer.first().copied().flatten());
        let there = choice(plan, layer.get(run).copied().flatten());
        here.zip(there).is_some_and(|(a, b)| a != b)
    };
    layers.iter().filter(other).count() as u64
}
