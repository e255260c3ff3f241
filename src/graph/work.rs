//! What every node of a graph computes for one sample: layers, and the operators between them that no bit-width changes.
//!
//! ```text
//! convolution   output elements · in_channels/groups · kernel area      dense layer   output elements · inputs
//! MatMul        output elements · inner extent                          embedding     0: rows are looked up
//! ```
//!
//! One MAC is one multiplication with its addition. Everything else is counted in elements that are computed: those of the
//! output, times the window for pools and the whole axis for means and sums. Reshapes, transposes, constants and other
//! moves compute nothing.

use serde::Serialize;

use crate::graph::axis::AxisMap;
use crate::graph::cost::LayerCost;
use crate::graph::function::Function;
use crate::graph::op::{Graph, Node, Op};

/// Counts of one node, for one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct NodeWork {
    /// Multiply-accumulates of a layer, or of a product of two activations.
    pub macs: u64,
    /// Elements that anything else computes.
    pub elements: u64,
}

impl NodeWork {
    /// Counts of every node, in graph order. The MACs of layers are those of [`LayerCost`].
    pub fn of(graph: &Graph) -> Vec<NodeWork> {
        let mut layers = LayerCost::of(graph).into_iter();
        let work = |node: &Node| match &node.op {
            op if op.has_weight() => {
                NodeWork { macs: layers.next().map_or(0, |cost| cost.macs), ..NodeWork::default() }
            }
            Op::Function(Function::MatMul { .. }) => {
                let inner = node.inputs.first().and_then(|&a| graph.nodes()[a].shape.last()).copied().unwrap_or(0);
                NodeWork { macs: product(&node.shape, inner), ..NodeWork::default() }
            }
            _ => NodeWork { elements: product(&node.shape, per_element(node, graph)), ..NodeWork::default() },
        };
        graph.nodes().iter().map(work).collect()
    }
}

/// Elements that are read for one of the output; 0 where none is computed.
fn per_element(node: &Node, graph: &Graph) -> usize {
    let input = || node.inputs.first().map_or(&[][..], |&i| &graph.nodes()[i].shape);
    match &node.op {
        Op::Input | Op::Subsample { .. } => 0,
        Op::GlobalAveragePool => input().iter().skip(1).product(),
        Op::Function(function) => match function {
            Function::Reshape { .. }
            | Function::Transpose { .. }
            | Function::Concat { .. }
            | Function::Constant { .. } => 0,
            Function::MaxPool(window) | Function::AveragePool(window) => window.kernel.iter().product(),
            Function::Along { axis, map: AxisMap::Sum | AxisMap::Mean } => input().get(*axis).copied().unwrap_or(0),
            Function::Along { map: AxisMap::Resize { .. }, .. } => 1,
            Function::Along { .. } => 0,
            _ => 1,
        },
        _ => 1,
    }
}

fn product(shape: &[usize], factor: usize) -> u64 {
    shape.iter().fold(factor as u64, |product, &extent| product.saturating_mul(extent as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{GraphBuilder, Window};

    #[test]
    fn products_of_activations_are_counted_beside_the_layers() {
        // 5 positions, 6 features, 3 heads of 2: scores 3·5·5·2, mixed 3·5·2·5.
        let mut b = GraphBuilder::new("attention", [5, 6]).unwrap();
        let q = b.linear("q", b.input(), 6).unwrap();
        let a = b.attention("a", [q; 3], 3, false).unwrap();
        let n = b.layer_norm("n", a).unwrap();
        b.add("sum", n, q).unwrap();
        let graph = b.finish();
        let work = NodeWork::of(&graph);
        let named =
            |name: &str| work[graph.nodes().iter().position(|n| n.name == name).unwrap_or_else(|| panic!("{name}"))];
        assert_eq!(named("q"), NodeWork { macs: 5 * 36, elements: 0 });
        assert_eq!((named("a.scores").macs, named("a.mixed").macs), (150, 150));
        assert_eq!((named("a.weights").elements, named("n").elements, named("sum").elements), (75, 30, 30));
        assert_eq!(named("a.query"), NodeWork::default());
        assert_eq!(work.iter().map(|w| w.macs).sum::<u64>(), 180 + 300);
    }

    #[test]
    fn a_pool_reads_its_window() {
        let mut b = GraphBuilder::new("pools", [2, 6, 6]).unwrap();
        let max = b.max_pool("max", b.input(), Window::square(2, 2, 0)).unwrap();
        b.global_average_pool("mean", max).unwrap();
        let work = NodeWork::of(&b.finish());
        assert_eq!(work.iter().map(|w| w.elements).collect::<Vec<_>>(), [0, 2 * 9 * 4, 2 * 9]);
    }
}
