//! Reductions along axes, and norms of vectors.

use crate::error::Result;
use crate::graph::{Activation, AxisMap, Function, NodeId, Op, Padding, Window};

use super::broadcast::expand;
use super::call::Call;
use super::context::Context;
use super::matmul::permuted;
use super::value::Dynamic;

/// The axes that a reduction works along, from an attribute or an input; all if there is none.
fn axes(call: &Call, x: &Dynamic) -> Result<Vec<usize>> {
    let named = call.ints_of("axes", 1)?.unwrap_or_default();
    if named.is_empty() {
        let none = call.node.int("noop_with_empty_axes", 0)? != 0;
        return Ok(if none { Vec::new() } else { (0..x.rank()).collect() });
    }
    let mut axes = named.iter().map(|&axis| x.axis(call, axis)).collect::<Result<Vec<_>>>()?;
    axes.sort_unstable();
    axes.dedup();
    Ok(axes)
}

/// ReduceMean, ReduceSum, ReduceMax and their kin.
pub fn reduce(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let axes = axes(call, &x)?;
    x.keep_apart(call, axes.iter().copied())?;
    let value = match call.node.op.as_str() {
        "ReduceMean" if is_map(&x, &axes) => {
            let node = context.op("", Op::GlobalAveragePool, &[x.node])?;
            context.done(node, &[1, x.shape[1], 1, 1], x.samples(), x.kind)?
        }
        "ReduceMean" => along(context, &x, &axes, &AxisMap::Mean)?,
        "ReduceSum" => along(context, &x, &axes, &AxisMap::Sum)?,
        "ReduceMax" => extreme(context, &x, &axes, false)?,
        "ReduceMin" => extreme(context, &x, &axes, true)?,
        "ReduceL1" => {
            let sizes = context.activation("sizes", x.node, Activation::Absolute)?;
            let sizes = context.like(sizes, &x)?;
            along(context, &sizes, &axes, &AxisMap::Sum)?
        }
        "ReduceSumSquare" => squares(context, &x, &axes)?,
        "ReduceL2" => {
            let sum = squares(context, &x, &axes)?;
            let node = context.activation("root", sum.node, Activation::SquareRoot)?;
            context.like(node, &sum)?
        }
        "ReduceLogSum" => {
            let sum = along(context, &x, &axes, &AxisMap::Sum)?;
            let node = context.activation("log", sum.node, Activation::Log)?;
            context.like(node, &sum)?
        }
        "ReduceLogSumExp" => {
            let most = extreme(context, &x, &axes, false)?;
            let minus = context.affine("minus", most.node, -1.0, 0.0)?;
            let minus = context.like(minus, &most)?;
            let minus = expand(context, &minus, &x.shape)?;
            let shifted = context.op("shifted", Op::Add, &[x.node, minus])?;
            let exp = context.activation("exp", shifted, Activation::Exp)?;
            let exp = context.like(exp, &x)?;
            let sum = along(context, &exp, &axes, &AxisMap::Sum)?;
            let log = context.activation("log", sum.node, Activation::Log)?;
            let node = context.op("logsum", Op::Add, &[log, most.node])?;
            context.like(node, &most)?
        }
        "ReduceProd" => product(context, call, &x, &axes)?,
        _ => return Err(call.unsupported("the operator")),
    };
    if call.node.int("keepdims", 1)? != 0 {
        return Ok(value);
    }
    let kept: Vec<usize> = (0..x.rank()).filter(|axis| !axes.contains(axis)).collect();
    let shape: Vec<usize> = kept.iter().filter_map(|&axis| value.shape.get(axis).copied()).collect();
    let batch = value.batch.and_then(|batch| kept.iter().position(|&axis| axis == batch));
    context.done(value.node, &shape, value.samples_at(batch), value.kind)
}

/// Whether the axes are height and width of one image.
fn is_map(x: &Dynamic, axes: &[usize]) -> bool {
    axes == [2, 3] && x.rank() == 4 && x.shape.first() == Some(&1)
}

/// A map that leaves one element along each of the axes.
fn along(context: &mut Context, x: &Dynamic, axes: &[usize], map: &AxisMap) -> Result<Dynamic> {
    let mut value = x.clone();
    for &axis in axes.iter().filter(|&&axis| x.shape.get(axis).is_some_and(|&n| n > 1)) {
        let (node, at) = context.at(&value, axis)?;
        let node = context.along("", node, at, map.clone())?;
        let mut shape = value.shape.clone();
        shape[axis] = 1;
        value = context.done(node, &shape, value.samples(), value.kind)?;
    }
    Ok(value)
}

fn squares(context: &mut Context, x: &Dynamic, axes: &[usize]) -> Result<Dynamic> {
    let node = context.function("squares", Function::Multiply, &[x.node, x.node])?;
    let squares = context.like(node, x)?;
    along(context, &squares, axes, &AxisMap::Sum)
}

/// The reduced axes behind the others, and these as one; the shape that a reduction leaves.
fn gathered(context: &mut Context, x: &Dynamic, axes: &[usize]) -> Result<(NodeId, [usize; 2], Vec<usize>)> {
    let kept = (0..x.rank()).filter(|axis| !axes.contains(axis));
    let order: Vec<usize> = kept.chain(axes.iter().copied()).collect();
    let turned = permuted(context, x, &order)?;
    let count: usize = axes.iter().map(|&axis| x.shape[axis]).product();
    let rows = x.elements() / count.max(1);
    let node = context.reshape("rows", turned.node, &[rows, count])?;
    let shape = x.shape.iter().enumerate().map(|(axis, &n)| if axes.contains(&axis) { 1 } else { n }).collect();
    Ok((node, [rows, count], shape))
}

/// The largest or the smallest element along axes.
fn extreme(context: &mut Context, x: &Dynamic, axes: &[usize], smallest: bool) -> Result<Dynamic> {
    if axes.iter().all(|&axis| x.shape[axis] == 1) {
        return Ok(x.clone());
    }
    let (mut node, _, shape) = gathered(context, x, axes)?;
    // The smallest is the largest of the mirrored.
    if smallest {
        node = context.affine("mirrored", node, -1.0, 0.0)?;
    }
    node = largest_of_last(context, node)?;
    if smallest {
        node = context.affine("smallest", node, -1.0, 0.0)?;
    }
    context.done(node, &shape, x.samples(), x.kind)
}

/// The largest element along the last axis, which keeps the extent 1.
pub fn largest_of_last(context: &mut Context, x: NodeId) -> Result<NodeId> {
    let mut shape = context.shape(x);
    let count = shape.last().copied().unwrap_or(1);
    let rows = shape.iter().product::<usize>() / count.max(1);
    let map = context.reshape("rows", x, &[1, rows, count])?;
    let window =
        Window { kernel: [1, count], stride: [1; 2], padding: Padding::default(), counted: Padding::default() };
    let node = context.function("largest", Function::MaxPool(window), &[map])?;
    if let Some(last) = shape.last_mut() {
        *last = 1;
    }
    context.reshape("", node, &shape)
}

/// The product of a few elements.
fn product(context: &mut Context, call: &Call, x: &Dynamic, axes: &[usize]) -> Result<Dynamic> {
    const MOST: usize = 64;
    let (node, [_, count], shape) = gathered(context, x, axes)?;
    if count > MOST {
        return Err(call.unsupported(format!("a product of {count} elements")));
    }
    let mut product = None;
    for start in 0..count {
        let part = context.along("part", node, 1, AxisMap::Slice { start, step: 1, count: 1 })?;
        product = Some(match product {
            None => part,
            Some(product) => context.function("product", Function::Multiply, &[product, part])?,
        });
    }
    context.done(product.unwrap_or(node), &shape, x.samples(), x.kind)
}

/// LpNormalization: `x / ‖x‖` along an axis.
pub fn lp_normalization(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let axis = x.axis(call, call.node.int("axis", -1)?)?;
    x.keep_apart(call, [axis])?;
    let sum = match call.node.int("p", 2)? {
        1 => {
            let sizes = context.activation("sizes", x.node, Activation::Absolute)?;
            let sizes = context.like(sizes, &x)?;
            along(context, &sizes, &[axis], &AxisMap::Sum)?
        }
        _ => squares(context, &x, &[axis])?,
    };
    let mut node = sum.node;
    if call.node.int("p", 2)? != 1 {
        node = context.activation("norm", node, Activation::SquareRoot)?;
    }
    // Of zeros the norm is 0, and the result is to be 0.
    let least = Activation::Clip { low: 1e-30, high: f64::from(f32::MAX) };
    let node = context.activation("least", node, least)?;
    let node = context.activation("factor", node, Activation::Reciprocal)?;
    let factor = context.like(node, &sum)?;
    let factor = expand(context, &factor, &x.shape)?;
    let node = context.function("", Function::Multiply, &[x.node, factor])?;
    context.like(node, &x)
}

/// CumSum along an axis: a product with a triangle of ones.
pub fn cumulative_sum(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let axis = call.constant(1, "axis")?.one.scalar_int().ok_or_else(|| call.wrong("no axis", "an integer"))?;
    let axis = x.axis(call, axis)?;
    x.keep_apart(call, [axis])?;
    let (exclusive, reverse) = (call.node.int("exclusive", 0)? != 0, call.node.int("reverse", 0)? != 0);
    let count = x.shape[axis];
    if count > 1 << 12 {
        return Err(call.unsupported(format!("running sums of {count} elements")));
    }
    let counts = |from: usize, to: usize| match (exclusive, reverse) {
        (false, false) => from <= to,
        (true, false) => from < to,
        (false, true) => from >= to,
        (true, true) => from > to,
    };
    let last = x.rank() - 1;
    let mut axes: Vec<usize> = (0..x.rank()).collect();
    axes.swap(axis, last);
    let turned = permuted(context, &x, &axes)?;
    let rows = context.reshape("rows", turned.node, &[x.elements() / count, count])?;
    let name = context.fresh("triangle");
    let shape = [count, count];
    let triangle =
        context.named(&name, Op::Function(Function::Constant { shape: shape.to_vec(), trained: false }), &[])?;
    let ones = (0..count * count).map(|i| if counts(i / count, i % count) { 1.0 } else { 0.0 }).collect();
    context.parameter(&name, "value", &shape, ones)?;
    let node = context.function("", Function::MatMul { transpose_right: false, scale: 1.0 }, &[rows, triangle])?;
    let summed = context.done(node, &turned.shape, turned.samples(), turned.kind)?;
    permuted(context, &summed, &axes)
}
