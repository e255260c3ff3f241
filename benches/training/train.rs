//! Seconds of training steps, seen from outside: the time between two reports of progress.

use std::path::Path;
use std::time::Instant;

use bitplan::progress::{Observer, Stage};
use bitplan::space::{Alrs, MultiPrecision, QuantizerRecipe, Recipe, Schedule};
use bitplan::supernet::{Session, TrainState, train_float, train_multi_precision};
use serde_json::{Value, json};

use crate::{Job, subject};

/// Takes the time of every report.
struct Clock(Vec<Instant>);

impl Observer for Clock {
    fn start(&mut self, _: Stage<'_>) {
        self.0.push(Instant::now());
    }
    fn at(&mut self, _: u64, _: &str) {
        self.0.push(Instant::now());
    }
    fn finish(&mut self, _: &str) {}
    fn warn(&mut self, _: &str) {}
}

/// Steps of FP32 training.
pub fn float(job: &Job) -> Value {
    let (network, shape) = subject::network(&job.network);
    let state = TrainState::new(subject::float_parameters(&network));
    run(job, shape, |session, clock| train_float(&network, &recipe(job), session, state, clock).unwrap())
}

/// Iterations of multi-precision training.
pub fn supernet(job: &Job) -> Value {
    let (network, shape) = subject::network(&job.network);
    let (net, parameters) = subject::supernet(network);
    let quantizer = QuantizerRecipe { scale_learning_rate: job.learning_rate, alrs: Alrs::Off, distillation: None };
    let recipe = MultiPrecision { recipe: recipe(job), quantizer };
    let state = TrainState::new(parameters);
    run(job, shape, |session, clock| train_multi_precision(&net, &recipe, session, state, clock).unwrap())
}

/// One batch is an epoch, so that every step has the same images, in any order, and the state keeps its losses.
fn recipe(job: &Job) -> Recipe {
    Recipe {
        epochs: job.steps,
        batch_size: job.batch,
        learning_rate: job.learning_rate,
        weight_decay: job.weight_decay,
        optimizer: job.optimizer,
        schedule: Schedule::Constant,
        label_smoothing: 0.0,
    }
}

fn run(job: &Job, shape: [usize; 3], train: impl FnOnce(&Session<'_>, &mut Clock) -> TrainState) -> Value {
    let (dataset, normalization) = (subject::dataset(shape, job.batch), subject::normalization(shape));
    let session = Session {
        dataset: &dataset,
        normalization: &normalization,
        augmentation: None,
        seed: 1,
        backend: bitplan::exec::Backend::default(),
        checkpoint: Path::new(""), // never written: see the next line
        checkpoint_every: u64::MAX,
        key: "",
    };
    let before = memory("VmRSS:");
    let mut clock = Clock(Vec::new());
    let state = train(&session, &mut clock);
    let seconds: Vec<f64> = clock.0.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
    let losses: Vec<&[f64]> = state.position.history.iter().map(|epoch| epoch.loss.as_slice()).collect();
    json!({"seconds": seconds, "losses": losses, "start_mb": before, "peak_mb": memory("VmHWM:")})
}

/// A line of what Linux says of the process's memory, in MB.
fn memory(field: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}
