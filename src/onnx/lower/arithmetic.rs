//! Sums, products, powers and extremes with broadcasting.

use std::sync::Arc;

use crate::error::Result;
use crate::graph::{Activation, Function, NodeId, Op};
use crate::onnx::tensor::{Data, ElementKind, Tensor};

use super::broadcast::{expand, joint, joint_shape};
use super::call::Call;
use super::context::Context;
use super::value::{Constant, Dynamic, Value, canonical};

/// A function of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `a + b`.
    Add,
    /// `a − b`.
    Subtract,
    /// `a·b`.
    Multiply,
    /// `a/b`.
    Divide,
    /// The larger.
    Larger,
    /// The smaller.
    Smaller,
}

/// Add, Sub, Mul, Div, Max, Min, Sum, Mean of any number of inputs.
pub fn arithmetic(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let binary = match call.node.op.as_str() {
        "Add" | "Sum" | "Mean" => Binary::Add,
        "Sub" => Binary::Subtract,
        "Mul" => Binary::Multiply,
        "Div" => Binary::Divide,
        "Max" => Binary::Larger,
        _ => Binary::Smaller,
    };
    let mut result = call.input(0)?.clone();
    for value in call.present().skip(1) {
        result = combine(context, call, binary, &result, value)?.into();
    }
    let result = context.dynamic(call, &result)?;
    if call.node.op != "Mean" {
        return Ok(result);
    }
    let node = context.affine("mean", result.node, 1.0 / call.inputs.len() as f64, 0.0)?;
    context.like(node, &result)
}

/// `binary(a, b)` with broadcasting.
pub fn combine(context: &mut Context, call: &Call, binary: Binary, a: &Value, b: &Value) -> Result<Dynamic> {
    let joint = joint(call, &[a.shape(), b.shape()])?;
    match (a, b) {
        (Value::Dynamic(x), Value::Constant(c)) if joint == x.shape => {
            if let Some(c) = c.uniform()
                && let Some(done) = with_number(context, binary, x, c, false)?
            {
                return Ok(done);
            }
        }
        (Value::Constant(c), Value::Dynamic(x)) if joint == x.shape => {
            if let Some(c) = c.uniform()
                && let Some(done) = with_number(context, binary, x, c, true)?
            {
                return Ok(done);
            }
        }
        _ => {}
    }
    let whole = binary == Binary::Divide && a.kind() == ElementKind::Int && b.kind() == ElementKind::Int;
    // A constant that is turned is of floats then; the result is what the file says.
    let kinds = [a.kind(), b.kind()];
    let a = context.dynamic(call, a)?;
    let b = match binary {
        Binary::Subtract => inverse(context, call, b, |x| -x, Activation::Affine { scale: -1.0, shift: 0.0 })?,
        Binary::Divide => inverse(context, call, b, |x| 1.0 / x, Activation::Reciprocal)?,
        _ => context.dynamic(call, b)?,
    };
    let mut result = joined(context, call, binary, a, b)?;
    if !kinds.contains(&ElementKind::Float) {
        result.kind = kinds[0];
    }
    if !whole {
        return Ok(result);
    }
    let node = cut(context, result.node)?;
    context.like(node, &result)
}

/// The quotient of whole numbers without its fraction. A product with a rounded reciprocal may lie just below a whole
/// number; half a millionth more lifts it over, and no other quotient of numbers below a million.
fn cut(context: &mut Context, quotient: NodeId) -> Result<NodeId> {
    let lifted = context.affine("lifted", quotient, 1.0 + 5e-7, 0.0)?;
    context.activation("whole", lifted, Activation::Truncate)
}

/// `−b` or `1/b`, of a constant at once.
fn inverse(
    context: &mut Context,
    call: &Call,
    b: &Value,
    of: fn(f32) -> f32,
    activation: Activation,
) -> Result<Dynamic> {
    match b {
        Value::Dynamic(x) => {
            let node = context.activation("inverse", x.node, activation)?;
            context.like(node, x)
        }
        Value::Constant(c) => {
            let turn = |t: &Tensor| {
                let elements = t.floats().into_iter().map(of).collect();
                Arc::new(Tensor { shape: t.shape.clone(), data: Data::Float(elements) })
            };
            let constant = Constant { one: turn(&c.one), three: turn(&c.three), initializer: c.initializer.clone() };
            context.dynamic(call, &constant.into())
        }
    }
}

/// A function of a value and a number; `first`: the number stands on the left.
fn with_number(context: &mut Context, binary: Binary, x: &Dynamic, c: f64, first: bool) -> Result<Option<Dynamic>> {
    let float = x.kind == ElementKind::Float;
    let (scale, shift) = match (binary, first) {
        (Binary::Add, _) => (1.0, c),
        (Binary::Subtract, false) => (1.0, -c),
        (Binary::Subtract, true) => (-1.0, c),
        (Binary::Multiply, _) => (c, 0.0),
        (Binary::Divide, false) if c != 0.0 => (1.0 / c, 0.0),
        (Binary::Divide, true) if float => {
            let node = context.activation("reciprocal", x.node, Activation::Reciprocal)?;
            let node = context.affine("", node, c, 0.0)?;
            return context.like(node, x).map(Some);
        }
        (Binary::Larger, _) => return clip(context, x, Some(c), None).map(Some),
        (Binary::Smaller, _) => return clip(context, x, None, Some(c)).map(Some),
        _ => return Ok(None),
    };
    // An infinite summand, as masks have, would make infinity times 0.
    let bound = f64::from(f32::MAX);
    if scale.is_nan() || shift.is_nan() || scale.is_infinite() {
        return Ok(None);
    }
    let mut node = context.affine("", x.node, scale, shift.clamp(-bound, bound))?;
    if binary == Binary::Divide && !float {
        node = cut(context, node)?;
    }
    context.like(node, x).map(Some)
}

/// `min(max(x, low), high)` with the ends that are there: ReLU where only 0 below is.
pub fn clip(context: &mut Context, x: &Dynamic, low: Option<f64>, high: Option<f64>) -> Result<Dynamic> {
    let bound = f64::from(f32::MAX);
    let (low, high) = (low.unwrap_or(-bound).max(-bound), high.unwrap_or(bound).min(bound));
    let node = match (low == -bound, low == 0.0, high == bound) {
        (true, _, true) => x.node,
        (_, true, true) => context.op("", Op::Relu, &[x.node])?,
        // Of ends that cross, the upper one holds.
        _ => context.activation("", x.node, Activation::Clip { low: low.min(high), high })?,
    };
    context.like(node, x)
}

/// A function of two values whose second one is turned already where it must be.
fn joined(context: &mut Context, call: &Call, binary: Binary, a: Dynamic, b: Dynamic) -> Result<Dynamic> {
    let (shape, batch) = joint_shape(call, &[&a, &b])?;
    let kind = if a.kind == ElementKind::Float { a.kind } else { b.kind };
    if matches!(binary, Binary::Multiply | Binary::Divide) {
        for (x, factor) in [(&a, &b), (&b, &a)] {
            if x.shape == shape
                && let Some(factor) = per_channel(context, x, factor)?
            {
                let node = context.function("", Function::Multiply, &[x.node, factor])?;
                return context.done(node, &shape, batch, kind);
            }
        }
    }
    let pair = [expand(context, &a, &shape)?, expand(context, &b, &shape)?];
    let node = match binary {
        Binary::Add | Binary::Subtract => {
            let pair = context.main_path_first(pair);
            context.op("", Op::Add, &pair)?
        }
        Binary::Multiply | Binary::Divide => context.function("", Function::Multiply, &pair)?,
        Binary::Larger => context.function("", Function::Larger, &pair)?,
        Binary::Smaller => context.function("", Function::Smaller, &pair)?,
    };
    context.done(node, &shape, batch, kind)
}

/// The factor as `[C]` if it is one number for each element of the leading axis of `x`'s node.
fn per_channel(context: &mut Context, x: &Dynamic, factor: &Dynamic) -> Result<Option<usize>> {
    let shape = canonical(&x.shape);
    let padded = [&vec![1; x.rank().saturating_sub(factor.rank())][..], &factor.shape].concat();
    let own = padded.get(x.rank() - shape.len()..).unwrap_or_default();
    match (own, shape) {
        ([c, rest @ ..], [channels, _, ..]) if c == channels && *c > 1 && rest.iter().all(|&n| n == 1) => {
            let long = shape.iter().skip(1).any(|&n| n > 1);
            if long { context.reshape("channels", factor.node, &[*channels]).map(Some) } else { Ok(None) }
        }
        _ => Ok(None),
    }
}

/// Pow: fixed powers, powers of a fixed positive number.
pub fn power(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let (base, exponent) = (call.input(0)?, call.input(1)?);
    match (base, exponent) {
        (Value::Dynamic(x), Value::Constant(c)) if joint(call, &[&x.shape, &c.one.shape])? == x.shape => {
            let Some(exponent) = c.uniform() else { return Err(call.unsupported("several powers in one tensor")) };
            let node = match exponent {
                1.0 => x.node,
                2.0 => context.function("", Function::Multiply, &[x.node, x.node])?,
                0.5 => context.activation("", x.node, Activation::SquareRoot)?,
                -1.0 => context.activation("", x.node, Activation::Reciprocal)?,
                -0.5 => {
                    let root = context.activation("root", x.node, Activation::SquareRoot)?;
                    context.activation("", root, Activation::Reciprocal)?
                }
                exponent => context.activation("", x.node, Activation::Power { exponent })?,
            };
            context.like(node, x)
        }
        (Value::Constant(c), Value::Dynamic(x)) if joint(call, &[&x.shape, &c.one.shape])? == x.shape => {
            let Some(base) = c.uniform().filter(|&base| base > 0.0) else {
                return Err(call.unsupported("a base that is not one positive number"));
            };
            let node = context.affine("exponent", x.node, base.ln(), 0.0)?;
            let node = context.activation("", node, Activation::Exp)?;
            context.like(node, x)
        }
        _ => Err(call.unsupported("a power that the model computes")),
    }
}
