//! Positions of elements seen through strides, and numpy's broadcasting.

use crate::error::Result;

use super::super::tensor::{Data, Tensor};
use super::call::Call;

/// Strides of a row-major tensor. The sizes' product, zeros counted as one, fits: see `element_count`.
pub(super) fn strides(shape: &[usize]) -> Vec<isize> {
    let mut strides: Vec<isize> = Vec::with_capacity(shape.len());
    let mut next = 1isize;
    for &size in shape.iter().rev() {
        strides.push(next);
        next = next.saturating_mul(size.max(1) as isize);
    }
    strides.reverse();
    strides
}

/// Positions of the elements of a view: `offset + Σ index·stride`, the last dimension fastest.
pub(super) struct Positions {
    /// Size and stride of each dimension.
    dims: Vec<(usize, isize)>,
    index: Vec<usize>,
    at: isize,
    left: usize,
}

impl Positions {
    /// All positions of a view; `elements` is the number of its elements.
    pub(super) fn new(shape: &[usize], strides: &[isize], offset: isize, elements: usize) -> Self {
        let dims = shape.iter().copied().zip(strides.iter().copied()).collect();
        Self { dims, index: vec![0; shape.len()], at: offset, left: elements }
    }
}

impl Iterator for Positions {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let current = self.at;
        for (index, &(size, stride)) in self.index.iter_mut().zip(&self.dims).rev() {
            *index += 1;
            self.at += stride;
            if *index < size {
                break;
            }
            self.at -= stride * size as isize;
            *index = 0;
        }
        Some(current as usize)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// The shape that two shapes broadcast to.
pub(super) fn broadcast(call: &Call, a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |shape: &[usize], i: usize| (i + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    let both = (0..rank).map(|i| match (size(a, i), size(b, i)) {
        (x, y) if x == y || y == 1 => Ok(x),
        (1, y) => Ok(y),
        _ => Err(call.wrong(format!("shapes {a:?} and {b:?}"), "shapes that broadcast")),
    });
    both.collect()
}

/// Positions in a tensor of shape `from` for the elements of the shape `to` that it broadcasts to.
pub(super) fn broadcast_positions(from: &[usize], to: &[usize], elements: usize) -> Positions {
    let missing = to.len() - from.len();
    let own = strides(from).into_iter().zip(from).map(|(stride, &size)| if size == 1 { 0 } else { stride });
    let all: Vec<isize> = std::iter::repeat_n(0, missing).chain(own).collect();
    Positions::new(to, &all, 0, elements)
}

/// A tensor broadcast to a larger shape.
pub(super) fn broadcast_to(tensor: &Tensor, shape: Vec<usize>, elements: usize) -> Tensor {
    let data = tensor.data.pick(broadcast_positions(&tensor.shape, &shape, elements));
    Tensor { shape, data }
}

/// A binary function of broadcast elements: the shape and the results.
pub(super) fn zip<A: Copy, B: Copy, C>(
    call: &Call,
    (a_shape, a): (&[usize], &[A]),
    (b_shape, b): (&[usize], &[B]),
    function: impl Fn(A, B) -> Result<C>,
) -> Result<(Vec<usize>, Vec<C>)> {
    let shape = broadcast(call, a_shape, b_shape)?;
    let n = call.elements(&shape)?;
    let pairs = broadcast_positions(a_shape, &shape, n).zip(broadcast_positions(b_shape, &shape, n));
    let results = pairs.map(|(i, j)| function(a[i], b[j])).collect::<Result<_>>()?;
    Ok((shape, results))
}

/// The tensor of a shape and data.
pub(super) fn tensor<T>((shape, values): (Vec<usize>, Vec<T>), data: impl Fn(Vec<T>) -> Data) -> Tensor {
    Tensor { shape, data: data(values) }
}
