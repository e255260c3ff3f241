//! Mean and standard deviation of every channel of a data set.
//!
//! ```text
//! meanᶜ = Σ x / n,   stdᶜ = √(Σ (x − meanᶜ)² / n)      over all n = N·H·W pixels of channel c
//! ```
//!
//! In f64; a byte stands for byte / 255. Bytes are counted first, which makes their sums short; floats take two passes.
//! Cost: one or two passes over the pixels.

use super::dataset::{Dataset, Pixels};

/// Mean and standard deviation (n below) of each channel; see the module.
pub fn channel_statistics(dataset: &Dataset) -> Vec<(f64, f64)> {
    let [channels, height, width] = dataset.shape();
    let area = height * width;
    let one_channel = |channel: usize| {
        let range = channel * area..(channel + 1) * area;
        match dataset.pixels() {
            Pixels::Bytes(bytes) => {
                let mut counts = [0u64; 256];
                for image in bytes.chunks_exact(dataset.volume()) {
                    image[range.clone()].iter().for_each(|&byte| counts[usize::from(byte)] += 1);
                }
                moments(|| counts.iter().enumerate().map(|(byte, &count)| (byte as f64 / 255.0, count as f64)))
            }
            Pixels::Floats(floats) => moments(|| {
                let images = floats.chunks_exact(dataset.volume());
                images.flat_map(|image| image[range.clone()].iter().map(|&x| (f64::from(x), 1.0)))
            }),
            Pixels::Tokens(tokens) => moments(|| tokens.iter().map(|&token| (f64::from(token), 1.0))),
        }
    };
    (0..channels).map(one_channel).collect()
}

/// Mean and standard deviation of numbers with multiplicities.
fn moments<I: Iterator<Item = (f64, f64)>>(weighted: impl Fn() -> I) -> (f64, f64) {
    let (mut total, mut sum) = (0.0, 0.0);
    weighted().for_each(|(x, count)| (total, sum) = (total + count, sum + x * count));
    let mean = sum / total;
    let squares: f64 = weighted().map(|(x, count)| count * (x - mean) * (x - mean)).sum();
    (mean, (squares / total).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dataset::{Images, Labels};

    /// Rounding of f64 sums over a few numbers near 1.
    const ROUNDING: f64 = 1e-12;

    fn dataset(pixels: Pixels) -> Dataset {
        let images = Images { pixels, shape: [2, 3, 2], place: "images".into() };
        Dataset::new(images, Labels { values: vec![0; 4], place: "labels".into() }, [2, 3, 2], 1).unwrap()
    }

    #[test]
    fn channel_statistics_are_those_of_a_plain_loop_for_bytes_and_floats() {
        let bytes: Vec<u8> = (0..48).map(|i| i * 7).map(|i: u32| (i % 256) as u8).collect();
        let floats: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        let exact: Vec<f64> = bytes.iter().map(|&byte| f64::from(byte) / 255.0).collect();
        let widened: Vec<f64> = floats.iter().map(|&x| f64::from(x)).collect();
        for (pixels, values) in [(Pixels::Bytes(bytes), exact), (Pixels::Floats(floats), widened)] {
            let found = channel_statistics(&dataset(pixels));
            for (channel, &(mean, std)) in found.iter().enumerate() {
                let numbers: Vec<f64> = (0..48).filter(|i| i / 6 % 2 == channel).map(|i| values[i]).collect();
                let expected = numbers.iter().sum::<f64>() / 24.0;
                let variance = numbers.iter().map(|x| (x - expected).powi(2)).sum::<f64>() / 24.0;
                assert!((mean - expected).abs() <= ROUNDING && (std - variance.sqrt()).abs() <= ROUNDING);
            }
        }
    }
}
