//! What a candidate does to the weights.

use rayon::prelude::*;

use crate::numeric::sum;
use crate::quant::{WeightQuantizer, WeightScale};

/// `‖Ŵ_b − W‖²`: squared distance of the weights from their Double-Rounding form at `bits`, with a scale for each of `scales` rows by
/// the given method. In f64; the same bits at any number of threads. One pass over the weights, and the search of
/// [`crate::quant::scale_search`] for a searched scale.
pub fn perturbation(
    quantizer: &WeightQuantizer,
    weights: &[f32],
    scales: usize,
    bits: u32,
    method: WeightScale,
) -> f64 {
    let scale = quantizer.scale_by(method, weights, scales, bits);
    let rows = weights.par_chunks_exact(weights.len() / scales).zip(&scale);
    let errors: Vec<f64> = rows
        .map(|(row, &scale)| {
            let quantized = quantizer.fake_quantize(row, &[scale], bits);
            quantized.iter().zip(row).map(|(q, w)| (f64::from(*q) - f64::from(*w)).powi(2)).sum()
        })
        .collect();
    sum(errors.into_iter())
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
        for method in [WeightScale::Searched, WeightScale::ThreeSigma] {
            let at = |bits| perturbation(&quantizer, &weights, 1, bits, method);
            assert!(at(8) < at(6) && at(6) < at(4) && at(4) < at(2));
        }
        // Three sigma clips 0.3 % of a normal weight: at 8 bits that is most of the error, the search avoids it.
        let at = |method| perturbation(&quantizer, &weights, 1, 8, method);
        assert!(at(WeightScale::Searched) < 0.3 * at(WeightScale::ThreeSigma));
    }
}
