//! The best uniform precision within the limits of a plan: what mixing precisions has to beat.

use super::Subject;
use super::network::{difference, higher};
use crate::report::collect::remarks::twin;
use crate::report::units::{accuracy, perplexity, significant};
use crate::report::{Kind, NetworkRow};
use crate::supernet::Paired;

/// Relative excess of a sum over a limit that is rounding.
const ROUNDING: f64 = 1e-12;

/// How the plan compares with the best uniform precision within its limits; none if that cannot be told.
pub(super) fn sentence(subject: &Subject<'_>) -> Option<String> {
    let Subject { checked, plan, row, .. } = subject;
    if let Some(uniform) = twin(checked, plan) {
        return Some(format!("It is the uniform precision {uniform}."));
    }
    let rivals: Vec<(f64, &NetworkRow)> = within(subject)?;
    let best = rivals.iter().min_by(|a, b| a.0.total_cmp(&b.0));
    let Some(&(objective, rival)) = best else {
        return Some(format!("No uniform precision is{}.", subject.limits())).filter(|_| !plan.budgets.is_empty());
    };
    let limits = subject.limits().replace("the", "the same");
    let mut text = format!("The best uniform precision{limits} is {}", rival.name);
    if plan.objective > 0.0 {
        let times = significant(objective / plan.objective, 3);
        text += &format!("; its {} is {times} times the plan's", subject.loss());
    }
    let change = checked.change((rival.kind, &rival.name), (row.kind, &row.name));
    let beside = |told: fn(&Paired) -> String| change.as_ref().map_or_else(String::new, |c| format!(" ({})", told(c)));
    match (rival.perplexity, rival.accuracy) {
        (Some(value), _) => {
            text += &format!(", its perplexity {}{}", perplexity(value, rival.perplexity_stderr), beside(higher));
        }
        (None, Some(share)) => {
            text += &format!(", and it is right in {}{}", accuracy(share, rival.accuracy_stderr), beside(difference));
        }
        (None, None) => {}
    }
    Some(text + ".")
}

/// Objective and row of every uniform precision within the plan's limits; none if the costs of one are not known.
fn within<'a>(subject: &Subject<'a>) -> Option<Vec<(f64, &'a NetworkRow)>> {
    let Subject { checked, plan, networks, .. } = subject;
    let mut rivals = Vec::new();
    for uniform in &checked.uniforms {
        let ids = checked.uniform_ids(uniform);
        let mut fits = true;
        for budget in &plan.budgets {
            fits &= checked.total_cost(&ids, &budget.name)? <= budget.limit * (1.0 + ROUNDING);
        }
        let row = networks.iter().find(|n| n.kind == Kind::Uniform && n.name == uniform.name)?;
        if fits {
            rivals.push((row.objective?, row));
        }
    }
    Some(rivals)
}
