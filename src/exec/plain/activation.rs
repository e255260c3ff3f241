//! Pointwise nonlinearities and their slopes, written out; at a kink the slope is that of the host kernels.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI, FRAC_2_SQRT_PI};

use candle_core::Tensor;

use crate::error::Result;
use crate::exec::plain::tensors::{clip, full_like};
use crate::graph::Activation;

/// Factor of the cube in GELU's approximation.
const CUBE: f64 = 0.044_715;

/// 1 where `low < x < high`, else 0, in the element type of `x`.
fn strictly_inside(x: &Tensor, low: f64, high: f64) -> Result<Tensor> {
    let (above, below) = (x.gt(low)?.to_dtype(x.dtype())?, x.lt(high)?.to_dtype(x.dtype())?);
    Ok((above * below)?)
}

/// `1/(1 + e⁻ˣ)`.
fn sigmoid(x: &Tensor) -> Result<Tensor> {
    Ok((x.neg()?.exp()? + 1.0)?.recip()?)
}

/// `Φ(x)`, the normal distribution.
fn normal_distribution(x: &Tensor) -> Result<Tensor> {
    Ok(((x * FRAC_1_SQRT_2)?.erf()? + 1.0)?.affine(0.5, 0.0)?)
}

fn hard_sigmoid(x: &Tensor) -> Result<Tensor> {
    clip(&x.affine(1.0 / 6.0, 0.5)?, 0.0, 1.0)
}

/// `tanh(√(2/π) (x + 0.044715 x³))`.
fn gelu_tanh(x: &Tensor) -> Result<Tensor> {
    let inner = (x * x.sqr()?.affine(CUBE, 1.0)?)?;
    Ok((inner * FRAC_2_PI.sqrt())?.tanh()?)
}

/// `f(x)`.
pub(super) fn value(activation: Activation, x: &Tensor) -> Result<Tensor> {
    Ok(match activation {
        Activation::Clip { low, high } => clip(x, low, high)?,
        Activation::LeakyRelu { slope } => x.gt(0.0)?.where_cond(x, &(x * slope)?)?,
        Activation::Gelu => (x * normal_distribution(x)?)?,
        Activation::GeluTanh => (x * gelu_tanh(x)?.affine(0.5, 0.5)?)?,
        Activation::Silu => (x * sigmoid(x)?)?,
        Activation::Sigmoid => sigmoid(x)?,
        Activation::HardSigmoid => hard_sigmoid(x)?,
        Activation::HardSwish => (x * hard_sigmoid(x)?)?,
        Activation::Tanh => x.tanh()?,
    })
}

/// `f′(x)`.
pub(super) fn slope(activation: Activation, x: &Tensor) -> Result<Tensor> {
    let hard_sigmoid_slope = || Ok::<_, crate::error::Error>((strictly_inside(x, -3.0, 3.0)? / 6.0)?);
    Ok(match activation {
        Activation::Clip { low, high } => strictly_inside(x, low, high)?,
        Activation::LeakyRelu { slope } => x.gt(0.0)?.where_cond(&x.ones_like()?, &full_like(x, slope)?)?,
        Activation::Gelu => {
            // φ(x) = e^(−x²/2)/√(2π)
            let density = (x.sqr()?.affine(-0.5, 0.0)?.exp()? * (0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2))?;
            (normal_distribution(x)? + (x * density)?)?
        }
        Activation::GeluTanh => {
            let t = gelu_tanh(x)?;
            let inner_slope = x.sqr()?.affine(3.0 * CUBE, 1.0)?;
            let steep = (t.sqr()?.affine(-1.0, 1.0)? * inner_slope)?;
            (t.affine(0.5, 0.5)? + (x * steep)?.affine(0.5 * FRAC_2_PI.sqrt(), 0.0)?)?
        }
        Activation::Silu => {
            let s = sigmoid(x)?;
            (&s * (x * s.affine(-1.0, 1.0)?)?.affine(1.0, 1.0)?)?
        }
        Activation::Sigmoid => {
            let s = sigmoid(x)?;
            (&s * s.affine(-1.0, 1.0)?)?
        }
        Activation::HardSigmoid => hard_sigmoid_slope()?,
        Activation::HardSwish => (hard_sigmoid(x)? + (x * hard_sigmoid_slope()?)?)?,
        Activation::Tanh => x.tanh()?.sqr()?.affine(-1.0, 1.0)?,
    })
}
