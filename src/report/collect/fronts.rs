//! Fronts of the objective against one cost, with the uniform precisions and the plans on the same axes.

use std::collections::BTreeSet;

use crate::plan::Front;
use crate::report::collect::checked::Checked;
use crate::report::{FrontRow, FrontSection, Kind, Landmark, LandmarkKind, NetworkRow};
use crate::space::Candidate;

/// One section for each front; `networks` are the rows of the same findings.
pub(super) fn sections(checked: &Checked<'_>, networks: &[NetworkRow]) -> Vec<FrontSection> {
    checked.fronts.iter().map(|front| section(checked, front, networks)).collect()
}

fn section(checked: &Checked<'_>, front: &Front, networks: &[NetworkRow]) -> FrontSection {
    let candidates = candidates(front);
    let index = |id: &String| candidates.iter().position(|c| c == id).unwrap_or_default() as u32;
    let point = |p: &crate::plan::FrontPoint| FrontRow {
        cost: p.limit_used,
        objective: p.objective,
        supported: p.supported,
        proved: p.proved,
        layers: p.layers.iter().map(index).collect(),
    };
    let points = front.points.iter().map(point).collect();
    let landmarks = landmarks(checked, &front.budget, networks);
    FrontSection {
        cost: front.budget.clone(),
        whole: front.limits.is_none() && front.complete,
        limits: front.limits,
        points,
        landmarks,
        candidates,
    }
}

/// Ids of the points' candidates, widest first, then those that are no bits.
fn candidates(front: &Front) -> Vec<String> {
    let ids: BTreeSet<&String> = front.points.iter().flat_map(|p| &p.layers).collect();
    let mut ids: Vec<String> = ids.into_iter().cloned().collect();
    ids.sort_by_key(|id| std::cmp::Reverse(id.parse::<Candidate>().ok()));
    ids
}

fn landmarks(checked: &Checked<'_>, cost: &str, networks: &[NetworkRow]) -> Vec<Landmark> {
    let network = |name: &str, kind: Kind| networks.iter().find(|n| n.kind == kind && n.name == name);
    let landmark = |name: &str, of: Kind, kind, cost: Option<f64>, limit| {
        let row = network(name, of)?;
        Some(Landmark {
            name: name.into(),
            kind,
            cost: cost?,
            objective: row.objective?,
            limit,
            accuracy: row.accuracy,
            accuracy_stderr: row.accuracy_stderr,
            perplexity: row.perplexity,
            perplexity_stderr: row.perplexity_stderr,
        })
    };
    let uniforms = checked.uniforms.iter().filter_map(|uniform| {
        let total = checked.total_cost(&checked.uniform_ids(uniform), cost);
        landmark(&uniform.name, Kind::Uniform, LandmarkKind::Uniform, total, None)
    });
    let plans = checked.plans.iter().filter_map(|(name, plan)| {
        let limit = plan.budgets.iter().find(|b| b.name == cost).map(|b| b.limit);
        let costs: Option<Vec<f64>> = plan.layers.iter().map(|l| l.cost.get(cost).copied()).collect();
        let total = costs.map(|c| crate::numeric::sum(c.into_iter()));
        landmark(name, Kind::Plan, LandmarkKind::Plan, total, limit)
    });
    uniforms.chain(plans).collect()
}
