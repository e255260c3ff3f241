//! Several runs side by side, `bitplan.comparison/1`: plain rows, like those of a report.
//!
//! Networks, plans, layers, fronts and phases are matched by their names; what only some runs have is kept, with blanks.

mod fronts;
mod layers;
mod matching;
mod networks;
mod plans;
mod ranks;
mod remarks;
mod settings;
mod training;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use fronts::{ComparedFront, FrontCurve, FrontStep};
pub use layers::{ComparedLayer, LayerOfRun};
pub use networks::{Change, ComparedNetwork};
pub use plans::{ComparedPlan, PlanTotals};
pub use ranks::ComparedRanks;
pub use settings::ComparedValue;
pub use training::{ComparedPhase, ComparedTraining, LastEpoch};

use super::{Report, StageState};

/// The `format` field of a comparison.
pub const COMPARISON_FORMAT: &str = "bitplan.comparison/1";

/// Several runs. Every list named `runs` (or `changes`, `objectives`) inside has one place for each of [`Comparison::runs`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// `bitplan.comparison/1`.
    pub format: String,
    /// The runs, in the order given; differences are to the first.
    pub runs: Vec<ComparedRun>,
    /// What was asked for.
    pub settings: Vec<ComparedValue>,
    /// What the runs were made from: version, content hashes of inputs and files.
    pub provenance: Vec<ComparedValue>,
    /// Networks with their accuracies.
    pub networks: Vec<ComparedNetwork>,
    /// Plans with their totals.
    pub plans: Vec<ComparedPlan>,
    /// Layers with what the first plan of each run chooses.
    pub layers: Vec<ComparedLayer>,
    /// Rank correlations of the sensitivities, for every two runs.
    pub ranks: Vec<ComparedRanks>,
    /// Fronts of the same cost.
    pub fronts: Vec<ComparedFront>,
    /// The ends of the phases of training.
    pub training: Vec<ComparedPhase>,
    /// What cannot be compared, or only with care.
    pub remarks: Vec<String>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedRun {
    /// A name that no other run here has: the search space's, with the folder or a number if several have the same.
    pub name: String,
    /// Name of the search space.
    pub space: String,
    /// Name of the network.
    pub network: String,
    /// Its folder, as the caller calls it.
    pub folder: Option<String>,
    /// Seed.
    pub seed: u64,
    /// Version of the program.
    pub version: String,
    /// Name of the first plan, whose bits are compared.
    pub primary: Option<String>,
    /// Whether every stage is done or not needed.
    pub finished: bool,
    /// What was decided, or how far the run got.
    pub decisions: Vec<String>,
}

impl Comparison {
    /// Compares runs, two or more, with the first one.
    pub fn new(reports: Vec<Report>) -> Self {
        let folders = vec![None; reports.len()];
        Self::of(&reports, folders)
    }

    /// Compares the runs of folders, given as (label, report).
    pub fn of_folders(runs: Vec<(String, Report)>) -> Self {
        let (folders, reports): (Vec<_>, Vec<_>) =
            runs.into_iter().map(|(label, report)| (Some(label), report)).unzip();
        Self::of(&reports, folders)
    }

    fn of(reports: &[Report], folders: Vec<Option<String>>) -> Self {
        let runs = runs(reports, folders);
        let places = layers::places(reports);
        let layers = layers::layers(reports, &places);
        let plans = plans::plans(reports, &places);
        Self {
            format: COMPARISON_FORMAT.into(),
            settings: settings::settings(reports),
            provenance: settings::provenance(reports),
            networks: networks::networks(reports),
            ranks: ranks::ranks(reports, &places),
            fronts: fronts::fronts(reports),
            training: training::training(reports),
            remarks: remarks::remarks(reports, &runs, &places, &layers, &plans),
            runs,
            plans,
            layers,
        }
    }
}

fn runs(reports: &[Report], folders: Vec<Option<String>>) -> Vec<ComparedRun> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let shared = |name: &str| reports.iter().filter(|r| r.name == name).count() > 1;
    let run = |(report, folder): (&Report, Option<String>)| {
        let base = match folder.as_ref().filter(|_| shared(&report.name)) {
            Some(folder) => format!("{} ({folder})", report.name),
            None => report.name.clone(),
        };
        let numbered = (2..).map(|number| format!("{base} #{number}"));
        let name = std::iter::once(base.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(base);
        taken.insert(name.clone());
        ComparedRun {
            name,
            space: report.name.clone(),
            network: report.network.clone(),
            folder,
            seed: report.provenance.seed,
            version: report.provenance.version.clone(),
            primary: report.plans.first().map(|plan| plan.name.clone()),
            finished: report.stages.iter().all(|s| matches!(s.state, StageState::Done | StageState::NotNeeded)),
            decisions: report.decisions.clone(),
        }
    };
    reports.iter().zip(folders).map(run).collect()
}

#[cfg(test)]
#[path = "comparison_tests.rs"]
mod tests;
