//! Layers that belong together, found on the graph, each group with its reason.
//!
//! | kind | layers | what has to be the same |
//! |-|-|-|
//! | `fused` | dense siblings on one tensor: q, k and v; gate and up | weights and activations: deployment tools run them as one product |
//! | `shared_input` | all layers on one tensor | activations: the tensor is quantised once |
//! | `residual` | the nearest layers on both sides of an addition | nothing by itself; where both operands are requantised to one width |
//! | `depthwise` | a depthwise convolution and the pointwise one behind it | nothing; mobile engines run the pair as one kernel |
//!
//! A group of the planner takes one *candidate*: the same bits for weights and for activations. That is what `fused` asks
//! for; for the other kinds it is more than needed, so it may cost a little accuracy and never breaks a deployment.

use std::collections::BTreeMap;

use crate::graph::op::{Conv2d, Graph, Layer, NodeId, Op};
pub use crate::space::{GroupKind, LayerGroup};

/// The groups of these kinds, kind by kind, each in the order of its first layer; a layer may be in several. Cost: linear in
/// the graph, quadratic in the dense layers that read one tensor.
pub fn groups(graph: &Graph, kinds: &[GroupKind]) -> Vec<LayerGroup> {
    let layers = graph.layers();
    let found = |&kind: &GroupKind| {
        let mut sets = match kind {
            GroupKind::Fused => fused(graph, &layers),
            GroupKind::SharedInput => shared_input(graph, &layers),
            GroupKind::Residual => residual(graph, &layers),
            GroupKind::Depthwise => depthwise(graph, &layers),
        };
        sets.sort();
        sets.into_iter().map(move |(layers, reason)| LayerGroup { kind, layers, reason })
    };
    kinds.iter().flat_map(found).collect()
}

/// Layer indices and the reason.
type Set = (Vec<usize>, String);

/// Layers by the tensor that they read, views seen through; embeddings read tokens, which nothing quantises.
fn readers(graph: &Graph, layers: &[Layer]) -> BTreeMap<NodeId, Vec<usize>> {
    let storage = graph.storage();
    let mut readers: BTreeMap<NodeId, Vec<usize>> = BTreeMap::new();
    for (index, layer) in layers.iter().enumerate() {
        let node = &graph.nodes()[layer.node];
        if let (Some(&input), false) = (node.inputs.first(), matches!(node.op, Op::Embedding(_))) {
            readers.entry(storage[input]).or_default().push(index);
        }
    }
    readers
}

fn shared_input(graph: &Graph, layers: &[Layer]) -> Vec<Set> {
    let several = readers(graph, layers).into_iter().filter(|(_, members)| members.len() > 1);
    several.map(|(tensor, members)| (members, format!("they read `{}`", graph.nodes()[tensor].name))).collect()
}

/// Dense layers on one tensor whose names differ in one part only: `attn.q` and `attn.k`, not `attn.q` and `mlp.up`, which
/// parallel blocks feed with one tensor too.
fn fused(graph: &Graph, layers: &[Layer]) -> Vec<Set> {
    let is_dense = |&l: &usize| matches!(graph.nodes()[layers[l].node].op, Op::Linear(_));
    let fit = |a: usize, b: usize| {
        layers[a].weight_shape.last() == layers[b].weight_shape.last() && are_siblings(&layers[a].name, &layers[b].name)
    };
    let mut sets = Vec::new();
    for (tensor, members) in readers(graph, layers) {
        let mut families: Vec<Vec<usize>> = Vec::new();
        for l in members.into_iter().filter(is_dense) {
            match families.iter_mut().find(|family| fit(family[0], l)) {
                Some(family) => family.push(l),
                None => families.push(vec![l]),
            }
        }
        let reason = format!("dense siblings that read `{}`: one product when fused", graph.nodes()[tensor].name);
        sets.extend(families.into_iter().filter(|f| f.len() > 1).map(|family| (family, reason.clone())));
    }
    sets
}

/// Whether two names, cut at `.` and `/`, have as many parts and all but one in common.
fn are_siblings(a: &str, b: &str) -> bool {
    let parts = |name: &str| name.split(['.', '/']).map(str::to_string).collect::<Vec<_>>();
    let (a, b) = (parts(a), parts(b));
    a.len() == b.len() && a.iter().zip(&b).filter(|(a, b)| a != b).count() == 1
}

/// The nearest layer upstream of each operand of an addition, through norms, activations and the like. An operand that is
/// the result of another addition has none: a chain of additions would tie a whole stage.
fn residual(graph: &Graph, layers: &[Layer]) -> Vec<Set> {
    let layer_at: BTreeMap<NodeId, usize> = layers.iter().enumerate().map(|(l, layer)| (layer.node, l)).collect();
    let nearest = |&operand: &NodeId| {
        let upstream = std::iter::successors(Some(operand), |&id| graph.nodes()[id].inputs.first().copied());
        let mut path = upstream.take_while(|&id| !matches!(graph.nodes()[id].op, Op::Add));
        path.find_map(|id| layer_at.get(&id).copied())
    };
    let additions = graph.nodes().iter().filter(|node| matches!(node.op, Op::Add));
    let set = |node: &crate::graph::op::Node| {
        let mut members: Vec<usize> = node.inputs.iter().filter_map(nearest).collect();
        members.sort_unstable();
        members.dedup();
        (members.len() > 1).then(|| (members, format!("`{}` adds what they give", node.name)))
    };
    additions.filter_map(set).collect()
}

/// A depthwise convolution, and each pointwise one whose nearest layer upstream it is.
fn depthwise(graph: &Graph, layers: &[Layer]) -> Vec<Set> {
    let convolution = |l: usize| match &graph.nodes()[layers[l].node].op {
        Op::Conv2d(conv) => Some(conv),
        _ => None,
    };
    let mut sets: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (l, layer) in layers.iter().enumerate() {
        let is_pointwise = convolution(l).is_some_and(|c| c.kernel == [1, 1] && c.groups == 1);
        if let Some(before) =
            layer.previous.filter(|&p| is_pointwise && convolution(p).is_some_and(Conv2d::is_depthwise))
        {
            sets.entry(before).or_insert_with(|| vec![before]).push(l);
        }
    }
    let reason = |d: usize| format!("`{}` is depthwise, and pointwise follows", layers[d].name);
    sets.into_iter().map(|(d, members)| (members, reason(d))).collect()
}

#[cfg(test)]
#[path = "groups_tests.rs"]
mod tests;
