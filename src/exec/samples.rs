//! Labelled samples in blocks that are made when they are asked for.

use candle_core::Tensor;

use crate::data::{Batches, Dataset, Normalization, counted};
use crate::error::Result;
use crate::exec::host;

/// The first samples of one pass over a data set, cut into blocks. Memory: one block at a time.
#[derive(Debug, Clone)]
pub struct Samples<'a> {
    batches: Batches<'a>,
    shape: Vec<usize>,
    predictions: usize,
    sizes: Vec<usize>,
    counted: Vec<usize>,
}

impl<'a> Samples<'a> {
    /// The first `limit` samples in blocks of `block_size`. `order`: seed and number of a shuffled pass.
    ///
    /// # Errors
    /// When `block_size` is 0 or the normalization does not fit.
    pub fn new(
        dataset: &'a Dataset,
        normalization: &Normalization,
        block_size: usize,
        order: Option<(u64, u64)>,
        limit: usize,
    ) -> Result<Self> {
        let batches = Batches::new(dataset, normalization.clone(), block_size, order, None)?;
        let (samples, predictions) = (limit.min(dataset.len()), dataset.predictions_per_sample());
        let sizes = (0..samples).step_by(block_size).map(|start| block_size.min(samples - start));
        let sizes: Vec<usize> = sizes.collect();
        let of_block = |(block, size): (usize, &usize)| {
            let labels = batches.labels(block);
            counted(&labels[..labels.len().min(size * predictions)])
        };
        let counted = sizes.iter().enumerate().map(of_block).collect();
        Ok(Self { batches, shape: dataset.input_shape(), predictions, sizes, counted })
    }

    /// Samples of each block.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// Predictions of each block that count: what its mean loss is a mean of. The samples, where each has one prediction.
    pub fn counted(&self) -> &[usize] {
        &self.counted
    }

    /// Predictions of one sample, whether they count or not.
    pub fn predictions_per_sample(&self) -> usize {
        self.predictions
    }

    /// Samples in all.
    pub fn count(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// Inputs `[n, …]` and labels, `[n, predictions]`, of one block.
    ///
    /// # Errors
    /// When there is no such block.
    pub fn block(&self, block: usize) -> Result<(Tensor, Vec<u32>)> {
        let mut batch = self.batches.batch(block);
        let size = self.sizes.get(block).copied().unwrap_or(0);
        batch.labels.truncate(size * self.predictions);
        batch.images.truncate(size * self.shape.iter().product::<usize>());
        let shape = [&[size], self.shape.as_slice()].concat();
        Ok((host::tensor(batch.images, shape)?, batch.labels))
    }
}
