//! Softmax and LogSoftmax over any axis, and the flattened form of operator sets before 13.

use crate::error::Result;
use crate::graph::{Activation, AxisMap, Function, Op};

use super::call::Call;
use super::context::Context;
use super::matmul::permuted;
use super::value::Dynamic;

/// Softmax or LogSoftmax.
pub fn softmax(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let flattened = call.opset < 13;
    let axis = x.axis(call, call.node.int("axis", if flattened { 1 } else { -1 })?)?;
    let last = x.rank() - 1;
    if flattened {
        // All axes from `axis` on are one.
        x.keep_apart(call, axis..x.rank())?;
        let (outer, inner) = x.shape.split_at(axis);
        let flat = [outer, &[inner.iter().product()]].concat();
        let node = context.reshape("flat", x.node, &flat)?;
        let node = of_last(context, call, node)?;
        return context.like(node, &x);
    }
    x.keep_apart(call, [axis])?;
    if axis == last {
        let input = if last == 0 { context.whole(&x)? } else { x.node };
        let node = of_last(context, call, input)?;
        return context.like(node, &x);
    }
    let mut axes: Vec<usize> = (0..x.rank()).collect();
    axes.swap(axis, last);
    let turned = permuted(context, &x, &axes)?;
    let node = of_last(context, call, turned.node)?;
    let turned = context.like(node, &turned)?;
    permuted(context, &turned, &axes)
}

fn of_last(context: &mut Context, call: &Call, node: usize) -> Result<usize> {
    if call.node.op == "Softmax" {
        return context.function("", Function::Softmax { causal: false }, &[node]);
    }
    log_softmax(context, node)
}

/// `x − m − ln Σ exp(x − m)` over the last axis, `m` the largest: nothing overflows, and no logarithm of 0.
fn log_softmax(context: &mut Context, x: usize) -> Result<usize> {
    let extreme = super::reduce::largest_of_last(context, x)?;
    let minus = context.affine("minus", extreme, -1.0, 0.0)?;
    let extent = context.shape(x).last().copied().unwrap_or(1);
    let axis = context.shape(x).len() - 1;
    let repeat = |context: &mut Context, node| context.along("repeated", node, axis, AxisMap::Repeat { count: extent });
    let minus = repeat(context, minus)?;
    let shifted = context.op("shifted", Op::Add, &[x, minus])?;
    let exp = context.activation("exp", shifted, Activation::Exp)?;
    let sum = context.along("sum", exp, axis, AxisMap::Sum)?;
    let log = context.activation("log", sum, Activation::Log)?;
    let log = context.affine("log.minus", log, -1.0, 0.0)?;
    let log = repeat(context, log)?;
    context.op("", Op::Add, &[shifted, log])
}
