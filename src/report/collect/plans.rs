//! The plans: what they choose, use and lose.

use crate::plan::{Binding, Plan, PlanBudget, PlanLayer};
use crate::report::collect::checked::Checked;
use crate::report::collect::layers::bits;
use crate::report::{BindingRow, BudgetRow, Choice, PlanRow, StabilityRow};

/// One row for each plan, in the order asked for.
pub(super) fn rows(checked: &Checked<'_>) -> Vec<PlanRow> {
    checked.plans.iter().map(|(name, plan)| row(checked, name, plan)).collect()
}

fn row(checked: &Checked<'_>, name: &str, plan: &Plan) -> PlanRow {
    let choices: Vec<Choice> = plan.layers.iter().enumerate().map(|(l, _)| choice(checked, plan, l)).collect();
    let layers = checked.facts.layers.iter().zip(&choices);
    let weighted: f64 = layers.map(|(layer, c)| layer.parameters as f64 * f64::from(c.weight_bits)).sum();
    let weights: f64 = checked.facts.layers.iter().map(|l| l.parameters as f64).sum();
    let stability = plan.stability.as_ref().map(|s| StabilityRow {
        draws: s.draws,
        same_plan: s.same_plan,
        regret_mean: s.regret_mean,
        regret_max: s.regret_max,
    });
    let finite = |s: &StabilityRow| [s.same_plan, s.regret_mean, s.regret_max].iter().all(|v| v.is_finite());
    PlanRow {
        name: name.into(),
        status: plan.status,
        objective: plan.objective,
        bound: plan.bound,
        gap: plan.gap,
        budgets: plan.budgets.iter().map(budget).collect(),
        unlimited: plan.unlimited,
        mean_weight_bits: if weights > 0.0 { weighted / weights } else { 0.0 },
        choices,
        bindings: plan.bindings.iter().filter(|b| b.cost.is_finite()).map(binding).collect(),
        stability: stability.filter(finite),
        notes: Vec::new(),
    }
}

fn choice(checked: &Checked<'_>, plan: &Plan, index: usize) -> Choice {
    let PlanLayer { name, candidate, weight_bits, activation_bits, sensitivity, cost } = &plan.layers[index];
    let tabled = checked.table.and_then(|t| t.layers().get(index));
    let tabled = tabled.and_then(|l| l.candidates.get(l.candidate(candidate)?));
    let stability = plan.stability.as_ref().and_then(|s| s.layers.get(index)).filter(|s| s.name == *name);
    let (weight_bits, activation_bits) = bits(candidate, *weight_bits, *activation_bits);
    Choice {
        candidate: candidate.clone(),
        weight_bits,
        activation_bits,
        sensitivity: *sensitivity,
        stderr: tabled.and_then(|c| c.stderr),
        cost: cost.clone(),
        stays: stability.map(|s| s.stays).filter(|s| s.is_finite()),
        shares: stability.map(|s| s.shares.clone()).unwrap_or_default(),
    }
}

fn budget(b: &PlanBudget) -> BudgetRow {
    let PlanBudget { name, limit, used, shadow_price, without, higher, .. } = b.clone();
    BudgetRow { name, limit, used, binds: without.and_then(|w| w.helps()), without, higher, shadow_price }
}

fn binding(b: &Binding) -> BindingRow {
    BindingRow { layers: b.layers.clone(), candidate: b.candidate.clone(), cost: b.cost, proved: b.proved }
}
