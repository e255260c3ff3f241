//! Comparisons, truth values, Where and Cast. Truth values are 0 and 1.

use crate::error::Result;
use crate::graph::{Activation, Function};
use crate::onnx::tensor::{Data, ElementKind, Tensor};

use super::arithmetic::{Binary, combine};
use super::broadcast::{expand, joint_shape};
use super::call::Call;
use super::context::Context;
use super::value::{Constant, Dynamic, Value};

/// Equal, Greater, Less, GreaterOrEqual, LessOrEqual: the sign of a difference.
pub fn compare(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let op = call.node.op.as_str();
    let (a, b) = (call.input(0)?, call.input(1)?);
    // a ≤ b is "not a > b".
    let (a, b) = if matches!(op, "Less" | "GreaterOrEqual") { (b, a) } else { (a, b) };
    let difference = combine(context, call, Binary::Subtract, a, b)?;
    let activation = if op == "Equal" { Activation::IsZero } else { Activation::IsPositive };
    let mut node = context.activation("", difference.node, activation)?;
    if op.ends_with("OrEqual") {
        node = context.affine("not", node, -1.0, 1.0)?;
    }
    truth(context, node, &difference)
}

/// And, Or, Xor.
pub fn logic(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let binary = match call.node.op.as_str() {
        "And" => Binary::Multiply,
        "Or" => Binary::Larger,
        _ => Binary::Subtract,
    };
    let value = combine(context, call, binary, call.input(0)?, call.input(1)?)?;
    let node = match binary {
        Binary::Subtract => context.activation("", value.node, Activation::Absolute)?,
        _ => value.node,
    };
    truth(context, node, &value)
}

/// Not.
pub fn not(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let node = context.affine("", x.node, -1.0, 1.0)?;
    truth(context, node, &x)
}

fn truth(context: &mut Context, node: usize, model: &Dynamic) -> Result<Dynamic> {
    context.done(node, &model.shape, model.samples(), ElementKind::Bool)
}

/// Where: the second input where the first is true, else the third.
pub fn select(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let mut parts = Vec::with_capacity(3);
    for index in 0..3 {
        let value = scalar_if_uniform(call.input(index)?);
        parts.push(context.dynamic(call, &value)?);
    }
    let mut shapes = parts.clone();
    // A uniform constant still takes part in the joint shape with its own.
    for (index, part) in shapes.iter_mut().enumerate() {
        part.shape = call.input(index)?.shape().to_vec();
    }
    let (shape, batch) = joint_shape(call, &shapes.iter().collect::<Vec<_>>())?;
    let mut nodes = Vec::with_capacity(3);
    for part in &parts {
        nodes.push(expand(context, part, &shape)?);
    }
    let node = context.function("", Function::Select, &nodes)?;
    context.done(node, &shape, batch, call.input(1)?.kind())
}

/// A constant whose elements are all equal as one element.
fn scalar_if_uniform(value: &Value) -> Value {
    match value {
        Value::Constant(constant) if constant.one.len() > 1 => match constant.uniform() {
            Some(number) => {
                let shape = vec![1; constant.one.shape.len()];
                let tensor = Tensor { shape, data: Data::Float(vec![number as f32]) };
                Constant::fixed(tensor, None).into()
            }
            None => value.clone(),
        },
        _ => value.clone(),
    }
}

/// Cast: to integers the fraction is cut, to truth values 0 is false.
pub fn cast(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let kind = match (call.node.op.as_str(), call.node.int("to", 0)?) {
        ("CastLike", _) => call.input(1)?.kind(),
        // FLOAT, FLOAT16, DOUBLE, BFLOAT16.
        (_, 1 | 10 | 11 | 16) => ElementKind::Float,
        (_, 9) => ElementKind::Bool,
        // The integers from UINT8 on.
        (_, 2..=7 | 12 | 13) => ElementKind::Int,
        (_, other) => return Err(call.unsupported(format!("the element type {other}"))),
    };
    let node = match (x.kind, kind) {
        (ElementKind::Float, ElementKind::Int) => context.activation("", x.node, Activation::Truncate)?,
        (ElementKind::Float | ElementKind::Int, ElementKind::Bool) => {
            let zero = context.activation("zero", x.node, Activation::IsZero)?;
            context.affine("", zero, -1.0, 1.0)?
        }
        _ => x.node,
    };
    context.done(node, &x.shape, x.samples(), kind)
}
