//! Pixel value to network input: `(x − meanᶜ) / stdᶜ`, each channel with its own numbers.

use serde::Serialize;

use super::channel_statistics::channel_statistics;
use super::dataset::Dataset;
use crate::error::{Error, Result};

/// Mean and standard deviation of every channel, of the numbers that its pixels stand for (0..=1 for bytes). All means
/// are finite, all deviations finite and above 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Normalization {
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl Normalization {
    /// Given values, one a channel.
    ///
    /// # Errors
    /// When the lengths differ, a mean is not finite, or a deviation is not a normal number above 0.
    pub fn new(mean: Vec<f32>, std: Vec<f32>) -> Result<Self> {
        let wrong = |found, expected, remedy| Err(Error::input("normalization", found, expected, remedy));
        if mean.len() != std.len() {
            let found = format!("{} means and {} standard deviations", mean.len(), std.len());
            return wrong(found, "one of each for every channel", "add the missing ones");
        }
        if let Some(channel) = mean.iter().position(|mean| !mean.is_finite()) {
            return wrong(format!("mean {} of channel {channel}", mean[channel]), "a finite number", "correct it");
        }
        if let Some(channel) = std.iter().position(|&std| !(std.is_normal() && std > 0.0)) {
            let remedy = "give a deviation; one that is measured is 0 where all pixels of a channel are equal";
            return wrong(
                format!("standard deviation {} of channel {channel}", std[channel]),
                "a number above 0",
                remedy,
            );
        }
        Ok(Self { mean, std })
    }

    /// What leaves every value as it is.
    pub fn identity(channels: usize) -> Self {
        Self { mean: vec![0.0; channels], std: vec![1.0; channels] }
    }

    /// Measured over all pixels of a data set (f64, rounded to f32); use the training part.
    ///
    /// # Errors
    /// When all pixels of a channel are equal.
    pub fn measured(dataset: &Dataset) -> Result<Self> {
        let statistics = channel_statistics(dataset);
        let of = |pick: fn(&(f64, f64)) -> f64| statistics.iter().map(|channel| pick(channel) as f32).collect();
        Self::new(of(|channel| channel.0), of(|channel| channel.1))
    }

    /// Means, one a channel.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// Standard deviations, one a channel.
    pub fn std(&self) -> &[f32] {
        &self.std
    }

    /// How many channels.
    pub fn channels(&self) -> usize {
        self.mean.len()
    }

    /// The network's input for the value `x` in a channel.
    ///
    /// # Panics
    /// When there is no such channel.
    pub fn apply(&self, channel: usize, x: f32) -> f32 {
        (x - self.mean[channel]) / self.std[channel]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dataset::{Images, Labels, Pixels};

    fn two_channels(pixels: Vec<u8>) -> Dataset {
        let images = Images { pixels: Pixels::Bytes(pixels), shape: [2, 1, 2], place: "images".into() };
        Dataset::new(images, Labels { values: vec![0, 0], place: "labels".into() }, [2, 1, 2], 1).unwrap()
    }

    #[test]
    fn measured_values_are_those_of_each_channel_alone() {
        let measured = Normalization::measured(&two_channels(vec![0, 255, 51, 51, 255, 0, 51, 153])).unwrap();
        assert_eq!(measured.mean(), [0.5, 0.3]);
        // Channel 1: 0.2, 0.2, 0.2, 0.6, whose squared deviations have the mean 0.03.
        assert_eq!(measured.std(), [0.5, 0.03f64.sqrt() as f32]);
        assert_eq!(measured.apply(0, 1.0), 1.0);
    }

    #[test]
    fn a_channel_without_contrast_cannot_be_measured() {
        let message = Normalization::measured(&two_channels(vec![0, 255, 7, 7, 0, 9, 7, 7])).unwrap_err().to_string();
        assert!(message.contains("standard deviation 0 of channel 1"), "{message}");
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for (mean, std) in [
            (vec![0.0], vec![]),
            (vec![f32::NAN], vec![1.0]),
            (vec![f32::INFINITY], vec![1.0]),
            (vec![0.0], vec![0.0]),
            (vec![0.0], vec![-1.0]),
            (vec![0.0], vec![f32::NAN]),
            (vec![0.0], vec![f32::INFINITY]),
            (vec![0.0], vec![1e-40]),
        ] {
            assert!(Normalization::new(mean, std).is_err());
        }
        assert!(Normalization::new(vec![0.0], vec![f32::MIN_POSITIVE]).is_ok());
    }
}
