//! Batches by number: batch `i` of an epoch is a pure function of data set, seed, epoch and `i`.
//!
//! ```text
//! order of epoch e           shuffle of 0..N by Stream(seed, "shuffle", [e]), or 0..N itself
//! batch i                    samples order[i·B .. (i+1)·B], the last batch with the rest
//! view of image n            Stream(seed, "augment", [e, n])
//! out(c, y, x)            =  (view(c, y, x) − meanᶜ) / stdᶜ
//! ```
//!
//! So a run that resumes at step k replays nothing, and no number depends on the threads. What a crop shows beyond the
//! border is the pixel value 0 (black) before normalization, as in torchvision's `RandomCrop` before `Normalize`. Tokens are
//! given as the numbers that they are.
//!
//! Cost: the order is made once, N words of the stream; a batch is one pass over its pixels, in parallel over images.

use rayon::prelude::*;

use super::augmentation::{Augmentation, View};
use super::dataset::{Dataset, Pixels};
use super::normalization::Normalization;
use crate::error::{Error, Result};
use crate::numeric::rng::Stream;

/// A batch ready for the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// N.
    pub samples: usize,
    /// Normalized pixels, `[N, C, H, W]` in row-major order; or tokens, `[N, positions]`.
    pub images: Vec<f32>,
    /// Class of every prediction, `[N, predictions]`; [`super::dataset::IGNORED`] where none counts.
    pub labels: Vec<u32>,
}

/// One pass over a data set.
#[derive(Debug, Clone)]
pub struct Batches<'a> {
    dataset: &'a Dataset,
    normalization: Normalization,
    /// Normalized black of every channel.
    padding: Vec<f32>,
    /// Normalized value of every byte, channel by channel.
    bytes: Vec<[f32; 256]>,
    order: Vec<usize>,
    batch_size: usize,
    augmentation: Option<(Augmentation, u64, u64)>,
}

impl<'a> Batches<'a> {
    /// The batches of one pass. `shuffle` has the seed of the run and the number of the epoch; without it the images come
    /// in the order of the data set. Augmentation needs the seed and epoch of `shuffle`.
    ///
    /// # Errors
    /// When `batch_size` is 0, the normalization has another number of channels, the crop's padding is not below height
    /// and width, augmentation is asked for without `shuffle`, or of tokens.
    pub fn new(
        dataset: &'a Dataset,
        normalization: Normalization,
        batch_size: usize,
        shuffle: Option<(u64, u64)>,
        augmentation: Option<Augmentation>,
    ) -> Result<Self> {
        let [channels, height, width] = dataset.shape();
        if batch_size == 0 {
            return Err(Error::input("batch size", "0", "1 or more images", "give a positive batch size"));
        }
        if normalization.channels() != channels {
            let found = format!("{} means and standard deviations", normalization.channels());
            let expected = format!("{channels}, one of each for every channel of the images");
            return Err(Error::input("normalization", found, expected, "give one value a channel, or measure them"));
        }
        let augmentation = match (augmentation, shuffle) {
            (None, _) => None,
            (Some(_), _) if matches!(dataset.pixels(), Pixels::Tokens(_)) => {
                return Err(Error::input("augmentation", "texts", "images", "leave `augmentation` out"));
            }
            (Some(augmentation), Some((seed, epoch))) if augmentation.crop_padding < height.min(width) => {
                Some((augmentation, seed, epoch))
            }
            (Some(augmentation), Some(_)) => {
                let expected = format!("0 to {}, below height and width of the images", height.min(width) - 1);
                let found = augmentation.crop_padding.to_string();
                return Err(Error::input("padding of the random crop", found, expected, "give a smaller padding"));
            }
            (Some(_), None) => return Err(Error::Internal("augmentation without the seed of a shuffled pass".into())),
        };
        let mut order: Vec<usize> = (0..dataset.len()).collect();
        if let Some((seed, epoch)) = shuffle {
            Stream::new(seed, "shuffle", &[epoch]).shuffle(&mut order);
        }
        let byte = |channel, byte| normalization.apply(channel, byte as f32 / 255.0);
        Ok(Self {
            padding: (0..channels).map(|channel| normalization.apply(channel, 0.0)).collect(),
            bytes: (0..channels).map(|channel| std::array::from_fn(|value| byte(channel, value))).collect(),
            dataset,
            normalization,
            order,
            batch_size,
            augmentation,
        })
    }

    /// Number of batches, 1 or more.
    pub fn len(&self) -> usize {
        self.order.len().div_ceil(self.batch_size)
    }

    /// Never true; there for the convention of `len`.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Batch `i`; empty from [`Batches::len`] on.
    pub fn batch(&self, i: usize) -> Batch {
        let indices = self.order.chunks(self.batch_size).nth(i).unwrap_or(&[]);
        let volume = self.dataset.volume();
        let mut images = vec![0.0; indices.len() * volume];
        images.par_chunks_exact_mut(volume).zip(indices).for_each(|(out, &index)| self.write_image(index, out));
        Batch { samples: indices.len(), images, labels: self.labels(i) }
    }

    /// The labels of batch `i`; none from [`Batches::len`] on.
    pub fn labels(&self, i: usize) -> Vec<u32> {
        let indices = self.order.chunks(self.batch_size).nth(i).unwrap_or(&[]);
        let predictions = self.dataset.predictions_per_sample();
        let of_sample = |&index: &usize| &self.dataset.labels()[index * predictions..(index + 1) * predictions];
        indices.iter().flat_map(of_sample).copied().collect()
    }

    fn write_image(&self, index: usize, out: &mut [f32]) {
        let view = self.augmentation.map_or(View::WHOLE, |(augmentation, seed, epoch)| {
            augmentation.draw(&mut Stream::new(seed, "augment", &[epoch, index as u64]))
        });
        let (shape, volume) = (self.dataset.shape(), self.dataset.volume());
        let range = index * volume..(index + 1) * volume;
        match self.dataset.pixels() {
            Pixels::Bytes(bytes) => {
                let value = |channel: usize, byte| self.bytes[channel][usize::from(byte)];
                view.write(&bytes[range], shape, &self.padding, value, out);
            }
            Pixels::Floats(floats) => {
                let value = |channel, x| self.normalization.apply(channel, x);
                view.write(&floats[range], shape, &self.padding, value, out);
            }
            Pixels::Tokens(tokens) => {
                out.iter_mut().zip(&tokens[range]).for_each(|(out, &token)| *out = token as f32);
            }
        }
    }
}

#[cfg(test)]
#[path = "batches_tests.rs"]
mod tests;
