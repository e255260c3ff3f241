//! The learned-step quantiser of layer inputs ([`crate::quant::activations`]) in tensor operations, f32.
//!
//! The four rounding modes are made of `floor`, `round` (half away from zero in candle) and sums that are exact for the
//! at most 8-bit codes, so that codes agree with [`Rounding::round`] bit for bit.

use candle_core::{DType, Tensor};

use crate::error::{Error, Result};
use crate::exec::plain::tensors::{clip, like, to_host, where_true};
use crate::quant::{ActivationQuantizer, Rounding};

/// `1.5 · 2²³`: f32 numbers of this size are integers apart, so a sum is rounded half to even; the half leaves room for
/// negative codes.
const INTEGERS_FROM: f64 = 12_582_912.0;

fn round(u: &Tensor, mode: Rounding) -> Result<Tensor> {
    Ok(match mode {
        Rounding::HalfEven => ((u + INTEGERS_FROM)? - INTEGERS_FROM)?,
        Rounding::HalfAway => u.round()?,
        Rounding::HalfUp => {
            let whole = u.floor()?;
            let up = (u - &whole)?.ge(0.5)?.to_dtype(u.dtype())?;
            (whole + up)?
        }
        Rounding::Floor => u.floor()?,
    })
}

/// `u = x / s`, a true division, and `u` clipped.
fn codes(quantizer: &ActivationQuantizer, scale: &Tensor, x: &Tensor) -> Result<(Tensor, Tensor)> {
    let [low, high] = quantizer.range();
    let u = x.broadcast_div(scale)?;
    let clipped = clip(&u, f64::from(low), f64::from(high))?;
    Ok((u, clipped))
}

/// `x̂`.
///
/// # Errors
/// When `x` is not f32: quantisers exist in single precision only.
pub(super) fn forward(quantizer: &ActivationQuantizer, scale: f32, x: &Tensor) -> Result<Tensor> {
    if x.dtype() != DType::F32 {
        return Err(Error::Internal(format!("an input quantiser on {:?}, it works on F32", x.dtype())));
    }
    let scale = like(x, &[f64::from(scale)], &[1])?;
    let (_, clipped) = codes(quantizer, &scale, x)?;
    Ok(round(&clipped, quantizer.rounding())?.broadcast_mul(&scale)?)
}

/// `∂L/∂x` and `∂L/∂s` from the gradient `g` of `x̂`; the first axis are samples.
pub(super) fn backward(quantizer: &ActivationQuantizer, scale: f32, x: &Tensor, g: &Tensor) -> Result<(Tensor, f32)> {
    let (u, clipped) = codes(quantizer, &like(x, &[f64::from(scale)], &[1])?, x)?;
    let inside = u.eq(&clipped)?;
    let slope = (round(&clipped, quantizer.rounding())? - where_true(&inside, &u)?)?;
    let last = x.rank() - 1;
    let sum: f64 = to_host(&(g * slope)?.sum(last)?)?.iter().sum();
    let [_, high] = quantizer.range();
    let per_sample = (x.elem_count() / x.dim(0)?.max(1)) as f64;
    Ok((where_true(&inside, g)?, (sum / (per_sample * f64::from(high)).sqrt()) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::host;

    /// Ties, their neighbours on both sides, what is clipped, and what is not a number; a scale that divides exactly.
    fn inputs() -> Vec<f32> {
        let ties = (-1100..=1100).map(|i| i as f32 * 0.125);
        let near = ties.clone().flat_map(|x| [f32::from_bits(x.to_bits() + 1), f32::from_bits(x.to_bits().max(1) - 1)]);
        ties.chain(near).chain([f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e-45, -0.0]).collect()
    }

    #[test]
    fn values_and_gradients_have_the_bits_of_the_host_quantiser_in_every_mode() {
        let x = inputs();
        let g: Vec<f32> = (0..x.len()).map(|i| (i as f32 * 0.37).sin()).collect();
        let (x_tensor, g_tensor) =
            (host::tensor(x.clone(), (1, x.len())).unwrap(), host::tensor(g.clone(), (1, x.len())).unwrap());
        for mode in Rounding::ALL {
            for (bits, unsigned, scale) in [(2, true, 0.25), (4, false, 0.25), (8, true, 0.25), (8, false, 0.3)] {
                let quantizer = ActivationQuantizer::new(bits, unsigned, mode);
                let (mut expected, mut expected_dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
                quantizer.forward(&x, scale, &mut expected);
                let expected_ds = quantizer.backward(&x, scale, 1, &g, &mut expected_dx);
                let y = forward(&quantizer, scale, &x_tensor).unwrap();
                assert_eq!(*host::read::<f32>(&y).unwrap(), expected, "{mode:?} {bits} {unsigned} {scale}");
                let (dx, ds) = backward(&quantizer, scale, &x_tensor, &g_tensor).unwrap();
                assert_eq!(*host::read::<f32>(&dx).unwrap(), expected_dx, "{mode:?} {bits} {unsigned} {scale}");
                assert!((ds - expected_ds).abs() < 1e-4 * (1.0 + expected_ds.abs()), "{ds} {expected_ds}");
            }
        }
    }

    #[test]
    fn not_a_number_is_passed_on() {
        let quantizer = ActivationQuantizer::new(4, true, Rounding::HalfEven);
        let x = host::tensor(vec![1.0f32, f32::NAN, 2.0], (1, 3)).unwrap();
        let y = forward(&quantizer, 0.5, &x).unwrap();
        let y = host::read::<f32>(&y).unwrap();
        assert!(y[0] == 1.0 && y[1].is_nan() && y[2] == 2.0);
    }
}
