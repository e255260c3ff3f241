//! What a report was made from, and how far the run got.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the same inputs give again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of the program.
    pub version: String,
    /// Seed of the run.
    pub seed: u64,
    /// Input (`search space`, `training data`, `held-out data`, `weights`) → content hash (BLAKE3).
    pub inputs: BTreeMap<String, String>,
    /// File of the run's folder → content hash.
    pub files: BTreeMap<String, String>,
}

/// What holds for this machine and this time only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The last command on the run.
    pub command: String,
    /// Processor, as the system names it.
    pub processor: String,
    /// Threads that the program used.
    pub threads: u64,
    /// Operating system and architecture.
    pub system: String,
    /// Stage → wall time when it was last computed, seconds.
    pub seconds: BTreeMap<String, f64>,
}

/// How far a stage got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// Its files are there.
    Done,
    /// A checkpoint is there.
    Begun,
    /// Not begun.
    Waiting,
    /// There is nothing to do: weights were given, no epochs were asked for.
    NotNeeded,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageRow {
    /// Its name: `fp32`, `sensitivity`, `plans`, `multi_precision`, `supernet`, `evaluation`.
    pub name: String,
    /// For people.
    pub title: String,
    /// How far it got.
    pub state: StageState,
    /// Epochs done, of a phase of training.
    pub epochs: Option<(u64, u64)>,
}
