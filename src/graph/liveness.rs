//! Peak activation memory of one sample: which tensors must exist at the same time.
//!
//! Nodes run in the order of the graph, one at a time. A tensor exists from the step that computes it to the step of its
//! last reader; the network's input from the first step on, its output to the last. While a node runs, its inputs and its
//! output exist. Nothing is computed in place, so a ReLU or an addition needs its inputs and its output. A view (a
//! reshape) has no memory of its own: it keeps the tensor alive that it looks at. Constants and weights are not
//! activations, and scratch memory of a kernel is its own affair; neither is counted.

use serde::Serialize;

use crate::graph::function::Function;
use crate::graph::op::{Graph, NodeId, Op};

/// Memory over the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Liveness {
    /// Bytes that exist while each node runs.
    pub profile: Vec<u64>,
    /// The first node with the largest number.
    pub peak: NodeId,
    /// The tensors that exist then, in the order of the graph.
    pub live_at_peak: Vec<NodeId>,
}

impl Liveness {
    /// Memory of a graph whose tensors have `bits` bits an element, one number for each node: [`float_bits`] or
    /// [`quantized_bits`]. Cost: linear in the nodes and their inputs, and in the profile.
    pub fn new(graph: &Graph, bits: &[u32]) -> Self {
        let storage = graph.storage();
        let mut last_read: Vec<NodeId> = (0..graph.nodes().len()).collect();
        for (id, node) in graph.nodes().iter().enumerate() {
            node.inputs.iter().for_each(|&input| last_read[storage[input]] = id);
        }
        last_read[storage[graph.output()]] = graph.output();
        let bytes = |id: NodeId| if storage[id] == id { tensor_bytes(graph, id, bits) } else { 0 };
        let mut ends = vec![0u64; graph.nodes().len()];
        let mut profile = Vec::with_capacity(graph.nodes().len());
        let mut live = 0u64;
        for id in 0..graph.nodes().len() {
            live = live.saturating_add(bytes(id));
            profile.push(live);
            ends[last_read[id]] = ends[last_read[id]].saturating_add(bytes(id));
            live = live.saturating_sub(ends[id]);
        }
        let peak = (0..profile.len()).rev().max_by_key(|&id| profile[id]).unwrap_or(0);
        let lives = |&id: &NodeId| id <= peak && peak <= last_read[id] && bytes(id) > 0;
        Self { live_at_peak: (0..profile.len()).filter(lives).collect(), profile, peak }
    }

    /// The largest number of bytes that exist at once.
    pub fn peak_bytes(&self) -> u64 {
        self.profile.get(self.peak).copied().unwrap_or(0)
    }
}

/// Every tensor in 32 bits.
pub fn float_bits(graph: &Graph) -> Vec<u32> {
    vec![32; graph.nodes().len()]
}

/// Every tensor at the width of the layer that reads it next, through whatever has no weights in between; of several such
/// layers at the widest. That is an engine that runs norms and activations in the layer before them. Tensors that no
/// layer reads, and numbers of tokens, have 32 bits. `activation_bits` has one width for each layer of the graph.
pub fn quantized_bits(graph: &Graph, activation_bits: &[u32]) -> Vec<u32> {
    let mut widest: Vec<Option<u32>> = vec![None; graph.nodes().len()];
    let mut layers = activation_bits.iter().rev();
    for (id, node) in graph.nodes().iter().enumerate().rev() {
        let reads = match &node.op {
            Op::Embedding(_) => layers.next().map(|_| 32),
            op if op.has_weight() => layers.next().copied(),
            _ => Some(*widest[id].get_or_insert(32)),
        };
        node.inputs.iter().for_each(|&input| widest[input] = widest[input].max(reads));
    }
    widest.into_iter().map(|bits| bits.unwrap_or(32)).collect()
}

/// Bytes of a node's output, rounded up; none for a constant.
fn tensor_bytes(graph: &Graph, id: NodeId, bits: &[u32]) -> u64 {
    let node = &graph.nodes()[id];
    if matches!(node.op, Op::Function(Function::Constant { .. })) {
        return 0;
    }
    let elements = node.shape.iter().fold(1u64, |product, &extent| product.saturating_mul(extent as u64));
    let width = bits.get(id).copied().unwrap_or(32);
    elements.saturating_mul(u64::from(width)).div_ceil(8)
}

impl Graph {
    /// For each node the one whose tensor its output lies in: itself, unless it is a view.
    pub(super) fn storage(&self) -> Vec<NodeId> {
        let mut storage: Vec<NodeId> = Vec::with_capacity(self.nodes().len());
        for (id, node) in self.nodes().iter().enumerate() {
            let viewed = match (&node.op, node.inputs.first()) {
                (Op::Function(Function::Reshape { .. }), Some(&input)) => storage.get(input).copied(),
                _ => None,
            };
            storage.push(viewed.unwrap_or(id));
        }
        storage
    }
}

#[cfg(test)]
#[path = "liveness_tests.rs"]
mod tests;
