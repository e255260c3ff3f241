//! One power of two as the scale of each weight and of each input, for hardware that multiplies by shifting.
//!
//! ```text
//! weights  s' = 2^k for all channels, ⌊log₂ min s⌋ ≤ k ≤ ⌈log₂ max s⌉ with the least Σ (q'·s' − q·s)²;  q' = clip(round(q·s / s'))
//! inputs   s' = 2^round(log₂ s)
//! biases   to the nearest multiple of s_x'·s_w', the step of the integer accumulator
//! ```
//!
//! A plan that was trained with other scales becomes another network, whose accuracy has to be measured again; the change is
//! reported. A plan whose weights have one such scale each already keeps them, and its codes. Cost: a pass over the weights for
//! each power tried, few.

use crate::export::{Codes, DeployedLayer, Deployment, LayerWeights};
use crate::quant::weights::signed_range;

/// What rounding the scales changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PowerOfTwoChange {
    /// The largest `√(Σ (w' − w)² / Σ w²)` of a layer, and that layer; none if no weight changed.
    pub weights: Option<(f64, String)>,
    /// The largest `|s' / s − 1|` of an input, and its layer; none if no input's scale changed.
    pub inputs: Option<(f64, String)>,
}

impl PowerOfTwoChange {
    /// A sentence for users.
    pub fn note(&self) -> String {
        let told = |what: &str, change: &Option<(f64, String)>| match change {
            Some((by, layer)) => format!("{what} changed by up to {:.1} % (`{layer}`)", 100.0 * by),
            None => format!("{what} are as trained"),
        };
        let measure = match self {
            Self { weights: None, inputs: None } => "",
            _ => "; this is another network than the plan: measure its accuracy again",
        };
        let inputs = told("scales of inputs", &self.inputs);
        format!(
            "One power of two is the scale of each weight and input: {}, {inputs}{measure}.",
            told("weights", &self.weights)
        )
    }
}

impl Deployment {
    /// The network with one power of two as the scale of each weight and input, and what that changed.
    pub fn with_power_of_two_scales(mut self) -> (Self, PowerOfTwoChange) {
        let mut change = PowerOfTwoChange::default();
        for layer in &mut self.layers {
            let by = match &mut layer.weights {
                LayerWeights::Codes(codes) => round_weights(codes),
                LayerWeights::Float(_) => 0.0,
            };
            keep_largest(&mut change.weights, by, &layer.name);
            if let Some(activation) = &mut layer.activation {
                let scale = libm::exp2(libm::log2(f64::from(activation.scale)).round()) as f32;
                keep_largest(&mut change.inputs, f64::from(scale / activation.scale - 1.0).abs(), &layer.name);
                activation.scale = scale;
            }
            if let Some((_, bias)) = self.parameters.get_mut(&format!("{}.bias", layer.name)) {
                round_bias(layer, bias);
            }
        }
        (self, change)
    }
}

fn keep_largest(kept: &mut Option<(f64, String)>, by: f64, layer: &str) {
    if by > kept.as_ref().map_or(0.0, |(largest, _)| *largest) {
        *kept = Some((by, layer.into()));
    }
}

/// Rounds the scales of a layer's weights to one; the relative change of the weights.
fn round_weights(codes: &mut Codes) -> f64 {
    let scales = || codes.scale.iter().map(|&s| libm::log2(f64::from(s)));
    let (least, most) =
        (scales().fold(f64::INFINITY, f64::min).floor(), scales().fold(f64::NEG_INFINITY, f64::max).ceil());
    let group = codes.group.max(1);
    let values = codes.codes.chunks(group).zip(&codes.scale);
    let values: Vec<f64> = values.flat_map(|(row, &s)| row.iter().map(move |&q| f64::from(q) * f64::from(s))).collect();
    let tried = (least as i32..=most as i32).map(|exponent| requantized(&values, exponent, codes.bits));
    let Some(best) = tried.min_by(|a, b| a.error.total_cmp(&b.error)) else { return 0.0 };
    codes.codes = best.codes;
    codes.scale.fill(best.scale);
    let size: f64 = values.iter().map(|v| v * v).sum();
    if size > 0.0 { (best.error / size).sqrt() } else { 0.0 }
}

/// Codes of some weights at one scale, and the sum of squared differences.
struct Requantized {
    codes: Vec<i8>,
    scale: f32,
    error: f64,
}

fn requantized(values: &[f64], exponent: i32, bits: u32) -> Requantized {
    let (low, high) = signed_range(bits);
    let scale = libm::exp2(f64::from(exponent));
    let requantize = |v: &f64| (v / scale).round_ties_even().clamp(f64::from(low), f64::from(high)) as i8;
    let codes: Vec<i8> = values.iter().map(requantize).collect();
    let error = values.iter().zip(&codes).map(|(v, &q)| (f64::from(q) * scale - v).powi(2)).sum();
    Requantized { codes, scale: scale as f32, error }
}

/// Rounds a bias to the steps of the sums that it is added to; where these are floats it stays.
fn round_bias(layer: &DeployedLayer, bias: &mut [f32]) {
    let (LayerWeights::Codes(codes), Some(activation)) = (&layer.weights, layer.activation) else { return };
    let step = f64::from(codes.scale.first().copied().unwrap_or(1.0)) * f64::from(activation.scale);
    bias.iter_mut().for_each(|bias| *bias = ((f64::from(*bias) / step).round_ties_even() * step) as f32);
}

#[cfg(test)]
#[path = "power_of_two_tests.rs"]
mod tests;
