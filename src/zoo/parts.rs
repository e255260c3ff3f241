//! What several families have in common.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::graph::{Activation, AxisMap, Conv2d, Graph, GraphBuilder, Node, NodeId, Op};
use crate::zoo::network::Initial;

/// ReLU6.
pub const RELU6: Activation = Activation::Clip { low: 0.0, high: 6.0 };

/// Images whose smaller side is below this are small: networks made for some 224 pixels then keep their resolution
/// longer, as each family says.
const SMALL: usize = 64;

/// Whether an image `[channels, height, width]` is small.
pub fn is_small([_, height, width]: [usize; 3]) -> bool {
    height.min(width) < SMALL
}

/// Convolution and batch norm, by their names.
pub fn conv_norm(b: &mut GraphBuilder, [conv, norm]: [&str; 2], x: NodeId, shape: Conv2d) -> Result<NodeId> {
    let x = b.conv_general(conv, x, shape)?;
    b.batch_norm(norm, x)
}

/// Elements `start..start + count` of an axis.
pub fn slice(b: &mut GraphBuilder, name: &str, x: NodeId, axis: usize, start: usize, count: usize) -> Result<NodeId> {
    b.along(name, x, axis, AxisMap::Slice { start, step: 1, count })
}

/// Mean over the map and a dense layer.
pub fn pooled_linear(mut b: GraphBuilder, x: NodeId, [pool, linear]: [&str; 2], classes: usize) -> Result<Graph> {
    let pooled = b.global_average_pool(pool, x)?;
    b.linear(linear, pooled, classes)?;
    Ok(b.finish())
}

/// Weights of dense layers and tables normal with the deviation 0.02, as transformers begin (Radford et al. 2018; Touvron
/// et al., arXiv 2012.12877).
pub fn normal_weights(graph: &Graph) -> BTreeMap<String, Initial> {
    let dense = |node: &&Node| matches!(node.op, Op::Linear(_) | Op::Embedding(_));
    let initial = |node: &Node| (format!("{}.weight", node.name), Initial::Normal { deviation: 0.02 });
    graph.nodes().iter().filter(dense).map(initial).collect()
}
