//! Building a graph: shapes are inferred and checked as nodes are added.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::graph::axis::AxisMap;
use crate::graph::infer::output_shape;
use crate::graph::op::{Conv2d, Embedding, Graph, Linear, Node, NodeId, Op, Port};

/// Adds nodes in topological order; the last one added is the output.
#[derive(Debug)]
pub struct GraphBuilder {
    name: String,
    nodes: Vec<Node>,
    names: BTreeSet<String>,
    inputs: Vec<Port>,
}

impl GraphBuilder {
    /// A graph that begins with one input of this shape per sample: `[channels, height, width]` or `[positions]` of
    /// token numbers, for example.
    ///
    /// # Errors
    /// When the shape is empty somewhere or has more than 2³¹ elements.
    pub fn new(name: &str, input: impl AsRef<[usize]>) -> Result<Self> {
        let port = Port::new("input", input.as_ref());
        let mut builder = Self { name: name.into(), nodes: Vec::new(), names: BTreeSet::new(), inputs: vec![port] };
        let shape = output_shape(&Op::Input, &[input.as_ref()]);
        let shape = shape.map_err(|(found, expected)| builder.wrong("input", found, expected))?;
        builder.push("input", Op::Input, vec![], shape)?;
        Ok(builder)
    }

    /// A graph with these inputs, and the node of each. Several are parts of one input, in their order.
    ///
    /// # Errors
    /// As [`Self::new`], or when there is none or two have the same name.
    pub fn with_inputs(name: &str, ports: &[Port]) -> Result<(Self, Vec<NodeId>)> {
        let total = ports.iter().map(Port::elements).fold(0, usize::saturating_add);
        let shape = if let [port] = ports { port.shape.clone() } else { vec![total] };
        let mut builder = Self::new(name, &shape)?;
        builder.inputs = ports.to_vec();
        if ports.len() == 1 {
            return Ok((builder, vec![0]));
        }
        let (mut start, mut nodes) = (0, Vec::with_capacity(ports.len()));
        for port in ports {
            let map = AxisMap::Slice { start, step: 1, count: port.elements() };
            let part = builder.along(&format!("{}.part", port.name), 0, 0, map)?;
            nodes.push(builder.reshape(&format!("{}.input", port.name), part, &port.shape)?);
            start += port.elements();
        }
        Ok((builder, nodes))
    }

    /// The network input.
    pub fn input(&self) -> NodeId {
        0
    }

    /// Shape of a node's output.
    pub fn shape(&self, id: NodeId) -> &[usize] {
        &self.nodes[id].shape
    }

    /// Name of a node.
    pub fn name(&self, id: NodeId) -> &str {
        &self.nodes[id].name
    }

    /// Whether a node has this name.
    pub fn is_taken(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Channels of a node's output.
    pub fn channels(&self, id: NodeId) -> usize {
        self.nodes[id].shape.first().copied().unwrap_or(1)
    }

    fn push(&mut self, name: &str, op: Op, inputs: Vec<NodeId>, shape: Vec<usize>) -> Result<NodeId> {
        if shape.contains(&0) {
            return Err(self.wrong(name, format!("the shape {shape:?}"), "1 or more on every axis"));
        }
        if !self.names.insert(name.into()) {
            return Err(self.wrong(name, "the name twice", "a name of its own for every node"));
        }
        self.nodes.push(Node { name: name.into(), op, inputs, shape });
        Ok(self.nodes.len() - 1)
    }

    /// Any operator; its output's shape is inferred.
    ///
    /// # Errors
    /// When an input is no node, the shapes do not fit, the name is taken, or a size is out of range.
    pub fn node(&mut self, name: &str, op: Op, inputs: &[NodeId]) -> Result<NodeId> {
        if let Some(&unknown) = inputs.iter().find(|&&input| input >= self.nodes.len()) {
            return Err(self.wrong(name, format!("node {unknown} as an input"), "a node that stands before"));
        }
        let shapes: Vec<&[usize]> = inputs.iter().map(|&input| self.shape(input)).collect();
        let shape = output_shape(&op, &shapes).map_err(|(found, expected)| self.wrong(name, found, expected))?;
        self.push(name, op, inputs.to_vec(), shape)
    }

    /// An error at a node.
    pub fn wrong(&self, node: &str, found: impl Into<String>, expected: impl Into<String>) -> Error {
        let place = format!("network `{}`, node `{node}`", self.name);
        Error::input(place, found, expected, "change the input shape or the network")
    }

    /// Square convolution without bias, `⌊kernel / 2⌋` zeros on every side.
    ///
    /// # Errors
    /// When channels are not divisible by the groups, or the kernel does not fit.
    pub fn conv(&mut self, name: &str, input: NodeId, out: usize, kernel: usize, stride: usize) -> Result<NodeId> {
        self.conv_general(name, input, Conv2d::square(out, kernel, stride))
    }

    /// Convolution as described; `in_channels` is taken from the input.
    ///
    /// # Errors
    /// When channels are not divisible by the groups, or the kernel does not fit.
    pub fn conv_general(&mut self, name: &str, input: NodeId, conv: Conv2d) -> Result<NodeId> {
        let in_channels = self.channels(input);
        self.node(name, Op::Conv2d(Conv2d { in_channels, ..conv }), &[input])
    }

    /// Batch norm, ε = 1e-5.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn batch_norm(&mut self, name: &str, input: NodeId) -> Result<NodeId> {
        self.batch_norm_with(name, input, 1e-5)
    }

    /// Batch norm with the given ε.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn batch_norm_with(&mut self, name: &str, input: NodeId, epsilon: f64) -> Result<NodeId> {
        self.node(name, Op::BatchNorm { epsilon }, &[input])
    }

    /// ReLU.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn relu(&mut self, name: &str, input: NodeId) -> Result<NodeId> {
        self.node(name, Op::Relu, &[input])
    }

    /// Sum of two nodes; the first is the main path.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn add(&mut self, name: &str, main: NodeId, shortcut: NodeId) -> Result<NodeId> {
        self.node(name, Op::Add, &[main, shortcut])
    }

    /// Option-A shortcut: subsampling and zero channels, in equal parts in front and behind.
    ///
    /// # Errors
    /// When the output would have fewer channels than the input.
    pub fn subsample(&mut self, name: &str, input: NodeId, out_channels: usize, stride: usize) -> Result<NodeId> {
        let channels = self.channels(input);
        let Some(added) = out_channels.checked_sub(channels) else {
            let found = format!("{channels} to {out_channels} channels");
            return Err(self.wrong(name, found, "no fewer channels than before"));
        };
        self.node(name, Op::Subsample { stride, before: added / 2, after: added - added / 2 }, &[input])
    }

    /// Mean over height and width.
    ///
    /// # Errors
    /// When the input is not an image.
    pub fn global_average_pool(&mut self, name: &str, input: NodeId) -> Result<NodeId> {
        self.node(name, Op::GlobalAveragePool, &[input])
    }

    /// Dense layer with bias over the last axis.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn linear(&mut self, name: &str, input: NodeId, outputs: usize) -> Result<NodeId> {
        self.linear_with(name, input, outputs, true)
    }

    /// Dense layer over the last axis, with or without bias.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn linear_with(&mut self, name: &str, input: NodeId, outputs: usize, bias: bool) -> Result<NodeId> {
        let inputs = self.shape(input).last().copied().unwrap_or(0);
        self.node(name, Op::Linear(Linear { inputs, outputs, bias }), &[input])
    }

    /// Rows of a table for token numbers; adds an axis of `features`.
    ///
    /// # Errors
    /// When a table has no rows or too many.
    pub fn embedding(&mut self, name: &str, input: NodeId, tokens: usize, features: usize) -> Result<NodeId> {
        self.node(name, Op::Embedding(Embedding { tokens, features }), &[input])
    }

    /// The finished graph; its output is the last node.
    pub fn finish(self) -> Graph {
        let shape = self.nodes.last().map(|node| node.shape.clone()).unwrap_or_default();
        let port = Port::new("output", &shape);
        Graph::from_checked(self.name, self.nodes, self.inputs, vec![port])
    }

    /// The finished graph with these outputs, whose nodes are given. Nodes that no output depends on are left out, the
    /// input excepted. One output becomes the last node; several are joined, in their order.
    ///
    /// # Errors
    /// When there is none, or a port has another number of elements than its node.
    pub fn finish_with(mut self, outputs: Vec<(Port, NodeId)>) -> Result<Graph> {
        for (port, node) in &outputs {
            if *node >= self.nodes.len() || port.elements() != self.shape(*node).iter().product::<usize>() {
                return Err(self.wrong(&port.name, "an output of another size than its node", "equal sizes"));
            }
        }
        let output = match outputs.as_slice() {
            [] => return Err(self.wrong("output", "no output", "at least one")),
            [(_, node)] => *node,
            several => {
                let mut parts = Vec::with_capacity(several.len());
                for (port, node) in several {
                    parts.push(self.reshape(&format!("{}.flat", port.name), *node, &[port.elements()])?);
                }
                self.concat("outputs", 0, &parts)?
            }
        };
        let nodes = reachable(self.nodes, output);
        Ok(Graph::from_checked(self.name, nodes, self.inputs, outputs.into_iter().map(|(port, _)| port).collect()))
    }
}

/// The nodes that `output` depends on, the first one in any case, `output` last.
fn reachable(nodes: Vec<Node>, output: NodeId) -> Vec<Node> {
    let mut needed = vec![false; nodes.len()];
    needed[output] = true;
    for id in (0..=output).rev().filter(|&id| id < nodes.len()) {
        if needed[id] {
            nodes[id].inputs.iter().for_each(|&input| needed[input] = true);
        }
    }
    needed[0] = true;
    let mut places = vec![0; nodes.len()];
    let mut kept: Vec<Node> = Vec::new();
    for (id, mut node) in nodes.into_iter().enumerate().filter(|(id, _)| needed[*id]) {
        places[id] = kept.len();
        node.inputs.iter_mut().for_each(|input| *input = places[*input]);
        kept.push(node);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::op::Padding;

    #[test]
    fn shapes_are_inferred_and_wrong_ones_refused() {
        let mut b = GraphBuilder::new("test", [3, 5, 7]).unwrap();
        let c = b.conv("c", b.input(), 4, 3, 2).unwrap();
        assert_eq!(b.nodes[c].shape, [4, 3, 4]);
        let s = b.subsample("s", c, 9, 2).unwrap();
        assert_eq!(b.nodes[s].shape, [9, 2, 2]);
        assert!(b.add("sum", c, s).unwrap_err().to_string().contains("node `sum`"));
        assert!(b.conv("c", c, 4, 3, 1).unwrap_err().to_string().contains("the name twice"));
        assert!(b.conv("big", c, 4, 11, 1).is_ok(), "padded: an 11×11 kernel has 5 zeros around");
        let wide = Conv2d::square(4, 9, 1).padded(Padding::default());
        assert!(b.conv_general("wide", c, wide).is_err());
        assert!(b.conv_general("odd", c, Conv2d { kernel: [1; 2], ..wide }.grouped(3)).is_err());
        let same = b.conv_general("same", c, Conv2d::square(4, 3, 2).padded(Padding::uneven(0, 1))).unwrap();
        assert_eq!(b.nodes[same].shape, [4, 1, 2]);
        let spread = Conv2d { kernel: [1, 2], dilation: [7, 3], ..wide };
        let spread = b.conv_general("spread", c, spread).unwrap();
        assert_eq!(b.nodes[spread].shape, [4, 3, 1], "two cells three columns apart span four");
        assert!(GraphBuilder::new("empty", [0, 1, 1]).is_err());
        assert!(b.subsample("fewer", s, 4, 1).is_err());
    }

    #[test]
    fn several_inputs_are_parts_of_one_and_several_outputs_are_joined() {
        let ports = [Port::new("left", &[2, 3]), Port::new("right", &[4])];
        let (mut b, nodes) = GraphBuilder::with_inputs("test", &ports).unwrap();
        assert_eq!(
            (b.shape(0).to_vec(), b.shape(nodes[0]).to_vec(), b.shape(nodes[1]).to_vec()),
            (vec![10], vec![2, 3], vec![4])
        );
        let y = b.linear("fc", nodes[0], 5).unwrap();
        let unused = b.relu("unused", y).unwrap();
        let z = b.relu("z", nodes[1]).unwrap();
        assert!(unused < z);
        let graph = b.finish_with(vec![(Port::new("y", &[2, 5]), y), (Port::new("z", &[4]), z)]).unwrap();
        assert_eq!(graph.nodes().last().unwrap().shape, [14]);
        assert!(graph.nodes().iter().all(|node| node.name != "unused"));
        let names: Vec<&str> = graph.inputs().iter().chain(graph.outputs()).map(|port| port.name.as_str()).collect();
        assert_eq!(names, ["left", "right", "y", "z"]);
        for (id, node) in graph.nodes().iter().enumerate() {
            assert!(node.inputs.iter().all(|&input| input < id));
        }
    }

    #[test]
    fn sizes_that_no_counter_holds_are_refused() {
        let mut b = GraphBuilder::new("test", [1 << 20]).unwrap();
        assert!(b.linear("wide", 0, 1 << 20).is_err());
        assert!(b.linear("fine", 0, 1 << 10).is_ok());
        let repeated = b.reshape("column", 0, &[1 << 20, 1]).unwrap();
        assert!(b.along("huge", repeated, 1, AxisMap::Repeat { count: 1 << 12 }).is_err());
        assert!(GraphBuilder::new("empty", [3, 0]).is_err());
        assert!(
            GraphBuilder::new("endless", [1, usize::MAX]).is_err() && GraphBuilder::new("many", [1 << 32]).is_err()
        );
    }
}
