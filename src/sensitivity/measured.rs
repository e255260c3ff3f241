//! The loss that candidates really cost, on held-out images, beside what the second-order sensitivity predicts.
//!
//! ```text
//! ΔL(l, c) = mean_n [ L_n(only layer l at candidate c) − L_n(FP32) ]
//! stderr   = √( Σ_n (d_n − d̄)² / (N (N − 1)) ),   d_n: the difference on image n
//! ```
//!
//! Of a sample with several predictions, such as a window of a text, `L_n` is the mean over those that count: the unit of the
//! statistics is the sample. Differences are taken image by image, so that what makes an image hard or easy cancels. The values in front of layer `l`
//! do not change: the network runs from `l` on only, for a pair from the second layer on. Cost per batch: one forward pass
//! from its layer on for every candidate and every pair, a whole one for every joint configuration.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::exec::{Bindings, LayerBinding, Network, Tape, forward, forward_from, host, sample_losses};
use crate::numeric::stats::Moments;
use crate::progress::Observer;
use crate::quant::{ActivationQuantizer, WeightScale};
use crate::scheme::Scheme;
use crate::sensitivity::interactions::{Additivity, JointIncrease, Pair};

/// A mean over images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its standard error over the images.
    pub stderr: f64,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Images.
    pub images: u64,
    /// Loss of the FP32 network.
    pub base: Estimate,
    /// `ΔL` of each layer and candidate.
    pub increases: Vec<Vec<Estimate>>,
    /// Of each pair: `ΔL` of both together, and the interaction.
    pub pairs: Vec<(Estimate, Estimate)>,
    /// Of each configuration.
    pub joint: Vec<Additivity>,
}

/// What each layer becomes at each of its candidates: weights at their scale by `method`, the input behind its quantiser
/// (`quantizers[l][c]`, with its scale; none leaves it as it is).
///
/// # Errors
/// When a tensor does not fit.
pub fn quantized_layers(
    scheme: &Scheme,
    bindings: &Bindings,
    quantizers: &[Vec<Option<(ActivationQuantizer, f32)>>],
    method: WeightScale,
) -> Result<Vec<Vec<LayerBinding>>> {
    let variant = |l: usize, c: usize| {
        let (layer, binding) = (&scheme.layers[l], &bindings.layers[l]);
        let Some(quantizer) = scheme.weight_quantizer(l) else { return Ok(binding.clone()) };
        let (weights, bits) = (host::read::<f32>(&binding.weight)?, u32::from(layer.candidates[c].weight_bits()));
        let scale = quantizer.scale_by(method, &weights, layer.scales(), bits);
        let weight = host::tensor(quantizer.fake_quantize(&weights, &scale, bits), layer.weight_shape.as_slice())?;
        Ok(LayerBinding { weight, bias: binding.bias.clone(), activation: quantizers[l][c] })
    };
    let of_layer = |l: usize| (0..quantizers[l].len()).map(|c| variant(l, c)).collect::<Result<Vec<_>>>();
    (0..quantizers.len()).map(of_layer).collect()
}

/// A measurement that takes images batch by batch.
#[derive(Debug)]
pub struct Measurement<'a> {
    network: &'a Network,
    bindings: &'a Bindings,
    variants: &'a [Vec<LayerBinding>],
    pairs: &'a [Pair],
    configurations: &'a [Vec<usize>],
    base: Moments,
    increases: Vec<Vec<Moments>>,
    of_pairs: Vec<(Moments, Moments)>,
    joint: Vec<JointIncrease>,
    done: u64,
}

impl<'a> Measurement<'a> {
    /// `bindings` unquantised, with fixed norm statistics; `variants[l][c]` as of [`quantized_layers`]. In a pair the layers
    /// are in graph order. A configuration has the index of one variant per layer.
    pub fn new(
        network: &'a Network,
        bindings: &'a Bindings,
        variants: &'a [Vec<LayerBinding>],
        pairs: &'a [Pair],
        configurations: &'a [Vec<usize>],
    ) -> Self {
        Self {
            network,
            bindings,
            variants,
            pairs,
            configurations,
            base: Moments::new(),
            increases: variants.iter().map(|v| vec![Moments::new(); v.len()]).collect(),
            of_pairs: vec![(Moments::new(), Moments::new()); pairs.len()],
            joint: vec![JointIncrease::default(); configurations.len()],
            done: 0,
        }
    }

    /// Pieces of progress in one batch.
    pub fn pieces(&self) -> u64 {
        (self.variants.iter().map(Vec::len).sum::<usize>() + self.configurations.len()) as u64
    }

    /// Measures on a batch.
    ///
    /// # Errors
    /// When a tensor does not fit, or the observer asks to stop.
    pub fn push(&mut self, images: &Tensor, labels: &[u32], observer: &mut dyn Observer) -> Result<()> {
        let base_tape = forward::<f32>(self.network, self.bindings, images)?;
        let base = losses(&base_tape, labels)?;
        let difference = |tape: &Tape| -> Result<Vec<f64>> {
            Ok(losses(tape, labels)?.iter().zip(&base).map(|(loss, base)| loss - base).collect())
        };
        let mut progress = |done: u64| match observer.stop_requested() {
            true => Err(Error::Interrupted),
            false => {
                observer.at(done, "");
                Ok(())
            }
        };
        let mut singles: Vec<Vec<Vec<f64>>> = vec![Vec::new(); self.variants.len()];
        let mut together: Vec<Vec<f64>> = vec![Vec::new(); self.pairs.len()];
        let mut changed = self.bindings.clone();
        for (l, variants) in self.variants.iter().enumerate() {
            for (c, variant) in variants.iter().enumerate() {
                changed.layers[l] = variant.clone();
                let tape = forward_from::<f32>(self.network, &changed, &base_tape, l)?;
                singles[l].push(difference(&tape)?);
                let first_is = |p: &Pair| (p.layers[0], p.candidates[0]) == (l, c);
                for (pair, increase) in self.pairs.iter().zip(&mut together).filter(|(p, _)| first_is(p)) {
                    let m = pair.layers[1];
                    changed.layers[m] = self.variants[m][pair.candidates[1]].clone();
                    *increase = difference(&forward_from::<f32>(self.network, &changed, &tape, m)?)?;
                    changed.layers[m] = self.bindings.layers[m].clone();
                }
                self.done += 1;
                progress(self.done)?;
            }
            changed.layers[l] = self.bindings.layers[l].clone();
        }
        let single = |l: usize, c: usize| &singles[l][c];
        for (configuration, joint) in self.configurations.iter().zip(&mut self.joint) {
            let mut all = self.bindings.clone();
            let chosen = configuration.iter().zip(self.variants).map(|(&c, variants)| variants[c].clone());
            all.layers = chosen.collect();
            let increase = difference(&forward::<f32>(self.network, &all, images)?)?;
            for (n, increase) in increase.into_iter().enumerate() {
                joint.push(increase, configuration.iter().enumerate().map(|(l, &c)| single(l, c)[n]).sum());
            }
            self.done += 1;
            progress(self.done)?;
        }
        for ((pair, increase), (both, interaction)) in self.pairs.iter().zip(&together).zip(&mut self.of_pairs) {
            let ([l, m], [c, d]) = (pair.layers, pair.candidates);
            for (n, &increase) in increase.iter().enumerate() {
                both.push(increase);
                interaction.push(increase - single(l, c)[n] - single(m, d)[n]);
            }
        }
        base.iter().for_each(|&loss| self.base.push(loss));
        for (moments, increase) in self.increases.iter_mut().flatten().zip(singles.iter().flatten()) {
            increase.iter().for_each(|&d| moments.push(d));
        }
        Ok(())
    }

    /// Means and standard errors over all images.
    ///
    /// # Errors
    /// When there were fewer than two images, or a loss was not finite.
    pub fn finish(&self) -> Result<Measured> {
        let wrong =
            |found: String, expected: &str, remedy: &str| Error::input("measured losses", found, expected, remedy);
        let estimate = |m: &Moments| match (m.mean(), m.standard_error()) {
            (Some(mean), Some(stderr)) if mean.is_finite() && stderr.is_finite() => Ok(Estimate { mean, stderr }),
            (Some(mean), Some(_)) => Err(wrong(format!("a mean of {mean}"), "finite losses", "the model has diverged")),
            _ => Err(wrong("fewer than two images".into(), "two or more", "take more images")),
        };
        let of_layer = |moments: &Vec<Moments>| moments.iter().map(estimate).collect::<Result<Vec<_>>>();
        let of_pair = |(both, interaction): &(Moments, Moments)| Ok((estimate(both)?, estimate(interaction)?));
        let of_joint = |joint: &JointIncrease| {
            let additivity = joint.additivity();
            additivity.ok_or_else(|| wrong("fewer than two images".into(), "two or more", "take more images"))
        };
        Ok(Measured {
            images: self.base.count(),
            base: estimate(&self.base)?,
            increases: self.increases.iter().map(of_layer).collect::<Result<_>>()?,
            pairs: self.of_pairs.iter().map(of_pair).collect::<Result<_>>()?,
            joint: self.joint.iter().map(of_joint).collect::<Result<_>>()?,
        })
    }
}

fn losses(tape: &Tape, labels: &[u32]) -> Result<Vec<f64>> {
    Ok(sample_losses(&host::read::<f32>(tape.output()?)?, labels, tape.batch))
}

#[cfg(test)]
#[path = "measured_tests.rs"]
mod tests;
