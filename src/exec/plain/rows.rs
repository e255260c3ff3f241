//! Functions of the last axis: softmax, layer norm, RMS norm, with the formulas of the host kernels.

use candle_core::{D, Tensor};

use crate::error::Result;
use crate::exec::plain::tensors::{channel_sums, like};

/// `eˣ / Σ eˣ`; `causal`: row `i` of the last two axes sees columns `0..=i` only.
pub(super) fn softmax(x: &Tensor, causal: bool) -> Result<Tensor> {
    let x = if causal { x.broadcast_add(&later_positions(x)?)? } else { x.clone() };
    let e = x.broadcast_sub(&x.max_keepdim(D::Minus1)?)?.exp()?;
    Ok(e.broadcast_div(&e.sum_keepdim(D::Minus1)?)?)
}

/// −∞ above the diagonal, 0 elsewhere.
fn later_positions(x: &Tensor) -> Result<Tensor> {
    let width = x.dim(D::Minus1)?;
    let hidden = |i: usize| if i % width > i / width { f64::NEG_INFINITY } else { 0.0 };
    like(x, &(0..width * width).map(hidden).collect::<Vec<_>>(), &[width, width])
}

/// `y ∘ (g − ⟨y, g⟩)`; rows of `y` sum to 1.
pub(super) fn softmax_adjoint(y: &Tensor, g: &Tensor) -> Result<Tensor> {
    let mean = (y * g)?.sum_keepdim(D::Minus1)?;
    Ok((y * g.broadcast_sub(&mean)?)?)
}

/// The norm of rows: layer norm if `centred`, else RMS norm.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowNorm<'a> {
    /// Whether the mean is taken off.
    pub(super) centred: bool,
    /// Added to the mean square.
    pub(super) epsilon: f64,
    /// `γ`, and `β` of a layer norm, on any device.
    pub(super) parameters: &'a [Tensor],
}

impl RowNorm<'_> {
    fn parameter(&self, index: usize, x: &Tensor) -> Result<Option<Tensor>> {
        Ok(self.parameters.get(index).map(|parameter| parameter.to_device(x.device())).transpose()?)
    }

    /// `x̂` and `i`.
    fn normal(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let moved = if self.centred { x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)? } else { x.clone() };
        let square = moved.sqr()?.mean_keepdim(D::Minus1)?;
        let inverse = (square + self.epsilon)?.sqrt()?.recip()?;
        Ok((moved.broadcast_mul(&inverse)?, inverse))
    }

    /// `γ ∘ v`.
    fn scaled(&self, v: &Tensor) -> Result<Tensor> {
        Ok(match self.parameter(0, v)? {
            Some(gamma) => v.broadcast_mul(&gamma)?,
            None => v.clone(),
        })
    }

    /// `y = γ ∘ x̂ + β`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.scaled(&self.normal(x)?.0)?;
        Ok(match self.parameter(1, x)? {
            Some(beta) => y.broadcast_add(&beta)?,
            None => y,
        })
    }

    /// `dx = i (h − mean h − x̂ mean(h ∘ x̂))`, `h = γ ∘ g`; without `mean h` for RMS norm.
    pub(super) fn adjoint(&self, x: &Tensor, g: &Tensor) -> Result<Tensor> {
        let (normal, inverse) = self.normal(x)?;
        let h = self.scaled(g)?;
        let projection = (&h * &normal)?.mean_keepdim(D::Minus1)?;
        let h = if self.centred { h.broadcast_sub(&h.mean_keepdim(D::Minus1)?)? } else { h };
        Ok((h - normal.broadcast_mul(&projection)?)?.broadcast_mul(&inverse)?)
    }

    /// `dγ = Σ g ∘ x̂`, and `dβ = Σ g` of a layer norm, over rows.
    pub(super) fn parameter_gradients(&self, x: &Tensor, g: &Tensor) -> Result<Vec<Vec<f64>>> {
        let (normal, _) = self.normal(x)?;
        let sums = |terms: &Tensor| {
            let width = terms.dim(D::Minus1)?;
            channel_sums(&terms.reshape((terms.dim(0)?, (), width))?.transpose(1, 2)?)
        };
        let mut gradients = vec![sums(&(g * normal)?)?];
        if self.centred {
            gradients.push(sums(g)?);
        }
        Ok(gradients)
    }
}
