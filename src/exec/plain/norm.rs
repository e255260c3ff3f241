//! Batch norm, with the formulas of [`mod@crate::exec::kernels::norm`].

use candle_core::Tensor;

use crate::error::Result;
use crate::exec::plain::tensors::{channel_sums, like, to_host};
use crate::exec::{NormBinding, NormState, Statistics};

/// `values` for the channels of `x [batch, channels, positions]`.
fn per_channel(x: &Tensor, values: &[f64]) -> Result<Tensor> {
    like(x, values, &[1, values.len(), 1])
}

/// `x − μ`.
fn centred(x: &Tensor, mean: &[f64]) -> Result<Tensor> {
    Ok(x.broadcast_sub(&per_channel(x, mean)?)?)
}

/// What the norm uses on `x [batch, channels, positions]`.
pub(super) fn state(binding: &NormBinding, epsilon: f64, x: &Tensor) -> Result<NormState> {
    let (mean, variance) = match &binding.statistics {
        Statistics::Batch => {
            let count = (x.dim(0)? * x.dim(2)?) as f64;
            let average = |sums: Vec<f64>| -> Vec<f64> { sums.iter().map(|sum| sum / count).collect() };
            let mean = average(channel_sums(x)?);
            let variance = average(channel_sums(&centred(x, &mean)?.sqr()?)?);
            (mean, variance)
        }
        Statistics::Fixed { mean, variance } => (to_host(mean)?, to_host(variance)?),
    };
    Ok(NormState::new(mean, variance, epsilon))
}

/// `y = γ i (x − μ) + β`.
pub(super) fn forward(binding: &NormBinding, state: &NormState, x: &Tensor) -> Result<Tensor> {
    let gamma = to_host(&binding.gamma)?;
    let factor: Vec<f64> = gamma.iter().zip(&state.inverse).map(|(gamma, inverse)| gamma * inverse).collect();
    let scaled = centred(x, &state.mean)?.broadcast_mul(&per_channel(x, &factor)?)?;
    Ok(scaled.broadcast_add(&per_channel(x, &to_host(&binding.beta)?)?)?)
}

/// Gradients of the input, `γ` and `β` from that of the output.
pub(super) struct NormGradients {
    /// `∂L/∂x`.
    pub(super) input: Tensor,
    /// `∂L/∂γ = S2`.
    pub(super) gamma: Vec<f64>,
    /// `∂L/∂β = S1`.
    pub(super) beta: Vec<f64>,
}

/// `∂L/∂x = γ i (g − S1/n − x̂ S2/n)`; with fixed statistics `γ i g`.
pub(super) fn backward(binding: &NormBinding, state: &NormState, x: &Tensor, g: &Tensor) -> Result<NormGradients> {
    let normal = centred(x, &state.mean)?.broadcast_mul(&per_channel(x, &state.inverse)?)?;
    let beta = channel_sums(g)?;
    let gamma = channel_sums(&(g * &normal)?)?;
    let through = match binding.statistics {
        Statistics::Fixed { .. } => g.clone(),
        Statistics::Batch => {
            let count = (x.dim(0)? * x.dim(2)?) as f64;
            let share = |sums: &[f64]| per_channel(x, &sums.iter().map(|sum| sum / count).collect::<Vec<_>>());
            g.broadcast_sub(&share(&beta)?)?.sub(&normal.broadcast_mul(&share(&gamma)?)?)?
        }
    };
    let scale = to_host(&binding.gamma)?;
    let factor: Vec<f64> = scale.iter().zip(&state.inverse).map(|(gamma, inverse)| gamma * inverse).collect();
    let input = through.broadcast_mul(&per_channel(x, &factor)?)?;
    Ok(NormGradients { input, gamma, beta })
}
