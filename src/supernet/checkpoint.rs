//! The state of a phase between two steps, as a file: what a kill loses is at most the steps since.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::store::TensorFile;
use crate::supernet::{EpochRecord, Parameters};

const FORMAT: &str = "bitplan.checkpoint/2";

/// Where a phase stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Position {
    /// Epochs done.
    pub epoch: u64,
    /// Steps of this epoch done.
    pub step: u64,
    /// Sums over this epoch, one `(loss, correct, predictions)` for each network that a step trains.
    pub sums: Vec<(f64, u64, u64)>,
    /// How often this epoch trained each candidate of each layer so far; empty where nothing is drawn.
    pub draws: Vec<Vec<u64>>,
    /// The epochs done.
    pub history: Vec<EpochRecord>,
}

/// Everything that the next step depends on.
#[derive(Debug, Clone, Default)]
pub struct TrainState {
    /// The model.
    pub parameters: Parameters,
    /// Moments and step counts.
    pub optimizer: Parameters,
    /// Where the phase stands.
    pub position: Position,
}

#[derive(Serialize, Deserialize)]
struct Description {
    format: String,
    key: String,
    position: Position,
}

impl TrainState {
    /// At the beginning of a phase.
    pub fn new(parameters: Parameters) -> Self {
        Self { parameters, ..Self::default() }
    }

    /// Writes the state; `key` says what it belongs to.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn save(&self, path: &Path, key: &str) -> Result<()> {
        let description = Description { format: FORMAT.into(), key: key.into(), position: self.position.clone() };
        let mut file = TensorFile::new(&description)?;
        self.parameters.store(&mut file, "parameter/")?;
        self.optimizer.store(&mut file, "optimizer/")?;
        file.write(path)
    }

    /// The epochs that the checkpoint in `path` has behind it; none if there is none of this key.
    pub fn epochs_of(path: &Path, key: &str) -> Option<Vec<EpochRecord>> {
        let description: Description = TensorFile::read(path).ok()?.describe(FORMAT, "checkpoint").ok()?;
        (description.key == key).then_some(description.position.history)
    }

    /// The state in `path`; none if there is no file, it belongs to another key, cannot be read, or does not fit `start`,
    /// the state that the phase would begin with: a checkpoint is only ever a shortcut.
    pub fn resume(path: &Path, key: &str, start: &Self) -> Option<Self> {
        let file = TensorFile::read(path).ok()?;
        let description: Description = file.describe(FORMAT, "checkpoint").ok()?;
        if description.key != key {
            return None;
        }
        let state = Self {
            parameters: Parameters::load(&file, "parameter/").ok()?,
            optimizer: Parameters::load(&file, "optimizer/").ok()?,
            position: description.position,
        };
        state.fits(start).then_some(state)
    }

    /// Whether names and shapes are those of `start`, with moments of the same shapes, and all values finite.
    fn fits(&self, start: &Self) -> bool {
        let shapes = |p: &Parameters| p.iter().map(|(name, t)| (name.clone(), t.dims().to_vec())).collect::<Vec<_>>();
        let moment = |(name, tensor): (&String, &candle_core::Tensor)| match name.split_once('.') {
            Some(("t", of)) => tensor.dims().is_empty() && start.parameters.contains(of),
            Some(("m" | "v", of)) => start.parameters.get(of).is_ok_and(|p| p.dims() == tensor.dims()),
            _ => false,
        };
        shapes(&self.parameters) == shapes(&start.parameters)
            && self.optimizer.iter().all(moment)
            && self.parameters.all_finite()
            && self.optimizer.all_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supernet::LayerScales;

    #[test]
    fn a_state_comes_back_bit_for_bit_but_only_under_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.safetensors");
        let mut state = TrainState::default();
        state.parameters.set("a.weight", vec![0.1, -0.0, f32::MIN_POSITIVE], &[3]).unwrap();
        state.optimizer.set("t.a.weight", vec![7.0], &[]).unwrap();
        state.position = Position {
            epoch: 2,
            step: 3,
            sums: vec![(0.1 + 0.2, 5, 9)],
            draws: vec![vec![4, 0], vec![1, 3]],
            history: vec![EpochRecord {
                loss: vec![1.0 / 3.0],
                accuracy: vec![0.7],
                scales: vec![LayerScales { weight: Some(0.1 + 0.2), activations: [(4, 2.0 / 3.0)].into() }],
                draws: vec![vec![u64::MAX, 0]],
            }],
        };
        state.save(&path, "key").unwrap();
        let start = TrainState::new(state.parameters.clone());
        let back = TrainState::resume(&path, "key", &start).unwrap();
        assert_eq!(back.position, state.position);
        let bits = |p: &Parameters, name: &str| p.values(name).unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back.parameters, "a.weight"), bits(&state.parameters, "a.weight"));
        assert_eq!(back.optimizer.scalar("t.a.weight").unwrap(), 7.0);
        assert!(TrainState::resume(&path, "other", &start).is_none());
        let mut other = TrainState::default();
        other.parameters.set("a.weight", vec![0.0; 2], &[2]).unwrap();
        assert!(TrainState::resume(&path, "key", &other).is_none(), "of another model");
        state.optimizer.set("m.a.weight", vec![7.0; 2], &[2]).unwrap();
        state.save(&path, "key").unwrap();
        assert!(TrainState::resume(&path, "key", &start).is_none(), "a moment of the wrong length");
        std::fs::write(&path, b"damaged").unwrap();
        assert!(TrainState::resume(&path, "key", &start).is_none());
    }
}
