//! Pointwise functions.

use crate::error::Result;
use crate::graph::{Activation, Function, NodeId, Op};

use super::arithmetic::clip as clipped;
use super::call::Call;
use super::context::Context;
use super::value::{Dynamic, Value};

/// An operator of one input that is one of our functions.
pub fn pointwise(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let activation = match call.node.op.as_str() {
        "Sigmoid" => Activation::Sigmoid,
        "Tanh" => Activation::Tanh,
        "LeakyRelu" => Activation::LeakyRelu { slope: call.float("alpha", 0.01)? },
        "Elu" => Activation::Elu { alpha: call.float("alpha", 1.0)? },
        "Softplus" => Activation::Softplus,
        "HardSwish" => Activation::HardSwish,
        "FastGelu" => Activation::GeluTanh,
        "Gelu" => match call.node.text("approximate", "none")? {
            "none" => Activation::Gelu,
            "tanh" => Activation::GeluTanh,
            other => return Err(call.wrong(format!("approximate = `{other}`"), "none or tanh")),
        },
        "Abs" => Activation::Absolute,
        "Neg" => Activation::Affine { scale: -1.0, shift: 0.0 },
        "Exp" => Activation::Exp,
        "Log" => Activation::Log,
        "Sqrt" => Activation::SquareRoot,
        "Reciprocal" => Activation::Reciprocal,
        "Erf" => Activation::Erf,
        "Sin" => Activation::Sine,
        "Cos" => Activation::Cosine,
        "Floor" => Activation::Floor,
        "Ceil" => Activation::Ceil,
        "Round" => Activation::Round,
        _ => return Err(call.unsupported("the operator")),
    };
    if call.optional(1).is_some() {
        return Err(call.unsupported("a second input"));
    }
    let node = context.activation("", x.node, activation)?;
    context.like(node, &x)
}

/// Relu.
pub fn relu(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let node = context.op("", Op::Relu, &[x.node])?;
    context.like(node, &x)
}

/// Clip: its ends are attributes (operator set 6) or inputs.
pub fn clip(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let mut ends = [call.node.optional_float("min")?, call.node.optional_float("max")?];
    for (index, end) in ends.iter_mut().enumerate() {
        if let Some(constant) = call.optional_constant(index + 1, "an end")? {
            *end = constant.uniform();
            if end.is_none() {
                return Err(call.wrong("an end of several numbers", "one number"));
            }
        }
    }
    clipped(context, &x, ends[0], ends[1])
}

/// PRelu: `max(x, 0) − slope · max(−x, 0)`; with one slope a leaky ReLU.
pub fn prelu(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    if let Value::Constant(slope) = call.input(1)?
        && let Some(slope) = slope.uniform()
    {
        let node = context.activation("", x.node, Activation::LeakyRelu { slope })?;
        return context.like(node, &x);
    }
    let positive = context.op("positive", Op::Relu, &[x.node])?;
    let negative = context.affine("mirrored", x.node, -1.0, 0.0)?;
    let negative = context.op("negative", Op::Relu, &[negative])?;
    let negative = context.like(negative, &x)?;
    let scaled = super::arithmetic::combine(
        context,
        call,
        super::arithmetic::Binary::Multiply,
        &negative.into(),
        call.input(1)?,
    )?;
    if scaled.shape != x.shape {
        return Err(call.wrong("a slope of more axes than the input", "one that broadcasts to the input"));
    }
    let scaled = context.affine("scaled", scaled.node, -1.0, 0.0)?;
    let node = context.op("", Op::Add, &[positive, scaled])?;
    context.like(node, &x)
}

/// Pointwise functions made of several of ours.
pub fn composed(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let c = context;
    let node = match call.node.op.as_str() {
        "HardSigmoid" => {
            let (alpha, beta) = (call.float("alpha", 0.2)?, call.float("beta", 0.5)?);
            if (alpha * 6.0 - 1.0).abs() < 1e-6 && beta == 0.5 {
                c.activation("", x.node, Activation::HardSigmoid)?
            } else {
                let line = c.affine("line", x.node, alpha, beta)?;
                c.activation("", line, Activation::Clip { low: 0.0, high: 1.0 })?
            }
        }
        "Selu" => {
            let (alpha, gamma) = (call.float("alpha", 1.673_263_2)?, call.float("gamma", 1.050_701)?);
            let elu = c.activation("elu", x.node, Activation::Elu { alpha })?;
            c.affine("", elu, gamma, 0.0)?
        }
        "Celu" => {
            let alpha = call.float("alpha", 1.0)?;
            let inner = c.affine("inner", x.node, 1.0 / alpha, 0.0)?;
            let elu = c.activation("elu", inner, Activation::Elu { alpha: 1.0 })?;
            c.affine("", elu, alpha, 0.0)?
        }
        "Mish" => {
            let soft = c.activation("softplus", x.node, Activation::Softplus)?;
            let tanh = c.activation("tanh", soft, Activation::Tanh)?;
            c.function("", Function::Multiply, &[x.node, tanh])?
        }
        "Softsign" => {
            let size = c.activation("size", x.node, Activation::Absolute)?;
            let size = c.affine("more", size, 1.0, 1.0)?;
            let factor = c.activation("factor", size, Activation::Reciprocal)?;
            c.function("", Function::Multiply, &[x.node, factor])?
        }
        "ThresholdedRelu" => {
            let above = positive(c, "above", x.node, 1.0, -call.float("alpha", 1.0)?)?;
            c.function("", Function::Multiply, &[x.node, above])?
        }
        "Shrink" => {
            let (lambda, bias) = (call.float("lambd", 0.5)?, call.float("bias", 0.0)?);
            let above = positive(c, "above", x.node, 1.0, -lambda)?;
            let below = positive(c, "below", x.node, -1.0, -lambda)?;
            let (less, more) = (c.affine("less", x.node, 1.0, -bias)?, c.affine("more", x.node, 1.0, bias)?);
            let above = c.function("upper", Function::Multiply, &[less, above])?;
            let below = c.function("lower", Function::Multiply, &[more, below])?;
            c.op("", Op::Add, &[above, below])?
        }
        "Sign" => {
            let (above, below) = (positive(c, "above", x.node, 1.0, 0.0)?, positive(c, "below", x.node, -1.0, 0.0)?);
            let below = c.affine("minus", below, -1.0, 0.0)?;
            c.op("", Op::Add, &[above, below])?
        }
        // Swish and QuickGelu: `x σ(αx)`.
        _ => {
            let alpha = call.float("alpha", if call.node.op == "QuickGelu" { 1.702 } else { 1.0 })?;
            if alpha == 1.0 {
                c.activation("", x.node, Activation::Silu)?
            } else {
                let inner = c.affine("inner", x.node, alpha, 0.0)?;
                let gate = c.activation("gate", inner, Activation::Sigmoid)?;
                c.function("", Function::Multiply, &[x.node, gate])?
            }
        }
    };
    c.like(node, &x)
}

/// 1 where `scale · x + shift > 0`.
pub fn positive(context: &mut Context, what: &str, x: NodeId, scale: f64, shift: f64) -> Result<NodeId> {
    let line = context.affine(&format!("{what}.line"), x, scale, shift)?;
    context.activation(what, line, Activation::IsPositive)
}
