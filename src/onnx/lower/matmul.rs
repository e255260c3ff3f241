//! Products of matrices that the model computes.

use crate::error::Result;
use crate::graph::Function;
use crate::onnx::tensor::ElementKind;

use super::broadcast::{expand, joint_shape};
use super::call::Call;
use super::context::Context;
use super::value::{Dynamic, Samples, canonical};

/// The value with its last two axes exchanged.
pub fn swapped(context: &mut Context, x: &Dynamic) -> Result<Dynamic> {
    let rank = x.rank();
    let mut axes: Vec<usize> = (0..rank).collect();
    axes.swap(rank.saturating_sub(2), rank.saturating_sub(1));
    permuted(context, x, &axes)
}

/// The value with its axes in another order: axis `i` is axis `axes[i]` of the input.
pub fn permuted(context: &mut Context, x: &Dynamic, axes: &[usize]) -> Result<Dynamic> {
    let shape: Vec<usize> = axes.iter().filter_map(|&axis| x.shape.get(axis).copied()).collect();
    let batch = x.batch.and_then(|batch| axes.iter().position(|&axis| axis == batch));
    let kept = axes.first() == Some(&0) && x.shape.first() == Some(&1);
    let node = match kept {
        true => context.transpose("", x.node, &axes.iter().skip(1).map(|axis| axis - 1).collect::<Vec<_>>())?,
        false => {
            let whole = context.whole(x)?;
            context.transpose("", whole, axes)?
        }
    };
    context.done(node, &shape, x.samples_at(batch), x.kind)
}

/// `scale · a·b` over the last two axes, the others broadcast; a vector is a row on the left, a column on the right.
pub fn products(context: &mut Context, call: &Call, a: &Dynamic, b: &Dynamic, scale: f64) -> Result<Dynamic> {
    let (a, row) = as_matrices(context, a, true)?;
    let (b, column) = as_matrices(context, b, false)?;
    let (&[ref left @ .., m, k], &[ref right @ .., l, n]) = (&a.shape[..], &b.shape[..]) else {
        return Err(call.wrong("a factor without axes", "matrices"));
    };
    if k != l {
        return Err(
            call.wrong(format!("factors of shape {:?} and {:?}", a.shape, b.shape), "matrices that can be multiplied")
        );
    }
    a.keep_apart(call, [a.rank() - 1])?;
    b.keep_apart(call, [b.rank() - 2])?;
    let outer = |x: &Dynamic, shape: &[usize]| Dynamic {
        shape: shape.to_vec(),
        batch: x.batch.filter(|&batch| batch < shape.len()),
        ..x.clone()
    };
    let (leading, Samples { axis: batch, .. }) = joint_shape(call, &[&outer(&a, left), &outer(&b, right)])?;
    let major = if a.batch.is_some() { a.major } else { b.major };
    let inner = |x: &Dynamic| x.batch.filter(|&batch| batch + 2 >= x.rank()).map(|batch| batch + 2 - x.rank());
    let batch = match (batch, inner(&a), inner(&b)) {
        (batch, None, None) => batch,
        // The batch is on the rows of one factor only, which the other multiplies alike.
        (None, Some(_), None) if b.batch.is_none() => Some(leading.len()),
        (None, None, Some(_)) if a.batch.is_none() => Some(leading.len() + 1),
        _ => return Err(call.mixes_samples(leading.len())),
    };
    let mut nodes = [0; 2];
    for ((node, x), [rows, columns]) in nodes.iter_mut().zip([&a, &b]).zip([[m, k], [k, n]]) {
        let target = [&leading[..], &[rows, columns]].concat();
        *node = match leading.first() {
            // Both lose the leading axis of 1, if it is no row.
            Some(_) => expand(context, x, &target)?,
            None => context.reshape("matrix", x.node, &target)?,
        };
    }
    let product = Function::MatMul { transpose_right: false, scale };
    let node = context.function("", product, &nodes)?;
    let mut shape = [&leading[..], &[m, n]].concat();
    debug_assert!(leading.is_empty() || context.shape(node) == canonical(&shape));
    let mut batch = batch;
    for (gone, axis) in [(column, shape.len() - 1), (row, shape.len() - 2)] {
        if gone {
            shape.remove(axis);
            batch = batch.map(|batch| if batch > axis { batch - 1 } else { batch });
        }
    }
    context.done(node, &shape, Samples { axis: batch, major }, ElementKind::Float)
}

/// A vector as a matrix of one row or column; and whether it was one.
fn as_matrices(context: &mut Context, x: &Dynamic, row: bool) -> Result<(Dynamic, bool)> {
    match (x.shape.as_slice(), row) {
        (&[n], true) => Ok((context.done(x.node, &[1, n], x.samples_at(x.batch.map(|_| 1)), x.kind)?, true)),
        (&[n], false) => Ok((context.done(x.node, &[n, 1], x.samples(), x.kind)?, true)),
        _ => Ok((x.clone(), false)),
    }
}
