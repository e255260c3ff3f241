//! Labelled samples in blocks that are made when they are asked for.

use candle_core::Tensor;

use crate::data::{Batches, Dataset, Normalization};
use crate::error::Result;
use crate::exec::host;

/// The first samples of one pass over a data set, cut into blocks. Memory: one block at a time.
#[derive(Debug, Clone)]
pub struct Samples<'a> {
    batches: Batches<'a>,
    shape: [usize; 3],
    sizes: Vec<usize>,
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
        let samples = limit.min(dataset.len());
        let sizes = (0..samples).step_by(block_size).map(|start| block_size.min(samples - start)).collect();
        Ok(Self { batches, shape: dataset.shape(), sizes })
    }

    /// Samples of each block.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// Samples in all.
    pub fn count(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// Images `[n, C, H, W]` and labels of one block.
    ///
    /// # Errors
    /// When there is no such block.
    pub fn block(&self, block: usize) -> Result<(Tensor, Vec<u32>)> {
        let mut batch = self.batches.batch(block);
        let size = self.sizes.get(block).copied().unwrap_or(0);
        let [channels, height, width] = self.shape;
        batch.labels.truncate(size);
        batch.images.truncate(size * channels * height * width);
        Ok((host::tensor(batch.images, (size, channels, height, width))?, batch.labels))
    }
}
