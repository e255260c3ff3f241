//! From nodes of a network to steps of a TensorFlow Lite file.

use crate::error::{Error, Result};
use crate::export::litert::network::{Network, file_axis, file_shape, int};
use crate::export::litert::schema::{Builtin, Element, Field};
use crate::export::{DeployedLayer, Deployment};
use crate::graph::{Activation, AxisMap, Border, Function, Node, Op};

/// Options by their numbers in the union `BuiltinOptions`.
const SOFTMAX_OPTIONS: u8 = 9;
const CONCATENATION_OPTIONS: u8 = 10;
const ADD_OPTIONS: u8 = 11;
const MUL_OPTIONS: u8 = 21;
const REDUCER_OPTIONS: u8 = 27;
const STRIDED_SLICE_OPTIONS: u8 = 32;

/// A network on its way into a file.
#[derive(Debug)]
pub(super) struct Lowering<'a> {
    deployment: &'a Deployment,
    /// Whether weights are stored as integers; else as values wherever ai-edge-quantizer finds the integers again.
    pub integers: bool,
    pub net: Network,
    /// The tensor of each node.
    outputs: Vec<i32>,
}

impl<'a> Lowering<'a> {
    /// The file of a deployment, and the tensor that each of its nodes became.
    ///
    /// # Errors
    /// When an operator has no form in the file; the node is named.
    pub fn run(deployment: &'a Deployment, file: &'static str, integers: bool) -> Result<Network> {
        let description = format!("bitplan: {}, plan {}", deployment.graph.name, deployment.plan);
        let net = Network::new(file, description);
        let mut lowering = Self { deployment, integers, net, outputs: Vec::new() };
        lowering.check_ports()?;
        let mut layers = deployment.layers.iter();
        for node in deployment.graph.nodes() {
            let layer = if node.op.has_weight() { layers.next() } else { None };
            let output = lowering.node(node, layer)?;
            lowering.outputs.push(output);
        }
        lowering.net.model.output = lowering.outputs.last().copied().unwrap_or(0);
        Ok(lowering.net)
    }

    fn check_ports(&self) -> Result<()> {
        let graph = &self.deployment.graph;
        let (inputs, outputs) = (graph.inputs(), graph.outputs());
        if inputs.len() == 1 && outputs.len() == 1 && inputs.iter().all(|port| !port.whole) {
            return Ok(());
        }
        let found = format!("{} inputs and {} outputs", inputs.len(), outputs.len());
        let place = format!("network `{}`", graph.name);
        Err(Error::input(
            place,
            found,
            "one input of real numbers and one output in a LiteRT file",
            "export to onnx instead",
        ))
    }

    fn node(&mut self, node: &Node, layer: Option<&DeployedLayer>) -> Result<i32> {
        let shape = file_shape(&node.shape);
        match (&node.op, layer) {
            (Op::Input, _) => {
                self.net.model.input = self.net.tensor(&node.name, &shape, Element::Float32, None);
                Ok(self.net.model.input)
            }
            (Op::Conv2d(conv), Some(layer)) => self.conv(node, conv, layer),
            (Op::Linear(linear), Some(layer)) => self.linear(node, linear, layer),
            (Op::BatchNorm { epsilon }, _) => self.batch_norm(node, *epsilon),
            (Op::Relu, _) => self.pointwise(node, Builtin::Relu),
            (Op::Add, _) => {
                let inputs = [self.input(node, 0)?, self.input(node, 1)?];
                Ok(self.net.step(Builtin::Add, &inputs, (ADD_OPTIONS, &[]), &node.name, &shape))
            }
            (Op::GlobalAveragePool, _) => {
                let input = self.input(node, 0)?;
                self.mean(node, input, &[1, 2], false)
            }
            (Op::Subsample { stride, before, after }, _) => {
                let input = self.input(node, 0)?;
                let step = int(*stride);
                let kept = self.net.shape(input).last().copied().unwrap_or(1);
                let kept = [&shape[..shape.len().saturating_sub(1)], &[kept]].concat();
                let sparse = self.slice(&format!("{}/kept", node.name), input, &kept, &[1, step, step, 1], None);
                Ok(self.pad(&node.name, sparse, &[0, 0, 0, 0, 0, 0, int(*before), int(*after)], None))
            }
            (Op::Function(function), _) => self.function(node, function),
            _ => Err(self.no_form(node)),
        }
    }

    fn function(&mut self, node: &Node, function: &Function) -> Result<i32> {
        let (shape, rank) = (file_shape(&node.shape), node.shape.len());
        match function {
            Function::Activation(activation) => self.activation(node, *activation),
            Function::Softmax { causal: false } if rank != 3 => {
                let input = self.input(node, 0)?;
                let options = (SOFTMAX_OPTIONS, &[(0, Field::Float(1.0))][..]);
                Ok(self.net.step(Builtin::Softmax, &[input], options, &node.name, &shape))
            }
            Function::MaxPool(window) => self.pool(node, window, false),
            Function::AveragePool(window) => self.pool(node, window, true),
            Function::Multiply => self.multiply(node),
            Function::Concat { axis } => {
                let inputs: Vec<i32> = (0..node.inputs.len()).map(|i| self.input(node, i)).collect::<Result<_>>()?;
                let axis = (0, Field::Int(int(file_axis(rank, *axis))));
                Ok(self.net.step(Builtin::Concatenation, &inputs, (CONCATENATION_OPTIONS, &[axis]), &node.name, &shape))
            }
            Function::Reshape { .. } => self.reshape(node),
            Function::Transpose { axes } => {
                let input = self.input(node, 0)?;
                let place = |axis: usize| file_axis(rank, axis);
                let mut order = vec![0; rank + 1];
                for (to, &from) in axes.iter().enumerate() {
                    if let Some(entry) = order.get_mut(place(to)) {
                        *entry = int(place(from));
                    }
                }
                Ok(self.transpose(&node.name, input, &order))
            }
            Function::Along { axis, map } => self.along(node, file_axis(rank, *axis), map),
            _ => Err(self.no_form(node)),
        }
    }

    fn activation(&mut self, node: &Node, activation: Activation) -> Result<i32> {
        match activation {
            Activation::Clip { low: 0.0, high: 6.0 } => self.pointwise(node, Builtin::Relu6),
            Activation::Clip { low, high } => {
                let (input, shape) = (self.input(node, 0)?, file_shape(&node.shape));
                let mut ends = Vec::new();
                for (name, end) in [("low", low), ("high", high)] {
                    ends.push(self.net.floats(&format!("{}/{name}", node.name), &[end as f32], &[]));
                }
                let name = format!("{}/above", node.name);
                let above = self.net.step(Builtin::Maximum, &[input, ends[0]], (0, &[]), &name, &shape);
                Ok(self.net.step(Builtin::Minimum, &[above, ends[1]], (0, &[]), &node.name, &shape))
            }
            Activation::Sigmoid => self.pointwise(node, Builtin::Logistic),
            Activation::Tanh => self.pointwise(node, Builtin::Tanh),
            Activation::HardSwish => self.pointwise(node, Builtin::HardSwish),
            _ => Err(self.no_form(node)),
        }
    }

    fn pointwise(&mut self, node: &Node, builtin: Builtin) -> Result<i32> {
        let input = self.input(node, 0)?;
        Ok(self.net.step(builtin, &[input], (0, &[]), &node.name, &file_shape(&node.shape)))
    }

    /// A factor and a summand for each channel, where no layer took them in.
    fn batch_norm(&mut self, node: &Node, epsilon: f64) -> Result<i32> {
        if node.shape.len() == 2 {
            return Err(self.unknown(node, "a batch norm of sequences", "one of maps or of features"));
        }
        let mut parts = Vec::new();
        for what in ["weight", "bias", "running_mean", "running_var"] {
            parts.push(self.parameter(node, what)?.iter().map(|&value| f64::from(value)).collect::<Vec<_>>());
        }
        let factor: Vec<f64> = parts[0].iter().zip(&parts[3]).map(|(g, v)| g / (v + epsilon).sqrt()).collect();
        let moved = parts[1].iter().zip(&parts[2]).zip(&factor);
        let shift: Vec<f32> = moved.map(|((b, m), f)| (b - m * f) as f32).collect();
        let factor: Vec<f32> = factor.iter().map(|&f| f as f32).collect();
        let (input, shape, channels) = (self.input(node, 0)?, file_shape(&node.shape), int(factor.len()));
        let factor = self.net.floats(&format!("{}/factor", node.name), &factor, &[channels]);
        let shift = self.net.floats(&format!("{}/shift", node.name), &shift, &[channels]);
        let scaled = format!("{}/scaled", node.name);
        let scaled = self.net.step(Builtin::Mul, &[input, factor], (MUL_OPTIONS, &[]), &scaled, &shape);
        Ok(self.net.step(Builtin::Add, &[scaled, shift], (ADD_OPTIONS, &[]), &node.name, &shape))
    }

    /// A product; a factor for each channel of a map becomes a map of one cell.
    fn multiply(&mut self, node: &Node) -> Result<i32> {
        let (left, mut right) = (self.input(node, 0)?, self.input(node, 1)?);
        let (rank, channels) = (self.net.shape(left).len(), self.net.shape(right));
        if let (4, &[_, channels]) = (rank, channels.as_slice()) {
            right = self.reshape_to(&format!("{}/factor", node.name), right, &[1, 1, 1, channels]);
        } else if rank != channels.len() {
            return Err(self.unknown(node, "a factor for each row", "one for each channel of a map"));
        }
        let shape = file_shape(&node.shape);
        Ok(self.net.step(Builtin::Mul, &[left, right], (MUL_OPTIONS, &[]), &node.name, &shape))
    }

    /// Elements keep the order that they have with channels first, so maps are turned before and behind.
    fn reshape(&mut self, node: &Node) -> Result<i32> {
        let is_map = |sample: &[usize]| matches!(*sample, [c, h, w] if c > 1 && h * w > 1);
        let from = node.inputs.first().and_then(|&id| self.deployment.graph.nodes().get(id));
        let mut input = self.input(node, 0)?;
        if from.is_some_and(|from| is_map(&from.shape)) {
            input = self.transpose(&format!("{}/channels_first", node.name), input, &[0, 3, 1, 2]);
        }
        if !is_map(&node.shape) {
            return Ok(self.reshape_to(&node.name, input, &file_shape(&node.shape)));
        }
        let shape: Vec<i32> = [1].into_iter().chain(node.shape.iter().copied().map(int)).collect();
        let reshaped = self.reshape_to(&format!("{}/channels_first_map", node.name), input, &shape);
        Ok(self.transpose(&node.name, reshaped, &[0, 2, 3, 1]))
    }

    /// The same elements in another shape; the batch follows from the input.
    fn reshape_to(&mut self, name: &str, input: i32, shape: &[i32]) -> i32 {
        let free: Vec<i32> = [-1].into_iter().chain(shape.iter().skip(1).copied()).collect();
        let sizes = self.net.ints(&format!("{name}/shape"), &free, &[int(free.len())]);
        self.net.step(Builtin::Reshape, &[input, sizes], (0, &[]), name, shape)
    }

    fn transpose(&mut self, name: &str, input: i32, order: &[i32]) -> i32 {
        let from = self.net.shape(input);
        let shape: Vec<i32> = order.iter().filter_map(|&axis| from.get(axis as usize).copied()).collect();
        let axes = self.net.ints(&format!("{name}/axes"), order, &[int(order.len())]);
        self.net.step(Builtin::Transpose, &[input, axes], (0, &[]), name, &shape)
    }

    fn mean(&mut self, node: &Node, input: i32, axes: &[i32], keep: bool) -> Result<i32> {
        let axes = self.net.ints(&format!("{}/axes", node.name), axes, &[int(axes.len())]);
        let options = (REDUCER_OPTIONS, &[(0, Field::Flag(keep))][..]);
        Ok(self.net.step(Builtin::Mean, &[input, axes], options, &node.name, &file_shape(&node.shape)))
    }

    fn along(&mut self, node: &Node, axis: usize, map: &AxisMap) -> Result<i32> {
        let (input, shape) = (self.input(node, 0)?, file_shape(&node.shape));
        match *map {
            AxisMap::Mean => self.mean(node, input, &[int(axis)], true),
            AxisMap::Pad { before, after, border: Border::Zero } => {
                let cells = |a: usize| if a == axis { [int(before), int(after)] } else { [0, 0] };
                let cells: Vec<i32> = (0..shape.len()).flat_map(cells).collect();
                Ok(self.pad(&node.name, input, &cells, None))
            }
            AxisMap::Slice { start, step, count } if step > 0 => {
                let steps: Vec<i32> =
                    (0..shape.len()).map(|a| if a == axis { int(step as usize) } else { 1 }).collect();
                let end = start + (count.saturating_sub(1)) * step.unsigned_abs() + 1;
                Ok(self.slice(&node.name, input, &shape, &steps, Some((axis, int(start), int(end)))))
            }
            _ => Err(self.no_form(node)),
        }
    }

    /// Every `steps`-th element along each axis, along one of them only those of a range; `shape` is that of the output.
    fn slice(&mut self, name: &str, input: i32, shape: &[i32], steps: &[i32], range: Option<(usize, i32, i32)>) -> i32 {
        let rank = int(steps.len());
        let along = |pick: fn(&(usize, i32, i32)) -> i32| -> Vec<i32> {
            (0..steps.len()).map(|a| range.as_ref().filter(|r| r.0 == a).map_or(0, pick)).collect()
        };
        let begin = self.net.ints(&format!("{name}/begin"), &along(|r| r.1), &[rank]);
        let end = self.net.ints(&format!("{name}/end"), &along(|r| r.2), &[rank]);
        let steps = self.net.ints(&format!("{name}/steps"), steps, &[rank]);
        // Axes in the masks are taken from end to end.
        let whole = (0..rank).filter(|&a| range.is_none_or(|r| int(r.0) != a)).map(|a| 1 << a).sum();
        let fields = [(0, Field::Int(whole)), (1, Field::Int(whole))];
        let options = (STRIDED_SLICE_OPTIONS, &fields[..]);
        self.net.step(Builtin::StridedSlice, &[input, begin, end, steps], options, name, shape)
    }

    /// The tensor of an input of a node.
    pub(super) fn input(&self, node: &Node, which: usize) -> Result<i32> {
        let tensor = node.inputs.get(which).and_then(|&id| self.outputs.get(id)).copied();
        tensor.ok_or_else(|| self.unknown(node, format!("no input {which}"), "as many inputs as the operator has"))
    }

    /// Height and width of the map that a node reads.
    pub(super) fn image(&self, node: &Node) -> Result<[usize; 2]> {
        match node.inputs.first().and_then(|&id| self.deployment.graph.nodes().get(id)).map(|from| &from.shape[..]) {
            Some(&[_, height, width]) => Ok([height, width]),
            _ => Err(self.unknown(node, "no map", "an input of channels, height and width")),
        }
    }

    /// A parameter of a node.
    pub(super) fn parameter(&self, node: &Node, what: &str) -> Result<&'a [f32]> {
        let name = format!("{}.{what}", node.name);
        match self.deployment.parameters.get(&name) {
            Some((_, values)) => Ok(values),
            None => Err(self.unknown(node, format!("no `{name}`"), "all parameters of the network")),
        }
    }

    /// An error at a node.
    pub(super) fn unknown(&self, node: &Node, found: impl Into<String>, expected: &str) -> Error {
        let place = format!("network `{}`, node `{}`", self.deployment.graph.name, node.name);
        Error::input(place, found, expected, "export to onnx instead")
    }

    fn no_form(&self, node: &Node) -> Error {
        let found = match &node.op {
            Op::Function(function) => format!("{function:?}"),
            op => format!("{op:?}"),
        };
        self.unknown(node, found, "an operator of image classifiers, the only ones written to LiteRT files")
    }
}
