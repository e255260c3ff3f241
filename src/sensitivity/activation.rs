//! What quantising one layer's input does to the predictions.
//!
//! ```text
//! D_{l,b} = mean_n KL(p_n ‖ p_n^{l,b}),   p^{l,b}: the FP32 network with only the input of layer l quantised to b bits
//! ```
//!
//! For a small disturbance `Δz` of the logits `KL = ½ Δzᵀ (diag p − p pᵀ) Δz`: the Gauss–Newton form of the loss increase,
//! as `½ t̄ ‖ΔW‖²` is the Hessian form for the weights (method.md §5, "plus the activation term where measured"). It is
//! never negative and needs no labels. The quantiser has LSQ's initial scale, the one that training starts from. Cost:
//! one forward pass per batch, layer and width.

use candle_core::Tensor;

use crate::error::{Error, Result};
use crate::exec::{Bindings, Network, divergence, forward, host};
use crate::progress::Observer;
use crate::quant::ActivationQuantizer;

/// Divergence `D` for each layer and each of its input quantisers with their scales (`quantizers[l]`; none does not
/// quantise). `bindings`: unquantised, with fixed norm statistics.
///
/// # Errors
/// When a tensor does not fit, or the observer asks to stop.
pub fn activation_divergence(
    network: &Network,
    bindings: &Bindings,
    quantizers: &[Vec<Option<(ActivationQuantizer, f32)>>],
    batches: &[(Tensor, Vec<u32>)],
    observer: &mut dyn Observer,
) -> Result<Vec<Vec<f64>>> {
    let samples: usize = batches.iter().map(|(_, labels)| labels.len()).sum();
    let mut sums: Vec<Vec<f64>> = quantizers.iter().map(|q| vec![0.0; q.len()]).collect();
    for (done, (images, _)) in batches.iter().enumerate() {
        let base = forward::<f32>(network, bindings, images)?;
        let logits = host::read::<f32>(base.output()?)?;
        let mut disturbed = bindings.clone();
        for (l, candidates) in quantizers.iter().enumerate() {
            for (c, quantizer) in candidates.iter().enumerate().filter(|(_, q)| q.is_some()) {
                disturbed.layers[l].activation = *quantizer;
                let tape = forward::<f32>(network, &disturbed, images)?;
                sums[l][c] += divergence(&logits, &host::read::<f32>(tape.output()?)?, base.batch);
            }
            disturbed.layers[l].activation = None;
        }
        observer.at(done as u64 + 1, "");
        if observer.stop_requested() {
            return Err(Error::Interrupted);
        }
    }
    sums.iter_mut().flatten().for_each(|sum| *sum /= samples as f64);
    Ok(sums)
}
