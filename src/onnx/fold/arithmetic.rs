//! Arithmetic of two tensors, and the smallest and largest of several.

use crate::error::Result;

use super::super::tensor::{Data, Tensor};
use super::call::Call;
use super::strided::{tensor, zip};

/// Add, Sub, Mul, Div, Mod, Pow.
pub(super) fn binary(call: &Call) -> Result<Tensor> {
    let (a, b) = (call.required(0)?, call.required(1)?);
    let remainder_of_c = call.node.int("fmod", 0)? != 0;
    let op = call.node.op.as_str();
    let on_ints = |x: i64, y: i64| {
        let value = match op {
            "Add" => x.checked_add(y),
            "Sub" => x.checked_sub(y),
            "Mul" => x.checked_mul(y),
            "Div" => x.checked_div(y),
            "Mod" if remainder_of_c => x.checked_rem(y),
            "Mod" => x.checked_rem(y).map(|r| if r != 0 && (r < 0) != (y < 0) { r + y } else { r }),
            _ => match u32::try_from(y) {
                Ok(y) => x.checked_pow(y),
                Err(_) if y < 0 => Some((x as f64).powf(y as f64) as i64),
                Err(_) => None,
            },
        };
        value.ok_or_else(|| call.wrong(format!("{op} of {x} and {y}"), "a result that is a 64-bit integer"))
    };
    // Doubles round a sum, product or quotient of floats to the float that 32-bit arithmetic gives.
    let on_floats = |x: f64, y: f64| match op {
        "Add" => x + y,
        "Sub" => x - y,
        "Mul" => x * y,
        "Div" => x / y,
        "Mod" if remainder_of_c => x % y,
        "Mod" => sign_of_divisor(x % y, y),
        _ => x.powf(y),
    };
    match (&a.data, &b.data) {
        (Data::Int(x), Data::Int(y)) => Ok(tensor(zip(call, (&a.shape, x), (&b.shape, y), on_ints)?, Data::Int)),
        (Data::Float(x), Data::Float(y)) => {
            let rounded = |x: f32, y: f32| Ok(on_floats(f64::from(x), f64::from(y)) as f32);
            Ok(tensor(zip(call, (&a.shape, x), (&b.shape, y), rounded)?, Data::Float))
        }
        // The exponent may be of another type; the result has that of the base.
        (Data::Float(x), Data::Int(y)) if op == "Pow" => {
            let rounded = |x: f32, y: i64| Ok(f64::from(x).powf(y as f64) as f32);
            Ok(tensor(zip(call, (&a.shape, x), (&b.shape, y), rounded)?, Data::Float))
        }
        (Data::Int(x), Data::Float(y)) if op == "Pow" => {
            let truncated = |x: i64, y: f32| Ok((x as f64).powf(f64::from(y)) as i64);
            Ok(tensor(zip(call, (&a.shape, x), (&b.shape, y), truncated)?, Data::Int))
        }
        _ => {
            let found = format!("{} and {}", a.kind().word(), b.kind().word());
            Err(call.wrong(found, "two tensors of floats or two of integers"))
        }
    }
}

/// A remainder of a division by `y`, moved to the sign of `y`.
fn sign_of_divisor(remainder: f64, y: f64) -> f64 {
    if remainder != 0.0 && (remainder < 0.0) != (y < 0.0) { remainder + y } else { remainder }
}

/// Min and Max of one tensor or more; a NaN makes a NaN.
pub(super) fn extreme(call: &Call) -> Result<Tensor> {
    let smallest = call.node.op == "Min";
    let mut result = call.required(0)?.clone();
    for position in 1..call.inputs.len() {
        let other = call.required(position)?;
        result = match (&result.data, &other.data) {
            (Data::Int(x), Data::Int(y)) => {
                let of_two = |x: i64, y: i64| Ok(if smallest { x.min(y) } else { x.max(y) });
                tensor(zip(call, (&result.shape, x), (&other.shape, y), of_two)?, Data::Int)
            }
            (Data::Float(x), Data::Float(y)) => {
                let of_two = |x: f32, y: f32| {
                    Ok(match smallest {
                        _ if x.is_nan() || y.is_nan() => f32::NAN,
                        true => x.min(y),
                        false => x.max(y),
                    })
                };
                tensor(zip(call, (&result.shape, x), (&other.shape, y), of_two)?, Data::Float)
            }
            _ => return Err(call.wrong("inputs of different or other types", "tensors of floats or of integers")),
        };
    }
    Ok(result)
}
