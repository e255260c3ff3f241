//! What a reader should know.

use crate::report::PlanRow;
use crate::report::collect::checked::Checked;
use crate::report::collect::words::short;

/// Damage, notes of the network, warnings of the sensitivities, plans that are a uniform precision.
pub(super) fn remarks(checked: &Checked<'_>, plans: &[PlanRow], damage: Vec<String>) -> Vec<String> {
    let warnings = checked.sensitivity.map_or(&[][..], |s| &s.warnings);
    let uniform = plans.iter().filter_map(|plan| {
        let name = twin(checked, plan)?;
        Some(format!("Plan {} is the uniform precision {name}.", short(&plan.name)))
    });
    let told = checked.facts.notes.iter().chain(warnings).cloned();
    damage.into_iter().chain(told).chain(uniform).collect()
}

/// The uniform precision that a plan is.
pub(super) fn twin<'a>(checked: &Checked<'a>, plan: &PlanRow) -> Option<&'a str> {
    let chosen = || plan.choices.iter().map(|c| &c.candidate);
    checked.uniforms.iter().find(|u| checked.uniform_ids(u).iter().eq(chosen())).map(|u| u.name.as_str())
}
