//! Expand and Tile: elements repeated.

use crate::error::Result;
use crate::graph::AxisMap;

use super::broadcast::{expand as broadcast, joint};
use super::call::Call;
use super::context::Context;
use super::value::{Dynamic, Value};

/// Expand: broadcast to a shape, which may name the batch size.
pub fn expand(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let Value::Constant(target) = call.input(1)? else {
        return Err(call.unsupported("a shape that depends on the samples"));
    };
    let extents = |tensor: &crate::onnx::Tensor| {
        let extents = tensor.ints()?.into_iter().map(|n| usize::try_from(n).ok().filter(|&n| n > 0));
        extents.collect::<Option<Vec<_>>>()
    };
    let (Some(one), Some(three)) = (extents(&target.one), extents(&target.three)) else {
        return Err(call.wrong("a shape that is not of positive integers", "positive integers"));
    };
    let mut tripled = x.shape.clone();
    if let Some(extent) = x.batch.and_then(|axis| tripled.get_mut(axis)) {
        *extent = extent.saturating_mul(3);
    }
    let (shape, three) = (joint(call, &[&x.shape, &one])?, joint(call, &[&tripled, &three])?);
    let longer: Vec<usize> = (0..shape.len()).filter(|&axis| shape.get(axis) != three.get(axis)).collect();
    let moved = x.batch.map(|batch| batch + shape.len() - x.rank());
    let batch = match longer[..] {
        [] => None,
        [axis] if three[axis] == shape[axis].saturating_mul(3) => Some(axis),
        _ => return Err(call.unsupported("a shape computed from the batch size")),
    };
    if moved.is_some() && moved != batch {
        return Err(call.mixes_samples(moved.unwrap_or_default()));
    }
    let node = broadcast(context, &x, &shape)?;
    context.done(node, &shape, x.samples_at(batch), x.kind)
}

/// Tile: the whole axis again and again.
pub fn tile(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let mut x = context.dynamic(call, call.input(0)?)?;
    let repeats = call.optional_ints(1, "repeats")?.unwrap_or_default();
    if repeats.len() != x.rank() {
        return Err(call.wrong(format!("{} repeats for {} axes", repeats.len(), x.rank()), "one for each axis"));
    }
    for (axis, repeats) in repeats.into_iter().enumerate() {
        let Some(count) = usize::try_from(repeats).ok().filter(|&n| n > 0) else {
            return Err(call.wrong(format!("{repeats} repeats"), "1 or more"));
        };
        if count == 1 {
            continue;
        }
        x.keep_apart(call, [axis])?;
        let (outer, inner) = x.shape.split_at(axis);
        let extent = inner.first().copied().unwrap_or(1);
        let whole: usize = inner.iter().product();
        let rows: usize = outer.iter().product();
        let node = context.reshape("rows", x.node, &[rows, 1, whole])?;
        let node = context.along("", node, 1, AxisMap::Repeat { count })?;
        let mut shape = x.shape.clone();
        shape[axis] = extent.saturating_mul(count);
        x = context.done(node, &shape, x.samples(), x.kind)?;
    }
    Ok(x)
}
