//! Matrix products and dequantisation.

use crate::error::Result;

use super::super::tensor::{Data, Tensor};
use super::call::Call;
use super::strided::{broadcast, broadcast_positions, strides};

/// Multiplications of a product that is still folded: about a second.
const MAX_PRODUCTS: usize = 1 << 28;

/// MatMul as in numpy; `None` if it is larger than what is worth folding.
pub(super) fn matmul(call: &Call) -> Result<Option<Vec<Tensor>>> {
    let (a, b) = (call.required(0)?, call.required(1)?);
    let wrong = || call.wrong(format!("shapes {:?} and {:?}", a.shape, b.shape), "shapes of a matrix product");
    // A vector on the left is a row, on the right a column; that dimension is dropped from the result.
    let (a_vector, b_vector) = (a.shape.len() == 1, b.shape.len() == 1);
    let a_shape = if a_vector { vec![1, a.shape[0]] } else { a.shape.clone() };
    let b_shape = if b_vector { vec![b.shape[0], 1] } else { b.shape.clone() };
    let ([a_batch @ .., rows, inner], [b_batch @ .., b_inner, columns]) = (&a_shape[..], &b_shape[..]) else {
        return Err(wrong());
    };
    let (rows, inner, columns) = (*rows, *inner, *columns);
    if inner != *b_inner {
        return Err(wrong());
    }
    let batch = broadcast(call, a_batch, b_batch)?;
    let shape = [&batch[..], &[rows, columns]].concat();
    let elements = call.elements(&shape)?;
    if elements.checked_mul(inner).is_none_or(|n| n > MAX_PRODUCTS) {
        return Ok(None);
    }
    let batches = call.elements(&batch)?.min(elements);
    let pairs = broadcast_positions(a_batch, &batch, batches).zip(broadcast_positions(b_batch, &batch, batches));
    let pairs = pairs.map(|(i, j)| (i * rows * inner, j * inner * columns));
    let cells = pairs.flat_map(|(i, j)| (0..rows).map(move |r| (i + r * inner, j)));
    let cells = cells.flat_map(|(i, j)| (0..columns).map(move |c| (i, j + c)));
    let data = match (&a.data, &b.data) {
        (Data::Float(x), Data::Float(y)) => {
            let product = |(i, j), k| f64::from(x[i + k]) * f64::from(y[j + k * columns]);
            let dot = |cell: (usize, usize)| (0..inner).map(|k| product(cell, k)).sum::<f64>() as f32;
            Data::Float(cells.map(dot).collect())
        }
        (Data::Int(x), Data::Int(y)) => {
            let overflow = || call.wrong("a matrix product that overflows", "64-bit integers");
            let dot = |(i, j): (usize, usize)| {
                let mut products = (0..inner).map(|k| x[i + k].checked_mul(y[j + k * columns]));
                products.try_fold(0i64, |sum, p| sum.checked_add(p?)).ok_or_else(overflow)
            };
            Data::Int(cells.map(dot).collect::<Result<_>>()?)
        }
        _ => return Err(call.wrong("other types", "two tensors of floats or two of integers")),
    };
    let dropped = shape
        .iter()
        .enumerate()
        .filter(|(i, _)| !(a_vector && i + 2 == shape.len() || b_vector && i + 1 == shape.len()));
    Ok(Some(vec![Tensor { shape: dropped.map(|(_, &size)| size).collect(), data }]))
}

/// DequantizeLinear: `(x - zero) · scale` with one scale, one for each index of an axis, or one for each block of it.
pub(super) fn dequantize(call: &Call) -> Result<Tensor> {
    let (input, scale) = (call.required(0)?, call.required(1)?);
    let (Data::Int(codes), Data::Float(scales)) = (&input.data, &scale.data) else {
        let found = format!("{} with a scale of {}", input.kind().word(), scale.kind().word());
        return Err(call.wrong(found, "integers with a scale of floats"));
    };
    let zeros = call.ints(2)?;
    if call.input(2).is_some_and(|zero| zero.shape != scale.shape && (zero.len() != 1 || scale.len() != 1)) {
        return Err(call.wrong("a zero point of another shape than the scale", "one for each scale"));
    }
    let shape = &input.shape;
    let wrong = || {
        call.wrong(format!("scale of shape {:?} for shape {shape:?}", scale.shape), "a scale for each index or block")
    };
    let block = usize::try_from(call.node.int("block_size", 0)?).map_err(|_| wrong())?;
    let axis = || call.axis(call.node.int("axis", 1)?, shape.len());
    // The scale of an element stands at Σ (index / block) · stride.
    let (blocks, view): (Vec<usize>, Vec<isize>) = if block > 0 {
        let axis = axis()?;
        let expected: Vec<usize> =
            shape.iter().enumerate().map(|(i, &size)| if i == axis { size.div_ceil(block) } else { size }).collect();
        if scale.shape != expected {
            return Err(wrong());
        }
        let blocks = (0..shape.len()).map(|i| if i == axis { block } else { 1 });
        (blocks.collect(), strides(&scale.shape))
    } else if scales.len() == 1 {
        (vec![1; shape.len()], vec![0; shape.len()])
    } else {
        let axis = axis()?;
        if scale.shape != [shape[axis]] {
            return Err(wrong());
        }
        (vec![1; shape.len()], (0..shape.len()).map(|i| isize::from(i == axis)).collect())
    };
    let own = strides(shape);
    let place = |p: usize| -> usize {
        let dims = own.iter().zip(shape).zip(blocks.iter().zip(&view));
        dims.map(|((&stride, &size), (block, &step))| p / stride as usize % size / block * step as usize).sum()
    };
    let value = |(p, &code): (usize, &i64)| {
        let at = place(p);
        let zero = zeros.as_ref().and_then(|z| z.get(at)).map_or(0.0, |&z| z as f64);
        ((code as f64 - zero) * f64::from(scales[at])) as f32
    };
    Ok(Tensor { shape: shape.clone(), data: Data::Float(codes.iter().enumerate().map(value).collect()) })
}
