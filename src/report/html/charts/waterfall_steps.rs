//! What the bars between the widest candidates and a plan say: how much each layer saves, or uses.

use super::precisions::layer_name;
use crate::report::plot::one_line;
use crate::report::{BudgetRow, CandidateRow, PlanRow, Report, units};

/// Layers with bars of their own.
pub(super) const NAMED: usize = 14;

/// One bar between two costs.
pub(super) struct Step {
    /// What it is of.
    pub name: String,
    /// The layer, if it is of one.
    pub layer: Option<usize>,
    /// The cost before it.
    pub from: f64,
    /// The cost behind it.
    pub to: f64,
    /// Its details.
    pub tip: String,
}

/// All bars of one budget.
pub(super) struct Steps {
    /// What the bars begin with and what that is called; none if they pile up from zero.
    pub start: Option<(String, f64)>,
    /// Largest first, then the sum of the rest.
    pub list: Vec<Step>,
}

impl Steps {
    /// None if the plan does not say what its layers cost.
    pub fn new(report: &Report, plan: &PlanRow, budget: &BudgetRow) -> Option<Self> {
        let costs = plan.choices.iter().map(|choice| choice.cost.get(&budget.name).copied());
        let costs: Vec<f64> = costs.collect::<Option<_>>()?;
        costs.first()?;
        let widest = widest(report, &budget.name).filter(|widest| widest.len() == costs.len());
        let mut from = widest.as_ref().map_or(0.0, |widest| widest.iter().sum());
        let start = widest.as_ref().map(|_| (start_name(report), from));
        let change = |layer: usize| {
            let cost = costs.get(layer).copied().unwrap_or_default();
            cost - widest.as_ref().and_then(|widest| widest.get(layer)).copied().unwrap_or_default()
        };
        let mut order: Vec<usize> = (0..costs.len()).filter(|&layer| change(layer) != 0.0).collect();
        order.sort_by(|&a, &b| change(b).abs().total_cmp(&change(a).abs()));
        // One layer more than there is room for is named as well as it is counted.
        let named = if order.len() <= NAMED + 1 { order.len() } else { NAMED };
        let mut steps = Vec::new();
        for &layer in order.iter().take(named) {
            let to = from + change(layer);
            let candidate = plan.choices.get(layer).map(|choice| one_line(&choice.candidate)).unwrap_or_default();
            let name = format!("{} · {candidate}", layer_name(report, layer));
            let uses = costs.get(layer).copied().unwrap_or_default();
            steps.push(Step {
                tip: tip(&budget.name, &name, change(layer), uses, budget.used),
                name,
                layer: Some(layer),
                from,
                to,
            });
            from = to;
        }
        let rest: Vec<usize> = order.into_iter().skip(named).collect();
        if !rest.is_empty() {
            let sum = rest.iter().map(|&layer| change(layer)).sum::<f64>();
            let uses = rest.iter().filter_map(|&layer| costs.get(layer)).sum();
            let name = format!("{} other layers", rest.len());
            steps.push(Step {
                tip: tip(&budget.name, &name, sum, uses, budget.used),
                name,
                layer: None,
                from,
                to: from + sum,
            });
        }
        Some(Self { start, list: steps })
    }
}

/// What each layer costs at its widest candidate, if the rows know this cost.
fn widest(report: &Report, cost: &str) -> Option<Vec<f64>> {
    let of: fn(&CandidateRow) -> f64 = match cost {
        "bitops" => |candidate| candidate.bitops,
        "weight_bytes" => |candidate| candidate.weight_bytes,
        _ => return None,
    };
    report.layers.iter().map(|layer| layer.candidates.first().map(of)).collect()
}

fn tip(cost: &str, name: &str, change: f64, uses: f64, used: f64) -> String {
    let saves = if change < 0.0 { format!("\nsaves {}", units::cost(cost, -change)) } else { String::new() };
    let share = if used > 0.0 { format!(", {} of the plan", units::percent(uses / used)) } else { String::new() };
    format!("{name}{saves}\nuses {}{share}", units::cost(cost, uses))
}

/// What every layer at its widest candidate is called: a candidate's name if all that are free share it.
fn start_name(report: &Report) -> String {
    let mut ids = report.layers.iter().filter(|l| l.pinned.is_none()).filter_map(|l| Some(&l.candidates.first()?.id));
    match ids.next() {
        Some(first) if ids.all(|id| id == first) => format!("{} everywhere", one_line(first)),
        _ => "widest candidates".into(),
    }
}
