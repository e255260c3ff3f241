//! What all stages share: keys, skipping, checkpoints of training.

use std::time::Instant;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::progress::Observer;
use crate::run::record::History;
use crate::run::{Study, Workspace};
use crate::store::{TensorFile, hash_json, write_json};
use crate::supernet::{Parameters, Session, TrainState};

/// Raised when some stage computes something else from the same inputs, so that results of older programs are not taken
/// for those of this one.
const REVISION: u32 = 7;

/// The stages that train.
pub(super) const PHASES: [&str; 3] = ["fp32", "multi_precision", "supernet"];

/// Stages of a run on one study in one folder. Each has a key made from everything it depends on, reads what earlier
/// stages wrote, and writes its own files.
pub struct Pipeline<'a> {
    pub(super) study: &'a Study,
    pub(super) workspace: &'a mut Workspace,
    pub(super) observer: &'a mut dyn Observer,
}

impl<'a> Pipeline<'a> {
    /// A pipeline that writes to `workspace` and tells `observer`.
    pub fn new(study: &'a Study, workspace: &'a mut Workspace, observer: &'a mut dyn Observer) -> Self {
        Self { study, workspace, observer }
    }

    /// Runs `compute` unless the stage is current; it gives the names of the files that it wrote.
    pub(super) fn stage(
        &mut self,
        name: &str,
        key: &str,
        compute: impl FnOnce(&mut Self) -> Result<Vec<String>>,
    ) -> Result<()> {
        if self.workspace.is_current(name, key) {
            return self.workspace.confirm(name);
        }
        self.go_on()?;
        self.workspace.begin_stage(name, key)?;
        let start = Instant::now();
        let files = compute(self)?;
        self.go_on()?;
        self.workspace.finish(name, key, &files, start.elapsed().as_secs_f64())
    }

    /// Stops between stages if the user asked for it.
    pub(super) fn go_on(&self) -> Result<()> {
        if self.observer.stop_requested() { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// One phase of training: resumes from a checkpoint of the same key, else starts from `initial`; writes
    /// `NAME.safetensors` and `NAME.history.json`.
    pub(super) fn train(
        &mut self,
        name: &str,
        key: &str,
        initial: Parameters,
        phase: impl FnOnce(&Session<'_>, TrainState, &mut dyn Observer) -> Result<TrainState>,
    ) -> Result<Vec<String>> {
        let checkpoint = self.workspace.path(&format!("{name}.checkpoint"));
        let start = TrainState::new(initial);
        let state = TrainState::resume(&checkpoint, key, &start).unwrap_or(start);
        let space = &self.study.outline.space;
        let session = Session {
            dataset: &self.study.train,
            normalization: &self.study.normalization,
            augmentation: self.study.augmentation(),
            seed: space.seed,
            backend: self.study.outline.backend,
            checkpoint: &checkpoint,
            checkpoint_every: space.training.checkpoint_every_steps as u64,
            key,
        };
        let state = phase(&session, state, self.observer)?;
        let files = [format!("{name}.safetensors"), format!("{name}.history.json")];
        let network = &self.study.outline.net.network().graph().name;
        let mut file =
            TensorFile::new(&serde_json::json!({"format": format!("bitplan.{name}/1"), "network": network}))?;
        state.parameters.store(&mut file, "")?;
        file.write(&self.workspace.path(&files[0]))?;
        let history = History { format: "bitplan.history/1".into(), epochs: state.position.history };
        write_json(&self.workspace.path(&files[1]), &history)?;
        Ok(files.to_vec())
    }

    pub(super) fn parameters(&self, name: &str) -> Result<Parameters> {
        Parameters::load(&TensorFile::read(&self.workspace.path(&format!("{name}.safetensors")))?, "")
    }

    /// A stage is over and its files are recorded: its checkpoint is of no more use.
    pub(super) fn drop_checkpoint(&self, name: &str) {
        let _ = std::fs::remove_file(self.workspace.path(&format!("{name}.checkpoint")));
    }
}

/// Hash of everything that a stage depends on, the program's version included.
pub(super) fn key(stage: &str, inputs: &impl Serialize) -> Result<String> {
    hash_json(&(crate::VERSION, REVISION, stage, inputs))
}

/// The first plan is `plan.json`, others carry their name.
pub(super) fn plan_file(what: &str, index: usize, name: &str, extension: &str) -> String {
    if index == 0 { format!("{what}.{extension}") } else { format!("{what}-{name}.{extension}") }
}
