use super::*;
use crate::graph::{GraphBuilder, NodeId};

/// Kind, layer names and reason of every group.
fn found(graph: &Graph, kinds: &[GroupKind]) -> Vec<(GroupKind, Vec<String>, String)> {
    let layers = graph.layers();
    let named =
        |group: LayerGroup| (group.kind, group.layers.iter().map(|&l| layers[l].name.clone()).collect(), group.reason);
    groups(graph, kinds).into_iter().map(named).collect()
}

fn expect(graph: &Graph, kind: GroupKind, expected: &[(&[&str], &str)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(names, reason)| (kind, names.iter().map(|n| n.to_string()).collect::<Vec<_>>(), reason.to_string()))
        .collect();
    assert_eq!(found(graph, &[kind]), expected);
}

fn transformer_block(b: &mut GraphBuilder, x: NodeId, parallel: bool) -> NodeId {
    let norm = b.layer_norm("norm1", x).unwrap();
    let [q, k, v] = ["q", "k", "v"].map(|n| b.linear(&format!("attn.{n}"), norm, 6).unwrap());
    let mixed = b.attention("attn", [q, k, v], 2, true).unwrap();
    let out = b.linear("attn.out", mixed, 6).unwrap();
    let sum = b.add("sum1", out, x).unwrap();
    let norm2 = if parallel { norm } else { b.layer_norm("norm2", sum).unwrap() };
    let [gate, up] = ["gate", "up"].map(|n| b.linear(&format!("mlp.proj.{n}"), norm2, 8).unwrap());
    let gated = b.multiply("mlp.gated", gate, up).unwrap();
    let down = b.linear("mlp.down", gated, 6).unwrap();
    b.add("sum2", down, sum).unwrap()
}

#[test]
fn projections_that_read_one_tensor_are_fused_and_nothing_else() {
    let mut b = GraphBuilder::new("transformer", [4]).unwrap();
    let x = b.embedding("wte", b.input(), 11, 6).unwrap();
    transformer_block(&mut b, x, false);
    let graph = b.finish();
    let reason = |tensor: &str| format!("dense siblings that read `{tensor}`: one product when fused");
    let (first, second) = (reason("norm1"), reason("norm2"));
    expect(
        &graph,
        GroupKind::Fused,
        &[(&["attn.q", "attn.k", "attn.v"], &first), (&["mlp.proj.gate", "mlp.proj.up"], &second)],
    );
    let shared: [(&[&str], &str); 2] = [
        (&["attn.q", "attn.k", "attn.v"], "they read `norm1`"),
        (&["mlp.proj.gate", "mlp.proj.up"], "they read `norm2`"),
    ];
    expect(&graph, GroupKind::SharedInput, &shared);
    // The shortcut of `sum1` is the embedding, that of `sum2` the result of `sum1`.
    expect(&graph, GroupKind::Residual, &[(&["wte", "attn.out"], "`sum1` adds what they give")]);
    expect(&graph, GroupKind::Depthwise, &[]);
}

#[test]
fn a_parallel_block_fuses_attention_and_perceptron_apart() {
    let mut b = GraphBuilder::new("parallel", [4, 6]).unwrap();
    let x = b.input();
    transformer_block(&mut b, x, true);
    let graph = b.finish();
    let reason = "dense siblings that read `norm1`: one product when fused";
    let fused: [(&[&str], &str); 2] =
        [(&["attn.q", "attn.k", "attn.v"], reason), (&["mlp.proj.gate", "mlp.proj.up"], reason)];
    expect(&graph, GroupKind::Fused, &fused);
    let all: &[&str] = &["attn.q", "attn.k", "attn.v", "mlp.proj.gate", "mlp.proj.up"];
    expect(&graph, GroupKind::SharedInput, &[(all, "they read `norm1`")]);
}

#[test]
fn a_shortcut_convolution_shares_its_input_but_is_not_fused() {
    let mut b = GraphBuilder::new("residual", [3, 8, 8]).unwrap();
    let stem = b.conv("stem", b.input(), 4, 3, 1).unwrap();
    let stem = b.relu("stem.relu", stem).unwrap();
    let block = |b: &mut GraphBuilder, name: &str, x: NodeId, shortcut: Option<usize>| {
        let channels = shortcut.unwrap_or(4);
        let c1 = b.conv(&format!("{name}.conv1"), x, channels, 3, shortcut.map_or(1, |_| 2)).unwrap();
        let r1 = b.relu(&format!("{name}.relu1"), c1).unwrap();
        let c2 = b.conv(&format!("{name}.conv2"), r1, channels, 3, 1).unwrap();
        let n2 = b.batch_norm(&format!("{name}.norm2"), c2).unwrap();
        let side = match shortcut {
            Some(channels) => {
                let c = b.conv(&format!("{name}.shortcut"), x, channels, 1, 2).unwrap();
                b.batch_norm(&format!("{name}.shortcut.norm"), c).unwrap()
            }
            None => x,
        };
        let sum = b.add(&format!("{name}.sum"), n2, side).unwrap();
        b.relu(&format!("{name}.relu2"), sum).unwrap()
    };
    let x = block(&mut b, "b1", stem, None);
    let x = block(&mut b, "b2", x, Some(8));
    let p = b.global_average_pool("pool", x).unwrap();
    b.linear("fc", p, 3).unwrap();
    let graph = b.finish();
    expect(&graph, GroupKind::Fused, &[]);
    expect(&graph, GroupKind::SharedInput, &[(&["b2.conv1", "b2.shortcut"], "they read `b1.relu2`")]);
    let residual: [(&[&str], &str); 2] = [
        (&["stem", "b1.conv2"], "`b1.sum` adds what they give"),
        (&["b2.conv2", "b2.shortcut"], "`b2.sum` adds what they give"),
    ];
    expect(&graph, GroupKind::Residual, &residual);
}

#[test]
fn a_depthwise_convolution_takes_the_pointwise_one_behind_it() {
    let mut b = GraphBuilder::new("mobile", [3, 8, 8]).unwrap();
    let expand = b.conv("expand", b.input(), 6, 1, 1).unwrap();
    let dw = b.conv_general("dw", expand, Conv2d::square(6, 3, 1).grouped(6)).unwrap();
    let norm = b.batch_norm("dw.norm", dw).unwrap();
    let pooled = b.global_average_pool("se.pool", norm).unwrap();
    let gate = b.linear("se.fc", pooled, 6).unwrap();
    let gated = b.multiply("se", norm, gate).unwrap();
    let project = b.conv("project", gated, 4, 1, 1).unwrap();
    let grouped = b.conv_general("grouped", project, Conv2d::square(4, 3, 1).grouped(2)).unwrap();
    b.conv("last", grouped, 4, 1, 1).unwrap();
    let graph = b.finish();
    expect(&graph, GroupKind::Depthwise, &[(&["dw", "project"], "`dw` is depthwise, and pointwise follows")]);
    expect(&graph, GroupKind::SharedInput, &[]);
}

#[test]
fn views_of_one_tensor_are_that_tensor_and_tokens_are_none() {
    let mut b = GraphBuilder::new("views", [4]).unwrap();
    let words = b.embedding("words", b.input(), 9, 6).unwrap();
    let places = b.embedding("places", b.input(), 4, 6).unwrap();
    let x = b.add("x", words, places).unwrap();
    let flat = b.reshape("flat", x, &[24]).unwrap();
    b.linear("head", flat, 2).unwrap();
    b.linear("other.head", x, 2).unwrap();
    let graph = b.finish();
    expect(&graph, GroupKind::SharedInput, &[(&["head", "other.head"], "they read `x`")]);
    expect(&graph, GroupKind::Fused, &[]);
}

#[test]
fn names_are_siblings_if_one_part_differs() {
    assert!(are_siblings("h.0.attn.q", "h.0.attn.k") && are_siblings("/h/q/MatMul", "/h/k/MatMul"));
    assert!(are_siblings("MatMul_3", "MatMul_4"));
    assert!(!are_siblings("h.0.attn.q", "h.0.mlp.up") && !are_siblings("q", "mlp.q") && !are_siblings("a.b", "a.b"));
}
