//! Functions of each element alone.

use crate::error::Result;

use super::super::tensor::{Data, Tensor};
use super::call::Call;

/// A function of floats, and of integers where the operator allows them (`None`: the result does not fit).
#[derive(Clone, Copy)]
pub(super) struct Function {
    of_float: fn(f64) -> f64,
    of_int: Option<fn(i64) -> Option<i64>>,
}

/// The function of an operator.
pub(super) fn function(op: &str) -> Option<Function> {
    let of_float: fn(f64) -> f64 = match op {
        "Neg" => |v| -v,
        "Abs" => f64::abs,
        "Relu" => |v| if v < 0.0 { 0.0 } else { v },
        "Sign" => |v| if v == 0.0 || v.is_nan() { v } else { v.signum() },
        "Sqrt" => f64::sqrt,
        "Exp" => f64::exp,
        "Log" => f64::ln,
        "Sin" => f64::sin,
        "Cos" => f64::cos,
        "Reciprocal" => f64::recip,
        "Floor" => f64::floor,
        "Ceil" => f64::ceil,
        "Round" => f64::round_ties_even,
        "Sigmoid" => |v| 1.0 / (1.0 + (-v).exp()),
        "Tanh" => f64::tanh,
        "Erf" => libm::erf,
        _ => return None,
    };
    let of_int: Option<fn(i64) -> Option<i64>> = match op {
        "Neg" => Some(i64::checked_neg),
        "Abs" => Some(i64::checked_abs),
        "Relu" => Some(|v| Some(v.max(0))),
        "Sign" => Some(|v| Some(v.signum())),
        _ => None,
    };
    Some(Function { of_float, of_int })
}

/// Applies a function to every element.
pub(super) fn apply(call: &Call, function: Function) -> Result<Tensor> {
    let input = call.required(0)?;
    let data = match (&input.data, function.of_int) {
        (Data::Float(v), _) => Data::Float(v.iter().map(|&v| (function.of_float)(f64::from(v)) as f32).collect()),
        (Data::Int(v), Some(of_int)) => {
            let overflow = || call.wrong("an integer that overflows", "a result that is a 64-bit integer");
            Data::Int(v.iter().map(|&v| of_int(v).ok_or_else(overflow)).collect::<Result<_>>()?)
        }
        (other, _) => return Err(call.wrong(other.kind().word(), "floats")),
    };
    Ok(Tensor { shape: input.shape.clone(), data })
}

/// Clip: bounds are attributes before opset 11 and inputs from then on; a NaN stays.
pub(super) fn clip(call: &Call) -> Result<Tensor> {
    let input = call.required(0)?;
    let data = match &input.data {
        Data::Float(values) => {
            let (low, high) = if call.opset < 11 {
                (call.node.optional_float("min")?, call.node.optional_float("max")?)
            } else {
                (bound(call, 1)?, bound(call, 2)?)
            };
            let low = low.unwrap_or(f64::NEG_INFINITY) as f32;
            let high = high.unwrap_or(f64::INFINITY) as f32;
            let clipped = |&v: &f32| {
                let raised = if v < low { low } else { v };
                if raised > high { high } else { raised }
            };
            Data::Float(values.iter().map(clipped).collect())
        }
        Data::Int(values) => {
            let low = call.one_int(1)?.unwrap_or(i64::MIN);
            let high = call.one_int(2)?.unwrap_or(i64::MAX);
            Data::Int(values.iter().map(|&v| v.max(low).min(high)).collect())
        }
        Data::Bool(_) => return Err(call.wrong("truth values", "floats or integers")),
    };
    Ok(Tensor { shape: input.shape.clone(), data })
}

/// A bound that is an input.
fn bound(call: &Call, position: usize) -> Result<Option<f64>> {
    let Some(tensor) = call.input(position) else { return Ok(None) };
    let wrong = || call.wrong(format!("{} numbers in input {position}", tensor.len()), "one number");
    tensor.scalar().ok_or_else(wrong).map(Some)
}
