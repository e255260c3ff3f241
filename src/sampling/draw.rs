//! Drawing configurations.

use crate::numeric::rng::Stream;

/// `σ(epoch) = σ₀ · (epoch + 1) / epochs`, and 0 during the first `warmup` epochs (method.md §4).
pub fn switch_probability(sigma: f64, epoch: u64, epochs: u64, warmup: u64) -> f64 {
    if epoch < warmup { 0.0 } else { sigma * (epoch + 1) as f64 / epochs as f64 }
}

/// Draws one candidate per layer; tied layers draw together.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampler {
    probabilities: Vec<Vec<f64>>,
    /// For each layer the first layer that it is tied to; itself if none.
    leader: Vec<usize>,
}

impl Sampler {
    /// `probabilities` as from [`crate::sampling::roulette()`]; `groups` are tied layers with equal candidates.
    pub fn new(probabilities: Vec<Vec<f64>>, groups: &[Vec<usize>]) -> Self {
        let mut leader: Vec<usize> = (0..probabilities.len()).collect();
        for group in groups {
            let first = group.iter().copied().min().unwrap_or_default();
            group.iter().for_each(|&layer| leader[layer] = first);
        }
        Self { probabilities, leader }
    }

    /// Every layer: with probability `sigma` a roulette draw, else `base` (Algorithm 1). The stream decides alone.
    pub fn draw(&self, base: &[usize], sigma: f64, stream: &mut Stream) -> Vec<usize> {
        let mut choice = base.to_vec();
        for layer in 0..choice.len() {
            if self.leader[layer] != layer {
                choice[layer] = choice[self.leader[layer]];
            } else if stream.uniform() < sigma {
                choice[layer] = spin(&self.probabilities[layer], stream.uniform());
            }
        }
        choice
    }
}

/// The candidate whose interval of the cumulated probabilities holds `r`.
fn spin(probabilities: &[f64], r: f64) -> usize {
    let mut sum = 0.0;
    let inside = probabilities.iter().position(|p| {
        sum += p;
        r < sum
    });
    inside.unwrap_or(probabilities.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::stats::chi_square;
    use crate::sampling::{Strategy, roulette};

    #[test]
    fn sigma_grows_linearly_after_the_warm_up() {
        let at = |epoch| switch_probability(0.5, epoch, 90, 10);
        assert_eq!((at(0), at(9)), (0.0, 0.0));
        assert!((at(10) - 0.5 * 11.0 / 90.0).abs() < 1e-15);
        assert_eq!(at(89), 0.5);
        assert_eq!(switch_probability(0.5, 0, 2, 0), 0.25);
    }

    /// Frequencies of candidates for one layer over `n` draws.
    fn frequencies(layer: usize, base: usize, sigma: f64, n: u64) -> Vec<u64> {
        let bits = vec![vec![8, 6, 4, 2]; 2];
        let sampler = Sampler::new(roulette(Strategy::Hasb, &bits, &[0.1, 0.9]), &[]);
        let mut counts = vec![0; 4];
        for step in 0..n {
            counts[sampler.draw(&[base; 2], sigma, &mut Stream::new(3, "test", &[step]))[layer]] += 1;
        }
        counts
    }

    /// Algorithm 1: `p = σ · roulette + (1 − σ) · 1[b = base]`. A correct sampler fails once in 10⁵.
    #[test]
    fn frequencies_follow_algorithm_one() {
        const SIGNIFICANCE: f64 = 1e-5;
        let roulettes = [[0.25; 4], [0.4, 0.3, 0.2, 0.1]];
        for (layer, base, sigma) in [(0, 0, 0.5), (1, 0, 0.5), (1, 3, 0.25), (0, 2, 1.0)] {
            let expected: Vec<f64> =
                (0..4).map(|b| sigma * roulettes[layer][b] + if b == base { 1.0 - sigma } else { 0.0 }).collect();
            let counts = frequencies(layer, base, sigma, 20_000);
            let test = chi_square(&counts, &expected).unwrap();
            assert!(test.p_value > SIGNIFICANCE, "layer {layer}, base {base}: {counts:?} p = {}", test.p_value);
            // Negative control: the other layer's roulette must be rejected.
            let wrong: Vec<f64> =
                (0..4).map(|b| sigma * roulettes[1 - layer][b] + if b == base { 1.0 - sigma } else { 0.0 }).collect();
            assert!(chi_square(&counts, &wrong).unwrap().p_value < SIGNIFICANCE);
        }
    }

    #[test]
    fn without_switching_every_layer_keeps_the_base() {
        assert_eq!(frequencies(0, 2, 0.0, 50), [0, 0, 50, 0]);
    }

    #[test]
    fn tied_layers_draw_together_and_others_do_not() {
        let sampler = Sampler::new(vec![vec![0.25; 4]; 3], &[vec![0, 2]]);
        let draws: Vec<Vec<usize>> =
            (0..200).map(|s| sampler.draw(&[0; 3], 1.0, &mut Stream::new(1, "test", &[s]))).collect();
        assert!(draws.iter().all(|d| d[0] == d[2]));
        assert!(draws.iter().any(|d| d[0] != d[1]));
    }
}
