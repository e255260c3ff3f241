//! Models that are quantised already: what can be undone is undone, the rest refused.

use crate::error::{Error, Result};
use crate::onnx::tensor::ElementKind;

use super::arithmetic::clip;
use super::call::Call;
use super::context::Context;
use super::value::Value;

/// What the user should know of a file with QuantizeLinear and DequantizeLinear.
pub const NOTE: &str = "the file is quantised; it was de-quantised: scales of weights are multiplied in, those of \
                        activations dropped, and bit-widths of the file are not kept";

/// QuantizeLinear: the value itself, not rounded. Quantisers leave out a ReLU whose zeros are the smallest code: it is
/// put in again; as ReLU6 where the largest code is 6.
pub fn quantize(context: &mut Context, call: &Call) -> Result<Vec<Value>> {
    context.notes.insert(NOTE.into());
    let Value::Dynamic(x) = call.input(0)? else { return Ok(vec![call.input(0)?.clone()]) };
    let scale = call.optional_constant(1, "scale")?.and_then(|scale| scale.uniform()).unwrap_or(0.0);
    let zero = call.optional_constant(2, "zero point")?.map_or(Some(0.0), |zero| zero.uniform());
    let named = call.node.inputs.get(2).and_then(|name| context.ranges.get(name)).copied();
    // Without a zero point codes are unsigned; a constant that is no initializer has no known type.
    let [least, most] = match (named, zero) {
        (Some(range), _) => range,
        (None, Some(zero)) if zero < 0.0 => [-128, 127],
        _ => [0, 255],
    };
    if zero != Some(least as f64) || context.is_non_negative(x.node) {
        return Ok(vec![x.clone().into()]);
    }
    let top = (most - least) as f64 * scale;
    let six = (top - 6.0).abs() < 0.05;
    Ok(vec![clip(context, x, Some(0.0), six.then_some(6.0))?.into()])
}

/// DequantizeLinear of what QuantizeLinear made: the value itself; of integers that are an input of the model:
/// `(x − zero point) · scale`.
pub fn dequantize(context: &mut Context, call: &Call) -> Result<Vec<Value>> {
    context.notes.insert(NOTE.into());
    let Value::Dynamic(x) = call.input(0)? else { return Ok(vec![call.input(0)?.clone()]) };
    if x.kind == ElementKind::Float {
        return Ok(vec![x.clone().into()]);
    }
    let scale = call.constant(1, "scale")?.uniform();
    let zero = call.optional_constant(2, "zero point")?.map_or(Some(0.0), |zero| zero.uniform());
    let (Some(scale), Some(zero)) = (scale, zero) else {
        return Err(call.unsupported("integers with several scales"));
    };
    let node = context.affine("", x.node, scale, -zero * scale)?;
    let value = context.done(node, &x.shape, x.samples(), ElementKind::Float)?;
    Ok(vec![value.into()])
}

/// Whether an operator computes with quantised integers.
pub fn is_integer_operator(op: &str) -> bool {
    op.starts_with("QLinear")
        || op.ends_with("Integer")
        || matches!(
            op,
            "DynamicQuantizeLinear" | "DynamicQuantizeMatMul" | "MatMulIntegerToFloat" | "QGemm" | "MatMulNBits"
        )
        || op.starts_with("QAttention")
        || op.starts_with("QEmbed")
}

/// The refusal of such an operator.
pub fn refused(call: &Call) -> Error {
    call.node.wrong(
        "an operator on quantised integers",
        "a model in floats: bitplan chooses the bit-widths itself",
        "use the float model that this one was made from, or the form with QuantizeLinear and DequantizeLinear (QDQ)",
    )
}
