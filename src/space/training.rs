//! The three phases of training: FP32, all precisions jointly, and the mixed-precision SuperNet (method.md §2, §4).
//!
//! Defaults are the paper's except for the number of epochs.

use serde::{Deserialize, Serialize};

use super::check::Checker;
use super::ranged::{CHECKPOINT_STEPS, EPOCHS, KAPPA, LEARNING_RATE, SHARE, TEMPERATURE};
use super::raw::Text;
use super::raw_training::{RawDistillation, RawMixedPrecision, RawMultiPrecision, RawTraining};
use super::recipe::Recipe;
use crate::error::Result;
use crate::error::ValueFault;
use crate::error::fault::quoted;
use crate::quant::WeightScale;

/// Adaptive scaling of the learning rate of quantisation scales (method.md §2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alrs {
    /// The same rate for every precision. The default: with scales in the log domain the others did not help
    /// (`results/fashion_mnist_resnet8.md`).
    #[default]
    Off,
    /// `η_b·λ`.
    Eta,
    /// `η_b·(λ − m)`, clamped at 0, with `m` the mean of the clipped gradients.
    Paper,
    /// `η_b·λ·(1 − m)`.
    Multiplicative,
}

/// How a random bit of a layer is drawn (method.md §4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// The paper's roulette: proportional to the bits in layers whose trace is above the mean.
    #[default]
    Hasb,
    /// All candidates alike.
    Uniform,
    /// `p(b) ∝ exp(κ·z·b)` with the layer's normalised log-trace `z`.
    Tempered,
}

/// Soft targets from the highest precision (method.md §2.2).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Distillation {
    /// Weight α of the soft targets; 1 − α is that of the labels. Default 0.5; a number from 0 to 1.
    pub weight: f64,
    /// Temperature T of the soft targets. Default 2; a number above 0 to 100.
    pub temperature: f64,
}

/// What the two phases with quantisers have beside the recipe.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuantizerRecipe {
    /// Step size of the quantisation scales at the start. Default: `learning_rate`; a number above 0 to 10.
    pub scale_learning_rate: f64,
    /// Scaling of that step size over the precisions. Default off; off, eta, paper or multiplicative.
    pub alrs: Alrs,
    /// Default: none.
    pub distillation: Option<Distillation>,
}

impl QuantizerRecipe {
    fn check(
        rate: &Option<Text>,
        alrs: Option<Alrs>,
        distillation: Option<&RawDistillation>,
        learning_rate: f64,
        c: Checker<'_>,
    ) -> Result<Self> {
        let distillation = distillation.map(|raw| -> Result<Distillation> {
            Ok(Distillation {
                weight: c.real_or(&raw.weight, 0.5, SHARE)?,
                temperature: c.real_or(&raw.temperature, 2.0, TEMPERATURE)?,
            })
        });
        Ok(Self {
            scale_learning_rate: c.real_or(rate, learning_rate, LEARNING_RATE)?,
            alrs: alrs.unwrap_or_default(),
            distillation: distillation.transpose()?,
        })
    }
}

/// Joint training at every uniform precision.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MultiPrecision {
    /// Epochs, batches, optimizer.
    pub recipe: Recipe,
    /// Scales and distillation.
    pub quantizer: QuantizerRecipe,
}

impl MultiPrecision {
    fn check(raw: &RawMultiPrecision, c: Checker<'_>) -> Result<Self> {
        let recipe = Recipe::check(raw.recipe(), 10, 5e-4, c)?;
        let RawMultiPrecision { scale_learning_rate, alrs, distillation, .. } = raw;
        let rate = recipe.learning_rate;
        let quantizer = QuantizerRecipe::check(scale_learning_rate, *alrs, distillation.as_ref(), rate, c)?;
        Ok(Self { recipe, quantizer })
    }
}

/// Training of the SuperNet with random precisions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MixedPrecision {
    /// Epochs, batches, optimizer.
    pub recipe: Recipe,
    /// Scales and distillation.
    pub quantizer: QuantizerRecipe,
    /// Probability in the last epoch that a layer leaves the step's precision. Default 0.5; a number from 0 to 1.
    pub sigma: f64,
    /// First epochs, in which no layer does; at most `epochs`. Default 0; a whole number from 0 to 10000.
    pub warmup_epochs: usize,
    /// How its precision is then drawn. Default hasb; hasb, uniform or tempered.
    pub sampling: Sampling,
    /// Sharpness κ of `tempered`. Default 1; a number from 0 to 100.
    pub kappa: f64,
}

impl MixedPrecision {
    fn check(raw: &RawMixedPrecision, c: Checker<'_>) -> Result<Self> {
        let recipe = Recipe::check(raw.recipe(), 10, 5e-4, c)?;
        let RawMixedPrecision { scale_learning_rate, alrs, distillation, .. } = raw;
        let rate = recipe.learning_rate;
        let quantizer = QuantizerRecipe::check(scale_learning_rate, *alrs, distillation.as_ref(), rate, c)?;
        let warmup_epochs = c.whole_or(&raw.warmup_epochs, 0, EPOCHS)?;
        match &raw.warmup_epochs {
            Some(at) if warmup_epochs > recipe.epochs => {
                let expected = format!("at most the {} epochs of the phase", recipe.epochs);
                return Err(c.fault(at, ValueFault::new(quoted(&at.value), expected, "")));
            }
            _ => {}
        }
        Ok(Self {
            recipe,
            quantizer,
            sigma: c.real_or(&raw.sigma, 0.5, SHARE)?,
            warmup_epochs,
            sampling: raw.sampling.unwrap_or_default(),
            kappa: c.real_or(&raw.kappa, 1.0, KAPPA)?,
        })
    }
}

/// All training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Training {
    /// Training without quantisers.
    pub fp32: Recipe,
    /// Joint training at every uniform precision, from the FP32 model.
    pub multi_precision: MultiPrecision,
    /// Training of the SuperNet, from the multi-precision model.
    pub mixed_precision: MixedPrecision,
    /// Steps between checkpoints. Default 50; a whole number from 1 to 1000000.
    pub checkpoint_every_steps: usize,
}

impl Training {
    pub(super) fn check(raw: RawTraining, c: Checker<'_>) -> Result<Self> {
        Ok(Self {
            fp32: Recipe::check(raw.fp32.unwrap_or_default().recipe(), 30, 1e-3, c)?,
            multi_precision: MultiPrecision::check(&raw.multi_precision.unwrap_or_default(), c)?,
            mixed_precision: MixedPrecision::check(&raw.mixed_precision.unwrap_or_default(), c)?,
            checkpoint_every_steps: c.whole_or(&raw.checkpoint_every_steps, 50, CHECKPOINT_STEPS)?,
        })
    }

    /// Scales of the weights that quantised networks start from: three sigma where they are trained, and would lose the
    /// weights beyond it where they are not.
    pub fn first_scale(&self) -> WeightScale {
        if self.multi_precision.recipe.epochs == 0 { WeightScale::Master } else { WeightScale::ThreeSigma }
    }
}
