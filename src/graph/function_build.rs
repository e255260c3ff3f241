//! Building functions: their shapes.

use crate::error::Result;
use crate::graph::build::GraphBuilder;
use crate::graph::function::{Activation, Function, Window};
use crate::graph::op::{NodeId, Op};

impl GraphBuilder {
    fn function(&mut self, name: &str, f: Function, inputs: &[NodeId], shape: Vec<usize>) -> Result<NodeId> {
        self.push(name, Op::Function(f), inputs.to_vec(), shape)
    }

    fn same_shape(&mut self, name: &str, function: Function, input: NodeId) -> Result<NodeId> {
        let shape = self.shape(input).to_vec();
        self.function(name, function, &[input], shape)
    }

    /// A pointwise nonlinearity.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn activation(&mut self, name: &str, input: NodeId, activation: Activation) -> Result<NodeId> {
        self.same_shape(name, Function::Activation(activation), input)
    }

    /// Softmax over the last axis.
    ///
    /// # Errors
    /// When a causal one is not on square matrices.
    pub fn softmax(&mut self, name: &str, input: NodeId, causal: bool) -> Result<NodeId> {
        let square = matches!(*self.shape(input), [.., rows, columns] if rows == columns);
        if causal && !square {
            return Err(self.wrong(name, format!("an input of shape {:?}", self.shape(input)), "square matrices"));
        }
        self.same_shape(name, Function::Softmax { causal }, input)
    }

    /// Layer norm over the last axis, ε = 1e-5.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn layer_norm(&mut self, name: &str, input: NodeId) -> Result<NodeId> {
        self.same_shape(name, Function::LayerNorm { epsilon: 1e-5 }, input)
    }

    /// RMS norm over the last axis, ε = 1e-5.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn rms_norm(&mut self, name: &str, input: NodeId) -> Result<NodeId> {
        self.same_shape(name, Function::RmsNorm { epsilon: 1e-5 }, input)
    }

    fn windows(&mut self, name: &str, input: NodeId, window: Window) -> Result<Vec<usize>> {
        let [channels, height, width] = self.image_shape(name, input)?;
        let Window { kernel, stride, padding } = window;
        let extent = |size: usize| Some((size + 2 * padding).checked_sub(kernel)? / stride.max(1) + 1);
        match (extent(height), extent(width)) {
            // Padding below half a window: every window has a cell inside the map.
            (Some(height), Some(width)) if stride > 0 && 2 * padding <= kernel && kernel > 0 => {
                Ok(vec![channels, height, width])
            }
            _ => {
                let found = format!("a window of {kernel}, stride {stride}, padding {padding} on {height}×{width}");
                Err(self.wrong(name, found, "a window that fits, padded by half of it at most"))
            }
        }
    }

    /// Largest value in each window.
    ///
    /// # Errors
    /// When the input is not an image, or the window does not fit.
    pub fn max_pool(&mut self, name: &str, input: NodeId, window: Window) -> Result<NodeId> {
        let shape = self.windows(name, input, window)?;
        self.function(name, Function::MaxPool(window), &[input], shape)
    }

    /// Mean of each window.
    ///
    /// # Errors
    /// When the input is not an image, or the window does not fit.
    pub fn average_pool(&mut self, name: &str, input: NodeId, window: Window) -> Result<NodeId> {
        let shape = self.windows(name, input, window)?;
        self.function(name, Function::AveragePool(window), &[input], shape)
    }

    /// Product of two nodes of one shape, or of a node with a factor per channel.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn multiply(&mut self, name: &str, a: NodeId, b: NodeId) -> Result<NodeId> {
        let (left, right) = (self.shape(a).to_vec(), self.shape(b));
        if right != left && Some(right) != left.get(..1) {
            let found = format!("shapes {left:?} and {right:?}");
            return Err(self.wrong(name, found, "equal shapes, or one factor per channel"));
        }
        self.function(name, Function::Multiply, &[a, b], left)
    }

    /// Matrix products over the leading axes, `scale · a·b` or `scale · a·bᵀ`.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn matmul(&mut self, name: &str, a: NodeId, b: NodeId, transpose_right: bool, scale: f64) -> Result<NodeId> {
        let (left, right) = (self.shape(a).to_vec(), self.shape(b).to_vec());
        if let ([outer @ .., rows, inner], [leading @ .., k, n]) = (left.as_slice(), right.as_slice()) {
            let (k, columns) = if transpose_right { (n, k) } else { (k, n) };
            if outer == leading && inner == k {
                let shape = [outer, &[*rows, *columns]].concat();
                return self.function(name, Function::MatMul { transpose_right, scale }, &[a, b], shape);
            }
        }
        Err(self.wrong(name, format!("shapes {left:?} and {right:?}"), "matrices that can be multiplied"))
    }

    /// Nodes one after the other along the first axis.
    ///
    /// # Errors
    /// When there is none, or another axis differs.
    pub fn concat(&mut self, name: &str, inputs: &[NodeId]) -> Result<NodeId> {
        let shapes: Vec<&[usize]> = inputs.iter().map(|&input| self.shape(input)).collect();
        match shapes.as_slice() {
            [[_, rest @ ..], ..] if shapes.iter().all(|s| s.get(1..) == Some(rest)) => {
                let first: usize = shapes.iter().map(|s| s[0]).sum();
                let shape = [[first].as_slice(), rest].concat();
                self.function(name, Function::Concat, inputs, shape)
            }
            _ => Err(self.wrong(name, format!("shapes {shapes:?}"), "shapes that differ in the first axis only")),
        }
    }

    /// The same elements in another shape.
    ///
    /// # Errors
    /// When the number of elements differs.
    pub fn reshape(&mut self, name: &str, input: NodeId, shape: &[usize]) -> Result<NodeId> {
        let elements = |shape: &[usize]| shape.iter().try_fold(1usize, |product, &extent| product.checked_mul(extent));
        if elements(shape) != elements(self.shape(input)) {
            let found = format!("{shape:?} from {:?}", self.shape(input));
            return Err(self.wrong(name, found, "as many elements"));
        }
        self.function(name, Function::Reshape, &[input], shape.to_vec())
    }

    /// Axis `i` of the output is axis `axes[i]` of the input.
    ///
    /// # Errors
    /// When `axes` is not a permutation.
    pub fn transpose(&mut self, name: &str, input: NodeId, axes: &[usize]) -> Result<NodeId> {
        let shape = self.shape(input);
        if axes.len() != shape.len() || !(0..shape.len()).all(|axis| axes.contains(&axis)) {
            let expected = format!("every axis from 0 to {} once", shape.len().saturating_sub(1));
            return Err(self.wrong(name, format!("axes {axes:?}"), expected));
        }
        let shape = axes.iter().map(|&axis| shape[axis]).collect();
        self.function(name, Function::Transpose { axes: axes.to_vec() }, &[input], shape)
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
        let pooled = b.max_pool("max", x, Window { kernel: 3, stride: 2, padding: 1 }).unwrap();
        assert_eq!(b.shape(pooled), [6, 3, 4]);
        assert!(b.average_pool("wide", x, Window { kernel: 3, stride: 2, padding: 2 }).is_err(), "an empty window");
        let gate = b.global_average_pool("gate", x).unwrap();
        let gated = b.multiply("gated", x, gate).unwrap();
        let both = b.concat("both", &[x, gated]).unwrap();
        assert_eq!(b.shape(both), [12, 5, 7]);
        assert!(b.concat("uneven", &[x, pooled]).is_err() && b.concat("none", &[]).is_err());
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
        assert!(b.embedding("again", x, 11, 3).is_err());
        let y = b.linear("fc", x, 5).unwrap();
        assert_eq!(b.shape(y), [4, 5]);
    }
}
