//! The loop that all phases of training share.

use std::path::Path;

use crate::data::{Augmentation, Batch, Batches, Dataset, Normalization, counted};
use crate::error::{Error, Result};
use crate::exec::Backend;
use crate::progress::{Observer, Stage};
use crate::space::{Recipe, Schedule};
use crate::supernet::history::add_draws;
use crate::supernet::{EpochRecord, LayerScales, Parameters, TrainState};

/// What a phase trains with, and where it keeps its checkpoint.
#[derive(Debug, Clone, Copy)]
pub struct Session<'a> {
    /// Training images.
    pub dataset: &'a Dataset,
    /// How pixels become inputs.
    pub normalization: &'a Normalization,
    /// Random changes of training images.
    pub augmentation: Option<Augmentation>,
    /// Seed of all random streams.
    pub seed: u64,
    /// Where the network runs.
    pub backend: Backend,
    /// File of the checkpoint.
    pub checkpoint: &'a Path,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// What the checkpoint belongs to: a hash of all that the phase depends on.
    pub key: &'a str,
}

/// The phases, which draw their batches from separate streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Without quantisers.
    Float,
    /// All uniform precisions jointly.
    MultiPrecision,
    /// Random mixtures.
    MixedPrecision,
}

impl Phase {
    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Phase::Float => "FP32 training",
            Phase::MultiPrecision => "multi-precision training",
            Phase::MixedPrecision => "mixed-precision training",
        }
    }
}

/// One step's surroundings.
pub(super) struct StepContext<'a> {
    pub epoch: u64,
    pub step: u64,
    /// Learning rate relative to the recipe's.
    pub decay: f64,
    pub samples: usize,
    /// `[samples, …]`.
    pub images: &'a [f32],
    /// `[samples, predictions]`.
    pub labels: &'a [u32],
}

/// Loss and number of right predictions of one network of a step.
pub(super) type StepLoss = (f64, usize);

/// What a step did.
pub(super) struct StepOutcome {
    /// One for each network that it trained.
    pub losses: Vec<StepLoss>,
    /// How often it trained each candidate of each layer, where that is drawn; else empty.
    pub draws: Vec<Vec<u64>>,
}

/// What a phase gives to the loop.
pub(super) trait Steps: Send {
    /// One step.
    fn step(&mut self, state: &mut TrainState, context: &StepContext<'_>) -> Result<StepOutcome>;

    /// The scales of every layer's quantisers, for the record of an epoch; none without quantisers.
    fn scales(&self, _: &Parameters) -> Result<Vec<LayerScales>> {
        Ok(Vec::new())
    }
}

/// Runs the steps of a phase from where `state` stands to the end, with a checkpoint every so many steps. The result
/// depends on the initial state only, however often the phase is interrupted and resumed.
///
/// # Errors
/// When a step fails, the loss is not finite, or the observer asks to stop (after writing a checkpoint).
pub(super) fn run(
    phase: Phase,
    recipe: &Recipe,
    session: &Session<'_>,
    mut state: TrainState,
    steps: &mut dyn Steps,
    observer: &mut dyn Observer,
) -> Result<TrainState> {
    let epochs = recipe.epochs as u64;
    let per_epoch = (session.dataset.len() / recipe.batch_size).max(1) as u64;
    let before = state.position.epoch * per_epoch + state.position.step;
    observer.start(Stage::new(phase.title(), epochs * per_epoch).of("steps").after(before));
    while state.position.epoch < epochs {
        let epoch = state.position.epoch;
        let pass = ((phase as u64) << 32) + epoch;
        let shuffle = Some((session.seed, pass));
        let normalization = session.normalization.clone();
        let batches = Batches::new(session.dataset, normalization, recipe.batch_size, shuffle, session.augmentation)?;
        let first = state.position.step;
        let mut next = (first < per_epoch).then(|| batches.batch(first as usize));
        for index in first..per_epoch {
            let Some(batch) = next.take() else { break };
            let done = epoch * per_epoch + index;
            let decay = match recipe.schedule {
                Schedule::Constant => 1.0,
                Schedule::Cosine => {
                    0.5 * (1.0 + (std::f64::consts::PI * done as f64 / (epochs * per_epoch) as f64).cos())
                }
            };
            let Batch { samples, images, labels } = &batch;
            let context = StepContext { epoch, step: index, decay, samples: *samples, images, labels };
            // The next batch is made beside the step: a pure function of its number, so nothing depends on when.
            let prepare = || (index + 1 < per_epoch).then(|| batches.batch(index as usize + 1));
            let work = || steps.step(&mut state, &context);
            let (outcome, prepared) = session.backend.busy(|| rayon::join(work, prepare));
            next = prepared;
            record(phase, &mut state, outcome?, counted(labels), epoch, index)?;
            observer.at(done + 1, &describe(&state.position.sums));
            let stop = observer.stop_requested();
            if stop || (done + 1).is_multiple_of(session.checkpoint_every) {
                state.save(session.checkpoint, session.key)?;
            }
            if stop {
                return Err(Error::Interrupted);
            }
        }
        let scales = steps.scales(&state.parameters)?;
        let position = &mut state.position;
        let sums = std::mem::take(&mut position.sums);
        position.history.push(EpochRecord {
            loss: sums.iter().map(|s| s.0 / s.2.max(1) as f64).collect(),
            accuracy: sums.iter().map(|s| s.1 as f64 / s.2.max(1) as f64).collect(),
            scales,
            draws: std::mem::take(&mut position.draws),
        });
        (position.epoch, position.step) = (epoch + 1, 0);
    }
    observer
        .finish(&state.position.history.last().map(|last| format!("loss {:.3}", mean(&last.loss))).unwrap_or_default());
    Ok(state)
}

fn record(
    phase: Phase,
    state: &mut TrainState,
    outcome: StepOutcome,
    predictions: usize,
    epoch: u64,
    step: u64,
) -> Result<()> {
    let StepOutcome { losses, draws } = outcome;
    if let Some((loss, _)) = losses.iter().find(|(loss, _)| !loss.is_finite()) {
        let place = format!("{}, epoch {}, step {}", phase.title(), epoch + 1, step + 1);
        return Err(Error::input(place, format!("a loss of {loss}"), "a finite loss", "lower the learning rate"));
    }
    let position = &mut state.position;
    position.sums.resize(losses.len(), (0.0, 0, 0));
    for (sum, (loss, correct)) in position.sums.iter_mut().zip(&losses) {
        *sum = (sum.0 + loss * predictions as f64, sum.1 + *correct as u64, sum.2 + predictions as u64);
    }
    add_draws(&mut position.draws, draws);
    position.step = step + 1;
    Ok(())
}

fn describe(sums: &[(f64, u64, u64)]) -> String {
    let accuracies: Vec<String> =
        sums.iter().map(|s| format!("{:.1}", 100.0 * s.1 as f64 / s.2.max(1) as f64)).collect();
    let loss = mean(&sums.iter().map(|s| s.0 / s.2.max(1) as f64).collect::<Vec<_>>());
    format!("loss {loss:.3}, training accuracy {} %", accuracies.join(" "))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
