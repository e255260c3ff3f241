use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::export::{Codes, check, site};
use crate::graph::{Conv2d, GraphBuilder};
use crate::onnx::OnnxGraph;

/// A network with a layer of every kind at these bits: tables and dense layers on matrices and on vectors, convolutions with
/// and without a norm. `groups`: whether scales belong to parts of rows.
fn deployment(bits: u32, activation_bits: u32, groups: bool, seed: usize) -> Deployment {
    let mut b = GraphBuilder::new("test", [2, 4, 4]).unwrap();
    let x = b.conv_general("plain", 0, Conv2d::square(6, 3, 1).biased()).unwrap();
    let x = b.relu("relu", x).unwrap();
    let x = b.conv("normed", x, 4, 1, 1).unwrap();
    let x = b.batch_norm("norm", x).unwrap();
    let x = b.reshape("rows", x, &[4, 16]).unwrap();
    let x = b.linear("matrix", x, 8).unwrap();
    let x = b.reshape("flat", x, &[32]).unwrap();
    b.linear_with("vector", x, 3, false).unwrap();
    of(b.finish(), bits, activation_bits, groups, seed)
}

fn of(graph: crate::graph::Graph, bits: u32, activation_bits: u32, groups: bool, seed: usize) -> Deployment {
    let candidate: Candidate = format!("w{bits}a{activation_bits}").parse().unwrap();
    let number = |i: usize| (i * 7919 + seed * 104_729 + 13) % 1009;
    let (low, high) = crate::quant::weights::signed_range(bits);
    let layer = |layer: &crate::graph::Layer| {
        let columns = layer.parameters() / layer.channels();
        let last = layer.weight_shape.last().copied().unwrap();
        let group = if groups && last % 2 == 0 { last / 2 } else { columns };
        // The smallest code has no opposite: a norm with a negative factor could not be folded.
        let code = |i: usize| (low + 1 + (number(i) as i32) % (high - low)) as i8;
        let codes = (0..layer.parameters()).map(code).collect();
        let scale = (0..layer.parameters() / group).map(|i| 0.001 + number(i) as f32 / 3e4).collect();
        let quantizes = candidate.quantizes_activations() && layer.quantized_input;
        DeployedLayer {
            name: layer.name.clone(),
            shape: layer.weight_shape.clone(),
            candidate,
            weights: LayerWeights::Codes(Codes { bits, codes, scale, group }),
            activation: quantizes.then_some(Activation {
                bits: activation_bits,
                unsigned: layer.unsigned_input,
                scale: 0.03,
            }),
        }
    };
    let parameters = graph.parameters().into_iter().filter(|p| p.role != crate::graph::Role::Weight).map(|p| {
        let values = (0..p.elements()).map(|i| 0.5 + number(i) as f32 / 2e3).collect();
        (p.name, (p.shape, values))
    });
    Deployment {
        plan: "half".into(),
        layers: graph.layers().iter().map(layer).collect(),
        parameters: parameters.collect(),
        normalization: [vec![0.5, 0.25], vec![1.0, 2.0]],
        rounding: Rounding::HalfEven,
        folder: None,
        masters: Default::default(),
        ranges: Default::default(),
        graph,
    }
}

fn formats() -> [&'static dyn Format; 2] {
    [&Onnx, &Onnx25]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_file_takes_the_bytes_that_were_promised_and_reads_back_as_the_same_weights(
        bits in 2u32..=8, activations in prop_oneof![2u32..=8, Just(16)], groups: bool, seed in 0usize..1000
    ) {
        let deployment = deployment(bits, activations, groups, seed);
        for format in formats() {
            check(format, &deployment).unwrap();
            let package = format.write(&deployment).unwrap();
            for (layer, deployed) in deployment.graph.layers().iter().zip(&deployment.layers) {
                let LayerWeights::Codes(codes) = &deployed.weights else { unreachable!() };
                let site = site(&deployment.graph, layer, codes.group);
                let stored = format.stored(&site, deployed.candidate).unwrap();
                prop_assert_eq!(stored.bytes, package.weight_bytes(&layer.name));
            }
            let file = &package.files[FILE];
            prop_assert!(package.tensors.iter().map(|t| t.bytes).sum::<u64>() <= file.len() as u64);
            assert_reads_back(&deployment.clone().fold_batch_norms().unwrap().0, file);
        }
    }
}

/// Our reader, which multiplies scales in, must find the values that the codes stand for.
fn assert_reads_back(deployment: &Deployment, file: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    std::fs::write(&path, file).unwrap();
    let read = crate::onnx::load(Path::new(&path), &crate::onnx::LoadOptions::default()).unwrap();
    for layer in &deployment.layers {
        // The reader has names of its own for some layers; values tell them apart here.
        let expected = layer.weights.values();
        let found = read.weights.values().any(|(_, values)| *values == expected);
        assert!(found, "`{}` at {}", layer.name, layer.candidate);
    }
}

#[test]
fn a_table_is_looked_up_behind_its_dequantizer() {
    let mut b = GraphBuilder::new("test", [5]).unwrap();
    let x = b.embedding("table", 0, 7, 6).unwrap();
    b.linear("fc", x, 2).unwrap();
    let deployment = of(b.finish(), 4, 8, true, 1);
    let package = Onnx.write(&deployment).unwrap();
    let graph = OnnxGraph::from_bytes(package.files[FILE].clone(), "test", None).unwrap();
    let ops: Vec<&str> = graph.nodes.iter().map(|node| node.op.as_str()).collect();
    assert_eq!(
        ops,
        ["DequantizeLinear", "Gather", "QuantizeLinear", "DequantizeLinear", "DequantizeLinear", "MatMul", "Add"]
    );
    assert_eq!(package.notes, Vec::<String>::new());
    assert_reads_back(&deployment, &package.files[FILE]);
}

#[test]
fn a_bias_beside_coarse_products_is_kept_from_being_rounded() {
    let guards = |bits, activations| {
        let package = Onnx.write(&deployment(bits, activations, false, 0)).unwrap();
        let graph = OnnxGraph::from_bytes(package.files[FILE].clone(), "test", None).unwrap();
        graph.nodes.iter().filter(|node| node.op == "Min").count()
    };
    // All but the first layer read, through moves, a layer with a bias.
    assert_eq!(guards(8, 8), 0);
    assert_eq!(guards(4, 8), 3);
    assert_eq!(guards(8, 3), 4);
    assert_eq!(guards(4, 16), 0);
}

#[test]
fn other_roundings_of_activations_are_refused_and_of_weights_not() {
    let rounded = |activations| Deployment { rounding: Rounding::Floor, ..deployment(4, activations, false, 0) };
    let message = Onnx.write(&rounded(8)).unwrap_err().to_string();
    assert!(message.contains("plan `half`") && message.contains("floor") && message.contains("half_even"), "{message}");
    assert!(Onnx.write(&rounded(16)).is_ok());
}

#[test]
fn limits_are_no_clip_in_front_of_less_than_8_bits() {
    let ops = |activations| {
        let mut b = GraphBuilder::new("test", [2, 4, 4]).unwrap();
        let x = b.activation("six", 0, crate::graph::Activation::Clip { low: 0.0, high: 6.0 }).unwrap();
        b.conv("c", x, 2, 1, 1).unwrap();
        let package = Onnx.write(&of(b.finish(), 8, activations, false, 0)).unwrap();
        let graph = OnnxGraph::from_bytes(package.files[FILE].clone(), "test", None).unwrap();
        graph.nodes.iter().map(|node| node.op.clone()).take(3).collect::<Vec<_>>()
    };
    assert_eq!(ops(8), ["Clip", "QuantizeLinear", "DequantizeLinear"]);
    assert_eq!(ops(4), ["Max", "Min", "QuantizeLinear"]);
}

#[test]
fn narrow_quantisers_stay_behind_nodes_that_move_elements() {
    let is_guarded = |activations| {
        let mut b = GraphBuilder::new("test", [2, 4, 4]).unwrap();
        let x = b.conv("first", 0, 2, 1, 1).unwrap();
        let x = b.max_pool("pool", x, crate::graph::Window::square(2, 2, 0)).unwrap();
        let x = b.relu("relu", x).unwrap();
        b.conv("second", x, 2, 1, 1).unwrap();
        let package = Onnx.write(&of(b.finish(), 8, activations, false, 0)).unwrap();
        let graph = OnnxGraph::from_bytes(package.files[FILE].clone(), "test", None).unwrap();
        let ops: Vec<String> = graph.nodes.iter().map(|node| node.op.clone()).collect();
        ops.windows(3).any(|ops| ops == ["Relu", "Min", "QuantizeLinear"])
    };
    assert!(is_guarded(4));
    assert!(!is_guarded(8));
}

#[test]
fn the_bias_of_a_product_of_matrices_has_two_axes() {
    let package = Onnx.write(&deployment(8, 8, false, 0)).unwrap();
    let graph = OnnxGraph::from_bytes(package.files[FILE].clone(), "test", None).unwrap();
    assert_eq!(graph.initializers["matrix.bias"].shape, [1, 8]);
    assert_eq!(graph.initializers["plain.bias"].shape, [6]);
}
