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
        Activation::Affine { scale, shift } => x.affine(scale, shift)?,
        Activation::Elu { alpha } => {
            let below = x.minimum(0.0)?.exp()?.affine(alpha, -alpha)?;
            x.gt(0.0)?.where_cond(x, &below)?
        }
        Activation::Softplus => (x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?)?,
        Activation::Absolute => x.abs()?,
        Activation::Exp => x.exp()?,
        Activation::Log => x.log()?,
        Activation::SquareRoot => x.sqrt()?,
        Activation::Reciprocal => x.recip()?,
        Activation::Power { exponent } => x.powf(exponent)?,
        Activation::Erf => x.erf()?,
        Activation::Sine => x.sin()?,
        Activation::Cosine => x.cos()?,
        Activation::Floor => x.floor()?,
        Activation::Ceil => x.ceil()?,
        Activation::Round => round_ties_even(x)?,
        Activation::Truncate => (x.relu()?.floor()? - x.neg()?.relu()?.floor()?)?,
        Activation::IsPositive => x.gt(0.0)?.to_dtype(x.dtype())?,
        Activation::IsZero => x.eq(0.0)?.to_dtype(x.dtype())?,
    })
}

/// candle's own rounding takes halves away from zero.
fn round_ties_even(x: &Tensor) -> Result<Tensor> {
    let up = (x + 0.5)?.floor()?;
    // A half that went up to an odd number goes back.
    let half = (&up - x)?.eq(0.5)?.to_dtype(x.dtype())?;
    let odd = (&up - ((&up * 0.5)?.floor()? * 2.0)?)?;
    Ok((up - (half * odd)?)?)
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
        Activation::Affine { scale, .. } => full_like(x, scale)?,
        Activation::Elu { alpha } => {
            let below = (x.minimum(0.0)?.exp()? * alpha)?;
            x.gt(0.0)?.where_cond(&x.ones_like()?, &below)?
        }
        Activation::Softplus => sigmoid(x)?,
        Activation::Absolute => (x.gt(0.0)?.to_dtype(x.dtype())? - x.lt(0.0)?.to_dtype(x.dtype())?)?,
        Activation::Exp => x.exp()?,
        Activation::Log => x.recip()?,
        Activation::SquareRoot => x.sqrt()?.recip()?.affine(0.5, 0.0)?,
        Activation::Reciprocal => x.recip()?.sqr()?.neg()?,
        Activation::Power { exponent: 0.0 } => x.zeros_like()?,
        Activation::Power { exponent } => (x.powf(exponent - 1.0)? * exponent)?,
        Activation::Erf => (x.sqr()?.neg()?.exp()? * FRAC_2_SQRT_PI)?,
        Activation::Sine => x.cos()?,
        Activation::Cosine => x.sin()?.neg()?,
        Activation::Floor
        | Activation::Ceil
        | Activation::Round
        | Activation::Truncate
        | Activation::IsPositive
        | Activation::IsZero => x.zeros_like()?,
    })
}
