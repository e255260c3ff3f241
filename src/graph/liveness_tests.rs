use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::graph::GraphBuilder;

/// The definition, step by step: what is held, what is dropped, what the sum is. Views hold what they look at.
fn simulated(graph: &Graph, bits: &[u32]) -> Vec<u64> {
    let nodes = graph.nodes();
    let is_view = |id: NodeId| matches!(nodes[id].op, Op::Function(Function::Reshape { .. }));
    let owner = |mut id: NodeId| {
        while is_view(id) {
            id = nodes[id].inputs[0];
        }
        id
    };
    let size = |id: NodeId| {
        let constant = matches!(nodes[id].op, Op::Function(Function::Constant { .. }));
        let elements: usize = nodes[id].shape.iter().product();
        if constant { 0 } else { (elements as u64 * u64::from(bits[id])).div_ceil(8) }
    };
    let mut held: BTreeSet<NodeId> = BTreeSet::new();
    let mut profile = Vec::new();
    for id in 0..nodes.len() {
        held.insert(owner(id));
        profile.push(held.iter().map(|&tensor| size(tensor)).sum());
        held.retain(|&tensor| {
            let is_output = owner(nodes.len() - 1) == tensor;
            is_output || (id + 1..nodes.len()).any(|later| nodes[later].inputs.iter().any(|&i| owner(i) == tensor))
        });
    }
    profile
}

#[test]
fn a_chain_holds_two_tensors_at_a_time() {
    let mut b = GraphBuilder::new("chain", [2, 4, 4]).unwrap();
    let c = b.conv("c", b.input(), 8, 3, 1).unwrap();
    let r = b.relu("r", c).unwrap();
    let p = b.global_average_pool("p", r).unwrap();
    b.linear("fc", p, 3).unwrap();
    let graph = b.finish();
    let memory = Liveness::new(&graph, &float_bits(&graph));
    // Elements: input 32, c 128, r 128, p 8, fc 3.
    assert_eq!(memory.profile, [32, 160, 256, 136, 11].map(|elements| 4 * elements));
    assert_eq!((memory.peak, memory.peak_bytes(), memory.live_at_peak.as_slice()), (2, 1024, [1, 2].as_slice()));
}

#[test]
fn a_shortcut_is_held_over_the_branch_and_a_view_costs_nothing() {
    let mut b = GraphBuilder::new("residual", [2, 4, 4]).unwrap();
    let c1 = b.conv("c1", b.input(), 2, 3, 1).unwrap();
    let c2 = b.conv("c2", c1, 2, 3, 1).unwrap();
    let sum = b.add("sum", c2, b.input()).unwrap();
    let view = b.reshape("view", sum, &[32]).unwrap();
    b.linear("fc", view, 1).unwrap();
    let graph = b.finish();
    let memory = Liveness::new(&graph, &float_bits(&graph));
    // The input lives until `sum`; `view` is `sum`.
    assert_eq!(memory.profile, [32, 64, 96, 96, 32, 33].map(|elements| 4 * elements));
    assert_eq!(memory.live_at_peak, [0, 1, 2]);
}

#[test]
fn a_tensor_has_the_bits_of_the_widest_layer_that_reads_it_next() {
    let mut b = GraphBuilder::new("widths", [2, 4, 4]).unwrap();
    let c1 = b.conv("c1", b.input(), 2, 3, 1).unwrap();
    let n = b.batch_norm("n", c1).unwrap();
    let r = b.relu("r", n).unwrap();
    let c2 = b.conv("c2", r, 2, 3, 1).unwrap();
    let c3 = b.conv("c3", r, 2, 3, 1).unwrap();
    let sum = b.add("sum", c2, c3).unwrap();
    let p = b.global_average_pool("p", sum).unwrap();
    b.linear("fc", p, 3).unwrap();
    let graph = b.finish();
    // input: c1's 8; c1, n, r: the wider of c2's 4 and c3's 6; c2, c3, sum, p: fc's 2; fc: the output.
    let bits = quantized_bits(&graph, &[8, 4, 6, 2]);
    assert_eq!(bits, [8, 6, 6, 6, 2, 2, 2, 2, 32]);
    let memory = Liveness::new(&graph, &bits);
    // 32 elements at 6 bits are 24 bytes, at 2 bits 8 bytes.
    assert_eq!(memory.profile, [32, 56, 48, 48, 32, 40, 24, 9, 13]);
}

#[test]
fn tokens_are_not_quantised() {
    let mut b = GraphBuilder::new("tokens", [5]).unwrap();
    let table = b.embedding("table", b.input(), 11, 4).unwrap();
    b.linear("fc", table, 3).unwrap();
    assert_eq!(quantized_bits(&b.finish(), &[8, 4]), [32, 4, 32]);
}

#[test]
fn sizes_that_no_machine_has_do_not_overflow() {
    let mut b = GraphBuilder::new("vast", [65_536, 32_768]).unwrap();
    let wide = b.relu("wide", b.input()).unwrap();
    b.add("sum", wide, wide).unwrap();
    let graph = b.finish();
    assert_eq!(Liveness::new(&graph, &float_bits(&graph)).peak_bytes(), 2 << 33);
    let memory = Liveness::new(&graph, &[u32::MAX; 3]);
    assert!(memory.peak_bytes() >= Liveness::new(&graph, &float_bits(&graph)).peak_bytes());
}

/// A graph in which every node reads any earlier ones of its shape, and some are views or constants.
fn any_graph(steps: &[(u8, prop::sample::Index, prop::sample::Index)]) -> Graph {
    let mut b = GraphBuilder::new("any", [2, 3, 4]).unwrap();
    let mut images = vec![b.input()];
    let mut rows = Vec::new();
    for (i, (kind, first, second)) in steps.iter().enumerate() {
        let (x, y, name) = (images[first.index(images.len())], images[second.index(images.len())], format!("n{i}"));
        match kind % 8 {
            0 => images.push(b.conv(&name, x, 2, 3, 1).unwrap()),
            1 => images.push(b.relu(&name, x).unwrap()),
            2 | 3 => images.push(b.add(&name, x, y).unwrap()),
            4 => images.push(b.constant(&name, &[2, 3, 4]).unwrap()),
            5 => rows.push(b.reshape(&name, x, &[6, 4]).unwrap()),
            6 if !rows.is_empty() => {
                let row = rows[first.index(rows.len())];
                images.push(b.reshape(&name, row, &[2, 3, 4]).unwrap());
            }
            _ if !rows.is_empty() => {
                let row = rows[second.index(rows.len())];
                rows.push(b.linear(&name, row, 4).unwrap());
            }
            _ => {}
        }
    }
    b.finish()
}

proptest! {
    #[test]
    fn the_profile_is_that_of_a_simulation(
        steps in prop::collection::vec((any::<u8>(), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..30),
        widths in prop::collection::vec(2u32..=8, 30),
    ) {
        let graph = any_graph(&steps);
        for bits in [float_bits(&graph), quantized_bits(&graph, &widths[..graph.layers().len()])] {
            let expected = simulated(&graph, &bits);
            let memory = Liveness::new(&graph, &bits);
            let peak = expected.iter().position(|b| b == expected.iter().max().unwrap()).unwrap();
            prop_assert_eq!((&memory.profile, memory.peak), (&expected, peak));
        }
    }
}
