//! Squared norms of the gradients of single samples.
//!
//! ```text
//! ‖J_nᵀ e_n‖²,   J_n: Jacobian of the outputs of sample n in one layer's weights, inputs or outputs;  e_n: given
//! ```
//!
//! One reverse pass for the whole batch; then each layer's weight gradient is formed for one sample at a time and only
//! its norm is kept. That takes the arithmetic of one weight gradient and the memory of one sample's.

use candle_core::Tensor;
use rayon::prelude::*;

use crate::error::Result;
use crate::exec::kernels::Real;
use crate::exec::reverse::{fixed_step, layer_input_gradient, sweep};
use crate::exec::{Bindings, Network, Step, Tape, host};

/// For each layer, the squared norm of every sample.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleNorms {
    /// In the weights.
    pub weights: Vec<Vec<f64>>,
    /// In the layer's inputs, as far as this layer reads them.
    pub inputs: Vec<Vec<f64>>,
    /// In the layer's outputs.
    pub outputs: Vec<Vec<f64>>,
}

fn squares<T: Real>(x: &[T]) -> f64 {
    x.iter().map(|x| x.to_f64() * x.to_f64()).sum()
}

fn per_sample<T: Real>(x: &Tensor, batch: usize) -> Result<Vec<f64>> {
    let x = host::read::<T>(x)?;
    Ok(x.par_chunks(x.len() / batch).map(squares).collect())
}

/// Norms for the gradients `e` of the outputs, of the tape's shape. The network in evaluation mode: with batch statistics
/// a sample's gradient is not its own.
///
/// # Errors
/// When a shape does not fit, the network is quantised, or a norm uses batch statistics.
pub fn sample_norms<T: Real>(network: &Network, bindings: &Bindings, tape: &Tape, e: Tensor) -> Result<SampleNorms> {
    super::hessian::check_evaluation(bindings)?;
    let (layers, batch) = (network.layers().len(), tape.batch);
    // Zero for a layer that does not reach the output.
    let zero = || vec![vec![0.0; batch]; layers];
    let mut norms = SampleNorms { weights: zero(), inputs: zero(), outputs: zero() };
    sweep::<T>(network, e, |step, g| {
        let Step::Layer { layer, input, .. } = step else {
            return fixed_step::<T>(network, bindings, tape, step, g);
        };
        norms.outputs[layer] = per_sample::<T>(g, batch)?;
        norms.weights[layer] = weight_norms::<T>(network, layer, tape, g)?;
        let dx = layer_input_gradient::<T>(network, layer, input, batch, &bindings.layers[layer].weight, g)?;
        norms.inputs[layer] = per_sample::<T>(&dx, batch)?;
        Ok(if input == 0 { vec![] } else { vec![(input, dx)] })
    })?;
    Ok(norms)
}

fn weight_norms<T: Real>(network: &Network, layer: usize, tape: &Tape, g: &Tensor) -> Result<Vec<f64>> {
    let (x, g) = (host::read::<T>(tape.layer_input(layer)?)?, host::read::<T>(g)?);
    let (one, weights) = (network.layer_map(layer, 1), network.layers()[layer].parameters());
    let samples = x.par_chunks(x.len() / tape.batch).zip(g.par_chunks(g.len() / tape.batch));
    let norm = |dw: &mut Vec<T>, (x, g): (&[T], &[T])| {
        // ‖g xᵀ‖ of a dense layer on one vector.
        if one.is_one_product() {
            return squares(x) * squares(g);
        }
        one.weight_gradient(x, g, dw);
        squares(dw)
    };
    Ok(samples.map_init(|| vec![T::ZERO; weights], norm).collect())
}
