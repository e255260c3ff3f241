//! What a graph says of itself, for people: groups of its layers and its peak memory.

use crate::graph::liveness::Liveness;
use crate::graph::{Graph, LayerGroup};

/// One line for each group: rule, layers, reason. Empty without groups.
pub(super) fn groups_text(graph: &Graph, groups: &[LayerGroup]) -> String {
    let layers = graph.layers();
    let line = |group: &LayerGroup| {
        let names: Vec<&str> = group.layers.iter().map(|&l| layers[l].name.as_str()).collect();
        format!("{:14} {}  ({})", group.kind.name(), names.join(", "), group.reason)
    };
    groups.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// One line for each way to store the tensors, `(name, memory)`: peak bytes of one sample and where they exist.
pub(super) fn memory_text(graph: &Graph, memories: &[(String, Liveness)]) -> String {
    let line = |(name, memory): &(String, Liveness)| {
        let tensors: Vec<&str> = memory.live_at_peak.iter().map(|&id| graph.nodes()[id].name.as_str()).collect();
        let kib = memory.peak_bytes() as f64 / 1024.0;
        format!("{name:14} {kib:>12.1} KiB  at {} (holds {})", graph.nodes()[memory.peak].name, tensors.join(", "))
    };
    memories.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::liveness::{float_bits, quantized_bits};
    use crate::graph::{GraphBuilder, GroupKind, groups};

    #[test]
    fn groups_and_memory_are_told_by_name() {
        let mut b = GraphBuilder::new("n", [4, 8]).unwrap();
        let q = b.linear("a.q", b.input(), 8).unwrap();
        let k = b.linear("a.k", b.input(), 8).unwrap();
        b.add("sum", q, k).unwrap();
        let graph = b.finish();
        let text = groups_text(&graph, &groups(&graph, &[GroupKind::SharedInput]));
        assert_eq!(text, "shared_input   a.q, a.k  (they read `input`)");
        let memories = [
            ("f32".to_string(), Liveness::new(&graph, &float_bits(&graph))),
            ("w8a8".to_string(), Liveness::new(&graph, &quantized_bits(&graph, &[8, 8]))),
        ];
        // 32 elements each: three at 4 bytes; at 8 bits the input has one byte, results that no layer reads have four.
        let expected = "f32                     0.4 KiB  at a.k (holds input, a.q, a.k)\n\
                        w8a8                    0.4 KiB  at sum (holds a.q, a.k, sum)";
        assert_eq!(memory_text(&graph, &memories), expected);
    }
}
