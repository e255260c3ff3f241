//! What every phase of training has: epochs, batches and the optimizer.

use serde::{Deserialize, Serialize};

use super::check::Checker;
use super::ranged::{BATCH_SIZE, EPOCHS, LABEL_SMOOTHING, LEARNING_RATE, WEIGHT_DECAY};
use super::raw_training::RawRecipe;
use crate::error::Result;

/// What turns gradients into steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// Adam with β = (0.9, 0.999).
    #[default]
    Adam,
    /// Stochastic gradient descent with momentum 0.9.
    Sgd,
}

/// How the learning rate changes over a phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Half a cosine, down to zero.
    #[default]
    Cosine,
    /// Not at all.
    Constant,
}

/// What every phase has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recipe {
    /// Passes over the training images; 0 skips the phase. Default 30 for `fp32`, else 10; a whole number from 0 to
    /// 10000.
    pub epochs: usize,
    /// Images in a step. Default 128; a whole number from 1 to 65536.
    pub batch_size: usize,
    /// Step size at the start. Default 0.001 for `fp32`, else 0.0005; a number above 0 to 10.
    pub learning_rate: f64,
    /// Decay of the weights; scales and norms have none. Default 0.00005; a number from 0 to 1.
    pub weight_decay: f64,
    /// What turns gradients into steps. Default adam; adam or sgd.
    pub optimizer: Optimizer,
    /// How the learning rate changes. Default cosine; cosine or constant.
    pub schedule: Schedule,
    /// Share of the target spread over all classes. Default 0; a number from 0 to below 1.
    pub label_smoothing: f64,
}

impl Recipe {
    pub(super) fn check(raw: RawRecipe<'_>, epochs: usize, learning_rate: f64, c: Checker<'_>) -> Result<Self> {
        Ok(Self {
            epochs: c.whole_or(raw.epochs, epochs, EPOCHS)?,
            batch_size: c.whole_or(raw.batch_size, 128, BATCH_SIZE)?,
            learning_rate: c.real_or(raw.learning_rate, learning_rate, LEARNING_RATE)?,
            weight_decay: c.real_or(raw.weight_decay, 5e-5, WEIGHT_DECAY)?,
            optimizer: raw.optimizer.unwrap_or_default(),
            schedule: raw.schedule.unwrap_or_default(),
            label_smoothing: c.real_or(raw.label_smoothing, 0.0, LABEL_SMOOTHING)?,
        })
    }
}
