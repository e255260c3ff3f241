//! Networks side by side: FP32, uniform precisions, plans.

use crate::report::collect::checked::Checked;
use crate::report::{Kind, NetworkRow};
use crate::supernet::Evaluation;

/// FP32, uniform precisions from wide to narrow, plans: their costs, and what was measured of them.
pub(super) fn rows(checked: &Checked<'_>) -> Vec<NetworkRow> {
    let (bitops, weight_bytes) = checked.facts.float_cost;
    let row = |name: &str, kind: Kind, bitops: f64, weight_bytes: f64, objective: Option<f64>| {
        let evaluation = evaluation(checked, name, kind);
        let accuracy = evaluation.filter(|e| e.counted() > 0).map(Evaluation::accuracy);
        NetworkRow {
            name: name.into(),
            kind,
            bitops,
            weight_bytes,
            objective,
            accuracy,
            accuracy_stderr: evaluation.and_then(|e| e.accuracy_stderr).filter(|e| e.is_finite()),
            loss: evaluation.map(|e| e.loss),
            perplexity: evaluation.and_then(Evaluation::perplexity).filter(|p| p.is_finite()),
            perplexity_stderr: evaluation.and_then(Evaluation::perplexity_stderr).filter(|e| e.is_finite()),
            change: checked.change((kind, name), (Kind::Fp32, "fp32")),
        }
    };
    let float = row("fp32", Kind::Fp32, bitops as f64, weight_bytes as f64, None);
    let uniforms = checked.uniforms.iter().map(|uniform| {
        let chosen = checked.facts.layers.iter().zip(&uniform.configuration);
        let costs = chosen.filter_map(|(layer, &c)| layer.candidates.get(c)).map(|c| (c.bitops, c.weight_bytes));
        let (bitops, bytes) = costs.fold((0.0, 0.0), |sum, c| (sum.0 + c.0 as f64, sum.1 + c.1 as f64));
        let objective = checked.total(&checked.uniform_ids(uniform), |c| Some(c.sensitivity));
        row(&uniform.name, Kind::Uniform, bitops, bytes, objective)
    });
    let plans = checked.plans.iter().map(|(name, plan)| {
        let cost = |cost: &str| crate::numeric::sum(plan.layers.iter().filter_map(|l| l.cost.get(cost)).copied());
        let ids: Vec<String> = plan.layers.iter().map(|l| l.candidate.clone()).collect();
        let objective = checked.total(&ids, |c| Some(c.sensitivity)).unwrap_or(plan.objective);
        row(name, Kind::Plan, cost("bitops"), cost("weight_bytes"), Some(objective))
    });
    std::iter::once(float).chain(uniforms).chain(plans).collect()
}

fn evaluation<'a>(checked: &Checked<'a>, name: &str, kind: Kind) -> Option<&'a Evaluation> {
    checked.accuracy(kind, name).map(|(_, row)| &row.evaluation)
}
