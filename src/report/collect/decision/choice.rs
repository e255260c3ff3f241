//! How sure a plan is, what limits it, and what its constraints cost.

use super::Subject;
use crate::plan::{Relief, Status};
use crate::report::BudgetRow;
use crate::report::collect::words::{joined, list, share};
use crate::report::units::{capital, cost, cost_title, of_limit, percent, plural, significant};

/// Share of the objective from which on a constraint is worth telling.
const TELLING: f64 = 0.01;

/// Share of the resamplings below which a plan that is proved the best for its sensitivities is told to be one of several.
const SURE: f64 = 0.9;

/// How far the plan is proved, and whether the errors of the sensitivities leave it that.
pub(super) fn proof(subject: &Subject<'_>) -> String {
    let (limits, loss) = (subject.limits(), subject.loss());
    let unsure = subject.plan.stability.as_ref().filter(|s| s.draws > 0 && s.same_plan < SURE);
    let errors = unsure.map_or_else(String::new, |s| {
        let often = if s.same_plan > 0.0 { share(s.same_plan) } else { "none".into() };
        format!(
            " The {loss} has errors, though: resampled within them, this choice is the best in {often} of the draws."
        )
    });
    match subject.plan.status {
        Status::Optimal => format!("It is proved that no other choice of bits{limits} has a smaller {loss}.{errors}"),
        Status::Feasible | Status::Infeasible => format!(
            "It is not proved to be the best: another choice of bits{limits} may have a smaller {loss}, by at most {}.{errors}",
            share(subject.plan.gap.max(0.0))
        ),
    }
}

/// Which limits keep the plan from being better; nothing where it has none, or was not planned again without them.
pub(super) fn binding(subject: &Subject<'_>) -> Option<String> {
    let budgets = &subject.plan.budgets;
    let named = |b: &BudgetRow| format!("{} (at most {})", cost_title(&b.name), cost(&b.name, b.limit));
    let binding: Vec<String> = budgets.iter().filter(|b| b.binds == Some(true)).map(named).collect();
    let together = subject.plan.unlimited.and_then(|u| u.helps());
    Some(match (binding.as_slice(), together) {
        ([one], _) => format!("What keeps it from being better is the limit of {one}."),
        ([_, _, ..], _) => format!("What keeps it from being better are the limits of {}.", joined(&binding)),
        ([], _) if budgets.is_empty() => return None,
        ([], Some(false)) => "No limit keeps it from being better.".into(),
        ([], Some(true)) if budgets.iter().all(|b| b.binds == Some(false)) => {
            "No limit alone keeps it from being better, but they do so together.".into()
        }
        ([], _) => return None,
    })
}

/// What each limit leaves, what it costs, and what a little more of it would be worth.
pub(super) fn limits(subject: &Subject<'_>) -> Vec<String> {
    subject.plan.budgets.iter().map(|b| limit(subject, b)).collect()
}

fn limit(subject: &Subject<'_>, b: &BudgetRow) -> String {
    let part = if b.limit > 0.0 { format!(" ({})", of_limit(b.used, b.limit)) } else { String::new() };
    let (used, limit) = (cost(&b.name, b.used), cost(&b.name, b.limit));
    let text = format!("{}: {used} of at most {limit}{part}.", capital(&cost_title(&b.name)));
    let loss = subject.loss();
    let (Some(without), Some(higher)) = (&b.without, &b.higher) else { return text };
    let smaller = |relief: &Relief| {
        let at_least = if relief.proved { "" } else { "at least " };
        match relief.gain / subject.plan.objective {
            part if part.is_finite() && part > 0.0 => format!("{at_least}{} smaller", share(part)),
            _ => format!("{at_least}{} smaller", significant(relief.gain, 3)),
        }
    };
    match (without.helps(), higher.helps()) {
        (Some(true), Some(true)) => format!(
            "{text} It binds: without it the {loss} would be {}; with a limit 1 % higher, {}.",
            smaller(without),
            smaller(higher)
        ),
        (Some(true), Some(false)) => format!(
            "{text} It binds: without it the {loss} would be {}; a limit 1 % higher would change nothing.",
            smaller(without)
        ),
        (Some(true), None) => format!("{text} It binds: without it the {loss} would be {}.", smaller(without)),
        (Some(false), _) => format!("{text} It does not bind: without it no choice of bits is better."),
        (None, _) => format!("{text} Whether it binds is not settled: the search without it was stopped."),
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
    let draws = plural(s.draws, "resampling");
    let text = format!("In {draws} of the sensitivities within their standard errors it is the best plan");
    Some(match s.same_plan {
        1.0 => format!("{text} every time."),
        same => format!(
            "{text} in {} of them; against the best plan of each it loses {} on average, and at most {} in these draws.",
            if same > 0.0 { share(same) } else { "none".into() },
            share(s.regret_mean),
            share(s.regret_max)
        ),
    })
}
