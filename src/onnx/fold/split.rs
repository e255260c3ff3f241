//! Split and Concat.

use crate::error::Result;

use super::super::tensor::{Data, Tensor};
use super::call::Call;

/// Split: parts along an axis. Their sizes are an attribute before opset 13 and an input from then on; without them the
/// parts are equal, from opset 18 with a smaller last one.
pub(super) fn split(call: &Call) -> Result<Vec<Tensor>> {
    let input = call.required(0)?;
    let axis = call.axis(call.node.int("axis", 0)?, input.shape.len())?;
    let (size, parts) = (input.shape[axis], call.node.outputs.len());
    if call.opset >= 18 && call.node.optional_int("num_outputs")?.is_some_and(|n| n != parts as i64) {
        return Err(call.wrong(format!("{parts} outputs"), "as many as `num_outputs`"));
    }
    let sizes = match call.ints_since(13, "split", 1)? {
        Some(sizes) => call.sizes(&sizes)?,
        None if call.opset < 18 && !size.is_multiple_of(parts.max(1)) => {
            return Err(call.wrong(format!("size {size} for {parts} outputs"), "a size with equal parts"));
        }
        None => {
            let equal = size.div_ceil(parts.max(1));
            (0..parts).map(|i| size.saturating_sub(i * equal).min(equal)).collect()
        }
    };
    let sum = sizes.iter().try_fold(0usize, |sum, &part| sum.checked_add(part));
    if sizes.len() != parts || sum != Some(size) {
        let found = format!("{} parts of size {size} for {parts} outputs", sizes.len());
        return Err(call.wrong(found, "a part for each output, of sizes with that sum"));
    }
    let block: usize = input.shape[axis + 1..].iter().product();
    let blocks: usize = input.shape[..axis].iter().product();
    let mut start = 0;
    let part = |part: usize| {
        let rows = (0..blocks).map(|b| (b * size + start) * block);
        let mut shape = input.shape.clone();
        shape[axis] = part;
        let empty = part == 0 || input.is_empty();
        let data = if empty { input.data.pick([]) } else { input.data.pick(rows.flat_map(|r| r..r + part * block)) };
        start += part;
        Tensor { shape, data }
    };
    Ok(sizes.into_iter().map(part).collect())
}

/// Concat: tensors of one type one after the other along an axis.
pub(super) fn concat(call: &Call) -> Result<Tensor> {
    let first = call.required(0)?;
    let rank = first.shape.len();
    let axis = call.node.optional_int("axis")?.ok_or_else(|| call.wrong("no axis", "an axis"))?;
    let axis = call.axis(axis, rank)?;
    let parts: Vec<&Tensor> = (0..call.inputs.len()).map(|i| call.required(i)).collect::<Result<_>>()?;
    let joins = |t: &Tensor| t.shape.len() == rank && (0..rank).all(|i| i == axis || t.shape[i] == first.shape[i]);
    if let Some(other) = parts.iter().find(|t| !joins(t)) {
        let found = format!("shape {:?} after {:?}", other.shape, first.shape);
        return Err(call.wrong(found, format!("shapes that differ along axis {axis} only")));
    }
    let mut shape = first.shape.clone();
    shape[axis] = parts.iter().fold(0, |sum: usize, t| sum.saturating_add(t.shape[axis]));
    let elements = call.elements(&shape)?;
    let data = match first.data {
        Data::Float(_) => {
            joined(&parts, axis, elements, |d| if let Data::Float(v) = d { Some(v) } else { None }).map(Data::Float)
        }
        Data::Int(_) => {
            joined(&parts, axis, elements, |d| if let Data::Int(v) = d { Some(v) } else { None }).map(Data::Int)
        }
        Data::Bool(_) => {
            joined(&parts, axis, elements, |d| if let Data::Bool(v) = d { Some(v) } else { None }).map(Data::Bool)
        }
    };
    let data = data.ok_or_else(|| call.wrong("inputs of different types", "tensors of one type"))?;
    Ok(Tensor { shape, data })
}

/// The elements of the joined tensor; `None` if a part is of another type.
fn joined<'a, T: Copy + 'a>(
    parts: &[&'a Tensor],
    axis: usize,
    elements: usize,
    of_type: impl Fn(&'a Data) -> Option<&'a Vec<T>>,
) -> Option<Vec<T>> {
    let values: Vec<&Vec<T>> = parts.iter().map(|t| of_type(&t.data)).collect::<Option<_>>()?;
    let mut result = Vec::with_capacity(elements);
    let blocks = if elements == 0 { 0 } else { parts.first()?.shape[..axis].iter().product() };
    for block in 0..blocks {
        for part in &values {
            let size = part.len() / blocks;
            result.extend(&part[block * size..(block + 1) * size]);
        }
    }
    Some(result)
}
