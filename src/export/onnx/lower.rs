//! The graph as ONNX nodes: the driver, and the operators of residual CNNs.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::export::onnx::attributes::{float, int, ints};
use crate::export::onnx::{LayerForm, Layout, ModelWriter, Versions, ports};
use crate::export::{DeployedLayer, Deployment};
use crate::graph::{AxisMap, Conv2d, Function, Graph, Linear, Node, NodeId, Op};
use crate::onnx::proto::AttributeProto;
use crate::onnx::proto::tensor_proto::DataType;

/// The network of a deployment with its layers in a form; to be finished with [`ModelWriter::finish`].
///
/// # Errors
/// When a node has no form in the operator set, or the form refuses a layer.
pub fn lower(deployment: &Deployment, form: &dyn LayerForm, versions: Versions) -> Result<ModelWriter> {
    let graph = &deployment.graph;
    let mut lowering = Lowering {
        deployment,
        form,
        layers: deployment.layers.iter().map(|layer| (layer.name.as_str(), layer)).collect(),
        writer: ModelWriter::new(versions),
        values: vec![None; graph.nodes().len()],
        results: vec![String::new(); graph.nodes().len()],
        shared: BTreeMap::new(),
    };
    let sources = ports::sources(graph);
    let needed = needed(graph, &sources);
    lowering.reserve(&sources, &needed);
    ports::begin(&mut lowering)?;
    for (id, node) in graph.nodes().iter().enumerate().skip(1).filter(|(id, _)| needed[*id]) {
        // Parts of the input that are inputs of the file have a value already.
        if lowering.values[id].is_some() {
            continue;
        }
        let value = lowering.node(id, node)?;
        lowering.values[id] = Some(value);
    }
    ports::end(&mut lowering, &sources)?;
    let Lowering { mut writer, .. } = lowering;
    writer.describe("bitplan.version", crate::VERSION);
    writer.describe("bitplan.plan", &deployment.plan);
    let numbers = |values: &[f32]| values.iter().map(f32::to_string).collect::<Vec<_>>().join(" ");
    writer.describe("bitplan.input_mean", numbers(&deployment.normalization[0]));
    writer.describe("bitplan.input_std", numbers(&deployment.normalization[1]));
    Ok(writer)
}

/// The nodes that the sources of the outputs depend on.
fn needed(graph: &Graph, sources: &[NodeId]) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes().len()];
    sources.iter().for_each(|&id| needed[id] = true);
    for (id, node) in graph.nodes().iter().enumerate().rev() {
        if needed[id] {
            node.inputs.iter().for_each(|&input| needed[input] = true);
        }
    }
    needed
}

/// What a node of the graph is in the file.
#[derive(Debug, Clone)]
pub struct Value {
    /// Name of the tensor.
    pub tensor: String,
    /// Shape of a sample in the file: that of the node, or the same elements in another, where a part of the input is an
    /// input of its own.
    pub shape: Vec<usize>,
    /// Whether it depends on the sample; else the batch axis has extent 1.
    pub batched: bool,
    /// Whether its elements are 64-bit integers.
    pub whole: bool,
}

/// A lowering under way.
pub struct Lowering<'a> {
    /// What is lowered.
    pub deployment: &'a Deployment,
    /// How layers are written.
    pub form: &'a dyn LayerForm,
    layers: BTreeMap<&'a str, &'a DeployedLayer>,
    /// The file.
    pub writer: ModelWriter,
    /// The values of the nodes that are lowered.
    pub values: Vec<Option<Value>>,
    /// The name of each node's tensor.
    pub results: Vec<String>,
    /// Initialisers that several nodes read, by what they are.
    pub shared: BTreeMap<String, String>,
}

impl<'a> Lowering<'a> {
    /// The network.
    pub fn graph(&self) -> &'a Graph {
        &self.deployment.graph
    }

    /// Reserves the names of inputs, outputs and nodes. A node that is an output as it stands has the output's name.
    fn reserve(&mut self, sources: &[NodeId], needed: &[bool]) {
        let graph = self.graph();
        for port in graph.inputs().iter().chain(graph.outputs()) {
            self.writer.name(&port.name);
        }
        for (port, &source) in graph.outputs().iter().zip(sources) {
            if self.results[source].is_empty() && ports::is_direct(graph, port, source) {
                self.results[source] = port.name.clone();
            }
        }
        for (id, node) in graph.nodes().iter().enumerate().filter(|(id, _)| needed[*id]) {
            if self.results[id].is_empty() {
                self.results[id] = self.writer.name(&node.name);
            } else if self.results[id] != node.name {
                // The node keeps its name, which no other tensor should have.
                self.writer.name(&node.name);
            }
        }
    }

    /// An error at a node.
    pub fn wrong(&self, node: &Node, found: impl Into<String>, expected: &str) -> Error {
        let place = format!("network `{}`, node `{}`", self.graph().name, node.name);
        Error::input(place, found, expected, "write another format, or another network")
    }

    /// The parameter `NODE.what` of a node.
    pub fn parameter(&self, node: &Node, what: &str) -> Result<(&'a [usize], &'a [f32])> {
        match self.deployment.parameters.get(&format!("{}.{what}", node.name)) {
            Some((shape, values)) => Ok((shape, values)),
            None => Err(self.wrong(node, format!("no parameter `{what}`"), "every parameter of the network")),
        }
    }

    /// A parameter as an initialiser.
    pub fn parameter_tensor(&mut self, node: &Node, what: &str) -> Result<String> {
        let (shape, values) = self.parameter(node, what)?;
        Ok(self.writer.floats(&format!("{}.{what}", node.name), shape, values, None))
    }

    /// Whether a node's value depends on the sample.
    pub fn batched(&self, id: NodeId) -> bool {
        self.values.get(id).and_then(Option::as_ref).is_some_and(|value| value.batched)
    }

    /// The tensor of a node: floats, in the node's shape.
    pub fn float(&mut self, id: NodeId) -> Result<String> {
        self.tensor(id, false)
    }

    /// The tensor of a node in the node's shape, as floats or as 64-bit integers.
    pub fn tensor(&mut self, id: NodeId, whole: bool) -> Result<String> {
        if id == 0 && self.values[0].is_none() {
            self.values[0] = Some(ports::join_inputs(self)?);
        }
        let node = &self.graph().nodes()[id];
        let Some(mut value) = self.values[id].clone() else {
            return Err(Error::Internal(format!("`{}` is read before it is made", node.name)));
        };
        if value.shape != node.shape {
            value.tensor = self.reshape(&value.tensor, value.batched, &node.shape, &format!("{}.flat", node.name));
            value.shape = node.shape.clone();
        }
        if value.whole != whole {
            let (kind, suffix) = if whole { (DataType::Int64, "whole") } else { (DataType::Float, "float") };
            let to = vec![int("to", i64::from(kind as i32))];
            let cast = self.writer.node("Cast", &[&value.tensor], &format!("{}.{suffix}", value.tensor), to);
            if whole {
                return Ok(cast);
            }
            (value.tensor, value.whole) = (cast, false);
        }
        let tensor = value.tensor.clone();
        self.values[id] = Some(value);
        Ok(tensor)
    }

    /// The tensors of a node's inputs.
    pub fn inputs(&mut self, node: &Node) -> Result<Vec<String>> {
        node.inputs.iter().map(|&input| self.float(input)).collect()
    }

    /// Whether any input of a node depends on the sample.
    pub fn any_batched(&self, node: &Node) -> bool {
        node.inputs.iter().any(|&input| self.batched(input))
    }

    /// The shape of a tensor whose samples have `shape`, as an initialiser.
    pub fn shape(&mut self, wanted: &str, batched: bool, shape: &[usize]) -> String {
        let batch = if batched { -1 } else { 1 };
        let extents: Vec<i64> = std::iter::once(batch).chain(shape.iter().map(|&extent| extent as i64)).collect();
        self.writer.integers(&format!("{wanted}.shape"), &extents)
    }

    /// A tensor with samples of another shape.
    pub fn reshape(&mut self, tensor: &str, batched: bool, shape: &[usize], wanted: &str) -> String {
        let shape = self.shape(wanted, batched, shape);
        self.writer.node("Reshape", &[tensor, &shape], wanted, vec![])
    }

    /// The last node of those that a node of the graph becomes: it has its name, and makes its tensor.
    pub fn last(&mut self, id: NodeId, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> Value {
        let node = &self.graph().nodes()[id];
        let tensor = self.results[id].clone();
        self.writer.named_node("", op, inputs, [&node.name, &tensor], attributes);
        let batched = self.any_batched(node);
        Value { tensor, shape: node.shape.clone(), batched, whole: false }
    }

    /// A tensor in between: a node with one output, `NODE.suffix`.
    pub fn step(
        &mut self,
        node: &Node,
        op: &str,
        inputs: &[&str],
        suffix: &str,
        attributes: Vec<AttributeProto>,
    ) -> String {
        self.writer.node(op, inputs, &format!("{}.{suffix}", node.name), attributes)
    }

    /// A float constant of a node.
    pub fn scalar(&mut self, node: &Node, suffix: &str, value: f64) -> String {
        self.writer.scalar(&format!("{}.{suffix}", node.name), value)
    }

    fn node(&mut self, id: NodeId, node: &Node) -> Result<Value> {
        match &node.op {
            Op::Input => Err(self.wrong(node, "a second input", "one")),
            Op::Conv2d(conv) => self.convolution(id, node, conv),
            Op::Linear(linear) => self.dense(id, node, linear),
            Op::Embedding(_) => {
                let tokens = self.tensor(node.inputs[0], true)?;
                let layer = self.layer(node)?;
                let table = self.form.weight(&mut self.writer, layer, Layout::AsStored)?;
                Ok(self.last(id, "Gather", &[&table, &tokens], vec![int("axis", 0)]))
            }
            Op::BatchNorm { epsilon } => {
                let x = self.float(node.inputs[0])?;
                let mut names = vec![x];
                for what in ["weight", "bias", "running_mean", "running_var"] {
                    names.push(self.parameter_tensor(node, what)?);
                }
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                Ok(self.last(id, "BatchNormalization", &names, vec![float("epsilon", *epsilon)]))
            }
            Op::Relu => {
                let x = self.float(node.inputs[0])?;
                Ok(self.last(id, "Relu", &[&x], vec![]))
            }
            Op::Add => self.pointwise(id, node, "Add"),
            Op::GlobalAveragePool => {
                let x = self.float(node.inputs[0])?;
                let mean = self.step(node, "GlobalAveragePool", &[&x], "mean", vec![]);
                Ok(self.last(id, "Flatten", &[&mean], vec![int("axis", 1)]))
            }
            Op::Subsample { stride, before, after } => {
                let x = self.float(node.inputs[0])?;
                let name = |what: &str| format!("{}.{what}", node.name);
                let starts = self.writer.integers(&name("starts"), &[0, 0]);
                let ends = self.writer.integers(&name("ends"), &[i64::MAX; 2]);
                let axes = self.writer.integers(&name("axes"), &[2, 3]);
                let steps = self.writer.integers(&name("steps"), &[*stride as i64; 2]);
                let small = self.step(node, "Slice", &[&x, &starts, &ends, &axes, &steps], "small", vec![]);
                let pads = [0, *before as i64, 0, 0, 0, *after as i64, 0, 0];
                let pads = self.writer.integers(&name("pads"), &pads);
                Ok(self.last(id, "Pad", &[&small, &pads], vec![]))
            }
            Op::Function(function) => self.function(id, node, function),
        }
    }

    /// An operator on tensors of one shape.
    pub fn pointwise(&mut self, id: NodeId, node: &Node, op: &str) -> Result<Value> {
        let inputs = self.inputs(node)?;
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        Ok(self.last(id, op, &inputs, vec![]))
    }

    fn layer(&self, node: &Node) -> Result<&'a DeployedLayer> {
        match self.layers.get(node.name.as_str()) {
            Some(layer) => Ok(layer),
            None => Err(self.wrong(node, "no weights", "the weights of every layer")),
        }
    }

    /// Input, weight and bias of a layer.
    fn operands(&mut self, node: &Node, layout: Layout) -> Result<Vec<String>> {
        let layer = self.layer(node)?;
        let x = self.float(node.inputs[0])?;
        let mut names = vec![self.form.input(&mut self.writer, layer, &x)?];
        names.push(self.form.weight(&mut self.writer, layer, layout)?);
        if node.op.has_bias() {
            let (shape, values) = self.parameter(node, "bias")?;
            let row = [1, values.len()];
            let shape = if layout == Layout::Turned && self.form.has_bias_of_two_axes() { &row[..] } else { shape };
            names.push(self.writer.floats(&format!("{}.bias", node.name), shape, values, None));
        }
        Ok(names)
    }

    fn convolution(&mut self, id: NodeId, node: &Node, conv: &Conv2d) -> Result<Value> {
        let names = self.operands(node, Layout::AsStored)?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let attributes = vec![
            ints("kernel_shape", conv.kernel),
            ints("strides", conv.stride),
            ints("pads", conv.padding.before.into_iter().chain(conv.padding.after)),
            ints("dilations", conv.dilation),
            int("group", conv.groups as i64),
        ];
        Ok(self.last(id, "Conv", &names, attributes))
    }

    /// `Gemm` on vectors, else `MatMul` and `Add`.
    fn dense(&mut self, id: NodeId, node: &Node, linear: &Linear) -> Result<Value> {
        if node.shape.len() == 1 {
            let names = self.operands(node, Layout::AsStored)?;
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let attributes = vec![float("alpha", 1.0), float("beta", 1.0), int("transA", 0), int("transB", 1)];
            return Ok(self.last(id, "Gemm", &names, attributes));
        }
        let names = self.operands(node, Layout::Turned)?;
        match (linear.bias, names.as_slice()) {
            (true, [x, weight, bias]) => {
                let product = self.step(node, "MatMul", &[x, weight], "product", vec![]);
                Ok(self.last(id, "Add", &[&product, bias], vec![]))
            }
            (_, names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                Ok(self.last(id, "MatMul", &names, vec![]))
            }
        }
    }
}

/// The place and the number of the elements that a node cuts out of the input as it stands.
pub fn piece(node: &Node) -> Option<[usize; 2]> {
    match (&node.op, node.inputs.as_slice()) {
        (Op::Function(Function::Along { axis: 0, map: AxisMap::Slice { start, step: 1, count } }), [0]) => {
            Some([*start, *count])
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "lower_tests.rs"]
mod tests;
