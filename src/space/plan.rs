//! The plans that a search space asks for.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_saphyr::Spanned;

use super::budget::{BudgetName, BudgetRequest, Limit};
use super::candidate::Candidate;
use super::check::Checker;
use super::raw::RawPlan;
use super::search::Search;
use crate::error::Result;
use crate::error::ValueFault;
use crate::error::fault::{did_you_mean, quoted};

/// Budgets that one plan must keep, all together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanRequest {
    /// Name of the plan, `[a-z0-9_-]+`. Required; every plan has another.
    pub name: String,
    /// At least one, in the order of [`BudgetName::ALL`]. Required.
    pub budgets: Vec<BudgetRequest>,
}

impl Default for PlanRequest {
    /// The plan of a search space that names none: `half`, with bitops at 50%.
    fn default() -> Self {
        let half = BudgetRequest { name: BudgetName::Bitops, limit: Limit::Percent(50.0) };
        Self { name: "half".to_string(), budgets: vec![half] }
    }
}

/// At least one plan, every one with another name. `has_latency`: whether latencies can be limited.
pub(super) fn check(
    raw: &Spanned<Vec<RawPlan>>,
    search: &Search,
    has_latency: bool,
    c: Checker<'_>,
) -> Result<Vec<PlanRequest>> {
    let mut names = BTreeSet::new();
    let check = |raw: &RawPlan| {
        let name = c.name(&raw.name)?;
        if !names.insert(name.clone()) {
            let found = format!("a second plan {}", quoted(&name));
            return Err(c.fault(&raw.name, ValueFault::new(found, "a name for every plan", "rename one of them")));
        }
        Ok(PlanRequest { name, budgets: check_budgets(raw, search, has_latency, c)? })
    };
    c.filled(raw, "plan")?.iter().map(check).collect()
}

/// At least one budget; a candidate as limit is one of the search.
fn check_budgets(raw: &RawPlan, search: &Search, has_latency: bool, c: Checker<'_>) -> Result<Vec<BudgetRequest>> {
    let written = &raw.budgets.value;
    let written = [
        (BudgetName::Bitops, &written.bitops),
        (BudgetName::WeightBytes, &written.weight_bytes),
        (BudgetName::ModelBytes, &written.model_bytes),
        (BudgetName::AvgWeightBits, &written.avg_weight_bits),
        (BudgetName::LayerAvgWeightBits, &written.layer_avg_weight_bits),
        (BudgetName::LatencyMs, &written.latency_ms),
        (BudgetName::Cycles, &written.cycles),
    ];
    let mut budgets = Vec::new();
    for (name, text) in written.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
        if name.is_latency() && !has_latency {
            let found = format!("a limit of {name}");
            let remedy = "for example `latency: {hardware: FILE}`";
            return Err(c.fault(text, ValueFault::new(found, "a section `latency`", remedy)));
        }
        let budget = BudgetRequest::new(name, &text.value).map_err(|fault| c.fault(text, fault))?;
        match budget.limit {
            Limit::Uniform(candidate) if !search.offers(candidate) => {
                let known: Vec<String> = search.candidates.iter().map(Candidate::to_string).collect();
                let remedy = did_you_mean(&text.value, known.iter().map(String::as_str), "add it to `candidates`");
                return Err(c.fault(text, ValueFault::new(quoted(&text.value), "a candidate of the search", remedy)));
            }
            _ => budgets.push(budget),
        }
    }
    if budgets.is_empty() {
        let expected = "bitops, weight_bytes, model_bytes, avg_weight_bits or another budget";
        return Err(c.fault(&raw.budgets, ValueFault::new("no budget", expected, "for example `bitops: 50%`")));
    }
    Ok(budgets)
}
