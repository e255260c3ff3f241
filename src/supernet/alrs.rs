//! ALRS, adaptive learning-rate scaling for quantisation scales (arXiv 2502.01199; method.md §2.1).
//!
//! ```text
//! η_b = 10^(−Δ/2) for even Δ,  5 · 10^(−(Δ+1)/2) for odd Δ,   Δ = h − b
//! m   = mean over layers of min(max|clip(∇s_b, 1)|, 1)         clip scales a gradient down to norm 1
//! off λ      eta η_b λ      paper η_b max(λ − m, 0)      multiplicative η_b λ (1 − m)
//! ```
//!
//! As printed the bracket of `paper` is negative for usual gradients; it is clamped at zero. `b` is each layer's own.

use crate::space::Alrs;

/// `η_b` for `Δ = h − b`.
pub fn eta(delta: u32) -> f64 {
    let half = f64::from(delta.div_ceil(2));
    if delta.is_multiple_of(2) { 10f64.powf(-half) } else { 5.0 * 10f64.powf(-half) }
}

/// `m`, from the scale gradients of all layers.
pub fn mean_gradient<'a>(gradients: impl IntoIterator<Item = &'a [f32]>) -> f64 {
    let (mut sum, mut layers) = (0.0, 0);
    for gradient in gradients {
        let norm = gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
        let largest = gradient.iter().fold(0.0, |m: f64, &g| m.max(f64::from(g.abs())));
        sum += (largest / norm.max(1.0)).min(1.0);
        layers += 1;
    }
    if layers == 0 { 0.0 } else { sum / f64::from(layers) }
}

/// `λ_b` of one layer.
pub fn learning_rate(mode: Alrs, rate: f64, delta: u32, mean_gradient: f64) -> f64 {
    match mode {
        Alrs::Off => rate,
        Alrs::Eta => eta(delta) * rate,
        Alrs::Paper => eta(delta) * (rate - mean_gradient).max(0.0),
        Alrs::Multiplicative => eta(delta) * rate * (1.0 - mean_gradient),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eta_falls_by_ten_every_two_bits() {
        for (delta, expected) in [(0, 1.0), (1, 0.5), (2, 0.1), (3, 0.05), (4, 0.01), (6, 0.001)] {
            assert!((eta(delta) / expected - 1.0).abs() < 1e-12, "{delta}");
        }
    }

    #[test]
    fn gradients_are_clipped_by_norm_and_then_by_size() {
        // Norm 5: clipped to (0.6, 0.8); norm 0.5: as it is.
        let m = mean_gradient([&[3.0f32, 4.0][..], &[0.3, -0.4][..]]);
        assert!((m - (0.8 + 0.4) / 2.0).abs() < 1e-7, "{m}");
        assert_eq!(mean_gradient([]), 0.0);
    }

    #[test]
    fn modes_are_the_stated_formulas() {
        assert_eq!(learning_rate(Alrs::Off, 0.1, 4, 0.05), 0.1);
        assert!((learning_rate(Alrs::Eta, 0.1, 4, 0.05) - 0.001).abs() < 1e-15);
        assert!((learning_rate(Alrs::Paper, 0.1, 4, 0.05) - 0.0005).abs() < 1e-15);
        assert_eq!(learning_rate(Alrs::Paper, 0.1, 4, 0.2), 0.0);
        assert!((learning_rate(Alrs::Multiplicative, 0.1, 4, 0.05) - 0.00095).abs() < 1e-15);
    }
}
