//! What quantising one layer's input does.
//!
//! ```text
//! D_{l,b} = mean_n KL(p_n ‖ p_n^{l,b}),   p^{l,b}: the FP32 network with only the input of layer l quantised to b bits
//! E_{l,b} = mean_n ‖â_n − a_n‖²           a: the layer's input,  â: quantised to b bits
//! ```
//!
//! For a small disturbance `Δz` of the logits `KL = ½ Δzᵀ (diag p − p pᵀ) Δz`: the Gauss–Newton form of the loss increase,
//! as `½ t̄ ‖ΔW‖²` is the Hessian form for the weights (method.md §5, "plus the activation term where measured"). `D` is
//! never negative and needs no labels but to know which predictions count: of a sample with several, the mean over those is
//! taken. With `E` the average trace in the input gives the same as a product, `t̄_a E`. Where inputs stay floats (`w4a16`,
//! `fp32`) both are 0. The quantiser has LSQ's initial scale, the one that training starts from. Cost: one forward pass per
//! batch for `E`, and the part of one behind the layer for each `D`.

use crate::error::{Error, Result};
use crate::exec::{Bindings, Network, Samples, divergences, forward, forward_from, host};
use crate::numeric::stats::Moments;
use crate::progress::Observer;
use crate::quant::ActivationQuantizer;
use crate::sensitivity::Estimate;

/// What one quantiser of one layer's input does, as means over samples.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ActivationEffect {
    /// `E`.
    pub squared_error: f64,
    /// `D` and its standard error over samples (0 if there is only one), if asked for.
    pub divergence: Option<Estimate>,
}

/// Effect of each layer's input quantisers with their scales (`quantizers[l]`; none does nothing). `bindings`: unquantised,
/// with fixed norm statistics; `with_divergences`: whether `D` is asked for.
///
/// # Errors
/// When a tensor does not fit, or the observer asks to stop.
pub fn activation_effects(
    network: &Network,
    bindings: &Bindings,
    quantizers: &[Vec<Quantizer>],
    samples: &Samples<'_>,
    with_divergences: bool,
    observer: &mut dyn Observer,
) -> Result<Vec<Vec<ActivationEffect>>> {
    let start = (0.0, Moments::new());
    let mut sums: Vec<Vec<(f64, Moments)>> = quantizers.iter().map(|q| vec![start; q.len()]).collect();
    let count = samples.count() as f64;
    for block in 0..samples.sizes().len() {
        let (images, labels) = samples.block(block)?;
        let base = forward::<f32>(network, bindings, &images)?;
        let logits = host::read::<f32>(base.output()?)?;
        let mut disturbed = bindings.clone();
        for (l, candidates) in quantizers.iter().enumerate() {
            for (c, quantizer) in candidates.iter().enumerate() {
                let Some((activation, scale)) = *quantizer else { continue };
                if twin(candidates, c) != c {
                    continue;
                }
                let input = host::read::<f32>(base.unquantized_layer_input(network, l)?)?;
                let mut quantized = vec![0f32; input.len()];
                activation.forward(&input, scale, &mut quantized);
                let squares = quantized.iter().zip(input.iter()).map(|(q, x)| f64::from(q - x).powi(2));
                sums[l][c].0 += squares.sum::<f64>() / count;
                if with_divergences {
                    disturbed.layers[l].activation = *quantizer;
                    let tape = forward_from::<f32>(network, &disturbed, &base, l)?;
                    let rows = divergences(&logits, &host::read::<f32>(tape.output()?)?, &labels, base.batch);
                    rows.into_iter().for_each(|d| sums[l][c].1.push(d));
                }
            }
            disturbed.layers[l].activation = None;
            if observer.stop_requested() {
                return Err(Error::Interrupted);
            }
        }
        observer.at(block as u64 + 1, "");
    }
    let effect = |(squared_error, divergence): &(f64, Moments)| ActivationEffect {
        squared_error: *squared_error,
        divergence: divergence.mean().map(|mean| Estimate { mean, stderr: divergence.standard_error().unwrap_or(0.0) }),
    };
    let of_layer = |(sums, candidates): (&Vec<(f64, Moments)>, &Vec<Quantizer>)| {
        (0..sums.len()).map(|c| effect(&sums[twin(candidates, c)])).collect()
    };
    Ok(sums.iter().zip(quantizers).map(of_layer).collect())
}

/// A quantiser of a layer's input and its scale; none leaves the input as it is.
type Quantizer = Option<(ActivationQuantizer, f32)>;

/// The first candidate with the same quantiser of the input: candidates that differ in their weights only share what is
/// measured.
fn twin(candidates: &[Quantizer], candidate: usize) -> usize {
    candidates.iter().position(|other| *other == candidates[candidate]).unwrap_or(candidate)
}
