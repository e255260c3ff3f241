//! What was decided, for readers without patience: a paragraph for each plan.

mod choice;
mod network;
mod rival;

use crate::plan::Status;
use crate::report::collect::checked::Checked;
use crate::report::collect::words::short;
use crate::report::units::plural;
use crate::report::{Kind, NetworkRow, PlanRow, StageRow, StageState};
use crate::space::Objective;

/// What the sentences of one plan are made from.
struct Subject<'a> {
    checked: &'a Checked<'a>,
    plan: &'a PlanRow,
    networks: &'a [NetworkRow],
    /// The plan's own.
    row: &'a NetworkRow,
}

/// A paragraph for each plan; without a plan, how far the run got. The rest goes into the notes of the plans.
pub(super) fn paragraphs(
    checked: &Checked<'_>,
    plans: &mut [PlanRow],
    networks: &[NetworkRow],
    stages: &[StageRow],
) -> Vec<String> {
    if plans.is_empty() {
        return vec![match standing(stages) {
            Some(standing) => format!("There is no plan yet: {standing}."),
            None => "There is no plan in this run.".into(),
        }];
    }
    let mut paragraphs = Vec::new();
    for plan in plans {
        let Some(row) = networks.iter().find(|n| n.kind == Kind::Plan && n.name == plan.name) else { continue };
        let subject = Subject { checked, plan, networks, row };
        let (paragraph, notes) = (paragraph(&subject, stages), notes(&subject));
        paragraphs.push(paragraph);
        plan.notes = notes;
    }
    paragraphs
}

fn paragraph(subject: &Subject<'_>, stages: &[StageRow]) -> String {
    let plan = subject.plan;
    if plan.status == Status::Infeasible {
        return format!("Plan {}: no choice of bits is within its limits.", short(&plan.name));
    }
    let mut sentences = vec![network::costs(subject)];
    sentences.extend(
        network::accuracy(subject).or_else(|| Some(format!("Its accuracy is not known yet: {}.", standing(stages)?))),
    );
    sentences.push(choice::proof(subject));
    sentences.extend(choice::binding(subject));
    sentences.join(" ")
}

fn notes(subject: &Subject<'_>) -> Vec<String> {
    if subject.plan.status == Status::Infeasible {
        return Vec::new();
    }
    let mut notes = choice::limits(subject);
    notes.extend(rival::sentence(subject));
    notes.extend(choice::constraint(subject));
    notes.extend(choice::stability(subject));
    notes
}

/// Where the run stands; none if it is done.
fn standing(stages: &[StageRow]) -> Option<String> {
    let next = stages.iter().find(|s| matches!(s.state, StageState::Begun | StageState::Waiting))?;
    let now = |what: &str| match next.state {
        StageState::Begun => format!("{what} has begun"),
        _ => format!("{what} comes next"),
    };
    Some(match (next.state, next.epochs, next.name.as_str()) {
        (StageState::Begun, Some((done, planned)), _) => {
            format!("{} has done {done} of {}", training(next), plural(planned, "epoch"))
        }
        (_, _, "sensitivity") => now("the estimation of sensitivities"),
        (_, _, "plans") => now("planning"),
        (_, _, "fronts") => now("the search for fronts"),
        (_, _, "evaluation") => now("the evaluation"),
        _ => now(&training(next)),
    })
}

/// A phase of training inside a sentence.
fn training(stage: &StageRow) -> String {
    match stage.name.as_str() {
        "multi_precision" if stage.epochs.is_none() => "the search for the scales of the quantisers".into(),
        "multi_precision" => "multi-precision training".into(),
        "supernet" if stage.epochs.is_none() => "rounding to the integer master".into(),
        "supernet" => "mixed-precision training".into(),
        _ => stage.title.clone(),
    }
}

impl Subject<'_> {
    /// What the plan minimises.
    fn loss(&self) -> &'static str {
        match self.checked.sensitivity.map(|s| s.objective) {
            Some(Objective::Hessian) => "predicted increase of the loss",
            Some(Objective::Measured) => "sum of measured increases of the loss",
            Some(Objective::Linear) | None => "objective",
        }
    }

    fn limits(&self) -> &'static str {
        match self.plan.budgets.len() {
            0 => "",
            1 => " within the limit",
            _ => " within the limits",
        }
    }
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
