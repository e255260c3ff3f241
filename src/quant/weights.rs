//! Double Rounding of weights (method.md §1; *Nearly Lossless Adaptive Bit Switching*, arXiv 2502.01199).
//!
//! ```text
//! q_h = clip(round(W / s_h),   −2^(h−1), 2^(h−1)−1)      the integer master, stored
//! q_b = clip(round(q_h / 2^Δ), −2^(b−1), 2^(b−1)−1)      Δ = h − b, derived from q_h alone
//! Ŵ_b = q_b · s_b,   s_b = s_h · 2^Δ
//! ```
//!
//! `W` is in row-major order; `s_h` has one positive entry for each row of consecutive weights: an output channel, or a group
//! of weights of the last axis. The training forward
//! ([`WeightQuantizer::fake_quantize`]) works on floats, the deployed switch ([`WeightQuantizer::switch`]) on integers;
//! both produce the same codes for every input and rounding mode (tests enumerate all of them).

use serde::{Deserialize, Serialize};

use crate::quant::Rounding;
use crate::quant::weight_rows::Row;

/// Which derivative moves the scale (method.md §1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScaleGradient {
    /// With respect to `s_b`, as in the authors' code: scales of all precisions move at a comparable pace.
    #[default]
    Paper,
    /// With respect to `s_h`: `2^Δ` times larger.
    Exact,
}

/// The quantiser of one layer's weights: its master width and how it rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightQuantizer {
    /// `h`, bits of the integer master, `2..=8`.
    pub master_bits: u32,
    /// How both roundings treat ties.
    pub rounding: Rounding,
    /// Which derivative moves the scale.
    pub scale_gradient: ScaleGradient,
}

/// Smallest and largest signed code of `bits` bits.
pub fn signed_range(bits: u32) -> (i32, i32) {
    (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
}

impl WeightQuantizer {
    /// Three-sigma scale of each of `rows` rows, `max(|μ − 3σ|, |μ + 3σ|) / 2^(h−1)` (method.md §1.2), in f64 inside.
    /// A row of zeros gets the smallest positive normal number, which quantises it to 0.
    pub fn initial_scale(&self, weights: &[f32], rows: usize) -> Vec<f32> {
        weights
            .chunks_exact(weights.len() / rows)
            .map(|row| {
                let mean = row.iter().map(|&w| f64::from(w)).sum::<f64>() / row.len() as f64;
                let variance = row.iter().map(|&w| (f64::from(w) - mean).powi(2)).sum::<f64>() / row.len() as f64;
                let reach = mean.abs() + 3.0 * variance.sqrt();
                ((reach / f64::from(1u32 << (self.master_bits - 1))) as f32).max(f32::MIN_POSITIVE)
            })
            .collect()
    }

    /// `2^Δ` of precision `bits`.
    fn step_ratio(&self, bits: u32) -> f32 {
        (1u32 << (self.master_bits - bits)) as f32
    }

    /// The master code of one weight, as a float integer.
    #[inline(always)]
    fn master(&self, weight: f32, scale: f32) -> f32 {
        let (low, high) = signed_range(self.master_bits);
        self.rounding.round(weight / scale).clamp(low as f32, high as f32)
    }

    /// How a row with scale `s_h` is quantised at `bits`.
    fn row(&self, scale: f32, bits: u32) -> Row {
        let range = |bits| {
            let (low, high) = signed_range(bits);
            [low as f32, high as f32]
        };
        Row { master: range(self.master_bits), range: range(bits), ratio: self.step_ratio(bits), scale }
    }

    /// The stored integer master, one code per weight.
    pub fn master_codes(&self, weights: &[f32], scale: &[f32]) -> Vec<i8> {
        let per_row = weights.len() / scale.len();
        let rows = weights.chunks_exact(per_row).zip(scale);
        rows.flat_map(|(row, &s)| row.iter().map(move |&w| self.master(w, s) as i8)).collect()
    }

    /// `s_b = s_h · 2^Δ`, exact in floating point.
    pub fn scale_at(&self, scale: &[f32], bits: u32) -> Vec<f32> {
        scale.iter().map(|s| s * self.step_ratio(bits)).collect()
    }

    /// `Ŵ_b` from codes and their scales `s_b`: what a runtime computes with, bit for bit equal to
    /// [`Self::fake_quantize`].
    pub fn dequantize(codes: &[i8], scale: &[f32]) -> Vec<f32> {
        let per_row = codes.len() / scale.len();
        let mut values = vec![0.0; codes.len()];
        let rows = codes.chunks_exact(per_row).zip(values.chunks_exact_mut(per_row));
        for ((row, values), &s) in rows.zip(scale) {
            values.iter_mut().zip(row).for_each(|(value, &q)| *value = f32::from(q) * s);
        }
        values
    }

    /// The training forward: `Ŵ_b` from float weights.
    pub fn fake_quantize(&self, weights: &[f32], scale: &[f32], bits: u32) -> Vec<f32> {
        let per_row = weights.len() / scale.len();
        let mut out = vec![0.0; weights.len()];
        let rows = weights.chunks_exact(per_row).zip(out.chunks_exact_mut(per_row));
        for ((weights, out), &scale) in rows.zip(scale) {
            self.row(scale, bits).quantize(self.rounding, weights, out);
        }
        out
    }

    /// Straight-through gradients of [`Self::fake_quantize`] (method.md §1.2). With `u = W / s_b` and `[Qn, Qp]` the
    /// range of `bits`:
    ///
    /// ```text
    /// ∂L/∂W = g · 1[Qn ≤ u ≤ Qp]
    /// ∂L/∂s = c · Σ_row g · { Qn if u < Qn;  Qp if u > Qp;  q_b − u otherwise },   c = 1/√(n_per_row · Qp)
    /// ```
    ///
    /// `c` is the gradient scale of LSQ (arXiv 1902.08153); sums are in f64. Returns `(∂L/∂W, ∂L/∂s)`.
    pub fn backward(&self, weights: &[f32], scale: &[f32], bits: u32, upstream: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let per_row = weights.len() / scale.len();
        let (_, high) = signed_range(bits);
        let chain = match self.scale_gradient {
            ScaleGradient::Paper => 1.0,
            ScaleGradient::Exact => f64::from(self.step_ratio(bits)),
        };
        let factor = chain / (per_row as f64 * f64::from(high)).sqrt();
        let mut d_weights = vec![0.0; weights.len()];
        let rows = weights.chunks_exact(per_row).zip(upstream.chunks_exact(per_row));
        let d_scale = rows.zip(d_weights.chunks_exact_mut(per_row)).zip(scale).map(|(((row, g), out), &scale)| {
            (self.row(scale, bits).backward(self.rounding, row, g, out) * factor) as f32
        });
        let d_scale = d_scale.collect();
        (d_weights, d_scale)
    }
}

#[cfg(test)]
#[path = "weights_tests.rs"]
mod tests;
