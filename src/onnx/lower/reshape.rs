//! Reshape, Flatten, Squeeze, Unsqueeze, Transpose: the same elements in another shape or order.

use crate::error::Result;

use super::call::Call;
use super::context::Context;
use super::matmul::permuted;
use super::value::{Dynamic, Samples, Value, axis_of};

/// The shapes that a shape operator makes for one sample and for three.
fn reshaped(
    context: &mut Context,
    call: &Call,
    x: &Dynamic,
    of: impl Fn(&[usize], bool) -> Result<Vec<usize>>,
) -> Result<Dynamic> {
    let mut three = x.shape.clone();
    if let Some(extent) = x.batch.and_then(|axis| three.get_mut(axis)) {
        *extent = extent.saturating_mul(3);
    }
    let (one, three) = (of(&x.shape, false)?, of(&three, true)?);
    let samples = new_batch(call, x, &one, &three)?;
    context.done(x.node, &one, samples, x.kind)
}

/// The axis that is three times as long for three samples, and how many blocks stand before the samples in it: as many
/// elements' blocks as before, in all, or the reshape would cut samples into each other.
fn new_batch(call: &Call, x: &Dynamic, one: &[usize], three: &[usize]) -> Result<Samples> {
    let count = |shape: &[usize]| shape.iter().try_fold(1usize, |count, &n| count.checked_mul(n));
    if count(one) != Some(x.elements()) {
        return Err(call.wrong(format!("the shape {one:?} for {} elements", x.elements()), "as many"));
    }
    let fixed = || {
        let found = format!("a shape that fixes the number of samples: {one:?} for one");
        let expected = "a shape with the batch size of the input";
        call.node.wrong(found, expected, "export the model with a dynamic batch axis")
    };
    let Some(batch) = x.batch else {
        return if one == three { Ok(None.into()) } else { Err(fixed()) };
    };
    if one.len() != three.len() || count(three) != x.elements().checked_mul(3) {
        return Err(fixed());
    }
    let longer: Vec<usize> = (0..one.len()).filter(|&axis| one[axis] != three[axis]).collect();
    let [axis] = longer[..] else { return Err(fixed()) };
    let blocks = x.shape[..batch].iter().product::<usize>() * x.major;
    let outer: usize = one[..axis].iter().product();
    match blocks.checked_div(outer) {
        Some(major) if major * outer == blocks && one[axis].is_multiple_of(major.max(1)) => {
            Ok(Samples { axis: Some(axis), major })
        }
        _ => Err(call.mixes_samples(batch)),
    }
}

/// Reshape: 0 copies an extent, −1 is what is left.
pub fn reshape(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let targets = match (call.node.ints("shape")?, call.optional(1)) {
        (Some(shape), _) => [shape.to_vec(), shape.to_vec()],
        (None, Some(Value::Constant(shape))) => match (shape.one.ints(), shape.three.ints()) {
            (Some(one), Some(three)) => [one, three],
            _ => return Err(call.wrong("a shape that is not whole", "integers")),
        },
        _ => return Err(call.unsupported("a shape that depends on the samples")),
    };
    let copies = call.node.int("allowzero", 0)? == 0;
    let resolve = |shape: &[usize], target: &[i64]| {
        let extent = |(axis, &n): (usize, &i64)| match n {
            -1 => Some(0),
            0 if copies => shape.get(axis).copied(),
            n => usize::try_from(n).ok().filter(|&n| n > 0),
        };
        let mut extents: Vec<usize> = target.iter().enumerate().map(extent).collect::<Option<_>>()?;
        let known = extents.iter().filter(|&&n| n > 0).try_fold(1usize, |count, &n| count.checked_mul(n))?;
        let count = shape.iter().try_fold(1usize, |count, &n| count.checked_mul(n))?;
        let mut open = extents.iter_mut().filter(|n| **n == 0);
        if let (Some(open), None) = (open.next(), open.next()) {
            *open = count.checked_div(known)?;
        }
        extents.iter().all(|&n| n > 0).then_some(extents)
    };
    // Exporters that are not told of a batch write its 1 as a number; it is the batch still.
    let fixed = targets[0].first() == Some(&1) && x.batch == Some(0) && resolve_three(&targets, &x, &resolve).is_none();
    reshaped(context, call, &x, |shape, three| {
        let mut target = targets[usize::from(three)].clone();
        if three
            && fixed
            && let Some(first) = target.first_mut()
        {
            *first = 3;
        }
        let target = &target;
        resolve(shape, target)
            .ok_or_else(|| call.wrong(format!("the shape {target:?} for {shape:?}"), "as many elements"))
    })
}

/// What a reshape makes of three samples in front, if that is as many elements.
fn resolve_three(
    targets: &[Vec<i64>; 2],
    x: &Dynamic,
    resolve: &impl Fn(&[usize], &[i64]) -> Option<Vec<usize>>,
) -> Option<Vec<usize>> {
    let mut shape = x.shape.clone();
    if let Some(first) = shape.first_mut() {
        *first = 3;
    }
    let elements = shape.iter().try_fold(1usize, |count, &n| count.checked_mul(n))?;
    let made = resolve(&shape, &targets[1])?;
    (made.iter().try_fold(1usize, |count, &n| count.checked_mul(n)) == Some(elements) && made.first() != Some(&1))
        .then_some(made)
}

/// Flatten to two axes.
pub fn flatten(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let axis = match call.node.int("axis", 1)? {
        axis if axis == x.rank() as i64 => x.rank(),
        axis => axis_of(call, axis, x.rank())?,
    };
    reshaped(context, call, &x, |shape, _| {
        let (outer, inner) = shape.split_at(axis);
        Ok(vec![outer.iter().product(), inner.iter().product()])
    })
}

/// Squeeze: axes of extent 1 away.
pub fn squeeze(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let axes = match call.ints_of("axes", 1)? {
        Some(axes) => axes.iter().map(|&axis| x.axis(call, axis)).collect::<Result<Vec<_>>>()?,
        None => (0..x.rank()).filter(|&axis| x.shape[axis] == 1 && x.batch != Some(axis)).collect(),
    };
    x.keep_apart(call, axes.iter().copied())?;
    if axes.iter().any(|&axis| x.shape[axis] != 1) {
        return Err(call.wrong(format!("axes {axes:?} of {:?}", x.shape), "axes of extent 1"));
    }
    reshaped(context, call, &x, |shape, _| {
        Ok(shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, &n)| n).collect())
    })
}

/// Unsqueeze: new axes of extent 1.
pub fn unsqueeze(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let axes = call.ints_of("axes", 1)?.ok_or_else(|| call.wrong("no axes", "the axes to add"))?;
    let rank = x.rank() + axes.len();
    let axes = axes.iter().map(|&axis| axis_of(call, axis, rank)).collect::<Result<Vec<_>>>()?;
    // Which of the new axes holds an old one; an extent of 1 at the batch is not told by the shape alone.
    let kept: Vec<usize> = (0..rank).filter(|axis| !axes.contains(axis)).collect();
    if kept.len() != x.rank() {
        return Err(call.wrong(format!("axes {axes:?}"), "every axis once"));
    }
    reshaped(context, call, &x, |shape, _| {
        let mut extents = vec![1; rank];
        kept.iter().zip(shape).for_each(|(&axis, &n)| extents[axis] = n);
        Ok(extents)
    })
}

/// Transpose; without `perm` the axes backwards.
pub fn transpose(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let axes = match call.node.ints("perm")? {
        Some(perm) => perm.iter().map(|&axis| x.axis(call, axis)).collect::<Result<Vec<_>>>()?,
        None => (0..x.rank()).rev().collect(),
    };
    if axes.len() != x.rank() || (0..x.rank()).any(|axis| !axes.contains(&axis)) {
        return Err(call.wrong(format!("perm {axes:?} of {} axes", x.rank()), "every axis once"));
    }
    permuted(context, &x, &axes)
}
