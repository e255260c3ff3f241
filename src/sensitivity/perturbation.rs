//! What a candidate does to the weights.

use crate::quant::WeightQuantizer;

/// `‖Ŵ_b − W‖²`: squared distance of the weights from their Double-Rounding form at `bits`, with the three-sigma scale
/// that training starts from. In f64; one pass over the weights.
pub fn perturbation(quantizer: &WeightQuantizer, weights: &[f32], channels: usize, bits: u32) -> f64 {
    let scale = quantizer.initial_scale(weights, channels);
    let quantized = quantizer.fake_quantize(weights, &scale, bits);
    quantized.iter().zip(weights).map(|(q, w)| (f64::from(*q) - f64::from(*w)).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::rng::Stream;
    use crate::quant::{Rounding, ScaleGradient};

    /// For a normal weight with step `s` well inside the range, the mean squared error is `s²/12` (uniform error).
    #[test]
    fn eight_bit_error_of_a_normal_weight_is_a_twelfth_of_the_squared_step() {
        let quantizer =
            WeightQuantizer { master_bits: 8, rounding: Rounding::HalfEven, scale_gradient: ScaleGradient::Paper };
        let mut stream = Stream::new(1, "weights", &[]);
        let weights: Vec<f32> = (0..20_000).map(|_| stream.normal() as f32).collect();
        let step = f64::from(quantizer.initial_scale(&weights, 1)[0]);
        let inside: Vec<f32> = weights.iter().copied().filter(|w| f64::from(w.abs()) < 127.0 * step).collect();
        let scale = [step as f32];
        let quantized = quantizer.fake_quantize(&inside, &scale, 8);
        let error: f64 = quantized.iter().zip(&inside).map(|(q, w)| f64::from(q - w).powi(2)).sum();
        let ratio = error / inside.len() as f64 / (step * step / 12.0);
        assert!((0.97..1.03).contains(&ratio), "{ratio}");
        // Fewer bits cost more, and every bit about a factor of four once clipping no longer dominates.
        let at = |bits| perturbation(&quantizer, &weights, 1, bits);
        assert!(at(8) < at(6) && at(6) < at(4) && at(4) < at(2));
    }
}
