//! What the folder of a run holds, as far as the run got.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Front, Plan};
use crate::report::collect::Facts;
use crate::report::{AccuracyTable, Machine, Memory};
use crate::sensitivity::SensitivityReport;
use crate::supernet::EpochRecord;
use crate::table::PlanningTable;

/// The files of a run, read; nothing of earlier settings is among them.
#[derive(Debug, Clone)]
pub struct Findings {
    /// What was known at the beginning.
    pub facts: Facts,
    /// The sensitivities.
    pub sensitivity: Option<SensitivityReport>,
    /// The planning problem: also what pinned layers could take, with the pins.
    pub table: Option<PlanningTable>,
    /// The plans, named, in the order asked for.
    pub plans: Vec<(String, Plan)>,
    /// A front for every cost that some plan limits.
    pub fronts: Vec<Front>,
    /// Activation memory of FP32 and of the plans.
    pub memory: Option<Memory>,
    /// Phase of training (`fp32`, `multi_precision`, `supernet`) → its epochs so far, from the finished stage or from the
    /// checkpoint.
    pub histories: BTreeMap<String, Vec<EpochRecord>>,
    /// Names of the stages that are done.
    pub done: BTreeSet<String>,
    /// Name of the stage that is under way, or was when the run ended.
    pub begun: Option<String>,
    /// The accuracies.
    pub accuracies: Option<AccuracyTable>,
    /// File → content hash, of the stages that are done.
    pub files: BTreeMap<String, String>,
    /// What of the folder cannot be trusted and is left out, as sentences.
    pub damage: Vec<String>,
    /// When and where, if that is wanted.
    pub machine: Option<Machine>,
}
