//! Codes of 8 bits for the numbers between two operators: `x̂ = (clip(round(x / scale) + zero, 0, 255) − zero) · scale`.

use crate::export::Activation;

/// Largest code.
const LARGEST: f64 = 255.0;

/// A scale and a zero point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Encoding {
    /// Positive.
    pub scale: f32,
    /// The code of 0.
    pub zero: u8,
}

impl Encoding {
    /// That of shares of 1, which a softmax gives. onnxruntime 1.31 overflows where the step is finer than that.
    pub const OF_SHARES: Self = Self { scale: 1.0 / 256.0, zero: 0 };

    /// The narrowest that holds 0 and all numbers of a range; none if the range is not finite.
    pub fn of_range([least, most]: [f32; 2]) -> Option<Self> {
        let (least, most) = (f64::from(least).min(0.0), f64::from(most).max(0.0));
        let scale = ((most - least) / LARGEST) as f32;
        // Numbers that are all 0, or as good as 0.
        let scale = if scale.is_finite() && !scale.is_normal() { 1.0 } else { scale };
        let zero = (-least / f64::from(scale)).round_ties_even().clamp(0.0, LARGEST) as u8;
        (scale.is_finite() && !least.is_nan()).then_some(Self { scale, zero })
    }

    /// That of a layer's input at 8 bits. Signed codes are moved up by 128, which changes no number: so every tensor is of
    /// one type, as the operators of some processors want.
    pub fn of_input(activation: Activation) -> Self {
        Self { scale: activation.scale, zero: if activation.unsigned { 0 } else { 128 } }
    }

    /// The largest number with a code.
    pub fn largest(self) -> f64 {
        (LARGEST - f64::from(self.zero)) * f64::from(self.scale)
    }

    /// The code of a number.
    pub fn code(self, value: f32) -> u8 {
        let code = (f64::from(value) / f64::from(self.scale)).round_ties_even() + f64::from(self.zero);
        code.clamp(0.0, LARGEST) as u8
    }

    /// Bits that tell encodings apart.
    pub fn key(self) -> (u32, u8) {
        (self.scale.to_bits(), self.zero)
    }
}

#[cfg(test)]
#[path = "encoding_tests.rs"]
mod tests;
