//! What a piece of the batch adds up, and the sums over all pieces in their order: the same bits at any number of threads.

use std::collections::BTreeMap;

/// Sums over the images of one piece.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Running sums of weight gradients, by layer.
    pub weights: BTreeMap<usize, Vec<f32>>,
    /// Gradients of biases, by layer.
    pub biases: BTreeMap<usize, Vec<f64>>,
    /// Gradients of activation scales without LSQ's factor, by layer.
    pub scales: BTreeMap<usize, f64>,
    /// Gradients of functions' parameters.
    pub functions: BTreeMap<usize, Vec<Vec<f64>>>,
    /// Two sums per channel, image by image, by norm.
    pub norms: BTreeMap<usize, Vec<[f64; 2]>>,
}

/// Adds element by element; an empty sum takes the length of what comes.
pub(super) fn add(sum: &mut Vec<f64>, more: impl ExactSizeIterator<Item = f64>) {
    sum.resize(more.len().max(sum.len()), 0.0);
    sum.iter_mut().zip(more).for_each(|(sum, value)| *sum += value);
}

/// Mean and biased variance per channel from `(mean, Σ (x − mean)²)` of every image, `[image][channel]`, each over
/// `positions` values (Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983).
pub(super) fn merge_statistics(images: &[[f64; 2]], channels: usize, positions: usize) -> (Vec<f64>, Vec<f64>) {
    let count = (images.len() / channels) as f64;
    let of_channel = |c: usize| {
        let all = || images.iter().skip(c).step_by(channels);
        let mean = all().map(|[mean, _]| mean).sum::<f64>() / count;
        let within: f64 = all().map(|[_, squares]| squares).sum();
        let between: f64 = all().map(|[m, _]| (m - mean).powi(2)).sum();
        (mean, within / (count * positions as f64) + between / count)
    };
    (0..channels).map(of_channel).unzip()
}

/// Sums over the images, `[image][channel]`.
pub(super) fn merge_sums(images: &[[f64; 2]], channels: usize) -> Vec<[f64; 2]> {
    let mut sums = vec![[0.0; 2]; channels];
    for image in images.chunks_exact(channels) {
        sums.iter_mut().zip(image).for_each(|(sum, one)| *sum = [sum[0] + one[0], sum[1] + one[1]]);
    }
    sums
}
