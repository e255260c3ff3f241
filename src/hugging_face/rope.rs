//! Rotary position embedding (Su et al., arXiv 2104.09864) in the form of Hugging Face's checkpoints: the two halves of a
//! head are the coordinates.
//!
//! ```text
//! ω_i = θ^(−2i/d)                 i = 0 … d/2 − 1, changed by the scaling
//! x'  = x ⊙ cos + swap(x) ⊙ sin   swap: the halves exchanged
//! cos = (cos pω, cos pω)          at position p
//! sin = (−sin pω, sin pω)
//! ```

use std::f64::consts::PI;

use crate::error::Result;
use crate::hugging_face::config::LARGEST_CONTEXT;
use crate::hugging_face::fields::Fields;

/// How frequencies are changed for texts longer than those of training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All divided by a factor (Chen et al., arXiv 2306.15595).
    Linear {
        /// The divisor.
        factor: f64,
    },
    /// Long waves divided by the factor, short ones kept, those between interpolated (Llama 3.1).
    Llama3 {
        /// The divisor.
        factor: f64,
        /// Waves longer than `original_context / low` are long.
        low: f64,
        /// Waves shorter than `original_context / high` are short.
        high: f64,
        /// Positions of training.
        original_context: f64,
    },
}

/// The rotations of a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rope {
    /// `θ`, base of the frequencies.
    pub theta: f64,
    /// Their scaling.
    pub scaling: RopeScaling,
}

impl Rope {
    /// From `rope_parameters`, or `rope_theta` and `rope_scaling` of older files.
    pub(super) fn from_fields(fields: &Fields) -> Result<Self> {
        let partial = |fields: &Fields| match fields.number_or("partial_rotary_factor", 1.0, 0.0..=1.0)? {
            1.0 => Ok(()),
            _ => Err(fields.wrong(
                "partial_rotary_factor",
                "1",
                "rotations of a part of each head are not supported yet",
            )),
        };
        partial(fields)?;
        let inner = match fields.object("rope_parameters")? {
            Some(inner) => Some(inner),
            None => fields.object("rope_scaling")?,
        };
        let theta = |fields: &Fields, default| fields.number_or("rope_theta", default, 1e-6..=1e30);
        let outer = theta(fields, 10_000.0)?;
        let Some(inner) = inner else {
            return Ok(Self { theta: outer, scaling: RopeScaling::None });
        };
        partial(&inner)?;
        let key = if inner.has("rope_type") { "rope_type" } else { "type" };
        let factor = || inner.number("factor", 1e-6..=1e6);
        let scaling = match inner.choice(key, Some("default"), &[("default", 0), ("linear", 1), ("llama3", 2)])? {
            0 => RopeScaling::None,
            1 => RopeScaling::Linear { factor: factor()? },
            _ => {
                let original = inner.count("original_max_position_embeddings", 1..=LARGEST_CONTEXT)? as f64;
                let low = inner.number("low_freq_factor", 1e-6..=1e6)?;
                // Interpolation divides by their difference.
                let high = inner.number("high_freq_factor", low * 1.000_001..=1e6)?;
                RopeScaling::Llama3 { factor: factor()?, low, high, original_context: original }
            }
        };
        Ok(Self { theta: theta(&inner, outer)?, scaling })
    }

    /// Angular frequencies for heads of `size` features: `size / 2` of them, radians per position.
    pub fn frequencies(&self, size: usize) -> Vec<f64> {
        let scaled = |frequency: f64| match self.scaling {
            RopeScaling::None => frequency,
            RopeScaling::Linear { factor } => frequency / factor,
            RopeScaling::Llama3 { factor, low, high, original_context } => {
                let waves = original_context * frequency / (2.0 * PI);
                let kept = ((waves - low) / (high - low)).clamp(0.0, 1.0);
                kept * frequency + (1.0 - kept) * frequency / factor
            }
        };
        (0..size / 2).map(|i| scaled(self.theta.powf(-((2 * i) as f64) / size as f64))).collect()
    }

    /// The tables `cos` and `sin` above, `[positions, size]` each, computed in f64.
    pub fn tables(&self, positions: usize, size: usize) -> [Vec<f32>; 2] {
        let frequencies = self.frequencies(size);
        let angles = |position: usize| frequencies.iter().map(move |frequency| position as f64 * frequency);
        let row = |position: usize, left: fn(f64) -> f64, right: fn(f64) -> f64| {
            let row = angles(position).map(left).chain(angles(position).map(right));
            row.map(|value| value as f32).collect::<Vec<f32>>()
        };
        [
            (0..positions).flat_map(|position| row(position, f64::cos, f64::cos)).collect(),
            (0..positions).flat_map(|position| row(position, |a| -a.sin(), f64::sin)).collect(),
        ]
    }
}

#[cfg(test)]
#[path = "rope_tests.rs"]
mod tests;
