//! Operators that keep the elements and change the shape, order or repetition.

use crate::error::Result;

use super::super::decode::element_count;
use super::super::tensor::Tensor;
use super::call::Call;
use super::strided::{Positions, broadcast, broadcast_to, strides};

/// The tensor with another shape, which must have as many elements.
fn reshaped(call: &Call, tensor: &Tensor, shape: Vec<usize>) -> Result<Tensor> {
    if element_count(&shape) != Some(tensor.len()) {
        let found = format!("{} elements of shape {:?} reshaped to {shape:?}", tensor.len(), tensor.shape);
        return Err(call.wrong(found, "as many elements"));
    }
    Ok(Tensor { shape, data: tensor.data.clone() })
}

/// Reshape: 0 keeps a size (unless `allowzero`), one -1 follows from the others.
pub(super) fn reshape(call: &Call) -> Result<Tensor> {
    let (input, wanted) = (call.required(0)?, call.shape(1)?);
    let keep_zero = call.node.int("allowzero", 0)? != 0;
    let size = |(i, &v): (usize, &i64)| match v {
        -1 => Ok(1),
        0 if !keep_zero => input
            .shape
            .get(i)
            .copied()
            .ok_or_else(|| call.wrong(format!("a 0 for dimension {i}"), "a dimension to keep")),
        _ => usize::try_from(v).map_err(|_| call.wrong(format!("size {v}"), "sizes of 0 or more, or one -1")),
    };
    let mut shape = wanted.iter().enumerate().map(size).collect::<Result<Vec<usize>>>()?;
    let mut open = wanted.iter().enumerate().filter(|(_, v)| **v == -1).map(|(i, _)| i);
    if let Some(free) = open.next() {
        let rest = element_count(&shape).filter(|&n| n > 0 && input.len().is_multiple_of(n) && open.next().is_none());
        let wrong =
            || call.wrong(format!("{} elements reshaped to {:?}", input.len(), wanted), "a size for its one -1");
        shape[free] = input.len() / rest.ok_or_else(wrong)?;
    }
    reshaped(call, input, shape)
}

/// Flatten: two dimensions, split before `axis`.
pub(super) fn flatten(call: &Call) -> Result<Tensor> {
    let input = call.required(0)?;
    let (axis, rank) = (call.node.int("axis", 1)?, input.shape.len());
    let split = if axis == rank as i64 { rank } else { call.axis(axis, rank)? };
    let (rows, columns) = input.shape.split_at(split);
    reshaped(call, input, vec![rows.iter().product(), columns.iter().product()])
}

/// Squeeze: without the named dimensions of size 1, or without all of them.
pub(super) fn squeeze(call: &Call) -> Result<Tensor> {
    let input = call.required(0)?;
    let dropped = match call.ints_since(13, "axes", 1)? {
        Some(axes) => call.marked(&axes, input.shape.len())?,
        None => input.shape.iter().map(|&size| size == 1).collect(),
    };
    if let Some((size, _)) = input.shape.iter().zip(&dropped).find(|(size, drop)| **drop && **size != 1) {
        return Err(call.wrong(format!("a squeezed dimension of size {size}"), "size 1"));
    }
    let kept = input.shape.iter().zip(&dropped).filter(|(_, drop)| !**drop).map(|(&size, _)| size);
    reshaped(call, input, kept.collect())
}

/// Unsqueeze: dimensions of size 1 at the named places of the result.
pub(super) fn unsqueeze(call: &Call) -> Result<Tensor> {
    let input = call.required(0)?;
    let axes = call.ints_since(13, "axes", 1)?.ok_or_else(|| call.wrong("no axes", "axes"))?;
    let rank = input.shape.len() + axes.len();
    call.elements(&vec![1; rank])?;
    let mut old = input.shape.iter().copied();
    let new = call.marked(&axes, rank)?;
    reshaped(call, input, new.into_iter().map(|is_new| if is_new { 1 } else { old.next().unwrap_or(1) }).collect())
}

/// Transpose: dimension `i` of the result is dimension `perm[i]` of the input; reversed without `perm`.
pub(super) fn transpose(call: &Call) -> Result<Tensor> {
    let input = call.required(0)?;
    let rank = input.shape.len();
    let order: Vec<usize> = match call.node.ints("perm")? {
        None => (0..rank).rev().collect(),
        Some(perm) if perm.len() == rank && call.marked(perm, rank).is_ok() => {
            perm.iter().map(|&axis| call.axis(axis, rank)).collect::<Result<_>>()?
        }
        Some(perm) => return Err(call.wrong(format!("perm of {} axes", perm.len()), format!("an order of {rank}"))),
    };
    let own = strides(&input.shape);
    let shape: Vec<usize> = order.iter().map(|&axis| input.shape[axis]).collect();
    let moved: Vec<isize> = order.iter().map(|&axis| own[axis]).collect();
    let data = input.data.pick(Positions::new(&shape, &moved, 0, input.len()));
    Ok(Tensor { shape, data })
}

/// Expand: broadcast with a shape.
pub(super) fn expand(call: &Call) -> Result<Tensor> {
    let input = call.required(0)?;
    let shape = broadcast(call, &input.shape, &call.sizes(&call.shape(1)?)?)?;
    let elements = call.elements(&shape)?;
    Ok(broadcast_to(input, shape, elements))
}

/// Tile: each dimension repeated.
pub(super) fn tile(call: &Call) -> Result<Tensor> {
    let (input, repeats) = (call.required(0)?, call.sizes(&call.shape(1)?)?);
    if repeats.len() != input.shape.len() {
        return Err(call.wrong(format!("{} repeats", repeats.len()), format!("one for each of {:?}", input.shape)));
    }
    // Seen as a tensor with a dimension of stride 0 before each of the input's.
    let own = strides(&input.shape);
    let doubled: Vec<usize> = repeats.iter().zip(&input.shape).flat_map(|(&r, &size)| [r, size]).collect();
    let view: Vec<isize> = own.iter().flat_map(|&stride| [0, stride]).collect();
    let shape = repeats.iter().zip(&input.shape).map(|(r, size)| r.saturating_mul(*size)).collect::<Vec<usize>>();
    let elements = call.elements(&shape)?;
    Ok(Tensor { data: input.data.pick(Positions::new(&doubled, &view, 0, elements)), shape })
}
