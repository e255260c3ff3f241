//! Building functions: their shapes.

use crate::error::Result;
use crate::graph::axis::AxisMap;
use crate::graph::build::GraphBuilder;
use crate::graph::function::{Activation, Function, Window};
use crate::graph::op::{NodeId, Op};

impl GraphBuilder {
    /// Any function; its output's shape is inferred.
    ///
    /// # Errors
    /// When the shapes do not fit or the name is taken.
    pub fn function(&mut self, name: &str, function: Function, inputs: &[NodeId]) -> Result<NodeId> {
        self.node(name, Op::Function(function), inputs)
    }

    /// A pointwise function.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn activation(&mut self, name: &str, input: NodeId, activation: Activation) -> Result<NodeId> {
        self.function(name, Function::Activation(activation), &[input])
    }

    /// Softmax over the last axis.
    ///
    /// # Errors
    /// When a causal one is not on square matrices.
    pub fn softmax(&mut self, name: &str, input: NodeId, causal: bool) -> Result<NodeId> {
        self.function(name, Function::Softmax { causal }, &[input])
    }

    /// Layer norm over the last axis, ε = 1e-5.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn layer_norm(&mut self, name: &str, input: NodeId) -> Result<NodeId> {
        self.layer_norm_with(name, input, 1e-5)
    }

    /// Layer norm over the last axis with the given ε.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn layer_norm_with(&mut self, name: &str, input: NodeId, epsilon: f64) -> Result<NodeId> {
        self.function(name, Function::LayerNorm { epsilon, affine: true }, &[input])
    }

    /// RMS norm over the last axis, ε = 1e-5.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn rms_norm(&mut self, name: &str, input: NodeId) -> Result<NodeId> {
        self.rms_norm_with(name, input, 1e-5)
    }

    /// RMS norm over the last axis with the given ε.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn rms_norm_with(&mut self, name: &str, input: NodeId, epsilon: f64) -> Result<NodeId> {
        self.function(name, Function::RmsNorm { epsilon }, &[input])
    }

    /// Largest value in each window.
    ///
    /// # Errors
    /// When the input is not an image, or the window does not fit.
    pub fn max_pool(&mut self, name: &str, input: NodeId, window: Window) -> Result<NodeId> {
        self.function(name, Function::MaxPool(window), &[input])
    }

    /// Mean of each window.
    ///
    /// # Errors
    /// When the input is not an image, or the window does not fit.
    pub fn average_pool(&mut self, name: &str, input: NodeId, window: Window) -> Result<NodeId> {
        self.function(name, Function::AveragePool(window), &[input])
    }

    /// Product of two nodes of one shape, or of a node with a factor per channel.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn multiply(&mut self, name: &str, a: NodeId, b: NodeId) -> Result<NodeId> {
        self.function(name, Function::Multiply, &[a, b])
    }

    /// Matrix products over the leading axes, `scale · a·b` or `scale · a·bᵀ`.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn matmul(&mut self, name: &str, a: NodeId, b: NodeId, transpose_right: bool, scale: f64) -> Result<NodeId> {
        self.function(name, Function::MatMul { transpose_right, scale }, &[a, b])
    }

    /// Nodes one after the other along an axis.
    ///
    /// # Errors
    /// When there is none, or another axis differs.
    pub fn concat(&mut self, name: &str, axis: usize, inputs: &[NodeId]) -> Result<NodeId> {
        self.function(name, Function::Concat { axis }, inputs)
    }

    /// The same elements in another shape.
    ///
    /// # Errors
    /// When the number of elements differs.
    pub fn reshape(&mut self, name: &str, input: NodeId, shape: &[usize]) -> Result<NodeId> {
        self.function(name, Function::Reshape { shape: shape.to_vec() }, &[input])
    }

    /// Axis `i` of the output is axis `axes[i]` of the input.
    ///
    /// # Errors
    /// When `axes` is not a permutation.
    pub fn transpose(&mut self, name: &str, input: NodeId, axes: &[usize]) -> Result<NodeId> {
        self.function(name, Function::Transpose { axes: axes.to_vec() }, &[input])
    }

    /// A linear map along one axis.
    ///
    /// # Errors
    /// When it does not fit the axis.
    pub fn along(&mut self, name: &str, input: NodeId, axis: usize, map: AxisMap) -> Result<NodeId> {
        self.function(name, Function::Along { axis, map }, &[input])
    }

    /// Numbers that do not depend on the input and are learnt: the parameter `NAME.value`.
    ///
    /// # Errors
    /// When the shape is empty somewhere or too large.
    pub fn constant(&mut self, name: &str, shape: &[usize]) -> Result<NodeId> {
        self.function(name, Function::Constant { shape: shape.to_vec(), trained: true }, &[])
    }

    /// Numbers that follow from the architecture and are not learnt: the parameter `NAME.value`.
    ///
    /// # Errors
    /// When the shape is empty somewhere or too large.
    pub fn table(&mut self, name: &str, shape: &[usize]) -> Result<NodeId> {
        self.function(name, Function::Constant { shape: shape.to_vec(), trained: false }, &[])
    }

    /// Scaled dot-product attention with several heads (Vaswani et al., arXiv 1706.03762 §3.2) on queries, keys and
    /// values `[positions, features]`: `softmax(Q Kᵀ/√d) V` per head of `d = features / heads`. Adds the nodes
    /// `NAME.query`, …, `NAME.output`.
    ///
    /// # Errors
    /// When the shapes do not fit or the heads do not divide the features.
    pub fn attention(
        &mut self,
        name: &str,
        [query, key, value]: [NodeId; 3],
        heads: usize,
        causal: bool,
    ) -> Result<NodeId> {
        let &[positions, features] = self.shape(query) else {
            let found = format!("queries of shape {:?}", self.shape(query));
            return Err(self.wrong(name, found, "positions and features"));
        };
        if heads == 0 || features % heads != 0 {
            return Err(self.wrong(name, format!("{features} features in {heads} heads"), "a divisor of the features"));
        }
        let size = features / heads;
        let mut split = |what: &str, x: NodeId| {
            let rows = self.shape(x).first().copied().unwrap_or(0);
            let x = self.reshape(&format!("{name}.{what}.split"), x, &[rows, heads, size])?;
            self.transpose(&format!("{name}.{what}"), x, &[1, 0, 2])
        };
        let (query, key, value) = (split("query", query)?, split("key", key)?, split("value", value)?);
        let scores = self.matmul(&format!("{name}.scores"), query, key, true, 1.0 / (size as f64).sqrt())?;
        let weights = self.softmax(&format!("{name}.weights"), scores, causal)?;
        let mixed = self.matmul(&format!("{name}.mixed"), weights, value, false, 1.0)?;
        let joined = self.transpose(&format!("{name}.joined"), mixed, &[1, 0, 2])?;
        self.reshape(&format!("{name}.output"), joined, &[positions, features])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_functions_are_inferred_and_wrong_ones_refused() {
        let mut b = GraphBuilder::new("test", [6, 5, 7]).unwrap();
        let x = b.input();
        let pooled = b.max_pool("max", x, Window::square(3, 2, 1)).unwrap();
        assert_eq!(b.shape(pooled), [6, 3, 4]);
        assert!(b.average_pool("wide", x, Window::square(3, 2, 3)).is_err(), "an empty window");
        let gate = b.global_average_pool("gate", x).unwrap();
        let gated = b.multiply("gated", x, gate).unwrap();
        let both = b.concat("both", 0, &[x, gated]).unwrap();
        assert_eq!(b.shape(both), [12, 5, 7]);
        assert!(b.concat("uneven", 0, &[x, pooled]).is_err() && b.concat("none", 0, &[]).is_err());
        assert!(b.multiply("unlike", x, pooled).is_err());
        let turned = b.transpose("turned", x, &[2, 0, 1]).unwrap();
        assert_eq!(b.shape(turned), [7, 6, 5]);
        assert!(b.transpose("twice", x, &[1, 1, 0]).is_err());
        let rows = b.reshape("rows", turned, &[7, 30]).unwrap();
        assert!(b.reshape("more", turned, &[7, 31]).is_err());
        let attended = b.attention("a", [rows; 3], 5, false).unwrap();
        assert_eq!(b.shape(attended), [7, 30]);
        assert!(b.attention("odd", [rows; 3], 4, true).is_err());
        assert!(b.softmax("future", rows, true).is_err());
        assert!(b.matmul("unfit", rows, rows, false, 1.0).is_err());
        assert_eq!(b.finish().nodes().last().unwrap().shape, [7, 30]);
    }

    #[test]
    fn an_embedding_adds_an_axis_to_token_numbers() {
        let mut b = GraphBuilder::new("test", [4]).unwrap();
        let x = b.embedding("table", 0, 11, 3).unwrap();
        assert_eq!(b.shape(x), [4, 3]);
        assert!(b.embedding("endless", 0, 1 << 25, 3).is_err());
        let y = b.linear("fc", x, 5).unwrap();
        assert_eq!(b.shape(y), [4, 5]);
    }
}
