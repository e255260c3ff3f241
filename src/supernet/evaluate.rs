//! A bound network on held-out samples, and recalibration of its norms.

use crate::data::{Dataset, Normalization};
use crate::error::Result;
use crate::exec::{Backend, Bindings, Executor, Network, NormBinding, Samples, Statistics, host, prediction};
use crate::supernet::Outcomes;

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

/// How far the outputs of two forms of a network lie apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Largest difference of a logit.
    pub largest: f64,
    /// Whether all predictions are the same.
    pub same: bool,
}

impl<'a> Split<'a> {
    /// The first `limit` images in batches.
    ///
    /// # Errors
    /// When the batches cannot be made.
    pub fn samples(&self, limit: usize) -> Result<Samples<'a>> {
        Samples::new(self.dataset, self.normalization, self.batch_size, self.order, limit)
    }

    /// Calls `visit` with inputs `[n, …]` and labels `[n, predictions]`, `limit` samples in all.
    fn each(&self, limit: usize, mut visit: impl FnMut(&candle_core::Tensor, &[u32]) -> Result<()>) -> Result<()> {
        let samples = self.samples(limit)?;
        for block in 0..samples.sizes().len() {
            let (images, labels) = samples.block(block)?;
            visit(&images, &labels)?;
        }
        Ok(())
    }

    /// Whether a sample has several predictions.
    pub fn several(&self) -> bool {
        self.dataset.predictions_per_sample() > 1
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

/// Runs the network on every sample.
///
/// # Errors
/// When a tensor does not fit.
pub fn evaluate(network: &Network, bindings: &Bindings, split: &Split<'_>) -> Result<Outcomes> {
    let mut outcomes = Outcomes::default();
    let mut executor = Executor::evaluation(network, split.backend)?;
    split.each(usize::MAX, |images, labels| {
        let samples = images.dims()[0];
        let images = host::read::<f32>(images)?;
        let logits = split.backend.busy(|| executor.outputs(bindings, &images))?.logits;
        outcomes.push(&logits, labels, samples);
        Ok(())
    })?;
    Ok(outcomes)
}

/// Runs two forms of the network on every sample, batch by batch: the outcomes of the first, and how far they differ.
///
/// # Errors
/// When a tensor does not fit.
pub fn evaluate_beside(
    network: &Network,
    [bindings, other]: [&Bindings; 2],
    split: &Split<'_>,
) -> Result<(Outcomes, Difference)> {
    let mut outcomes = Outcomes::default();
    let mut difference = Difference { largest: 0.0, same: true };
    let mut executor = Executor::evaluation(network, split.backend)?;
    let mut beside = Executor::evaluation(network, split.backend)?;
    split.each(usize::MAX, |images, labels| {
        let samples = images.dims()[0];
        let images = host::read::<f32>(images)?;
        let logits = split.backend.busy(|| executor.outputs(bindings, &images))?.logits;
        let others = split.backend.busy(|| beside.outputs(other, &images))?.logits;
        outcomes.push(&logits, labels, samples);
        let classes = logits.len() / labels.len();
        for (row, other) in logits.chunks_exact(classes).zip(others.chunks_exact(classes)) {
            let apart = row.iter().zip(other).map(|(a, b)| f64::from((a - b).abs()));
            difference.largest = apart.fold(difference.largest, f64::max);
            difference.same &= prediction(row) == prediction(other);
        }
        Ok(())
    })?;
    Ok((outcomes, difference))
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
    if bindings.norms.is_empty() {
        return Ok(Vec::new());
    }
    let mut live = bindings.clone();
    live.norms.iter_mut().for_each(|n| n.statistics = Statistics::Batch);
    let mut sums: Vec<(Vec<f64>, Vec<f64>)> =
        network.norms().iter().map(|n| (vec![0.0; n.channels], vec![0.0; n.channels])).collect();
    let mut batches = 0.0;
    let mut executor = Executor::training(network, split.backend)?;
    split.each(images, |images, _| {
        let samples = images.dims()[0];
        let images = host::read::<f32>(images)?;
        let statistics = split.backend.busy(|| executor.outputs(&live, &images))?.norms;
        for (n, (state, (mean, variance))) in statistics.iter().zip(&mut sums).enumerate() {
            let count = network.norm_count(n, samples) as f64;
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
