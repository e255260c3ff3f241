//! Accuracy of a bound network on held-out images, and recalibration of its norms.

use serde::{Deserialize, Serialize};

use crate::data::{Dataset, Normalization};
use crate::error::{Error, Result};
use crate::exec::{
    Backend, Bindings, Executor, Loss, Network, NormBinding, Samples, Statistics, correct, host, prediction,
};

/// Images to evaluate on.
#[derive(Debug, Clone, Copy)]
pub struct Split<'a> {
    /// The images.
    pub dataset: &'a Dataset,
    /// How pixels become inputs.
    pub normalization: &'a Normalization,
    /// Images in a batch.
    pub batch_size: usize,
    /// Seed and number of a shuffled order; none for that of the data set.
    pub order: Option<(u64, u64)>,
    /// Where the network runs.
    pub backend: Backend,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Images classified correctly.
    pub correct: u64,
    /// Images.
    pub images: u64,
    /// Mean cross-entropy.
    pub loss: f64,
    /// `[images, classes]`, not stored.
    #[serde(skip)]
    pub logits: Vec<f32>,
}

impl Evaluation {
    /// Share of correct images.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.images.max(1) as f64
    }

    /// Largest difference of two evaluations' logits, and whether all predictions are the same.
    pub fn compare(&self, other: &Self) -> (f64, bool) {
        let largest = self.logits.iter().zip(&other.logits).fold(0.0, |m: f64, (a, b)| m.max(f64::from((a - b).abs())));
        let classes = self.logits.len() / self.images.max(1) as usize;
        let rows = self.logits.chunks(classes.max(1)).zip(other.logits.chunks(classes.max(1)));
        (
            largest,
            self.logits.len() == other.logits.len() && rows.into_iter().all(|(a, b)| prediction(a) == prediction(b)),
        )
    }
}

impl<'a> Split<'a> {
    /// The first `limit` images in batches.
    ///
    /// # Errors
    /// When the batches cannot be made.
    pub fn samples(&self, limit: usize) -> Result<Samples<'a>> {
        Samples::new(self.dataset, self.normalization, self.batch_size, self.order, limit)
    }

    /// Calls `visit` with `[n, C, H, W]` images and labels, `limit` images in all.
    fn each(&self, limit: usize, mut visit: impl FnMut(&candle_core::Tensor, &[u32]) -> Result<()>) -> Result<()> {
        let samples = self.samples(limit)?;
        for block in 0..samples.sizes().len() {
            let (images, labels) = samples.block(block)?;
            visit(&images, &labels)?;
        }
        Ok(())
    }

    /// The first batches, up to `limit` images, as tensors.
    ///
    /// # Errors
    /// When the batches cannot be made.
    pub fn batches(&self, limit: usize) -> Result<Vec<(candle_core::Tensor, Vec<u32>)>> {
        let samples = self.samples(limit)?;
        (0..samples.sizes().len()).map(|block| samples.block(block)).collect()
    }
}

/// Runs the network on every image.
///
/// # Errors
/// When a tensor does not fit.
pub fn evaluate(network: &Network, bindings: &Bindings, split: &Split<'_>) -> Result<Evaluation> {
    let mut sum = Evaluation { correct: 0, images: 0, loss: 0.0, logits: Vec::new() };
    let mut executor = Executor::evaluation(network, split.backend)?;
    split.each(usize::MAX, |images, labels| {
        let images = host::read::<f32>(images)?;
        let logits = split.backend.busy(|| executor.outputs(bindings, &images))?.logits;
        sum.loss += Loss::default().evaluate(&logits, labels, None).loss * labels.len() as f64;
        sum.correct += correct(&logits, labels) as u64;
        sum.images += labels.len() as u64;
        sum.logits.extend_from_slice(&logits);
        Ok(())
    })?;
    sum.loss /= sum.images.max(1) as f64;
    if !sum.loss.is_finite() {
        let remedy = "the network has diverged or its file is damaged";
        return Err(Error::input("evaluation", format!("a loss of {}", sum.loss), "a finite loss", remedy));
    }
    Ok(sum)
}

/// Measures the statistics of every norm again, on `images` images (method.md §4.1): the mean over batches of
/// what the batches had, with each norm working on its own batch's statistics.
///
/// # Errors
/// When a tensor does not fit.
pub fn recalibrate(
    network: &Network,
    bindings: &Bindings,
    split: &Split<'_>,
    images: usize,
) -> Result<Vec<NormBinding>> {
    let mut live = bindings.clone();
    live.norms.iter_mut().for_each(|n| n.statistics = Statistics::Batch);
    let mut sums: Vec<(Vec<f64>, Vec<f64>)> =
        network.norms().iter().map(|n| (vec![0.0; n.channels], vec![0.0; n.channels])).collect();
    let mut batches = 0.0;
    let mut executor = Executor::training(network, split.backend)?;
    split.each(images, |images, labels| {
        let images = host::read::<f32>(images)?;
        let statistics = split.backend.busy(|| executor.outputs(&live, &images))?.norms;
        for (n, (state, (mean, variance))) in statistics.iter().zip(&mut sums).enumerate() {
            let count = network.norm_count(n, labels.len()) as f64;
            mean.iter_mut().zip(&state.mean).for_each(|(sum, v)| *sum += v);
            variance.iter_mut().zip(&state.variance).for_each(|(sum, v)| *sum += v * count / (count - 1.0).max(1.0));
        }
        batches += 1.0;
        Ok(())
    })?;
    let fixed = |(binding, (mean, variance)): (&NormBinding, &(Vec<f64>, Vec<f64>))| {
        let tensor = |sum: &[f64]| host::tensor(sum.iter().map(|v| (v / batches) as f32).collect(), sum.len());
        let statistics = Statistics::Fixed { mean: tensor(mean)?, variance: tensor(variance)? };
        Ok(NormBinding { statistics, ..binding.clone() })
    };
    bindings.norms.iter().zip(&sums).map(fixed).collect()
}
