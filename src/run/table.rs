//! The planning table of a network, and budgets in its units.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::error::ValueFault;
use crate::scheme::Scheme;
use crate::sensitivity::SensitivityReport;
use crate::space::{BudgetName, BudgetRequest, Candidate, Limit};
use crate::table::TABLE_FORMAT;
use crate::table::{Budget, PlanningTable, RawCandidate, RawLayer, RawTable};

/// Costs of one layer at a candidate, in the units of the budgets.
fn costs(scheme: &Scheme, layer: usize, candidate: Candidate) -> [(&'static str, f64); BudgetName::ALL.len()] {
    let (w, a) = (u32::from(candidate.weight_bits()), u32::from(candidate.activation_bits()));
    let cost = &scheme.layers[layer].cost;
    let all: u64 = scheme.layers.iter().map(|l| l.cost.parameters).sum();
    let value = |name| match name {
        BudgetName::Bitops => cost.bit_ops(w, a) as f64,
        BudgetName::WeightBytes => cost.weight_bytes(w) as f64,
        BudgetName::ModelBytes => cost.model_bytes(w, a) as f64,
        BudgetName::LayerAvgWeightBits => f64::from(w) / scheme.layers.len() as f64,
        BudgetName::AvgWeightBits => cost.parameters as f64 * f64::from(w) / all as f64,
    };
    BudgetName::ALL.map(|name| (name.name(), value(name)))
}

/// Sensitivities and costs of every candidate of every layer. Without sensitivities they are all zero: enough to ask
/// whether budgets can be met.
///
/// # Errors
/// When the report's numbers are not finite.
pub fn planning_table(name: &str, scheme: &Scheme, report: Option<&SensitivityReport>) -> Result<PlanningTable> {
    let candidate = |l: usize, c: usize| {
        let candidate = scheme.layers[l].candidates[c];
        let measured = report.map(|r| &r.layers[l].candidates[c]);
        RawCandidate {
            id: candidate.to_string(),
            weight_bits: Some(u32::from(candidate.weight_bits())),
            activation_bits: Some(u32::from(candidate.activation_bits())),
            sensitivity: measured.map_or(0.0, |m| m.sensitivity),
            stderr: measured.and_then(|m| m.stderr),
            cost: costs(scheme, l, candidate).into_iter().collect(),
        }
    };
    let layer = |l: usize| RawLayer {
        name: scheme.layers[l].name.clone(),
        parameters: Some(scheme.layers[l].cost.parameters),
        candidates: (0..scheme.layers[l].candidates.len()).map(|c| candidate(l, c)).collect(),
    };
    let names = |group: &Vec<usize>| group.iter().map(|&l| scheme.layers[l].name.clone()).collect();
    let raw = RawTable {
        format: TABLE_FORMAT.into(),
        name: name.into(),
        layers: (0..scheme.layers.len()).map(layer).collect(),
        groups: scheme.groups.iter().map(names).collect(),
        pins: BTreeMap::new(),
    };
    PlanningTable::check(raw, "planning table")
}

/// A budget in absolute terms: percentages are of the costliest uniform configuration, a candidate stands for the cost
/// of its uniform configuration.
///
/// # Errors
/// When the limit names a candidate that no layer has, or is too large for a number.
pub fn resolve_budget(scheme: &Scheme, request: &BudgetRequest) -> Result<Budget, ValueFault> {
    let uniform = |candidate: Candidate| -> f64 {
        let configuration = scheme.uniform(candidate);
        let all = (0..scheme.layers.len()).flat_map(|l| costs(scheme, l, scheme.candidate(l, &configuration)));
        all.filter(|(name, _)| *name == request.name.name()).map(|(_, cost)| cost).sum()
    };
    let bases = scheme.bases();
    let limit = match request.limit {
        Limit::Absolute(limit) => limit,
        Limit::Percent(percent) => percent * bases.iter().map(|&c| uniform(c)).fold(0.0, f64::max) / 100.0,
        Limit::Uniform(candidate) if bases.contains(&candidate) => uniform(candidate),
        Limit::Uniform(candidate) => {
            let known: Vec<String> = bases.iter().map(ToString::to_string).collect();
            let found = format!("{}={candidate}, which no layer can take", request.name);
            return Err(ValueFault::new(found, known.join(", "), "name a candidate of the search space"));
        }
    };
    if !limit.is_finite() {
        return Err(ValueFault::new(request.to_string(), "a finite limit", "write a smaller one"));
    }
    Ok(Budget::new(request.name.name(), limit))
}
