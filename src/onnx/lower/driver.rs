//! Walks over the nodes of the file and joins what they become.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::graph::{GraphBuilder, Op, Port};
use crate::onnx::fold::{fold, shape_of};
use crate::onnx::graph::OnnxGraph;
use crate::onnx::node::OnnxNode;
use crate::onnx::tensor::{ElementKind, Tensor};

use super::Imported;
use super::call::Call;
use super::context::Context;
use super::inputs::Input;
use super::patterns;
use super::quantized;
use super::table;
use super::value::{Constant, Dynamic, Value, canonical};

/// The graph of the file, its inputs read in one way.
pub fn lower(graph: &OnnxGraph, inputs: &[Input]) -> Result<Imported> {
    let mut context = begin(graph, inputs)?;
    let nodes = patterns::fuse(graph);
    let readers = readers(graph, &nodes);
    for (index, node) in nodes.iter().enumerate() {
        // Lowered already together with a node before it.
        if node.outputs.iter().any(|name| context.values.contains_key(name)) {
            continue;
        }
        lower_node(&mut context, graph.opset, (&nodes, &readers), node, index).map_err(|error| at_node(error, node))?;
    }
    end(context, graph)
}

/// Indices of the nodes that read a value; the graph's outputs count as one more.
pub type Readers<'a> = BTreeMap<&'a str, Vec<usize>>;

fn readers<'a>(graph: &'a OnnxGraph, nodes: &'a [OnnxNode]) -> Readers<'a> {
    let mut readers = Readers::new();
    for (index, node) in nodes.iter().enumerate() {
        node.inputs.iter().for_each(|name| readers.entry(name).or_default().push(index));
    }
    graph.outputs.iter().for_each(|output| readers.entry(&output.value).or_default().push(nodes.len()));
    readers
}

fn begin(graph: &OnnxGraph, inputs: &[Input]) -> Result<Context> {
    let ports: Vec<Port> = inputs.iter().map(Input::port).collect();
    let name = if graph.name.is_empty() { "model" } else { &graph.name };
    let (builder, nodes) = GraphBuilder::with_inputs(name, &ports)?;
    let layers = graph
        .initializers
        .keys()
        .filter_map(|name| name.strip_suffix(".weight").or_else(|| name.strip_suffix(".bias")));
    let mut context = Context::new(builder, layers.map(String::from).collect());
    for (input, node) in inputs.iter().zip(nodes) {
        let value = context.done(node, &input.shape, input.batch, input.kind)?;
        context.values.insert(input.name.clone(), value.into());
    }
    for (name, tensor) in &graph.initializers {
        context.values.insert(name.clone(), Constant::fixed(tensor.clone(), Some(name)).into());
    }
    context.ranges = graph.ranges.clone();
    context.notes.extend(graph.notes.iter().cloned());
    Ok(context)
}

fn lower_node(
    context: &mut Context,
    opset: i64,
    (nodes, readers): (&[OnnxNode], &Readers<'_>),
    node: &OnnxNode,
    index: usize,
) -> Result<()> {
    context.base = match node.name.trim_start_matches('/') {
        "" => format!("{}_{index}", node.op.to_lowercase()),
        name => name.to_string(),
    };
    let input = |name: &String| match context.values.get(name) {
        _ if name.is_empty() => Ok(None),
        Some(value) => Ok(Some(value.clone())),
        None => Err(node.wrong(
            format!("an input `{name}` that nothing makes"),
            "a value made before",
            "export the model again",
        )),
    };
    let inputs = node.inputs.iter().map(input).collect::<Result<Vec<_>>>()?;
    let sole_reader = match node.outputs.first().and_then(|name| readers.get(name.as_str())).map(Vec::as_slice) {
        Some(&[only]) => nodes.get(only),
        _ => None,
    };
    let call = Call { node, inputs, sole_reader, opset };
    let values = match folded(&call)? {
        Some(constants) => {
            if node.op == "DequantizeLinear" {
                context.notes.insert(quantized::NOTE.into());
            }
            constants
        }
        None => table::lower(context, &call)?,
    };
    for (name, value) in node.outputs.iter().zip(values) {
        if !name.is_empty() {
            context.values.insert(name.clone(), value);
        }
    }
    Ok(())
}

/// The outputs of a node that depends on no sample.
fn folded(call: &Call) -> Result<Option<Vec<Value>>> {
    if call.node.domain.is_empty() && matches!(call.node.op.as_str(), "Shape" | "Size") {
        return sizes(call).map(|constant| Some(vec![constant.into()]));
    }
    let constant = |value: &Option<Value>| match value {
        None => Some(None),
        Some(Value::Constant(constant)) => Some(Some(constant.clone())),
        Some(Value::Dynamic(_)) => None,
    };
    let Some(inputs) = call.inputs.iter().map(constant).collect::<Option<Vec<_>>>() else { return Ok(None) };
    // QuantizeLinear left a constant of floats as it is.
    if call.node.op == "DequantizeLinear"
        && let Some(Some(constant)) = inputs.first()
        && constant.one.kind() == ElementKind::Float
    {
        return Ok(Some(vec![constant.clone().into()]));
    }
    let of = |pick: fn(&Constant) -> &Tensor| {
        let tensors: Vec<Option<&Tensor>> = inputs.iter().map(|input| input.as_ref().map(pick)).collect();
        fold(call.node, call.opset, &tensors)
    };
    let Some(one) = of(|constant| &constant.one)? else { return Ok(None) };
    let keeps = matches!(
        call.node.op.as_str(),
        "Transpose" | "Cast" | "Reshape" | "DequantizeLinear" | "Squeeze" | "Unsqueeze"
    );
    let initializer = inputs.first().and_then(|input| input.as_ref()?.initializer.as_deref()).filter(|_| keeps);
    if inputs.iter().flatten().all(Constant::is_fixed) {
        return Ok(Some(one.into_iter().map(|tensor| Constant::fixed(tensor, initializer).into()).collect()));
    }
    let Some(three) = of(|constant| &constant.three)? else { return Ok(None) };
    let both = one.into_iter().zip(three);
    Ok(Some(
        both.map(|(one, three)| Constant { one: one.into(), three: three.into(), initializer: None }.into()).collect(),
    ))
}

/// The shape of a value, or the number of its elements.
fn sizes(call: &Call) -> Result<Constant> {
    let (one, three) = match call.input(0)? {
        Value::Constant(constant) => (constant.one.shape.clone(), constant.three.shape.clone()),
        Value::Dynamic(dynamic) => {
            let mut three = dynamic.shape.clone();
            if let Some(extent) = dynamic.batch.and_then(|axis| three.get_mut(axis)) {
                *extent = extent.saturating_mul(3);
            }
            (dynamic.shape.clone(), three)
        }
    };
    let count = |shape: &[usize]| {
        let product = shape.iter().try_fold(1i64, |product, &n| product.checked_mul(i64::try_from(n).ok()?));
        product.ok_or_else(|| call.wrong(format!("the shape {shape:?}"), "a countable number of elements"))
    };
    let of = |shape: &[usize]| match call.node.op.as_str() {
        "Size" => count(shape).map(Tensor::int),
        _ => shape_of(call.node, call.opset, shape),
    };
    Ok(Constant { one: of(&one)?.into(), three: of(&three)?.into(), initializer: None })
}

/// An error of the builder, with the node of the file as its place.
fn at_node(error: Error, node: &OnnxNode) -> Error {
    match error {
        Error::Input(fault) if fault.place.starts_with("network `") => {
            node.wrong(fault.found, fault.expected, fault.remedy)
        }
        other => other,
    }
}

fn end(mut context: Context, graph: &OnnxGraph) -> Result<Imported> {
    let mut outputs = Vec::with_capacity(graph.outputs.len());
    for output in &graph.outputs {
        let wrong = |found: &str, expected: &str| {
            Error::input(
                format!("{}, output `{}`", graph.place, output.name),
                found,
                expected,
                "export the model again",
            )
        };
        let value = match context.values.get(&output.value).cloned() {
            Some(Value::Dynamic(dynamic)) => dynamic,
            Some(Value::Constant(constant)) if !constant.is_fixed() => {
                return Err(wrong("numbers computed from the batch size", "what depends on one sample"));
            }
            Some(Value::Constant(constant)) => constant_output(&mut context, &output.name, constant)?,
            None => return Err(wrong("nothing that makes it", "a node, an input or a constant")),
        };
        let port = output_port(&mut context, &output.name, &value);
        outputs.push((port, value.node));
    }
    let Context { builder, mut weights, notes, copied, .. } = context;
    let graph = builder.finish_with(outputs)?;
    let with_parameters = |op: &Op| !matches!(op, Op::Input | Op::Relu | Op::Add | Op::GlobalAveragePool);
    let names: BTreeSet<&str> =
        graph.nodes().iter().filter(|n| with_parameters(&n.op)).map(|n| n.name.as_str()).collect();
    weights.retain(|name, _| name.rsplit_once('.').is_some_and(|(node, _)| names.contains(node)));
    Ok(Imported { graph, weights, notes: notes.into_iter().collect(), copied })
}

/// A constant that the file gives out.
fn constant_output(context: &mut Context, name: &str, constant: Constant) -> Result<Dynamic> {
    context.base = format!("{name}.constant");
    let shape = canonical(&constant.one.shape).to_vec();
    let node_name = context.fresh("");
    let op = Op::Function(crate::graph::Function::Constant { shape: shape.clone(), trained: false });
    let node = context.named(&node_name, op, &[])?;
    context.parameter(&node_name, "value", &shape, constant.one.floats())?;
    Ok(Dynamic { node, shape: constant.one.shape.clone(), batch: None, major: 1, kind: constant.one.kind() })
}

fn output_port(context: &mut Context, name: &str, value: &Dynamic) -> Port {
    let mut shape = value.shape.clone();
    let mut batch_axis = value.batch;
    if let Some(axis) = value.batch {
        if shape.get(axis) == Some(&1) {
            shape.remove(axis);
        } else {
            let note = format!(
                "output `{name}` joins the batch with its axis {axis}; here samples have an axis of their own, in front"
            );
            context.notes.insert(note);
            batch_axis = Some(0);
        }
    }
    Port { name: name.into(), shape, batch_axis, whole: value.kind != ElementKind::Float }
}
