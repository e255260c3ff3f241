//! Linear maps along one axis as products with their matrix, written out.

use candle_core::{D, Tensor};

use crate::error::Result;
use crate::exec::plain::tensors::like;
use crate::graph::AxisMap;

/// The matrix `[outputs, inputs]` for an axis of `extent`.
fn matrix(map: &AxisMap, extent: usize, x: &Tensor) -> Result<Tensor> {
    let count = map.output(extent).unwrap_or(0);
    let mut values = vec![0.0; count * extent];
    for (i, row) in values.chunks_exact_mut(extent).enumerate() {
        map.row(i, extent).into_iter().for_each(|(j, a)| row[j] += a);
    }
    like(x, &values, &[count, extent])
}

/// `x A` with the axis last and brought back.
fn product(x: &Tensor, axis: usize, a: &Tensor) -> Result<Tensor> {
    let last = x.transpose(axis, D::Minus1)?.contiguous()?;
    let rows = last.reshape(((), last.dim(D::Minus1)?))?.matmul(a)?;
    let mut shape = last.dims().to_vec();
    if let Some(extent) = shape.last_mut() {
        *extent = a.dim(1)?;
    }
    Ok(rows.reshape(shape)?.transpose(axis, D::Minus1)?.contiguous()?)
}

/// `y = A x` along `axis` of a sample.
pub(super) fn forward(map: &AxisMap, axis: usize, x: &Tensor) -> Result<Tensor> {
    product(x, axis + 1, &matrix(map, x.dim(axis + 1)?, x)?.t()?)
}

/// `dx = Aᵀ g`.
pub(super) fn adjoint(map: &AxisMap, axis: usize, x: &Tensor, g: &Tensor) -> Result<Tensor> {
    product(g, axis + 1, &matrix(map, x.dim(axis + 1)?, x)?)
}
