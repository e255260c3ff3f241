//! Probabilities of the candidates (arXiv 2502.01199, Algorithm 1; method.md §4).
//!
//! ```text
//! hasb      t̄_l < t_m: p(b) = 1/|B|;   else p(b) = b / Σ_{b' ∈ B} b'         t_m = mean of t̄_l over searchable layers
//! tempered  p(b) ∝ exp(κ · z_l · b / max B)                                   z_l = normalised log-trace, mean 0, variance 1
//! uniform   p(b) = 1/|B|
//! ```
//!
//! Negative traces count as zero.

use serde::{Deserialize, Serialize};

/// How traces become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The paper's: layers above the mean trace favour wide bits.
    Hasb,
    /// A smooth form of it with the given sharpness.
    Tempered {
        /// `κ`; 0 is uniform.
        kappa: f64,
    },
    /// Ignores the traces.
    Uniform,
}

/// Probability of each candidate of each layer. `bits[l]` are the weight bits of layer `l`'s candidates, `traces[l]` its
/// mean Hessian trace; a layer with one candidate is not searchable.
pub fn roulette(strategy: Strategy, bits: &[Vec<u32>], traces: &[f64]) -> Vec<Vec<f64>> {
    let searchable: Vec<f64> = bits.iter().zip(traces).filter(|(b, _)| b.len() > 1).map(|(_, t)| t.max(0.0)).collect();
    let mean = mean_of(&searchable);
    let logs: Vec<f64> = searchable.iter().map(|t| log_trace(*t)).collect();
    let log_mean = mean_of(&logs);
    let log_deviation = mean_of(&logs.iter().map(|l| (l - log_mean).powi(2)).collect::<Vec<_>>()).sqrt();
    let of_layer = |(bits, trace): (&Vec<u32>, &f64)| {
        let weight = |b: u32| match strategy {
            Strategy::Uniform => 1.0,
            Strategy::Hasb if trace.max(0.0) < mean => 1.0,
            Strategy::Hasb => f64::from(b),
            Strategy::Tempered { kappa } => {
                let z = if log_deviation > 0.0 { (log_trace(trace.max(0.0)) - log_mean) / log_deviation } else { 0.0 };
                let widest = bits.iter().copied().max().unwrap_or(1);
                (kappa * z * f64::from(b) / f64::from(widest)).exp()
            }
        };
        let weights: Vec<f64> = bits.iter().map(|&b| weight(b)).collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|w| w / total).collect()
    };
    bits.iter().zip(traces).map(of_layer).collect()
}

fn mean_of(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Zero traces would have no logarithm; twelve decades below one they are no longer distinguished.
fn log_trace(trace: f64) -> f64 {
    trace.max(1e-12).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BITS: [u32; 4] = [8, 6, 4, 2];

    fn all(strategy: Strategy, traces: &[f64]) -> Vec<Vec<f64>> {
        roulette(strategy, &vec![BITS.to_vec(); traces.len()], traces)
    }

    #[test]
    fn hasb_is_algorithm_one() {
        let p = all(Strategy::Hasb, &[0.1, 0.5, 0.0]);
        let wide = [0.4, 0.3, 0.2, 0.1];
        assert_eq!(p[0], [0.25; 4]);
        assert!(p[1].iter().zip(wide).all(|(p, w)| (p - w).abs() < 1e-15), "at or above the mean 0.2: {:?}", p[1]);
        assert_eq!(p[2], [0.25; 4]);
    }

    #[test]
    fn pinned_layers_do_not_move_the_mean() {
        let bits = [vec![8], BITS.to_vec(), BITS.to_vec()];
        let p = roulette(Strategy::Hasb, &bits, &[100.0, 0.1, 0.3]);
        assert_eq!(p[0], [1.0]);
        assert_eq!(p[1], [0.25; 4]);
        assert_ne!(p[2], [0.25; 4]);
    }

    #[test]
    fn tempered_prefers_wide_bits_more_the_larger_the_trace() {
        let p = all(Strategy::Tempered { kappa: 1.0 }, &[0.01, 0.1, 1.0]);
        assert!(p[0][0] < p[1][0] && p[1][0] < p[2][0]);
        assert!(p[1].iter().all(|p| (p - 0.25).abs() < 1e-12), "the mean log-trace is neutral");
        for p in all(Strategy::Tempered { kappa: 0.0 }, &[0.01, 0.1, -1.0]) {
            assert_eq!(p, [0.25; 4]);
        }
        assert_eq!(all(Strategy::Uniform, &[0.5])[0], [0.25; 4]);
    }
}
