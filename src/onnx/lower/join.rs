//! Concat, Split, DepthToSpace and SpaceToDepth.

use crate::error::Result;
use crate::graph::{AxisMap, Function};

use super::call::Call;
use super::context::Context;
use super::matmul::permuted;
use super::value::{Dynamic, Value};

/// Concat.
pub fn concat(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let parts = call.present().map(|value| context.dynamic(call, value)).collect::<Result<Vec<_>>>()?;
    let Some(first) = parts.first() else { return Err(call.wrong("no inputs", "at least one")) };
    let axis = match call.node.optional_int("axis")? {
        Some(axis) => first.axis(call, axis)?,
        None => return Err(call.wrong("no axis", "the attribute")),
    };
    let batch = parts.iter().find_map(|part| part.batch);
    let mut shape = first.shape.clone();
    shape[axis] = 0;
    for part in &parts {
        part.keep_apart(call, [axis])?;
        if part.batch.is_some() && part.major != first.major && first.batch.is_some() {
            return Err(call.mixes_samples(part.batch.unwrap_or_default()));
        }
        if part.batch != batch {
            return Err(call.unsupported("a constant joined with values of every sample, whose axes it does not have"));
        }
        let others =
            |shape: &[usize]| shape.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, &n)| n).collect::<Vec<_>>();
        if part.rank() != shape.len() || others(&part.shape) != others(&shape) {
            return Err(call.wrong(
                format!("shapes {:?} and {:?}", first.shape, part.shape),
                "shapes that differ on the joined axis only",
            ));
        }
        shape[axis] = shape[axis].saturating_add(part.shape[axis]);
    }
    let mut at = axis;
    let mut nodes = Vec::with_capacity(parts.len());
    // On the leading axis all parts need it.
    for part in &parts {
        nodes.push(match axis {
            0 => context.whole(part)?,
            _ => {
                let (node, own) = context.at(part, axis)?;
                at = own;
                node
            }
        });
    }
    let node = match nodes[..] {
        [only] => only,
        _ => context.function("", Function::Concat { axis: at }, &nodes)?,
    };
    context.done(node, &shape, first.samples_at(batch), first.kind)
}

/// Split into parts of given extents, or equal ones.
pub fn split(context: &mut Context, call: &Call) -> Result<Vec<Value>> {
    let x = context.dynamic(call, call.input(0)?)?;
    let axis = x.axis(call, call.node.int("axis", 0)?)?;
    x.keep_apart(call, [axis])?;
    let extent = x.shape[axis];
    let parts = call.node.outputs.len();
    let counts = match call.ints_of("split", 1)? {
        Some(counts) => counts.iter().map(|&n| usize::try_from(n).ok()).collect::<Option<Vec<_>>>(),
        None => {
            let each = extent.div_ceil(parts.max(1));
            Some((0..parts).map(|part| each.min(extent.saturating_sub(part * each))).collect())
        }
    };
    let fits = |counts: &Vec<usize>| {
        counts.iter().fold(0, |sum: usize, &n| sum.saturating_add(n)) == extent && counts.len() == parts
    };
    let Some(counts) = counts.filter(fits) else {
        return Err(call.wrong(format!("{parts} parts of an axis of {extent}"), "parts that make up the axis"));
    };
    let (node, at) = context.at(&x, axis)?;
    let (mut start, mut values) = (0, Vec::with_capacity(parts));
    for (name, count) in call.node.outputs.iter().zip(counts) {
        let mut shape = x.shape.clone();
        shape[axis] = count;
        // A part that nobody reads may be empty.
        let part = match name.is_empty() {
            true => node,
            false => context.along("part", node, at, AxisMap::Slice { start, step: 1, count })?,
        };
        values.push(match name.is_empty() {
            true => x.clone().into(),
            false => context.done(part, &shape, x.samples(), x.kind)?.into(),
        });
        start += count;
    }
    Ok(values)
}

/// DepthToSpace and SpaceToDepth: channels become cells of a block, or the other way.
pub fn blocks(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    x.keep_apart(call, 1..x.rank())?;
    let size = call.node.int("blocksize", 0)?;
    let (&[n, c, h, w], Some(b)) = (&x.shape[..], usize::try_from(size).ok().filter(|&b| b > 0)) else {
        return Err(call.wrong(format!("blocks of {size} in {:?}", x.shape), "images and blocks of 1 or more"));
    };
    let wrong = || call.wrong(format!("blocks of {b} in {:?}", x.shape), "extents divisible by the block");
    let (split, axes, shape) = if call.node.op == "SpaceToDepth" {
        if !h.is_multiple_of(b) || !w.is_multiple_of(b) {
            return Err(wrong());
        }
        (vec![n, c, h / b, b, w / b, b], vec![0, 3, 5, 1, 2, 4], vec![n, c * b * b, h / b, w / b])
    } else {
        let Some(area) = b.checked_mul(b).filter(|&area| c.is_multiple_of(area)) else { return Err(wrong()) };
        let shape = vec![n, c / area, h * b, w * b];
        match call.node.text("mode", "DCR")? {
            "DCR" => (vec![n, b, b, c / area, h, w], vec![0, 3, 4, 1, 5, 2], shape),
            _ => (vec![n, c / area, b, b, h, w], vec![0, 1, 4, 2, 5, 3], shape),
        }
    };
    let split = context.done(x.node, &split, x.samples(), x.kind)?;
    let turned = permuted(context, &split, &axes)?;
    context.done(turned.node, &shape, x.samples(), x.kind)
}
