//! A graph prepared for execution: steps with the ReLUs fused into the operator in front of them.

use crate::exec::kernels::conv::{ConvShape, Dilation};
use crate::exec::kernels::norm::ChannelMap;
use crate::exec::kernels::pool::SubsampleShape;
use crate::exec::layer_map::LayerMap;
use crate::graph::{Conv2d, Embedding, Graph, Layer, NodeId, Op};

/// One operation of the program. `input` and `output` are graph nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Convolution or dense layer, with its input quantiser in front.
    Layer {
        /// Index among the layers.
        layer: usize,
        /// Node read.
        input: NodeId,
        /// Node written.
        output: NodeId,
    },
    /// Batch norm, and the ReLU behind it.
    Norm {
        /// Index among the norms.
        norm: usize,
        /// Node read.
        input: NodeId,
        /// Node written: the ReLU's, if fused.
        output: NodeId,
        /// Whether a ReLU follows.
        relu: bool,
    },
    /// Sum, and the ReLU behind it.
    Add {
        /// Nodes read.
        inputs: [NodeId; 2],
        /// Node written: the ReLU's, if fused.
        output: NodeId,
        /// Whether a ReLU follows.
        relu: bool,
    },
    /// A ReLU of its own.
    Relu {
        /// Node read.
        input: NodeId,
        /// Node written.
        output: NodeId,
    },
    /// Global average pooling.
    Pool {
        /// Node read.
        input: NodeId,
        /// Node written.
        output: NodeId,
    },
    /// Parameter-free shortcut.
    Subsample {
        /// Node read.
        input: NodeId,
        /// Node written.
        output: NodeId,
    },
    /// Anything else: the node says what.
    Function {
        /// Index among the functions.
        function: usize,
        /// Node written.
        output: NodeId,
    },
}

impl Step {
    /// The node that the step writes.
    pub fn output(&self) -> NodeId {
        match *self {
            Step::Layer { output, .. }
            | Step::Norm { output, .. }
            | Step::Add { output, .. }
            | Step::Relu { output, .. }
            | Step::Pool { output, .. }
            | Step::Subsample { output, .. }
            | Step::Function { output, .. } => output,
        }
    }
}

/// A batch norm of the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct NormSite {
    /// Its name.
    pub name: String,
    /// Channels.
    pub channels: usize,
    /// Added to the variance.
    pub epsilon: f64,
    /// The layer whose output it normalises, if it stands right behind one.
    pub layer: Option<usize>,
}

/// A graph prepared for execution.
#[derive(Debug, Clone)]
pub struct Network {
    graph: Graph,
    layers: Vec<Layer>,
    norms: Vec<NormSite>,
    functions: Vec<NodeId>,
    steps: Vec<Step>,
}

impl Network {
    /// Plans the steps of a graph.
    pub fn new(graph: Graph) -> Self {
        let layers = graph.layers();
        let mut consumers = vec![0usize; graph.nodes().len()];
        for node in graph.nodes() {
            node.inputs.iter().for_each(|&input| consumers[input] += 1);
        }
        let layer_at = |id: NodeId| layers.iter().position(|l| l.node == id);
        let (mut norms, mut functions, mut steps) = (Vec::new(), Vec::new(), Vec::<Step>::new());
        for (output, node) in graph.nodes().iter().enumerate() {
            let input = node.inputs.first().copied().unwrap_or_default();
            match node.op {
                Op::Input => {}
                Op::Conv2d(_) | Op::Linear(_) | Op::Embedding(_) => {
                    let layer = layer_at(output).unwrap_or_default();
                    steps.push(Step::Layer { layer, input, output });
                }
                Op::BatchNorm { epsilon } => {
                    steps.push(Step::Norm { norm: norms.len(), input, output, relu: false });
                    let (name, channels, layer) = (node.name.clone(), node.shape[0], layer_at(input));
                    norms.push(NormSite { name, channels, epsilon, layer });
                }
                Op::Add => steps.push(Step::Add { inputs: [input, node.inputs[1]], output, relu: false }),
                Op::GlobalAveragePool => steps.push(Step::Pool { input, output }),
                Op::Subsample { .. } => steps.push(Step::Subsample { input, output }),
                Op::Function(_) => {
                    steps.push(Step::Function { function: functions.len(), output });
                    functions.push(output);
                }
                Op::Relu => {
                    let before = steps.iter_mut().find(|s| s.output() == input && consumers[input] == 1);
                    match before {
                        Some(Step::Norm { output: o, relu, .. } | Step::Add { output: o, relu, .. }) => {
                            (*o, *relu) = (output, true);
                        }
                        _ => steps.push(Step::Relu { input, output }),
                    }
                }
            }
        }
        Self { graph, layers, norms, functions, steps }
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The layers with weights, in graph order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The batch norms, in graph order.
    pub fn norms(&self) -> &[NormSite] {
        &self.norms
    }

    /// The nodes that a step reads.
    pub(super) fn inputs(&self, step: Step) -> Vec<NodeId> {
        match step {
            Step::Layer { input, .. }
            | Step::Norm { input, .. }
            | Step::Relu { input, .. }
            | Step::Pool { input, .. }
            | Step::Subsample { input, .. } => vec![input],
            Step::Add { inputs, .. } => inputs.to_vec(),
            Step::Function { output, .. } => self.graph.nodes()[output].inputs.clone(),
        }
    }

    /// The nodes of the functions, in graph order.
    pub fn functions(&self) -> &[NodeId] {
        &self.functions
    }

    /// Names and shapes of the parameters of a function.
    pub fn function_parameters(&self, function: usize) -> Vec<(String, Vec<usize>)> {
        let node = &self.graph.nodes()[self.functions[function]];
        let Op::Function(function) = &node.op else { return Vec::new() };
        let shape = function.parameter_shape(&node.shape);
        function.parameters().iter().map(|what| (format!("{}.{what}", node.name), shape.clone())).collect()
    }

    /// Names and shapes of the parameters of all functions, in their order.
    pub fn all_function_parameters(&self) -> Vec<(String, Vec<usize>)> {
        (0..self.functions.len()).flat_map(|function| self.function_parameters(function)).collect()
    }

    /// The operations, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether the layer has a bias.
    pub fn has_bias(&self, layer: usize) -> bool {
        self.graph.nodes()[self.layers[layer].node].op.has_bias()
    }

    /// Values that a norm's statistics are taken over, per channel.
    pub fn norm_count(&self, norm: usize, batch: usize) -> usize {
        let position = |step: &Step| match *step {
            Step::Norm { norm: n, input, .. } if n == norm => Some(self.channel_map(input, batch).positions * batch),
            _ => None,
        };
        self.steps.iter().find_map(position).unwrap_or_default()
    }

    /// Shape of a node's value for a batch.
    pub fn batch_shape(&self, node: NodeId, batch: usize) -> Vec<usize> {
        std::iter::once(batch).chain(self.graph.nodes()[node].shape.iter().copied()).collect()
    }

    pub(super) fn elements(&self, node: NodeId, batch: usize) -> usize {
        self.batch_shape(node, batch).iter().product()
    }

    /// What a layer computes on a batch.
    pub(super) fn layer_map(&self, layer: usize, batch: usize) -> LayerMap {
        match self.graph.nodes()[self.layers[layer].node].op {
            Op::Embedding(Embedding { features, .. }) => LayerMap::Table { features },
            Op::Conv2d(c) if c.dilation != [1; 2] => {
                let dilation = Dilation { kernel: c.kernel, distance: c.dilation };
                LayerMap::Convolution(self.conv_shape(layer, batch), Some(dilation))
            }
            _ => LayerMap::Convolution(self.conv_shape(layer, batch), None),
        }
    }

    /// The convolution that a layer computes, its kernel spread; a dense layer is a 1×1 convolution on 1×1 maps, one for
    /// each vector.
    fn conv_shape(&self, layer: usize, batch: usize) -> ConvShape {
        let node = &self.graph.nodes()[self.layers[layer].node];
        let input = &self.graph.nodes()[node.inputs[0]].shape;
        if let Op::Linear(linear) = node.op {
            let vectors = batch * input[..input.len() - 1].iter().product::<usize>();
            return ConvShape {
                batch: vectors,
                in_channels: linear.inputs,
                out_channels: linear.outputs,
                in_height: 1,
                in_width: 1,
                kernel_height: 1,
                kernel_width: 1,
                stride: [1; 2],
                padding: [0; 2],
                padding_after: [0; 2],
                groups: 1,
            };
        }
        let conv = match node.op {
            Op::Conv2d(conv) => conv,
            _ => Conv2d::square(node.shape[0], 1, 1),
        };
        ConvShape {
            batch,
            in_channels: input[0],
            out_channels: node.shape[0],
            in_height: input.get(1).copied().unwrap_or(1),
            in_width: input.get(2).copied().unwrap_or(1),
            kernel_height: conv.span()[0],
            kernel_width: conv.span()[1],
            stride: conv.stride,
            padding: conv.padding.before,
            padding_after: conv.padding.after,
            groups: conv.groups,
        }
    }

    /// The channels of a layer's output: where its bias is.
    pub(super) fn bias_map(&self, layer: usize, batch: usize) -> ChannelMap {
        let node = self.layers[layer].node;
        match self.graph.nodes()[node].op {
            Op::Linear(linear) => {
                let batch = self.elements(node, batch) / linear.outputs;
                ChannelMap { batch, channels: linear.outputs, positions: 1 }
            }
            _ => self.channel_map(node, batch),
        }
    }

    pub(super) fn channel_map(&self, node: NodeId, batch: usize) -> ChannelMap {
        let shape = &self.graph.nodes()[node].shape;
        ChannelMap { batch, channels: shape[0], positions: shape[1..].iter().product() }
    }

    pub(super) fn subsample_shape(&self, output: NodeId, batch: usize) -> SubsampleShape {
        let node = &self.graph.nodes()[output];
        let input = &self.graph.nodes()[node.inputs[0]].shape;
        let (stride, before) = match node.op {
            Op::Subsample { stride, before, .. } => (stride, before),
            _ => (1, 0),
        };
        SubsampleShape {
            batch,
            in_channels: input[0],
            out_channels: node.shape[0],
            before,
            in_height: input[1],
            in_width: input[2],
            stride,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoo::{resnet8, resnet20};

    #[test]
    fn every_relu_of_a_resnet_is_fused_and_every_norm_knows_its_layer() {
        let network = Network::new(resnet8([1, 28, 28], 10).unwrap());
        assert!(network.steps().iter().all(|s| !matches!(s, Step::Relu { .. })));
        let fused = network
            .steps()
            .iter()
            .filter(|s| matches!(s, Step::Norm { relu: true, .. } | Step::Add { relu: true, .. }));
        assert_eq!(fused.count(), 7);
        assert_eq!(network.norms().len(), 9);
        for norm in network.norms() {
            let layer = &network.layers()[norm.layer.unwrap()];
            assert_eq!(norm.name.replace("norm", "conv"), layer.name);
        }
        assert_eq!(Network::new(resnet20([3, 32, 32], 10).unwrap()).steps().len(), 1 + 1 + 9 * 5 + 2 + 2);
    }
}
