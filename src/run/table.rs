//! The planning table of a network, and budgets in its units.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::error::ValueFault;
use crate::run::Outline;
use crate::scheme::Scheme;
use crate::sensitivity::{CandidateSensitivity, SensitivityReport};
use crate::space::{BudgetName, BudgetRequest, Candidate, Limit};
use crate::table::TABLE_FORMAT;
use crate::table::{Budget, PlanningTable, RawCandidate, RawLayer, RawTable};

/// Costs of candidate `c` of one layer, in the units of the budgets; latencies are among them if there are any.
fn costs(outline: &Outline, layer: usize, c: usize) -> Vec<(&'static str, f64)> {
    let candidate = outline.scheme().layers[layer].candidates[c];
    let latency = |name| outline.latency.as_ref().filter(|latency| latency.cost == name).map(|l| l.values[layer][c]);
    costs_of(outline.scheme(), layer, candidate, latency)
}

/// The same for any candidate, with its latency or cycles if they are known.
fn costs_of(
    scheme: &Scheme,
    layer: usize,
    candidate: Candidate,
    latency: impl Fn(BudgetName) -> Option<f64>,
) -> Vec<(&'static str, f64)> {
    let (w, a) = (u32::from(candidate.weight_bits()), u32::from(candidate.activation_bits()));
    let cost = &scheme.layers[layer].cost;
    let all: u64 = scheme.layers.iter().map(|l| l.cost.parameters).sum();
    let value = |name: BudgetName| match name {
        BudgetName::Bitops => Some(cost.bit_ops(w, a) as f64),
        BudgetName::WeightBytes => Some(cost.weight_bytes(w) as f64),
        BudgetName::ModelBytes => Some(cost.model_bytes(w, a) as f64),
        BudgetName::LayerAvgWeightBits => Some(f64::from(w) / scheme.layers.len() as f64),
        BudgetName::AvgWeightBits => Some(cost.parameters as f64 * f64::from(w) / all as f64),
        BudgetName::LatencyMs | BudgetName::Cycles => latency(name),
    };
    BudgetName::ALL.into_iter().filter_map(|name| Some((name.name(), value(name)?))).collect()
}

/// A candidate of the table; without a sensitivity, of none.
fn tabled(candidate: Candidate, found: Option<&CandidateSensitivity>, costs: Vec<(&str, f64)>) -> RawCandidate {
    RawCandidate {
        id: candidate.to_string(),
        weight_bits: Some(u32::from(candidate.weight_bits())),
        activation_bits: Some(u32::from(candidate.activation_bits())),
        sensitivity: found.map_or(0.0, |f| f.sensitivity),
        stderr: found.and_then(|f| f.stderr),
        cost: costs.into_iter().map(|(name, cost)| (name.to_string(), cost)).collect(),
    }
}

/// Sensitivities and costs of every candidate of every layer. Without sensitivities they are all zero: enough to ask
/// whether budgets can be met.
///
/// # Errors
/// When the report's numbers are not finite.
pub fn planning_table(outline: &Outline, report: Option<&SensitivityReport>) -> Result<PlanningTable> {
    let scheme = outline.scheme();
    let candidate = |l: usize, c: usize| {
        let candidate = scheme.layers[l].candidates[c];
        tabled(candidate, report.map(|r| &r.layers[l].candidates[c]), costs(outline, l, c))
    };
    let layer = |l: usize| RawLayer {
        name: scheme.layers[l].name.clone(),
        parameters: Some(scheme.layers[l].cost.parameters),
        candidates: (0..scheme.layers[l].candidates.len()).map(|c| candidate(l, c)).collect(),
    };
    let names = |group: &Vec<usize>| group.iter().map(|&l| scheme.layers[l].name.clone()).collect();
    let raw = RawTable {
        format: TABLE_FORMAT.into(),
        name: outline.space.name.clone(),
        layers: (0..scheme.layers.len()).map(layer).collect(),
        groups: scheme.groups.iter().map(names).collect(),
        pins: BTreeMap::new(),
    };
    PlanningTable::check(raw, "planning table")
}

/// The whole planning problem: [`planning_table`] with the candidates that pins keep layers from, and the pins, so that
/// it can be said what these cost. Where latencies are budgeted the candidates that are not searched have none, and are
/// left out.
///
/// # Errors
/// When the report's numbers are not finite.
pub fn whole_table(outline: &Outline, report: &SensitivityReport) -> Result<PlanningTable> {
    let scheme = outline.scheme();
    let mut raw = RawTable::from(&planning_table(outline, Some(report))?);
    if outline.latency.is_some() {
        return PlanningTable::check(raw, "planning table");
    }
    for (l, (layer, raw_layer)) in scheme.layers.iter().zip(&mut raw.layers).enumerate() {
        let known = layer.alternatives.iter().filter_map(|&c| Some((c, report.alternative(&layer.name, c)?)));
        let candidates: Vec<RawCandidate> = known
            .map(|(candidate, measured)| tabled(candidate, Some(measured), costs_of(scheme, l, candidate, |_| None)))
            .collect();
        if let (true, Some(pin), false) = (layer.pinned, layer.candidates.first(), candidates.is_empty()) {
            raw.pins.insert(layer.name.clone(), pin.to_string());
        }
        raw_layer.candidates.extend(candidates);
    }
    PlanningTable::check(raw, "planning table")
}

/// A budget in absolute terms: percentages are of the costliest uniform configuration, a candidate stands for the cost
/// of its uniform configuration.
///
/// # Errors
/// When the limit names a candidate that no layer has, is of a latency in another unit, or is too large for a number.
pub fn resolve_budget(outline: &Outline, request: &BudgetRequest) -> Result<Budget, ValueFault> {
    let scheme = outline.scheme();
    let has = outline.latency.as_ref().map(|latency| latency.cost);
    if request.name.is_latency() && has != Some(request.name) {
        let expected = match has {
            Some(cost) => format!("{cost}, the unit of the search space's latencies"),
            None => "a section `latency` in the search space".to_string(),
        };
        return Err(ValueFault::new(format!("a limit of {}", request.name), expected, ""));
    }
    let uniform = |candidate: Candidate| -> f64 {
        let configuration = scheme.uniform(candidate);
        let all = configuration.iter().enumerate().flat_map(|(l, &c)| costs(outline, l, c));
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
