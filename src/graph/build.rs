//! Building a graph: shapes are inferred and checked as nodes are added.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::graph::op::{Conv2d, Embedding, Graph, Linear, Node, NodeId, Op};

/// Adds nodes in topological order; the last one added is the output.
#[derive(Debug)]
pub struct GraphBuilder {
    name: String,
    nodes: Vec<Node>,
    names: BTreeSet<String>,
}

/// Largest accepted extent of any axis: products of four such extents fit in 64 bits.
const LARGEST_EXTENT: usize = 1 << 16;

/// Most rows of a table: token numbers up to here are exact in f32.
const LARGEST_TABLE: usize = 1 << 24;

impl GraphBuilder {
    /// A graph that begins with one input of this shape per sample: `[channels, height, width]` or `[positions]` of
    /// token numbers, for example.
    ///
    /// # Errors
    /// When an extent is zero or above 65,536.
    pub fn new(name: &str, input: impl AsRef<[usize]>) -> Result<Self> {
        let mut builder = Self { name: name.into(), nodes: Vec::new(), names: BTreeSet::new() };
        builder.push("input", Op::Input, vec![], input.as_ref().to_vec())?;
        Ok(builder)
    }

    /// The network input.
    pub fn input(&self) -> NodeId {
        0
    }

    /// Shape of a node's output.
    pub(super) fn shape(&self, id: NodeId) -> &[usize] {
        &self.nodes[id].shape
    }

    /// Channels of a node's output.
    pub fn channels(&self, id: NodeId) -> usize {
        self.nodes[id].shape[0]
    }

    pub(super) fn push(&mut self, name: &str, op: Op, inputs: Vec<NodeId>, shape: Vec<usize>) -> Result<NodeId> {
        if let Some(&extent) = shape.iter().find(|&&extent| extent == 0 || extent > LARGEST_EXTENT) {
            return Err(self.wrong(name, format!("an output extent of {extent}"), "1 to 65536 on every axis"));
        }
        if !self.names.insert(name.into()) {
            return Err(self.wrong(name, "the name twice", "a name of its own for every node"));
        }
        self.nodes.push(Node { name: name.into(), op, inputs, shape });
        Ok(self.nodes.len() - 1)
    }

    pub(super) fn wrong(&self, node: &str, found: impl Into<String>, expected: impl Into<String>) -> Error {
        let place = format!("network `{}`, node `{node}`", self.name);
        Error::input(place, found, expected, "change the input shape or the network")
    }

    pub(super) fn image_shape(&self, name: &str, input: NodeId) -> Result<[usize; 3]> {
        let shape = &self.nodes[input].shape;
        <[usize; 3]>::try_from(shape.as_slice())
            .map_err(|_| self.wrong(name, format!("an input of shape {shape:?}"), "channels, height, width"))
    }

    /// Square convolution without bias, `⌊kernel / 2⌋` zeros on every side.
    ///
    /// # Errors
    /// When channels are not divisible by the groups, or the kernel does not fit.
    pub fn conv(&mut self, name: &str, input: NodeId, out: usize, kernel: usize, stride: usize) -> Result<NodeId> {
        let padding = [kernel / 2; 2];
        let conv = Conv2d { in_channels: 0, out_channels: out, kernel, stride, padding, groups: 1, bias: false };
        self.conv_general(name, input, conv)
    }

    /// Convolution as described; `in_channels` is taken from the input.
    ///
    /// # Errors
    /// When channels are not divisible by the groups, or the kernel does not fit.
    pub fn conv_general(&mut self, name: &str, input: NodeId, conv: Conv2d) -> Result<NodeId> {
        let [in_channels, height, width] = self.image_shape(name, input)?;
        let conv = Conv2d { in_channels, ..conv };
        let Conv2d { kernel, stride, padding, groups, .. } = conv;
        if groups == 0 || !in_channels.is_multiple_of(groups) || !conv.out_channels.is_multiple_of(groups) {
            let found = format!("{in_channels} to {} channels in {groups} groups", conv.out_channels);
            return Err(self.wrong(name, found, "channel numbers divisible by the groups"));
        }
        let [before, after] = padding;
        let extent = |size: usize| (before + size + after).checked_sub(kernel).map(|room| room / stride.max(1) + 1);
        let (Some(out_height), Some(out_width), true) = (extent(height), extent(width), kernel > 0 && stride > 0)
        else {
            let found = format!("a {kernel}×{kernel} kernel, stride {stride}, on a {height}×{width} map");
            return Err(self.wrong(name, found, "a kernel no larger than the padded map and a stride of 1 or more"));
        };
        self.push(name, Op::Conv2d(conv), vec![input], vec![conv.out_channels, out_height, out_width])
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
        let shape = self.nodes[input].shape.clone();
        self.push(name, Op::BatchNorm { epsilon }, vec![input], shape)
    }

    /// ReLU.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn relu(&mut self, name: &str, input: NodeId) -> Result<NodeId> {
        let shape = self.nodes[input].shape.clone();
        self.push(name, Op::Relu, vec![input], shape)
    }

    /// Sum of two nodes; the first is the main path.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn add(&mut self, name: &str, main: NodeId, shortcut: NodeId) -> Result<NodeId> {
        let (a, b) = (&self.nodes[main].shape, &self.nodes[shortcut].shape);
        if a != b {
            return Err(self.wrong(name, format!("shapes {a:?} and {b:?}"), "equal shapes"));
        }
        let shape = a.clone();
        self.push(name, Op::Add, vec![main, shortcut], shape)
    }

    /// Option-A shortcut: subsampling and zero channels, in equal parts in front and behind.
    ///
    /// # Errors
    /// When the output would have fewer channels than the input.
    pub fn subsample(&mut self, name: &str, input: NodeId, out_channels: usize, stride: usize) -> Result<NodeId> {
        let [channels, height, width] = self.image_shape(name, input)?;
        let Some(added) = out_channels.checked_sub(channels).filter(|_| stride > 0) else {
            return Err(self.wrong(
                name,
                format!("{channels} to {out_channels} channels"),
                "no fewer channels than before",
            ));
        };
        let op = Op::Subsample { stride, before: added / 2, after: added - added / 2 };
        self.push(name, op, vec![input], vec![out_channels, height.div_ceil(stride), width.div_ceil(stride)])
    }

    /// Mean over height and width.
    ///
    /// # Errors
    /// When the input is not an image.
    pub fn global_average_pool(&mut self, name: &str, input: NodeId) -> Result<NodeId> {
        let [channels, ..] = self.image_shape(name, input)?;
        self.push(name, Op::GlobalAveragePool, vec![input], vec![channels])
    }

    /// Dense layer with bias over the last axis.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn linear(&mut self, name: &str, input: NodeId, outputs: usize) -> Result<NodeId> {
        let mut shape = self.nodes[input].shape.clone();
        let Some(last) = shape.last_mut() else {
            return Err(self.wrong(name, "an input without axes", "a vector, or vectors"));
        };
        let inputs = std::mem::replace(last, outputs);
        self.push(name, Op::Linear(Linear { inputs, outputs }), vec![input], shape)
    }

    /// Rows of a table for token numbers; adds an axis of `features`.
    ///
    /// # Errors
    /// When the input is not the network's, a table has no rows, or an extent is out of range.
    pub fn embedding(&mut self, name: &str, input: NodeId, tokens: usize, features: usize) -> Result<NodeId> {
        if input != self.input() || tokens == 0 || tokens > LARGEST_TABLE {
            let found = format!("a table of {tokens} rows for node {input}");
            return Err(self.wrong(name, found, format!("1 to {LARGEST_TABLE} rows, for the network's input")));
        }
        let shape = [self.nodes[input].shape.as_slice(), &[features]].concat();
        self.push(name, Op::Embedding(Embedding { tokens, features }), vec![input], shape)
    }

    /// The finished graph.
    pub fn finish(self) -> Graph {
        Graph::from_checked(self.name, self.nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let wide =
            Conv2d { in_channels: 0, out_channels: 4, kernel: 9, stride: 1, padding: [0, 0], groups: 1, bias: false };
        assert!(b.conv_general("wide", c, wide).is_err());
        assert!(b.conv_general("odd", c, Conv2d { kernel: 1, groups: 3, ..wide }).is_err());
        let same = b.conv_general("same", c, Conv2d { kernel: 3, stride: 2, padding: [0, 1], ..wide }).unwrap();
        assert_eq!(b.nodes[same].shape, [4, 1, 2]);
        assert!(GraphBuilder::new("empty", [0, 1, 1]).is_err());
        assert!(b.subsample("fewer", s, 4, 1).is_err());
    }
}
