//! Operators, nodes and the graph.

use serde::Serialize;

use crate::graph::function::Function;

/// Index of a node; nodes are stored in topological order, so inputs have smaller indices.
pub type NodeId = usize;

/// A 2-D convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Conv2d {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Kernel height and width.
    pub kernel: usize,
    /// Step in both directions.
    pub stride: usize,
    /// Zeros added before and behind, on both axes.
    pub padding: [usize; 2],
    /// Channel groups; `in_channels` for a depthwise convolution.
    pub groups: usize,
    /// Whether a bias is added; none where the batch norm behind has one.
    pub bias: bool,
}

/// A dense layer with bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Linear {
    /// Features of the input.
    pub inputs: usize,
    /// Features of the output.
    pub outputs: usize,
}

/// A table of one row per token; its input are token numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Embedding {
    /// Rows: tokens are 0 to one less.
    pub tokens: usize,
    /// Features of a row.
    pub features: usize,
}

/// What a node computes from its inputs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Op {
    /// The network input, `[C, H, W]` per sample.
    Input,
    /// Convolution; parameters `NAME.weight` `[out, in/groups, k, k]` and, with a bias, `NAME.bias` `[out]`.
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
    /// Dense layer over the last axis; parameters `NAME.weight` `[out, in]` and `NAME.bias` `[out]`.
    Linear(Linear),
    /// Rows of a table; parameter `NAME.weight` `[tokens, features]`.
    Embedding(Embedding),
    /// Anything without weights that can be quantised.
    Function(Function),
}

/// One operator with its inputs and the shape of its output.
#[derive(Debug, Clone, PartialEq, Serialize)]
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

/// A checked network: one input, one output, every shape known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Graph {
    /// Name of the network.
    pub name: String,
    nodes: Vec<Node>,
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
    /// The nearest quantisable layer upstream along first inputs (through shortcuts' main path), if any.
    pub previous: Option<usize>,
}

impl Graph {
    pub(super) fn from_checked(name: String, nodes: Vec<Node>) -> Self {
        Self { name, nodes }
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
                previous: self.nearest_layer(input, &index_of),
            })
        };
        self.nodes.iter().enumerate().filter_map(layer).collect()
    }

    fn weight_shape(&self, id: NodeId) -> Option<Vec<usize>> {
        match &self.nodes[id].op {
            Op::Conv2d(c) => Some(vec![c.out_channels, c.in_channels / c.groups, c.kernel, c.kernel]),
            Op::Linear(l) => Some(vec![l.outputs, l.inputs]),
            Op::Embedding(e) => Some(vec![e.tokens, e.features]),
            _ => None,
        }
    }

    /// Whether no element of the node's output can be negative.
    pub fn is_non_negative(&self, id: NodeId) -> bool {
        let node = &self.nodes[id];
        let inputs = || node.inputs.iter().all(|&input| self.is_non_negative(input));
        match &node.op {
            Op::Relu => true,
            Op::GlobalAveragePool | Op::Subsample { .. } | Op::Add => inputs(),
            Op::Function(Function::Activation(activation)) => activation.is_non_negative(),
            Op::Function(Function::Softmax { .. }) => true,
            Op::Function(Function::LayerNorm { .. } | Function::RmsNorm { .. }) => false,
            Op::Function(_) => inputs(),
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
        matches!(self, Op::Conv2d(Conv2d { bias: true, .. }) | Op::Linear(_))
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
