//! What a reader should know before comparing.

use super::matching::Match;
use super::networks::same_held_out;
use super::{ComparedLayer, ComparedPlan, ComparedRun};
use crate::report::document::{Report, StageState};

/// What cannot be compared, or only with care.
pub(super) fn remarks(
    reports: &[Report],
    runs: &[ComparedRun],
    places: &[Match],
    layers: &[ComparedLayer],
    plans: &[ComparedPlan],
) -> Vec<String> {
    let mut remarks = Vec::new();
    let value = |what: &dyn Fn(&Report) -> Option<String>| {
        let values: Vec<(&str, String)> =
            runs.iter().zip(reports).filter_map(|(run, r)| Some((run.name.as_str(), what(r)?))).collect();
        let other = values.iter().any(|(_, value)| values.first().is_some_and(|(_, first)| value != first));
        other.then(|| values.iter().map(|(run, value)| format!("{run}: {value}")).collect::<Vec<_>>().join("; "))
    };
    if let Some(networks) = value(&|r| Some(r.network.clone())) {
        remarks.push(format!("The runs are of different networks ({networks}); layers are matched by their names."));
    }
    let missing = places.iter().filter(|row| row.iter().any(Option::is_none)).count();
    if missing > 0 {
        remarks.push(format!("{missing} of {} layers are in some of the runs only.", places.len()));
    }
    if let Some(objectives) = value(&|r| r.objective.clone()) {
        remarks.push(format!(
            "The plans minimise different objectives ({objectives}): their sensitivities have different units, and only the \
             orders of the layers compare."
        ));
    }
    remarks.extend(data(reports, runs));
    if let Some(names) = value(&|r| r.plans.first().map(|p| p.name.clone())) {
        remarks.push(format!("The first plans, whose bits are compared, have different names ({names})."));
    }
    remarks.extend(plans.iter().filter_map(|plan| limits(plan, runs)));
    remarks.extend(reports.iter().zip(runs).filter_map(|(report, run)| unfinished(report, run)));
    let planned = reports.iter().filter(|r| !r.plans.is_empty()).count();
    if planned > 1 && planned == reports.len() && !layers.iter().any(|layer| layer.differs) {
        remarks.push("The first plans choose the same bits for every layer.".into());
    }
    remarks
}

/// Other held-out data, other training data.
fn data(reports: &[Report], runs: &[ComparedRun]) -> Vec<String> {
    let Some((first, first_run)) = reports.first().zip(runs.first()) else { return Vec::new() };
    let hash = |r: &Report| r.provenance.inputs.get("training data").cloned();
    let others = || reports.iter().zip(runs).skip(1);
    let held_out = others().filter(|(r, _)| !same_held_out(first, r)).map(|(_, run)| {
        format!(
            "{} was judged on other held-out data than {}: accuracies of the two are not subtracted.",
            run.name, first_run.name
        )
    });
    let training = others().filter(|(r, _)| hash(r).zip(hash(first)).is_some_and(|(a, b)| a != b));
    let training = training.map(|(_, run)| format!("{} was trained on other data than {}.", run.name, first_run.name));
    held_out.chain(training).collect()
}

/// A plan of the same name with other budgets.
fn limits(plan: &ComparedPlan, runs: &[ComparedRun]) -> Option<String> {
    let limits: Vec<(&str, Vec<(&str, f64)>)> = runs
        .iter()
        .zip(&plan.runs)
        .filter_map(|(run, totals)| {
            let budgets = totals.as_ref()?.budgets.iter().map(|b| (b.name.as_str(), b.limit)).collect();
            Some((run.name.as_str(), budgets))
        })
        .collect();
    let (first, budgets) = limits.first()?;
    let other: Vec<&str> = limits.iter().filter(|(_, b)| b != budgets).map(|(run, _)| *run).collect();
    (!other.is_empty())
        .then(|| format!("Plan {} has other budgets in {} than in {first}.", plan.name, other.join(", ")))
}

fn unfinished(report: &Report, run: &ComparedRun) -> Option<String> {
    let open = report.stages.iter().filter(|s| matches!(s.state, StageState::Begun | StageState::Waiting));
    let open: Vec<&str> = open.map(|stage| stage.title.as_str()).collect();
    (!open.is_empty()).then(|| format!("{} is not finished; not done: {}.", run.name, open.join(", ")))
}
