//! From the files of a run to the rows of a report.
//!
//! [`Facts`] says what the run is of; everything else in [`Findings`] is as far as the run got, and only what fits the facts
//! is taken (`checked`). There is one builder for each part of a [`Report`].

mod agreement;
mod checked;
mod decision;
mod draws;
mod facts;
mod findings;
mod fronts;
mod layers;
mod networks;
mod plans;
mod provenance;
mod remarks;
mod settings;
mod stages;
mod training;
mod words;

pub use facts::{CandidateFacts, FACTS_FILE, FACTS_FORMAT, Facts, LayerFacts, SamplingFacts, UniformFacts};
pub use findings::Findings;

use crate::report::collect::checked::Checked;
use crate::report::{REPORT_FORMAT, Report, Samples};
use crate::space::Objective;

impl Report {
    /// Everything that the files of a run say, as far as it got. What does not fit the facts of the run is left out, and a
    /// remark says so.
    pub fn collect(found: &Findings) -> Report {
        let (checked, unfit) = Checked::new(found);
        let damage = found.damage.iter().cloned().chain(unfit).collect();
        let facts = &found.facts;
        let networks = networks::rows(&checked);
        let mut plans = plans::rows(&checked);
        let stages = stages::rows(&checked);
        let decisions = decision::paragraphs(&checked, &mut plans, &networks, &stages);
        let fronts = fronts::sections(&checked, &networks);
        Report {
            format: REPORT_FORMAT.into(),
            name: facts.name.clone(),
            network: facts.network.clone(),
            samples: Samples {
                noun: facts.samples.clone(),
                training: facts.training_samples,
                held_out: facts.held_out_samples,
                language: facts.language,
            },
            decisions,
            settings: settings::settings(&checked),
            objective: checked.sensitivity.map(|s| {
                match s.objective {
                    Objective::Hessian => "hessian",
                    Objective::Linear => "linear",
                    Objective::Measured => "measured",
                }
                .into()
            }),
            layers: layers::rows(&checked),
            groups: checked.groups.clone(),
            fronts,
            training: training::phases(&checked),
            draws: draws::draws(&checked),
            agreement: agreement::agreement(&checked),
            memory: checked.memory.clone(),
            provenance: provenance::provenance(found),
            machine: found.machine.clone(),
            remarks: remarks::remarks(&checked, &plans, damage),
            stages,
            networks,
            plans,
        }
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
