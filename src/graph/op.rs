//! Operators, nodes and the graph.

use serde::{Deserialize, Serialize};

use crate::graph::function::Function;

/// Index of a node; nodes are stored in topological order, so inputs have smaller indices.
pub type NodeId = usize;

/// Zeros added around a map: rows and columns, before and behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Padding {
    /// Above and to the left.
    pub before: [usize; 2],
    /// Below and to the right.
    pub after: [usize; 2],
}

impl Padding {
    /// The same on every side.
    pub fn even(cells: usize) -> Self {
        Self::uneven(cells, cells)
    }

    /// The same on both axes.
    pub fn uneven(before: usize, after: usize) -> Self {
        Self { before: [before; 2], after: [after; 2] }
    }
}

/// A 2-D convolution. Rows first, then columns, in every pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2d {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// Step.
    pub stride: [usize; 2],
    /// Zeros around the map.
    pub padding: Padding,
    /// Distance between the cells that a kernel reads; 1 where they touch.
    pub dilation: [usize; 2],
    /// Channel groups; `in_channels` for a depthwise convolution.
    pub groups: usize,
    /// Whether a bias is added; none where the batch norm behind has one.
    pub bias: bool,
}

impl Conv2d {
    /// A square kernel with `⌊kernel / 2⌋` zeros on every side, one group, no bias. The builder fills `in_channels` in.
    pub fn square(out_channels: usize, kernel: usize, stride: usize) -> Self {
        Self {
            in_channels: 0,
            out_channels,
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: Padding::even(kernel / 2),
            dilation: [1; 2],
            groups: 1,
            bias: false,
        }
    }

    /// The same with other zeros around the map.
    pub fn padded(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// The same in groups of channels.
    pub fn grouped(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// The same with a bias.
    pub fn biased(self) -> Self {
        Self { bias: true, ..self }
    }

    /// Whether every channel is convolved alone.
    pub fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.in_channels
    }

    /// Rows and columns of the map that one kernel spans: `(k − 1)·dilation + 1`.
    pub fn span(&self) -> [usize; 2] {
        [0, 1].map(|axis| (self.kernel[axis].saturating_sub(1)).saturating_mul(self.dilation[axis]).saturating_add(1))
    }
}

/// A dense layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// Features of the input.
    pub inputs: usize,
    /// Features of the output.
    pub outputs: usize,
    /// Whether a bias is added.
    pub bias: bool,
}

/// A table of one row per token; its input are token numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// Rows: tokens are 0 to one less.
    pub tokens: usize,
    /// Features of a row.
    pub features: usize,
}

/// What a node computes from its inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// The network's input, one sample: an image `[C, H, W]`, or the elements of several inputs one after the other.
    Input,
    /// Convolution; parameters `NAME.weight` `[out, in/groups, height, width]` and, with a bias, `NAME.bias` `[out]`.
    Conv2d(Conv2d),
    /// Batch norm over the channel axis; parameters `NAME.{weight,bias,running_mean,running_var}` `[C]`.
    BatchNorm {
        /// Added to the variance.
        epsilon: f64,
    },
    /// `max(x, 0)`.
    Relu,
    /// Sum of two tensors of one shape.
    Add,
    /// Mean over height and width: `[C, H, W] → [C]`.
    GlobalAveragePool,
    /// Parameter-free shortcut of CIFAR ResNets (He et al. 2016, option A): every `stride`-th row and column, zero
    /// channels added before and after.
    Subsample {
        /// Step in both directions.
        stride: usize,
        /// Zero channels in front.
        before: usize,
        /// Zero channels behind.
        after: usize,
    },
    /// Dense layer over the last axis; parameters `NAME.weight` `[out, in]` and, with a bias, `NAME.bias` `[out]`.
    Linear(Linear),
    /// Rows of a table; parameter `NAME.weight` `[tokens, features]`.
    Embedding(Embedding),
    /// Anything without weights that can be quantised.
    Function(Function),
}

/// One operator with its inputs and the shape of its output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Unique name; prefix of its parameters' names.
    pub name: String,
    /// The operator.
    pub op: Op,
    /// Nodes it reads.
    pub inputs: Vec<NodeId>,
    /// Output shape of one sample, without the batch axis.
    pub shape: Vec<usize>,
}

/// A named input or output of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Shape of one sample, without the batch axis.
    pub shape: Vec<usize>,
    /// Where the batch axis stands in an array of several samples; none if there is only one sample, without such an axis.
    pub batch_axis: Option<usize>,
    /// Whether its elements are whole numbers, such as tokens.
    pub whole: bool,
}

impl Port {
    /// Real numbers with the batch in front.
    pub fn new(name: &str, shape: &[usize]) -> Self {
        Self { name: name.into(), shape: shape.to_vec(), batch_axis: Some(0), whole: false }
    }

    /// Elements of one sample.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A checked network, every shape known. Its first node is the input and its last one the output. Of several inputs or
/// outputs these nodes hold the elements one after the other, in the order of the ports.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Graph {
    /// Name of the network.
    pub name: String,
    nodes: Vec<Node>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

/// A node with weights that can be quantised.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layer {
    /// Where it stands in the graph.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// Shape of its weight.
    pub weight_shape: Vec<usize>,
    /// Whether its input is never negative, so that unsigned codes fit.
    pub unsigned_input: bool,
    /// Whether its input can be quantised; token numbers cannot.
    pub quantized_input: bool,
    /// The nearest quantisable layer upstream along first inputs (through shortcuts' main path), if any.
    pub previous: Option<usize>,
}

impl Graph {
    pub(super) fn from_checked(name: String, nodes: Vec<Node>, inputs: Vec<Port>, outputs: Vec<Port>) -> Self {
        Self { name, nodes, inputs, outputs }
    }

    pub(super) fn into_nodes(self) -> Vec<Node> {
        self.nodes
    }

    /// What goes in.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// What comes out.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// Nodes in topological order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The last node: the network's output.
    pub fn output(&self) -> NodeId {
        self.nodes.len() - 1
    }

    /// The quantisable layers, in graph order.
    pub fn layers(&self) -> Vec<Layer> {
        let index_of: Vec<Option<usize>> = self
            .nodes
            .iter()
            .scan(0, |count, node| Some(node.op.has_weight().then(|| std::mem::replace(count, *count + 1))))
            .collect();
        let layer = |(id, node): (NodeId, &Node)| {
            let weight_shape = self.weight_shape(id)?;
            let input = node.inputs[0];
            Some(Layer {
                node: id,
                name: node.name.clone(),
                weight_shape,
                unsigned_input: self.is_non_negative(input),
                quantized_input: !matches!(node.op, Op::Embedding(_)),
                previous: self.nearest_layer(input, &index_of),
            })
        };
        self.nodes.iter().enumerate().filter_map(layer).collect()
    }

    fn weight_shape(&self, id: NodeId) -> Option<Vec<usize>> {
        match &self.nodes[id].op {
            Op::Conv2d(c) => Some(vec![c.out_channels, c.in_channels / c.groups, c.kernel[0], c.kernel[1]]),
            Op::Linear(l) => Some(vec![l.outputs, l.inputs]),
            Op::Embedding(e) => Some(vec![e.tokens, e.features]),
            _ => None,
        }
    }

    /// Whether no element of the node's output can be negative.
    pub fn is_non_negative(&self, id: NodeId) -> bool {
        let node = &self.nodes[id];
        let input = |which: usize| node.inputs.get(which).is_some_and(|&input| self.is_non_negative(input));
        let inputs = || (0..node.inputs.len()).all(input);
        match &node.op {
            Op::Relu => true,
            Op::GlobalAveragePool | Op::Subsample { .. } | Op::Add => inputs(),
            Op::Function(function) => match function {
                Function::Activation(activation) => activation.is_non_negative(),
                Function::Softmax { .. } => true,
                Function::LayerNorm { .. } | Function::RmsNorm { .. } | Function::Constant { .. } => false,
                Function::Larger => input(0) || input(1),
                Function::Select => input(1) && input(2),
                Function::Along { map, .. } => map.is_non_negative() && inputs(),
                // A square is never negative; of other products both factors must not be.
                Function::Multiply => node.inputs[0] == node.inputs[1] || inputs(),
                Function::MatMul { scale, .. } => *scale >= 0.0 && inputs(),
                Function::MaxPool(_)
                | Function::AveragePool(_)
                | Function::Smaller
                | Function::Concat { .. }
                | Function::Reshape { .. }
                | Function::Transpose { .. } => inputs(),
            },
            _ => false,
        }
    }

    /// Whether the outputs are, wherever they are differentiable, linear in the weights of any single layer.
    pub fn is_piecewise_linear(&self) -> bool {
        self.nodes.iter().all(|node| match &node.op {
            Op::Function(function) => function.is_piecewise_linear(),
            _ => true,
        })
    }

    fn nearest_layer(&self, mut id: NodeId, index_of: &[Option<usize>]) -> Option<usize> {
        loop {
            if index_of[id].is_some() {
                return index_of[id];
            }
            id = *self.nodes[id].inputs.first()?;
        }
    }
}

impl Op {
    /// Whether the operator has weights that can be quantised.
    pub fn has_weight(&self) -> bool {
        matches!(self, Op::Conv2d(_) | Op::Linear(_) | Op::Embedding(_))
    }

    /// Whether the operator adds a bias to each output channel.
    pub fn has_bias(&self) -> bool {
        matches!(self, Op::Conv2d(Conv2d { bias: true, .. }) | Op::Linear(Linear { bias: true, .. }))
    }
}

impl Layer {
    /// Number of weights.
    pub fn parameters(&self) -> usize {
        self.weight_shape.iter().product()
    }

    /// Output channels, the axis of the scales.
    pub fn channels(&self) -> usize {
        self.weight_shape[0]
    }
}
