//! Constant expressions: evaluates a node whose inputs are all constants, as exporters write them to compute shapes,
//! and on constants of a few elements.
//!
//! Semantics are those of the ONNX operator documentation, sets 7 to 26. Floats are computed in 64 bits and rounded to
//! 32; integers are exact in 64 bits, and one that does not fit is an error: the width of the file is not kept.

mod arithmetic;
mod arrange;
mod call;
mod cast;
mod compare;
mod linear;
mod reduce;
mod scatter;
mod select;
mod shape;
mod split;
mod strided;
mod unary;

use crate::error::{Error, Result};

use super::decode::element_count;
use super::node::OnnxNode;
use super::tensor::Tensor;
use call::Call;

/// The most elements of a folded result: 2²⁶. Without a limit a file of some bytes could ask for gigabytes.
pub const MAX_ELEMENTS: usize = 1 << 26;

/// Outputs of `node`, of which every input is a constant. In `inputs`, `None` stands for an optional input that is
/// absent; as the result, for an operator (or a form of it) that is not folded.
///
/// Errors: inputs and attributes that the operator does not allow, integers that overflow, results of more than
/// [`MAX_ELEMENTS`]. Cost: O(elements of inputs and outputs); of a matrix product at most 2²⁸ multiplications.
pub fn fold(node: &OnnxNode, opset: i64, inputs: &[Option<&Tensor>]) -> Result<Option<Vec<Tensor>>> {
    if !node.domain.is_empty() {
        return Ok(None);
    }
    let consistent = |t: &&Tensor| element_count(&t.shape) == Some(t.len());
    if !inputs.iter().flatten().all(consistent) {
        return Err(Error::Internal(format!("{}: an input whose shape is not that of its data", node.place())));
    }
    let call = Call { node, opset, inputs };
    let one = match node.op.as_str() {
        "Identity" => Ok(call.required(0)?.clone()),
        "Shape" => shape_of(node, opset, &call.required(0)?.shape),
        "Size" => Ok(Tensor::int(call.required(0)?.len() as i64)),
        "Reshape" => shape::reshape(&call),
        "Flatten" => shape::flatten(&call),
        "Squeeze" => shape::squeeze(&call),
        "Unsqueeze" => shape::unsqueeze(&call),
        "Transpose" => shape::transpose(&call),
        "Expand" => shape::expand(&call),
        "Tile" => shape::tile(&call),
        "Gather" => select::gather(&call),
        "GatherElements" => select::gather_elements(&call),
        "Slice" => select::slice(&call),
        "ScatterND" if node.text("reduction", "none")? == "none" => scatter::scatter_nd(&call),
        "Split" => return split::split(&call).map(Some),
        "Concat" => split::concat(&call),
        "Pad" if node.text("mode", "constant")? == "constant" => arrange::pad(&call),
        "Trilu" => arrange::trilu(&call),
        "Range" => arrange::range(&call),
        "ConstantOfShape" => arrange::constant_of_shape(&call),
        "Add" | "Sub" | "Mul" | "Div" | "Mod" | "Pow" => arithmetic::binary(&call),
        "Min" | "Max" => arithmetic::extreme(&call),
        "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" => compare::compare(&call),
        "And" | "Or" | "Xor" => compare::logic(&call),
        "Not" => compare::not(&call),
        "Where" => compare::select_by(&call),
        "Cast" => cast::cast(&call),
        "Clip" => unary::clip(&call),
        "ReduceSum" | "ReduceProd" | "ReduceMin" | "ReduceMax" | "ReduceMean" => reduce::reduce(&call),
        "CumSum" => reduce::cumulative_sum(&call),
        "Softmax" => reduce::softmax(&call),
        "MatMul" => return linear::matmul(&call),
        "DequantizeLinear" => linear::dequantize(&call),
        op => match unary::function(op) {
            Some(function) => unary::apply(&call, function),
            None => return Ok(None),
        },
    };
    one.map(|tensor| Some(vec![tensor]))
}

/// Output of a Shape node whose input has the given shape; honours `start` and `end` (opset 15).
pub fn shape_of(node: &OnnxNode, opset: i64, shape: &[usize]) -> Result<Tensor> {
    let rank = shape.len() as i64;
    let (start, end) = match opset {
        ..15 => (0, rank),
        _ => (node.int("start", 0)?, node.int("end", rank)?),
    };
    let clamped = |at: i64| if at < 0 { at.saturating_add(rank).max(0) } else { at.min(rank) } as usize;
    let part = shape.get(clamped(start)..clamped(end)).unwrap_or_default();
    Ok(Tensor::of_ints(part.iter().map(|&d| d as i64)))
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
