//! The numbers of a report, `bitplan.report/2`: plain rows that every rendering shows and none computes.
//!
//! Everything that a run may not have reached yet is optional or empty, so that a partly finished run has a report too.

mod agreement;
mod comparison;
#[cfg(test)]
pub(crate) mod fixture;
mod fronts;
mod layers;
mod memory;
mod networks;
mod plans;
mod provenance;
mod training;

use serde::{Deserialize, Serialize};

pub use agreement::{Agreement, AgreementPoint, JointRow, RankRow};
pub use comparison::{
    COMPARISON_FORMAT, Change, ComparedFront, ComparedLayer, ComparedNetwork, ComparedPhase, ComparedPlan,
    ComparedRanks, ComparedRun, ComparedTraining, ComparedValue, Comparison, FrontCurve, FrontStep, LastEpoch,
    LayerOfRun, PlanTotals,
};
pub use fronts::{FrontRow, FrontSection, Landmark, LandmarkKind};
pub use layers::{CandidateRow, LayerRow};
pub use memory::{Memory, MemoryProfile};
pub use networks::{Kind, NetworkRow};
pub use plans::{BindingRow, BudgetRow, Choice, PlanRow, StabilityRow};
pub use provenance::{Machine, Provenance, StageRow, StageState};
pub use training::{DrawCount, DrawLayer, Draws, EpochRow, Phase, ScaleTrajectory};

/// The `format` field of a report.
pub const REPORT_FORMAT: &str = "bitplan.report/2";

/// Everything that a run found, as far as it got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// `bitplan.report/2`.
    pub format: String,
    /// Name of the search space.
    pub name: String,
    /// Name of the network.
    pub network: String,
    /// What it was trained and judged on.
    pub samples: Samples,
    /// The stages of the run, in order, and how far each got.
    pub stages: Vec<StageRow>,
    /// What was decided: a paragraph for each plan, the first plan's first; before there is a plan, how far the run got.
    pub decisions: Vec<String>,
    /// How it was made, in the order of the pipeline.
    pub settings: Vec<Setting>,
    /// What the plans minimise the sum of: `hessian`, `linear` or `measured`; none if not known. Sensitivities of different
    /// objectives have different units.
    #[serde(default)]
    pub objective: Option<String>,
    /// The layers in graph order.
    pub layers: Vec<LayerRow>,
    /// Indices of layers that take the same candidate.
    pub groups: Vec<Vec<usize>>,
    /// The plans; the first one is the primary one.
    pub plans: Vec<PlanRow>,
    /// FP32, uniform precisions from wide to narrow, plans: costs, and accuracies where they were measured.
    pub networks: Vec<NetworkRow>,
    /// Fronts of the objective, one for each cost that some plan limits.
    pub fronts: Vec<FrontSection>,
    /// The phases of training.
    pub training: Vec<Phase>,
    /// What mixed-precision training drew.
    pub draws: Option<Draws>,
    /// Predicted against measured loss increases, if they were measured.
    pub agreement: Option<Agreement>,
    /// Activation memory over the schedule.
    pub memory: Option<Memory>,
    /// What it was made from.
    pub provenance: Provenance,
    /// When and where; left out of files that must be the same for the same inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// What a reader should know: warnings of the stages, plans that are uniform precisions.
    pub remarks: Vec<String>,
}

/// How something was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// What it is about: the same setting of another run has the same.
    pub topic: String,
    /// The sentence.
    pub text: String,
}

/// What a network was trained and judged on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    /// `images` or `windows of text`.
    pub noun: String,
    /// Training samples.
    pub training: u64,
    /// Held-out samples.
    pub held_out: u64,
    /// Whether networks are judged by perplexity, with several predictions in each sample.
    pub language: bool,
}
