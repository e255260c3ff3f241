//! Inputs and outputs. The graph holds several as one vector; in the file each is a tensor of its own.

use crate::error::Result;
use crate::export::onnx::attributes::{int, ints};
use crate::export::onnx::lower::{Lowering, Value, piece};
use crate::graph::{Function, Graph, Node, NodeId, Op, Port};
use crate::onnx::proto::tensor_proto::DataType;
use crate::onnx::proto::tensor_shape_proto::{Dimension, dimension};
use crate::onnx::proto::{TensorShapeProto, TypeProto, ValueInfoProto, type_proto};

/// Name of the number of samples.
const BATCH: &str = "N";

/// The node of each output. Several outputs are joined by the last node: its inputs, seen through the reshapes to vectors.
/// Where it has another form, the last node itself for each.
pub fn sources(graph: &Graph) -> Vec<NodeId> {
    let (nodes, ports, last) = (graph.nodes(), graph.outputs(), graph.output());
    let node = &nodes[last];
    let joined = matches!(node.op, Op::Function(Function::Concat { axis: 0 }))
        && node.inputs.len() == ports.len()
        && ports.iter().zip(&node.inputs).all(|(port, &input)| nodes[input].shape == [port.elements()]);
    let seen_through = |(port, &input): (&Port, &NodeId)| match (&nodes[input].op, nodes[input].inputs.as_slice()) {
        (Op::Function(Function::Reshape { .. }), &[behind]) if nodes[behind].shape == port.shape => behind,
        _ => input,
    };
    match ports.len() > 1 && joined {
        true => ports.iter().zip(&node.inputs).map(seen_through).collect(),
        false => vec![last; ports.len()],
    }
}

/// Whether a node's tensor is an output as it stands.
pub fn is_direct(graph: &Graph, port: &Port, source: NodeId) -> bool {
    let node = &graph.nodes()[source];
    let is_own = |node: &Node| match &node.op {
        Op::Input | Op::Function(Function::Constant { .. }) => false,
        Op::Function(Function::Reshape { .. }) => !is_input(graph, node.inputs[0]),
        _ => !is_input(graph, source),
    };
    port.batch_axis == Some(0) && !port.whole && node.shape == port.shape && is_own(node) && depends(graph, source)
}

/// Whether a node is an input of the file, or lies in one.
pub fn is_input(graph: &Graph, id: NodeId) -> bool {
    id == 0 || port_of(graph, &graph.nodes()[id]).is_some()
}

/// Whether a node depends on an input that has a batch.
fn depends(graph: &Graph, id: NodeId) -> bool {
    let mut depends: Vec<bool> = Vec::with_capacity(id + 1);
    for node in graph.nodes().iter().take(id + 1) {
        let batched = |port: &Port| port.batch_axis.is_some();
        depends.push(match (&node.op, port_of(graph, node)) {
            (Op::Input, _) => graph.inputs().iter().any(batched),
            (_, Some(port)) => batched(&graph.inputs()[port]),
            _ => node.inputs.iter().any(|&input| depends[input]),
        });
    }
    depends.last().copied().unwrap_or(false)
}

/// The input whose elements a node cuts out of the joined ones.
fn port_of(graph: &Graph, node: &Node) -> Option<usize> {
    let ports = graph.inputs();
    let [start, count] = piece(node).filter(|_| ports.len() > 1)?;
    let mut place = 0;
    ports.iter().position(|port| {
        let found = place == start && port.elements() == count;
        place += port.elements();
        found
    })
}

/// Declares the inputs, with the batch brought to the front, and gives their values to the nodes that they are.
pub fn begin(lowering: &mut Lowering<'_>) -> Result<()> {
    let graph = lowering.graph();
    let reads_input = |node: &&Node| node.inputs.contains(&0);
    let mut readers = graph.nodes().iter().filter(reads_input).peekable();
    let only_tokens = readers.peek().is_some() && readers.all(|node| matches!(node.op, Op::Embedding(_)));
    let mut values = Vec::with_capacity(graph.inputs().len());
    for port in graph.inputs() {
        let whole = port.whole || graph.inputs().len() == 1 && only_tokens;
        lowering.writer.inputs.push(described(port, whole));
        let batched = port.batch_axis.is_some();
        let wanted = format!("{}.samples", port.name);
        let tensor = match port.batch_axis {
            Some(0) => port.name.clone(),
            Some(axis) => {
                let front = std::iter::once(axis).chain((0..=port.shape.len()).filter(|&other| other != axis));
                lowering.writer.node("Transpose", &[&port.name], &wanted, vec![ints("perm", front)])
            }
            None => lowering.reshape(&port.name, false, &port.shape, &wanted),
        };
        values.push(Value { tensor, shape: port.shape.clone(), batched, whole });
    }
    if let [only] = values.as_slice() {
        lowering.values[0] = Some(only.clone());
        return Ok(());
    }
    for (id, node) in graph.nodes().iter().enumerate() {
        if let Some(port) = port_of(graph, node) {
            lowering.values[id] = values.get(port).cloned();
        }
    }
    Ok(())
}

/// All inputs as one vector, where a node reads them so.
pub fn join_inputs(lowering: &mut Lowering<'_>) -> Result<Value> {
    let node = &lowering.graph().nodes()[0];
    Err(lowering.wrong(node, "several inputs that are read as one", "a part for each"))
}

/// Declares the outputs, and brings their nodes' tensors into their forms.
pub fn end(lowering: &mut Lowering<'_>, sources: &[NodeId]) -> Result<()> {
    let graph = lowering.graph();
    let mut start = 0;
    for (port, &source) in graph.outputs().iter().zip(sources) {
        lowering.writer.outputs.push(described(port, port.whole));
        if lowering.results[source] != port.name {
            let piece = (graph.nodes()[source].shape.iter().product::<usize>() != port.elements())
                .then_some([start, port.elements()]);
            output(lowering, port, source, piece)?;
        }
        start += port.elements();
    }
    Ok(())
}

/// An output that is not a node's tensor as it stands. `piece` is its place among several in one vector.
fn output(lowering: &mut Lowering<'_>, port: &Port, source: NodeId, piece: Option<[usize; 2]>) -> Result<()> {
    let named = |what: &str| format!("{}.{what}", port.name);
    let mut tensor = lowering.float(source)?;
    let mut batched = lowering.batched(source);
    let mut shape = lowering.graph().nodes()[source].shape.clone();
    if let Some([start, count]) = piece {
        let bounds = [("start", start), ("end", start + count), ("axis", 1)];
        let [start, end, axis] = bounds.map(|(what, value)| lowering.writer.integers(&named(what), &[value as i64]));
        tensor = lowering.writer.node("Slice", &[&tensor, &start, &end, &axis], &named("part"), vec![]);
        shape = vec![count];
    }
    let of_samples = lowering.graph().inputs().iter().find(|input| input.batch_axis.is_some());
    if let (false, Some(_), Some(input)) = (batched, port.batch_axis, of_samples) {
        let axis = input.batch_axis.unwrap_or(0);
        tensor = lowering.for_each_sample(&tensor, &shape, &input.name, axis, &named("expanded"));
        batched = true;
    }
    match port.batch_axis {
        None => {
            let extents: Vec<i64> = port.shape.iter().map(|&extent| extent as i64).collect();
            let shape = lowering.writer.integers(&named("shape"), &extents);
            tensor = lowering.writer.node("Reshape", &[&tensor, &shape], &named("alone"), vec![]);
        }
        Some(axis) => {
            if shape != port.shape {
                tensor = lowering.reshape(&tensor, batched, &port.shape, &named("shaped"));
            }
            if axis > 0 {
                let mut order: Vec<usize> = (1..=port.shape.len()).collect();
                order.insert(axis.min(order.len()), 0);
                tensor = lowering.writer.node("Transpose", &[&tensor], &named("turned"), vec![ints("perm", order)]);
            }
        }
    }
    let name = lowering.writer.name(&named("output"));
    let (op, attributes) = match port.whole {
        true => ("Cast", vec![int("to", i64::from(DataType::Int64 as i32))]),
        false => ("Identity", vec![]),
    };
    lowering.writer.named_node("", op, &[&tensor], [&name, &port.name], attributes);
    Ok(())
}

/// A port as the file describes it.
fn described(port: &Port, whole: bool) -> ValueInfoProto {
    let mut extents: Vec<dimension::Value> =
        port.shape.iter().map(|&extent| dimension::Value::DimValue(extent as i64)).collect();
    if let Some(axis) = port.batch_axis {
        extents.insert(axis.min(extents.len()), dimension::Value::DimParam(BATCH.into()));
    }
    let dim = extents.into_iter().map(|value| Dimension { denotation: None, value: Some(value) }).collect();
    let kind = if whole { DataType::Int64 } else { DataType::Float };
    let tensor = type_proto::Tensor { elem_type: Some(kind as i32), shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto {
        name: Some(port.name.clone()),
        r#type: Some(TypeProto { denotation: None, value: Some(type_proto::Value::TensorType(tensor)) }),
        ..ValueInfoProto::default()
    }
}
