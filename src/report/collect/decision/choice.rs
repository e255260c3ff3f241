//! How sure a plan is, what limits it, and what its constraints cost.

use super::Subject;
use crate::plan::Status;
use crate::report::BudgetRow;
use crate::report::collect::words::{capital, count, joined, list, share};
use crate::report::units::{cost, cost_title, percent};

/// Share of the objective from which on a constraint is worth telling.
const TELLING: f64 = 0.01;

/// How far the plan is proved.
pub(super) fn proof(subject: &Subject<'_>) -> String {
    let (limits, loss) = (subject.limits(), subject.loss());
    match subject.plan.status {
        Status::Optimal => format!("It is proved that no other choice of bits{limits} has a smaller {loss}."),
        Status::Feasible | Status::Infeasible => format!(
            "It is not proved to be the best: another choice of bits{limits} may have a smaller {loss}, by at most {}.",
            share(subject.plan.gap.max(0.0))
        ),
    }
}

/// Which limits keep the plan from being better.
pub(super) fn binding(subject: &Subject<'_>) -> Option<String> {
    let budgets = &subject.plan.budgets;
    let named = |b: &BudgetRow| format!("{} (at most {})", cost_title(&b.name), cost(&b.name, b.limit));
    let binding: Vec<String> = budgets.iter().filter(|b| b.binds).map(named).collect();
    match binding.as_slice() {
        [] if budgets.is_empty() => None,
        [] => Some("No limit keeps it from being better.".into()),
        [one] => Some(format!("What keeps it from being better is the limit of {one}.")),
        _ => Some(format!("What keeps it from being better are the limits of {}.", joined(&binding))),
    }
}

/// What each limit leaves, and what more of it would be worth.
pub(super) fn limits(subject: &Subject<'_>) -> Vec<String> {
    subject.plan.budgets.iter().map(|b| limit(subject, b)).collect()
}

fn limit(subject: &Subject<'_>, b: &BudgetRow) -> String {
    let part = if b.limit > 0.0 { format!(" ({})", percent(b.used / b.limit)) } else { String::new() };
    let (used, limit) = (cost(&b.name, b.used), cost(&b.name, b.limit));
    let text = format!("{}: {used} of at most {limit}{part}", capital(&cost_title(&b.name)));
    // The bound's slope: plans follow it in steps.
    let gain = 0.01 * b.limit * b.shadow_price / subject.plan.objective.abs();
    match b.binds {
        true if gain.is_finite() => {
            format!(
                "{text}, which binds: a limit 1 % higher lets the {} fall by about {}.",
                subject.loss(),
                share(gain)
            )
        }
        true => format!("{text}, which binds."),
        false => format!("{text}, which does not bind."),
    }
}

/// The costliest pin or group, if it costs enough to be told.
pub(super) fn constraint(subject: &Subject<'_>) -> Option<String> {
    let plan = subject.plan;
    let costliest = plan.bindings.iter().max_by(|a, b| a.cost.total_cmp(&b.cost))?;
    let part = costliest.cost / plan.objective;
    if !part.is_finite() || plan.objective <= 0.0 || part <= TELLING {
        return None;
    }
    let what = match &costliest.candidate {
        Some(candidate) => format!("the pin of {} to {candidate}", list(&costliest.layers)),
        None => format!("the group of {}", list(&costliest.layers)),
    };
    let at_least = if costliest.proved { "" } else { "at least " };
    Some(format!(
        "Its costliest constraint is {what}: without it the {} would be {at_least}{} smaller.",
        subject.loss(),
        percent(part)
    ))
}

/// How the plan holds against the standard errors of the sensitivities.
pub(super) fn stability(subject: &Subject<'_>) -> Option<String> {
    let s = subject.plan.stability.as_ref().filter(|s| s.draws > 0)?;
    let draws = count(s.draws, "resampling", "resamplings");
    let text = format!("In {draws} of the sensitivities within their standard errors it is the best plan");
    Some(match s.same_plan {
        1.0 => format!("{text} every time."),
        same => format!(
            "{text} in {} of them; against the best plan of each it loses {} on average and {} at most.",
            share(same),
            share(s.regret_mean),
            share(s.regret_max)
        ),
    })
}
