//! Slice, Gather and Pad.

use crate::error::Result;
use crate::graph::{AxisMap, Border, Embedding, Op};
use crate::onnx::tensor::ElementKind;

use super::arithmetic::{Binary, combine};
use super::call::Call;
use super::context::Context;
use super::value::{Constant, Dynamic, Value, axis_of};

/// One axis of a value mapped.
pub fn along(context: &mut Context, x: &Dynamic, axis: usize, map: AxisMap, count: usize) -> Result<Dynamic> {
    let (node, at) = context.at(x, axis)?;
    let node = context.along("", node, at, map)?;
    let mut shape = x.shape.clone();
    shape[axis] = count;
    context.done(node, &shape, x.samples(), x.kind)
}

/// Slice, its numbers attributes (before operator set 10) or inputs.
pub fn slice(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let mut x = context.dynamic(call, call.input(0)?)?;
    let needed =
        |numbers: Option<Vec<i64>>, what: &str| numbers.ok_or_else(|| call.wrong(format!("no {what}"), "numbers"));
    let starts = needed(call.ints_of("starts", 1)?, "starts")?;
    let ends = match (call.node.ints("ends")?, call.optional(2)) {
        (None, Some(Value::Constant(ends))) if !ends.is_fixed() => return whole_batch(call, &x, &starts, ends),
        _ => needed(call.ints_of("ends", 2)?, "ends")?,
    };
    let axes = call.ints_of("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = call.optional_ints(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    if [&ends, &axes, &steps].iter().any(|numbers| numbers.len() != starts.len()) {
        return Err(call.wrong("starts, ends, axes and steps of different lengths", "equal lengths"));
    }
    for (((first, end), axis), step) in starts.into_iter().zip(ends).zip(axes).zip(steps) {
        let axis = x.axis(call, axis)?;
        let extent = x.shape[axis] as i64;
        let (start, count) = range(first, end, step, extent).ok_or_else(|| call.wrong("a step of 0", "another"))?;
        if (start, count, step) == (0, extent as usize, 1) {
            // All of it; of the batch only if that does not depend on the number of samples.
            if x.batch != Some(axis) || (first == 0 && end >= i64::from(i32::MAX)) {
                continue;
            }
        }
        x.keep_apart(call, [axis])?;
        if count == 0 {
            return Err(call.wrong(format!("an empty slice of axis {axis}"), "at least one element"));
        }
        let step = isize::try_from(step).unwrap_or(isize::MAX);
        // A distance beyond the axis reads one element; a small one says so, too.
        let step = if count == 1 { 1 } else { step };
        x = along(context, &x, axis, AxisMap::Slice { start, step, count }, count)?;
    }
    Ok(x)
}

/// A slice up to the batch size: everything.
fn whole_batch(call: &Call, x: &Dynamic, starts: &[i64], ends: &Constant) -> Result<Dynamic> {
    let axes = call.ints_of("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    match (starts, &axes[..], ends.one.scalar_int(), ends.three.scalar_int()) {
        (&[0], &[axis], Some(1), Some(3)) if x.batch == Some(axis_of(call, axis, x.rank())?) => Ok(x.clone()),
        _ => Err(call.unsupported("ends computed from the batch size")),
    }
}

/// First element and number of elements of a slice, as ONNX clamps them; none for a step of 0.
fn range(start: i64, end: i64, step: i64, extent: i64) -> Option<(usize, usize)> {
    let place = |n: i64| if n < 0 { n.saturating_add(extent) } else { n };
    let (start, end) = match step {
        0 => return None,
        1.. => (place(start).clamp(0, extent), place(end).clamp(0, extent)),
        _ => (place(start).clamp(0, extent - 1), place(end).clamp(-1, extent - 1)),
    };
    let distance = if step > 0 { end - start } else { start - end };
    let count = if distance <= 0 { 0 } else { (distance - 1) / step.saturating_abs() + 1 };
    Some((start as usize, count as usize))
}

/// Gather: constant indices pick elements; computed ones are rows of a table.
pub fn gather(context: &mut Context, call: &Call) -> Result<Dynamic> {
    match (call.input(0)?, call.input(1)?) {
        (data, Value::Constant(indices)) => {
            let x = context.dynamic(call, data)?;
            picked(context, call, &x, indices)
        }
        (Value::Constant(table), Value::Dynamic(tokens)) => embedding(context, call, table, tokens),
        _ => Err(call.unsupported("elements picked by computed indices")),
    }
}

fn picked(context: &mut Context, call: &Call, x: &Dynamic, indices: &Constant) -> Result<Dynamic> {
    let axis = x.axis(call, call.node.int("axis", 0)?)?;
    x.keep_apart(call, [axis])?;
    let extent = x.shape[axis] as i64;
    let numbers = indices.one.ints().filter(|_| indices.is_fixed());
    let numbers = numbers.ok_or_else(|| call.unsupported("indices that are no fixed integers"))?;
    let place = |&n: &i64| usize::try_from(if n < 0 { n + extent } else { n }).ok().filter(|&n| (n as i64) < extent);
    let Some(places) = numbers.iter().map(place).collect::<Option<Vec<usize>>>().filter(|places| !places.is_empty())
    else {
        return Err(
            call.wrong(format!("indices beyond the extent {extent} of axis {axis}, or none"), "elements of the axis")
        );
    };
    let count = places.len();
    let picked = along(context, x, axis, selection(places), count)?;
    let (outer, inner) = (&x.shape[..axis], &x.shape[axis + 1..]);
    let shape = [outer, &indices.one.shape, inner].concat();
    let moved = x.batch.map(|batch| if batch > axis { batch + indices.one.shape.len() - 1 } else { batch });
    context.done(picked.node, &shape, x.samples_at(moved), x.kind)
}

/// A slice where the elements are evenly spaced.
fn selection(places: Vec<usize>) -> AxisMap {
    let step = match places[..] {
        [a, b, ..] => b as isize - a as isize,
        _ => 1,
    };
    let even = step != 0 && places.windows(2).all(|pair| pair[1] as isize - pair[0] as isize == step);
    match places.first() {
        Some(&start) if even => AxisMap::Slice { start, step, count: places.len() },
        _ => AxisMap::Gather { indices: places },
    }
}

/// Rows of a table: an embedding.
fn embedding(context: &mut Context, call: &Call, table: &Constant, tokens: &Dynamic) -> Result<Dynamic> {
    let axis = axis_of(call, call.node.int("axis", 0)?, table.one.shape.len())?;
    let (&[rows, ref features @ ..], 0, true) = (&table.one.shape[..], axis, table.is_fixed()) else {
        return Err(call.unsupported("elements picked by computed indices along an axis that is not the first"));
    };
    if table.one.kind() != ElementKind::Float {
        return Err(call.unsupported("integers looked up by computed indices"));
    }
    let width: usize = features.iter().product();
    let name = context.layer_name(table);
    let node = context.named(&name, Op::Embedding(Embedding { tokens: rows, features: width }), &[tokens.node])?;
    context.parameter(&name, "weight", &[rows, width], table.one.floats())?;
    let shape = [&tokens.shape, features].concat();
    context.done(node, &shape, tokens.samples(), ElementKind::Float)
}

/// Pad, its numbers attributes (before operator set 11) or inputs; negative ones crop.
pub fn pad(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let mut x = context.dynamic(call, call.input(0)?)?;
    let pads = call.ints_of("pads", 1)?.ok_or_else(|| call.wrong("no pads", "two numbers for each axis"))?;
    let axes = match call.optional_ints(3, "axes")? {
        Some(axes) => axes.iter().map(|&axis| x.axis(call, axis)).collect::<Result<Vec<_>>>()?,
        None => (0..x.rank()).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(call.wrong(format!("{} pads for {} axes", pads.len(), axes.len()), "two for each axis"));
    }
    let border = match call.node.text("mode", "constant")? {
        "constant" => Border::Zero,
        "edge" => Border::Edge,
        "reflect" => Border::Reflect,
        "wrap" => return wrapped(context, call, x, &axes, &pads),
        other => return Err(call.unsupported(format!("padding by `{other}`"))),
    };
    let fill = match call.optional_constant(2, "fill")? {
        // Not a number, too: it is refused where constants are.
        Some(fill) => fill.one.floats().first().copied().map_or(0.0, f64::from),
        None => call.float("value", 0.0)?,
    };
    let filled = border == Border::Zero && fill != 0.0;
    for (place, &axis) in axes.iter().enumerate() {
        let [before, after] = [pads[place], pads[place + axes.len()]];
        if (before, after) == (0, 0) {
            continue;
        }
        x.keep_apart(call, [axis])?;
        x = padded(context, call, &x, axis, [before, after], border)?;
        if filled && before.max(after) > 0 {
            x = with_border(context, call, &x, axis, [before, after], fill)?;
        }
    }
    Ok(x)
}

/// The fill added to the zeros that were put in along an axis, and nothing to the rest: a shift of all of them by the
/// fill and back would round them, or make infinity minus infinity.
fn with_border(
    context: &mut Context,
    call: &Call,
    x: &Dynamic,
    axis: usize,
    pads: [i64; 2],
    fill: f64,
) -> Result<Dynamic> {
    let [before, after] = pads.map(|n| usize::try_from(n).unwrap_or(0));
    let extent = x.shape[axis];
    let inside = before..extent.saturating_sub(after);
    let border = (0..extent).map(|place| if inside.contains(&place) { 0.0 } else { fill as f32 }).collect();
    let mut shape = vec![1; x.rank()];
    shape[axis] = extent;
    let border = crate::onnx::Tensor { shape, data: crate::onnx::Data::Float(border) };
    let sum = combine(context, call, Binary::Add, &x.clone().into(), &Constant::fixed(border, None).into())?;
    Ok(Dynamic { kind: x.kind, ..sum })
}

/// The data again on both sides.
fn wrapped(context: &mut Context, call: &Call, mut x: Dynamic, axes: &[usize], pads: &[i64]) -> Result<Dynamic> {
    for (place, &axis) in axes.iter().enumerate() {
        let (extent, pad) = (x.shape[axis] as i64, |place: usize| pads.get(place).copied().unwrap_or(0));
        let (before, after) = (pad(place), pad(place + axes.len()));
        if (before, after) == (0, 0) {
            continue;
        }
        x.keep_apart(call, [axis])?;
        if !(0..=extent).contains(&before) || !(0..=extent).contains(&after) {
            return Err(call.unsupported(format!("wrapping by {before} and {after} of {extent} elements")));
        }
        let indices: Vec<usize> = (-before..extent + after).map(|place| place.rem_euclid(extent) as usize).collect();
        let count = indices.len();
        x = along(context, &x, axis, AxisMap::Gather { indices }, count)?;
    }
    Ok(x)
}

fn padded(
    context: &mut Context,
    call: &Call,
    x: &Dynamic,
    axis: usize,
    [before, after]: [i64; 2],
    border: Border,
) -> Result<Dynamic> {
    let extent = x.shape[axis];
    let wrong = || call.wrong(format!("pads {before} and {after} of an axis of {extent}"), "pads that leave something");
    let size = |n: i64| usize::try_from(n).map_err(|_| wrong());
    let (start, behind) = (size(before.min(0).saturating_neg())?, size(after.min(0).saturating_neg())?);
    let count = extent.checked_sub(start).and_then(|n| n.checked_sub(behind)).filter(|&n| n > 0).ok_or_else(wrong)?;
    let x = along(context, x, axis, AxisMap::Slice { start, step: 1, count }, count)?;
    let (before, after) = (size(before.max(0))?, size(after.max(0))?);
    let extent = count.saturating_add(before).saturating_add(after);
    along(context, &x, axis, AxisMap::Pad { before, after, border }, extent)
}

/// The value times 1 and 0: the triangle of the last two axes (Trilu).
pub fn trilu(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let upper = call.node.int("upper", 1)? != 0;
    let k = call.optional_constant(1, "k")?.and_then(|k| k.one.scalar_int()).unwrap_or(0);
    let &[.., rows, columns] = &x.shape[..] else { return Err(call.wrong("no matrix", "two axes or more")) };
    x.keep_apart(call, [x.rank() - 2, x.rank() - 1])?;
    let kept = |i: usize| {
        let (row, column) = ((i / columns) as i64, (i % columns) as i64);
        let above = column.saturating_sub(row) >= k;
        if upper { above } else { column.saturating_sub(row) <= k }
    };
    let elements = (0..rows * columns).map(|i| f32::from(u8::from(kept(i)))).collect();
    let mask = crate::onnx::Tensor { shape: vec![rows, columns], data: crate::onnx::Data::Float(elements) };
    let value = x.clone().into();
    combine(context, call, Binary::Multiply, &value, &Constant::fixed(mask, None).into())
}
