//! Functions that exporters write in parts, put together again: norms, GELU, SiLU, hard swish. The parts alone are
//! lowered, too; together they are faster, and their derivatives exact.
//!
//! A pattern is matched from its last node backwards. It holds only if nobody else reads what is inside.

mod gates;
mod norms;
mod view;

use std::collections::BTreeSet;

use crate::onnx::graph::OnnxGraph;
use crate::onnx::node::OnnxNode;

use view::View;

/// What takes the place of some nodes.
struct Fused {
    /// The node in place of the last of them.
    node: OnnxNode,
    /// The others.
    inner: BTreeSet<usize>,
}

/// The nodes of the graph with every pattern as one node.
///
/// Cost: for each node a look at the few nodes behind its inputs.
pub fn fuse(graph: &OnnxGraph) -> Vec<OnnxNode> {
    let view = View::new(graph);
    let mut nodes: Vec<Option<OnnxNode>> = graph.nodes.iter().cloned().map(Some).collect();
    // From the end: the largest form of a pattern is found first.
    for root in (0..graph.nodes.len()).rev() {
        if nodes.get(root).is_none_or(Option::is_none) {
            continue;
        }
        let found = [gates::gate, norms::norm].into_iter().find_map(|pattern| pattern(&view, root));
        let Some(Fused { node, inner }) = found.filter(|fused| view.is_closed(root, &fused.inner)) else { continue };
        for &index in &inner {
            nodes[index] = None;
        }
        nodes[root] = Some(node);
    }
    nodes.into_iter().flatten().collect()
}
