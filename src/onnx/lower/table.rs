//! Which function lowers which operator.

use crate::error::Result;

use super::call::Call;
use super::context::Context;
use super::value::{Dynamic, Value};
use super::{
    activations, arithmetic, attention, compare, conv, einsum, expand, join, linear, norm, pool, quantized, reduce,
    reshape, resize, slice, softmax,
};

/// Domain of the operators that patterns are put together to.
pub const OWN: &str = "bitplan";

/// How a node is lowered.
enum Rule {
    /// To one output.
    One(fn(&mut Context, &Call) -> Result<Dynamic>),
    /// To several.
    Several(fn(&mut Context, &Call) -> Result<Vec<Value>>),
}

/// The outputs of a node.
pub fn lower(context: &mut Context, call: &Call) -> Result<Vec<Value>> {
    match rule(&call.node.domain, &call.node.op) {
        Some(Rule::One(rule)) => Ok(vec![rule(context, call)?.into()]),
        Some(Rule::Several(rule)) => rule(context, call),
        None if quantized::is_integer_operator(&call.node.op) => Err(quantized::refused(call)),
        None => Err(call.unsupported("an operator that bitplan does not know")),
    }
}

fn rule(domain: &str, op: &str) -> Option<Rule> {
    match (domain, op) {
        ("", _) => {}
        (OWN, _) => return Some(Rule::One(norm::over_axes)),
        ("com.microsoft", "Gelu" | "FastGelu") => return Some(Rule::One(activations::pointwise)),
        ("com.microsoft", "QuickGelu") => return Some(Rule::One(activations::composed)),
        ("com.microsoft", "QuantizeLinear" | "DequantizeLinear") => {}
        _ => return None,
    }
    Some(match op {
        "Conv" => Rule::One(conv::conv),
        "ConvTranspose" => Rule::One(conv::conv_transpose),
        "Gemm" => Rule::One(linear::gemm),
        "MatMul" => Rule::One(linear::matmul),
        "BatchNormalization" => Rule::One(norm::batch_norm),
        "LayerNormalization" | "RMSNormalization" | "SimplifiedLayerNormalization" => Rule::One(norm::layer_norm),
        "InstanceNormalization" | "GroupNormalization" => Rule::One(norm::group_norm),
        "MaxPool" | "AveragePool" => Rule::One(pool::pool),
        "GlobalAveragePool" => Rule::One(pool::global_average),
        "GlobalMaxPool" => Rule::One(pool::global_max),
        "Relu" => Rule::One(activations::relu),
        "Clip" => Rule::One(activations::clip),
        "PRelu" => Rule::One(activations::prelu),
        "Sigmoid" | "Tanh" | "LeakyRelu" | "Elu" | "Softplus" | "HardSwish" | "Gelu" | "Abs" | "Neg" | "Exp"
        | "Log" | "Sqrt" | "Reciprocal" | "Erf" | "Sin" | "Cos" | "Floor" | "Ceil" | "Round" => {
            Rule::One(activations::pointwise)
        }
        "HardSigmoid" | "Selu" | "Celu" | "Mish" | "Softsign" | "ThresholdedRelu" | "Shrink" | "Sign" | "Swish" => {
            Rule::One(activations::composed)
        }
        "Add" | "Sub" | "Mul" | "Div" | "Max" | "Min" | "Sum" | "Mean" => Rule::One(arithmetic::arithmetic),
        "Pow" => Rule::One(arithmetic::power),
        "Reshape" => Rule::One(reshape::reshape),
        "Flatten" => Rule::One(reshape::flatten),
        "Squeeze" => Rule::One(reshape::squeeze),
        "Unsqueeze" => Rule::One(reshape::unsqueeze),
        "Transpose" => Rule::One(reshape::transpose),
        "Softmax" | "LogSoftmax" => Rule::One(softmax::softmax),
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceL1" | "ReduceL2" | "ReduceSumSquare"
        | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceProd" => Rule::One(reduce::reduce),
        "LpNormalization" => Rule::One(reduce::lp_normalization),
        "CumSum" => Rule::One(reduce::cumulative_sum),
        "Concat" => Rule::One(join::concat),
        "Split" => Rule::Several(join::split),
        "DepthToSpace" | "SpaceToDepth" => Rule::One(join::blocks),
        "Resize" | "Upsample" => Rule::One(resize::resize),
        "Expand" => Rule::One(expand::expand),
        "Tile" => Rule::One(expand::tile),
        "Equal" | "Greater" | "Less" | "GreaterOrEqual" | "LessOrEqual" => Rule::One(compare::compare),
        "And" | "Or" | "Xor" => Rule::One(compare::logic),
        "Not" => Rule::One(compare::not),
        "Where" => Rule::One(compare::select),
        "Cast" | "CastLike" => Rule::One(compare::cast),
        "Attention" => Rule::One(attention::attention),
        "Einsum" => Rule::One(einsum::einsum),
        "QuantizeLinear" => Rule::Several(quantized::quantize),
        "DequantizeLinear" => Rule::Several(quantized::dequantize),
        "Slice" => Rule::One(slice::slice),
        "Gather" => Rule::One(slice::gather),
        "Pad" => Rule::One(slice::pad),
        "Trilu" => Rule::One(slice::trilu),
        _ => return None,
    })
}
