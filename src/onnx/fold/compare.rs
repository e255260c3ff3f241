//! Comparisons, logic, and the choice between two tensors.

use std::cmp::Ordering;

use crate::error::Result;

use super::super::tensor::{Data, Tensor};
use super::call::Call;
use super::strided::{broadcast, broadcast_positions, broadcast_to, tensor, zip};

/// Equal, Greater, GreaterOrEqual, Less, LessOrEqual; with a NaN all are false.
pub(super) fn compare(call: &Call) -> Result<Tensor> {
    let (a, b) = (call.required(0)?, call.required(1)?);
    let holds = |ordering: Option<Ordering>| {
        Ok(match call.node.op.as_str() {
            "Equal" => ordering == Some(Ordering::Equal),
            "Greater" => ordering == Some(Ordering::Greater),
            "Less" => ordering == Some(Ordering::Less),
            "GreaterOrEqual" => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
            _ => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
        })
    };
    let result = match (&a.data, &b.data) {
        (Data::Int(x), Data::Int(y)) => zip(call, (&a.shape, x), (&b.shape, y), |x, y| holds(Some(x.cmp(&y)))),
        (Data::Bool(x), Data::Bool(y)) => zip(call, (&a.shape, x), (&b.shape, y), |x, y| holds(Some(x.cmp(&y)))),
        (Data::Float(x), Data::Float(y)) => zip(call, (&a.shape, x), (&b.shape, y), |x, y| holds(x.partial_cmp(&y))),
        _ => {
            let found = format!("{} and {}", a.kind().word(), b.kind().word());
            Err(call.wrong(found, "two tensors of one type"))
        }
    };
    Ok(tensor(result?, Data::Bool))
}

/// The truth values of an input.
fn truths<'a>(call: &Call<'a>, position: usize) -> Result<(&'a [usize], &'a [bool])> {
    let tensor = call.required(position)?;
    match &tensor.data {
        Data::Bool(values) => Ok((&tensor.shape, values)),
        other => Err(call.wrong(format!("{} in input {position}", other.kind().word()), "truth values")),
    }
}

/// And, Or, Xor.
pub(super) fn logic(call: &Call) -> Result<Tensor> {
    let function = |x: bool, y: bool| {
        Ok(match call.node.op.as_str() {
            "And" => x && y,
            "Or" => x || y,
            _ => x != y,
        })
    };
    Ok(tensor(zip(call, truths(call, 0)?, truths(call, 1)?, function)?, Data::Bool))
}

/// Not.
pub(super) fn not(call: &Call) -> Result<Tensor> {
    let (shape, values) = truths(call, 0)?;
    Ok(Tensor { shape: shape.to_vec(), data: Data::Bool(values.iter().map(|v| !v).collect()) })
}

/// Where: the second input where the first is true, elsewhere the third.
pub(super) fn select_by(call: &Call) -> Result<Tensor> {
    fn of<T: Copy>(mask: impl Iterator<Item = bool>, x: &[T], y: &[T]) -> Vec<T> {
        mask.zip(x.iter().zip(y)).map(|(first, (&x, &y))| if first { x } else { y }).collect()
    }
    let ((mask_shape, mask), x, y) = (truths(call, 0)?, call.required(1)?, call.required(2)?);
    let shape = broadcast(call, mask_shape, &broadcast(call, &x.shape, &y.shape)?)?;
    let n = call.elements(&shape)?;
    let mask = broadcast_positions(mask_shape, &shape, n).map(|i| mask[i]);
    let (x, y) = (broadcast_to(x, shape.clone(), n), broadcast_to(y, shape, n));
    let data = match (&x.data, &y.data) {
        (Data::Int(x), Data::Int(y)) => Data::Int(of(mask, x, y)),
        (Data::Float(x), Data::Float(y)) => Data::Float(of(mask, x, y)),
        (Data::Bool(x), Data::Bool(y)) => Data::Bool(of(mask, x, y)),
        _ => return Err(call.wrong("a choice between two types", "two tensors of one type")),
    };
    Ok(Tensor { shape: x.shape, data })
}
