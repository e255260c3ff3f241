//! BatchNormalization, LayerNormalization, RMSNormalization, InstanceNormalization and GroupNormalization.

use crate::error::Result;
use crate::graph::{Function, Op};
use crate::onnx::tensor::ElementKind;

use super::arithmetic::{Binary, combine};
use super::call::Call;
use super::context::Context;
use super::matmul::permuted;
use super::value::{Constant, Dynamic, Value};

/// BatchNormalization with its running statistics.
pub fn batch_norm(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    x.keep_apart(call, 1..x.rank())?;
    let statistics = call.node.outputs.iter().skip(1).any(|name| !name.is_empty());
    if statistics || call.node.int("training_mode", 0)? != 0 {
        return Err(call.unsupported("statistics of the batch (training_mode)"));
    }
    let [1, channels, ref axes @ ..] = x.shape[..] else {
        return Err(call.unsupported(format!("an input of shape {:?}", x.shape)));
    };
    let map = match *axes {
        [height, width] => [height, width],
        _ => [1, axes.iter().product()],
    };
    let weight = call.constant(1, "scale")?;
    let name = context.layer_name(weight);
    let node = context.reshape("map", x.node, &[channels, map[0], map[1]])?;
    let node = context.named(&name, Op::BatchNorm { epsilon: call.float("epsilon", 1e-5)? }, &[node])?;
    for (index, what) in ["weight", "bias", "running_mean", "running_var"].into_iter().enumerate() {
        let constant = call.constant(index + 1, what)?;
        let elements = vector(call, constant, channels)?;
        context.parameter(&name, what, &[channels], elements)?;
    }
    context.like(node, &x)
}

/// The elements of a vector of this length.
fn vector(call: &Call, constant: &Constant, length: usize) -> Result<Vec<f32>> {
    match constant.one.len() == length {
        true => Ok(constant.one.floats()),
        false => Err(call.wrong(format!("{} elements", constant.one.len()), format!("{length}, one for each channel"))),
    }
}

/// LayerNormalization and RMSNormalization over the axes from `axis` on.
pub fn layer_norm(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let axis = x.axis(call, call.node.int("axis", -1)?)?;
    if call.node.outputs.iter().skip(1).any(|name| !name.is_empty()) {
        return Err(call.unsupported("the mean or the deviation as an output"));
    }
    trailing(context, call, &x, axis, call.node.op != "LayerNormalization")
}

/// A norm put together from its parts, over any axes.
pub fn over_axes(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    let axes = call.node.ints("axes")?.unwrap_or_default();
    let axes = axes.iter().map(|&axis| x.axis(call, axis)).collect::<Result<Vec<_>>>()?;
    let rms = call.node.op == "RmsNorm";
    let kept: Vec<usize> = (0..x.rank()).filter(|axis| !axes.contains(axis)).collect();
    if kept.iter().copied().eq(0..kept.len()) {
        return trailing(context, call, &x, kept.len(), rms);
    }
    x.keep_apart(call, axes.iter().copied())?;
    // Axes inside, such as the channels of maps, are moved behind and back.
    let order: Vec<usize> = kept.iter().copied().chain((0..x.rank()).filter(|axis| axes.contains(axis))).collect();
    let turned = permuted(context, &x, &order)?;
    let features: usize = turned.shape.iter().skip(kept.len()).product();
    let rows = turned.elements() / features.max(1);
    let node = context.reshape("flat", turned.node, &[rows, features])?;
    let node = plain(context, node, features, call.float("epsilon", 1e-5)?, rms)?;
    let normed = context.like(node, &turned)?;
    let back: Vec<usize> = (0..x.rank()).filter_map(|axis| order.iter().position(|&other| other == axis)).collect();
    let normed = permuted(context, &normed, &back)?;
    with_operands(context, call, normed)
}

/// The norm over all axes from `axis` on.
fn trailing(context: &mut Context, call: &Call, x: &Dynamic, axis: usize, rms: bool) -> Result<Dynamic> {
    x.keep_apart(call, axis..x.rank())?;
    let epsilon = call.float("epsilon", 1e-5)?;
    let (outer, inner) = x.shape.split_at(axis);
    let features: usize = inner.iter().product();
    let flat = context.reshape("flat", x.node, &[outer, &[features]].concat())?;
    let parameters = match [call.optional(1), call.optional(2)] {
        [Some(Value::Constant(scale)), bias] => fits(scale, inner, features).and_then(|scale| match bias {
            None => Some((scale, vec![0.0; features])),
            Some(Value::Constant(bias)) => Some((scale, fits(bias, inner, features)?)),
            Some(Value::Dynamic(_)) => None,
        }),
        _ => None,
    };
    if let (Some((scale, bias)), Some(Value::Constant(weight))) = (parameters, call.optional(1)) {
        let name = context.layer_name(weight);
        let function = if rms { Function::RmsNorm { epsilon } } else { Function::LayerNorm { epsilon, affine: true } };
        let node = context.named(&name, Op::Function(function), &[flat])?;
        context.parameter(&name, "weight", &[features], scale)?;
        if !rms {
            context.parameter(&name, "bias", &[features], bias)?;
        }
        return context.like(node, x);
    }
    let node = plain(context, flat, features, epsilon, rms)?;
    let normed = context.like(node, x)?;
    with_operands(context, call, normed)
}

/// The norm times the second input plus the third, as far as they are there.
fn with_operands(context: &mut Context, call: &Call, normed: Dynamic) -> Result<Dynamic> {
    let mut value: Value = normed.into();
    for (index, binary) in [(1, Binary::Multiply), (2, Binary::Add)] {
        if let Some(operand) = call.optional(index) {
            value = combine(context, call, binary, &value, operand)?.into();
        }
    }
    context.dynamic(call, &value)
}

/// The elements if they are one number per feature, repeated where the file broadcasts one.
fn fits(constant: &Constant, inner: &[usize], features: usize) -> Option<Vec<f32>> {
    let tensor = &constant.one;
    let elements = tensor.floats();
    let significant = tensor.shape.iter().skip_while(|&&n| n == 1);
    match elements[..] {
        [number] if constant.is_fixed() => Some(vec![number; features]),
        _ if constant.is_fixed() && significant.eq(inner.iter().skip_while(|&&n| n == 1)) => Some(elements),
        _ => None,
    }
}

/// A norm without parameters over the last axis.
fn plain(context: &mut Context, x: usize, features: usize, epsilon: f64, rms: bool) -> Result<usize> {
    if !rms {
        return context.function("normed", Function::LayerNorm { epsilon, affine: false }, &[x]);
    }
    let name = context.fresh("normed");
    let node = context.named(&name, Op::Function(Function::RmsNorm { epsilon }), &[x])?;
    context.parameter(&name, "weight", &[features], vec![1.0; features])?;
    Ok(node)
}

/// InstanceNormalization and GroupNormalization: a layer norm without parameters of each group of channels, then one
/// factor and one summand per channel.
pub fn group_norm(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let x = context.dynamic(call, call.input(0)?)?;
    x.keep_apart(call, 1..x.rank())?;
    let [samples, channels, ..] = x.shape[..] else {
        return Err(call.wrong(format!("an input of shape {:?}", x.shape), "batch, channels, map"));
    };
    let groups = match call.node.op.as_str() {
        "GroupNormalization" => call.node.int("num_groups", 0)?,
        _ => channels as i64,
    };
    let Some(groups) = usize::try_from(groups).ok().filter(|&n| n > 0 && channels.is_multiple_of(n)) else {
        return Err(call.wrong(format!("{groups} groups of {channels} channels"), "a divisor of the channels"));
    };
    let rows = samples.saturating_mul(groups);
    let features = x.elements() / rows.max(1);
    let node = context.reshape("groups", x.node, &[rows, features])?;
    let epsilon = call.float("epsilon", 1e-5)?;
    let node = plain(context, node, features, epsilon, false)?;
    let mut value: Value = context.done(node, &x.shape, x.samples(), ElementKind::Float)?.into();
    for (index, binary, what) in [(1, Binary::Multiply, "scale"), (2, Binary::Add, "bias")] {
        let constant = call.constant(index, what)?;
        let mut elements = constant.one.floats();
        // Until operator set 20 GroupNormalization has one number per group.
        if elements.len() == groups {
            elements = elements.into_iter().flat_map(|x| vec![x; channels / groups]).collect();
        }
        let elements = vector(call, &Constant::fixed(crate::onnx::Tensor::of_floats(elements), None), channels)?;
        let shape = [&[channels][..], &vec![1; x.rank() - 2]].concat();
        let tensor = crate::onnx::Tensor { shape, data: crate::onnx::Data::Float(elements) };
        let constant = Constant::fixed(tensor, constant.initializer.as_deref());
        value = combine(context, call, binary, &value, &constant.into())?.into();
    }
    context.dynamic(call, &value)
}
