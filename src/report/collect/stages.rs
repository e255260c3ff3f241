//! The stages of the run and how far each got.

use crate::report::collect::checked::Checked;
use crate::report::collect::training::{PHASES, planned};
use crate::report::{StageRow, StageState};

/// The stages in the order in which a run goes through them.
pub(super) fn rows(checked: &Checked<'_>) -> Vec<StageRow> {
    let [float, multi, mixed] = PHASES.map(|p| training(checked, p.stage, p.title));
    let other = |name: &str, title: &str| StageRow {
        name: name.into(),
        title: title.into(),
        state: match checked.done.contains(name) {
            true => StageState::Done,
            false if checked.found.begun.as_deref() == Some(name) => StageState::Begun,
            false => StageState::Waiting,
        },
        epochs: None,
    };
    let [sensitivity, plans, fronts, evaluation] =
        [("sensitivity", "Sensitivities"), ("plans", "Plans"), ("fronts", "Fronts"), ("evaluation", "Evaluation")]
            .map(|(name, title)| other(name, title));
    vec![float, sensitivity, plans, fronts, multi, mixed, evaluation]
}

fn training(checked: &Checked<'_>, name: &str, title: &str) -> StageRow {
    let planned = planned(checked, name);
    let begun = checked.epochs(name);
    // Without epochs these stages have work, but nobody would call it training.
    let title = match (planned, name) {
        (0, "multi_precision") => "Scales of the quantisers",
        (0, "supernet") => "Integer master",
        _ => title,
    };
    let state = match (planned, begun) {
        (0, _) if name == "fp32" => StageState::NotNeeded,
        _ if checked.done.contains(name) => StageState::Done,
        (_, Some(_)) => StageState::Begun,
        (_, None) if checked.found.begun.as_deref() == Some(name) => StageState::Begun,
        (_, None) => StageState::Waiting,
    };
    let epochs = (planned > 0).then_some((begun.unwrap_or_default().len() as u64, planned));
    StageRow { name: name.into(), title: title.into(), state, epochs }
}
