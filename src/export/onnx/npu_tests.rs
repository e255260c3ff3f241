use std::collections::BTreeMap;

use super::*;
use crate::export::sample::{assert_accounted, deployment, residual_network};
use crate::export::{LayerWeights, Onnx, check};
use crate::graph::{Activation, Graph, GraphBuilder, Window};
use crate::onnx::OnnxGraph;
use crate::quant::Rounding;

/// With ranges for all nodes but those that run as one with the ReLU behind them.
fn ranged(mut deployment: Deployment) -> Deployment {
    let nodes = deployment.graph.nodes();
    let runs_as_one = |id: usize| nodes.iter().any(|node| node.op == Op::Relu && node.inputs == [id]);
    let of = |(id, node): (usize, &crate::graph::Node)| {
        let low = if node.op == Op::Relu { 0.0 } else { -1.5 - id as f32 };
        (node.name.clone(), [low, 2.0 + id as f32])
    };
    deployment.ranges = nodes.iter().enumerate().filter(|(id, _)| !runs_as_one(*id)).map(of).collect();
    deployment
}

/// Without the smallest codes, which have no opposite: a norm with a negative factor could not be folded.
fn foldable(mut deployment: Deployment) -> Deployment {
    for layer in &mut deployment.layers {
        let LayerWeights::Codes(codes) = &mut layer.weights else { continue };
        let smallest = crate::quant::weights::signed_range(codes.bits).0 as i8;
        codes.codes.iter_mut().filter(|code| **code == smallest).for_each(|code| *code += 1);
    }
    ranged(deployment)
}

fn residual() -> Deployment {
    foldable(deployment(residual_network(), &["w8a8", "w4a8", "w3a8"], None, 3))
}

fn graph_of(format: &dyn Format, deployment: &Deployment) -> OnnxGraph {
    let file = format.write(deployment).unwrap().files.remove(FILE).unwrap();
    OnnxGraph::from_bytes(file, "test", None).unwrap()
}

fn refusal(deployment: &Deployment) -> String {
    let refused = check(&OnnxNpu, deployment).and_then(|()| OnnxNpu.write(deployment).map(drop));
    refused.unwrap_err().to_string()
}

/// What stands between floats: an operator that reads other tensors than dequantised ones, or whose output is not quantised
/// once. A ReLU or Clip is part of the operator in front of it.
fn unquantized(graph: &OnnxGraph) -> Vec<String> {
    let makers: BTreeMap<&str, &str> =
        graph.nodes.iter().flat_map(|n| n.outputs.iter().map(|o| (o.as_str(), n.op.as_str()))).collect();
    let readers = |tensor: &str| {
        let reads = |node: &&crate::onnx::OnnxNode| node.inputs.iter().any(|input| input == tensor);
        graph.nodes.iter().filter(reads).map(|node| node.op.as_str()).collect::<Vec<_>>()
    };
    let mut wrong = Vec::new();
    let is_quantizer = |op: &str| op == "QuantizeLinear" || op == "DequantizeLinear";
    for node in graph.nodes.iter().filter(|node| !is_quantizer(&node.op)) {
        let is_limit = node.op == "Relu" || node.op == "Clip";
        for (place, input) in node.inputs.iter().enumerate() {
            let fine = match makers.get(input.as_str()) {
                Some(&maker) => maker == "DequantizeLinear" || (is_limit && !is_quantizer(maker)),
                // Shapes and limits.
                None => place > 0 && graph.initializers.contains_key(input),
            };
            if !fine {
                wrong.push(format!("{} reads {input}", node.name));
            }
        }
        match readers(&node.outputs[0]).as_slice() {
            ["QuantizeLinear"] | ["Relu"] | ["Clip"] => {}
            other => wrong.push(format!("{} is read by {other:?}", node.name)),
        }
    }
    for port in &graph.outputs {
        if makers.get(port.name.as_str()) != Some(&"DequantizeLinear") {
            wrong.push(format!("output {}", port.name));
        }
    }
    wrong
}

#[test]
fn every_operator_stands_between_integers_and_the_layer_form_alone_would_not_do() {
    assert_eq!(unquantized(&graph_of(&OnnxNpu, &residual())), Vec::<String>::new());
    let wrong = unquantized(&graph_of(&Onnx, &residual()));
    assert!(wrong.iter().any(|text| text == "block.sum reads stem.relu"), "{wrong:?}");
}

#[test]
fn the_file_takes_the_bytes_that_were_promised() {
    for (seed, choices) in
        [["w8a8", "w4a8", "w2a8"], ["w3a8", "w5a8", "w6a8"], ["w7a8", "w8a8", "w4a8"]].iter().enumerate()
    {
        assert_accounted(&OnnxNpu, &foldable(deployment(residual_network(), choices, None, seed as u64)));
    }
}

#[test]
fn scales_are_those_of_the_plan_and_of_the_ranges() {
    let deployment = residual();
    let graph = graph_of(&OnnxNpu, &deployment);
    let quantizer = |tensor: &str| {
        let node = graph.nodes.iter().find(|node| node.op == "QuantizeLinear" && node.inputs[0] == tensor).unwrap();
        let constant = |which: usize| graph.initializers[&node.inputs[which]].floats()[0];
        (constant(1), constant(2))
    };
    let plan = |layer: usize| deployment.layers[layer].activation.unwrap().scale;
    // The input is read by one layer, with signed codes.
    assert_eq!(quantizer("input"), (plan(0), 128.0));
    // Behind the ReLU are a sum and a layer: the range of the ReLU for both, and the layer's own scale behind that.
    let relu = deployment.ranges["stem.relu"][1];
    assert_eq!(quantizer("stem.relu"), ((f64::from(relu) / 255.0) as f32, 0.0));
    assert_eq!(quantizer("stem.relu.rounded"), (plan(1), 0.0));
    // The folded layer gives what the norm gave.
    let [low, high] = deployment.ranges["block.norm"].map(f64::from);
    let scale = ((high - low) / 255.0) as f32;
    assert_eq!(quantizer("block.conv"), (scale, (-low / f64::from(scale)).round() as f32));
    // The pool and its reshaping to a vector are read by the last layer alone.
    assert_eq!(quantizer("pool.mean"), (plan(2), 128.0));
    assert_eq!(quantizer("pool"), (plan(2), 128.0));
}

#[test]
fn biases_are_integers_in_the_steps_of_products() {
    let deployment = residual();
    let (folded, kept) = deployment.clone().fold_batch_norms().unwrap();
    assert!(kept.is_empty());
    let graph = graph_of(&OnnxNpu, &deployment);
    for layer in &folded.layers {
        let LayerWeights::Codes(codes) = &layer.weights else { unreachable!() };
        let stored = graph.initializers[&format!("{}.bias.codes", layer.name)].ints().unwrap();
        let bias = &folded.parameters[&format!("{}.bias", layer.name)].1;
        for ((&stored, &bias), &scale) in stored.iter().zip(bias).zip(&codes.scale) {
            let step = f64::from(scale) * f64::from(layer.activation.unwrap().scale);
            assert!((stored as f64 * step - f64::from(bias)).abs() < 0.501 * step, "{}", layer.name);
        }
    }
}

#[test]
fn our_reader_finds_the_weights_again() {
    let (folded, _) = residual().fold_batch_norms().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    std::fs::write(&path, &OnnxNpu.write(&residual()).unwrap().files[FILE]).unwrap();
    let read = crate::onnx::load(&path, &crate::onnx::LoadOptions::default()).unwrap();
    let shapes = |graph: &Graph| graph.layers().into_iter().map(|l| l.weight_shape).collect::<Vec<_>>();
    assert_eq!(shapes(&read.graph), shapes(&folded.graph));
    for layer in &folded.layers {
        let expected = layer.weights.values();
        assert!(read.weights.values().any(|(_, values)| *values == expected), "{}", layer.name);
    }
}

/// Operators of many kinds in one chain, matrices among them.
fn chain() -> Graph {
    let mut b = GraphBuilder::new("chain", [4, 8, 8]).unwrap();
    let x = b.conv("c", 0, 8, 3, 1).unwrap();
    let x = b.activation("six", x, Activation::Clip { low: 0.0, high: 6.0 }).unwrap();
    let x = b.max_pool("max", x, Window::square(2, 2, 0)).unwrap();
    let gate = b.global_average_pool("squeeze", x).unwrap();
    let gate = b.linear("gate", gate, 8).unwrap();
    let gate = b.activation("sigmoid", gate, Activation::Sigmoid).unwrap();
    let x = b.multiply("gated", x, gate).unwrap();
    let x = b.activation("swish", x, Activation::HardSwish).unwrap();
    let x = b.average_pool("average", x, Window::square(3, 1, 1)).unwrap();
    let x = b.concat("both", 0, &[x, x]).unwrap();
    let x = b.subsample("shortcut", x, 24, 2).unwrap();
    let x = b.activation("half", x, Activation::Affine { scale: 0.5, shift: 0.25 }).unwrap();
    let x = b.reshape("rows", x, &[24, 4]).unwrap();
    let x = b.transpose("turned", x, &[1, 0]).unwrap();
    let x = b.linear("matrix", x, 24).unwrap();
    let scores = b.matmul("scores", x, x, true, 1.0).unwrap();
    let scores = b.softmax("softmax", scores, false).unwrap();
    let x = b.matmul("mixed", scores, x, false, 1.0).unwrap();
    let x = b.reshape("flat", x, &[96]).unwrap();
    b.linear("head", x, 5).unwrap();
    b.finish()
}

#[test]
fn operators_of_many_kinds_stand_between_integers() {
    let deployment = ranged(deployment(chain(), &["w8a8", "w4a8"], None, 5));
    let graph = graph_of(&OnnxNpu, &deployment);
    assert_eq!(unquantized(&graph), Vec::<String>::new());
    // Moves keep the codes; a finer step behind a softmax would be misread by onnxruntime.
    let scale = |tensor: &str| graph.initializers[&format!("{tensor}.scale")].floats()[0];
    assert_eq!(scale("softmax"), 1.0 / 256.0);
    assert_eq!(scale("six"), scale("max"));
    assert_eq!(scale("rows"), scale("turned"));
}

#[test]
fn what_has_no_integer_operator_is_refused_with_the_reason() {
    let of = |choice: &str, group| ranged(deployment(residual_network(), &[choice], group, 1));
    for (choice, reason) in [("fp32", "in integers"), ("w4a16", "8 bits"), ("w4a4", "8 bits")] {
        let message = refusal(&of(choice, None));
        assert!(message.contains("layer `stem`") && message.contains(reason), "{message}");
    }
    let message = refusal(&of("w6a6", None));
    assert!(message.contains("the nearest it runs is w6a8"), "{message}");
    let mut b = GraphBuilder::new("test", [4]).unwrap();
    b.linear("grouped", 0, 3).unwrap();
    let message = refusal(&ranged(deployment(b.finish(), &["w4a8"], Some(2), 1)));
    assert!(message.contains("layer `grouped`") && message.contains("each output channel"), "{message}");
    let mut b = GraphBuilder::new("test", [5]).unwrap();
    let x = b.embedding("table", 0, 7, 6).unwrap();
    b.linear("fc", x, 2).unwrap();
    let message = refusal(&ranged(deployment(b.finish(), &["w8a8"], None, 1)));
    assert!(message.contains("layer `table`") && message.contains("tables of tokens"), "{message}");
    let message = refusal(&Deployment { rounding: Rounding::Floor, ..of("w8a8", None) });
    assert!(message.contains("floor") && message.contains("half_even"), "{message}");
}

#[test]
fn ranges_that_are_missing_or_not_finite_are_refused_by_node() {
    let message = refusal(&Deployment { ranges: BTreeMap::new(), ..residual() });
    assert!(message.contains("whose images give the ranges"), "{message}");
    let mut without = residual();
    without.ranges.remove("block.sum");
    let message = refusal(&without);
    assert!(message.contains("node `block.sum`") && message.contains("no range"), "{message}");
    let mut infinite = residual();
    infinite.ranges.insert("block.norm".into(), [0.0, f32::INFINITY]);
    let message = refusal(&infinite);
    assert!(message.contains("node `block.conv`") && message.contains("inf"), "{message}");
}

#[test]
fn other_operators_and_masks_are_refused_by_name() {
    let mut b = GraphBuilder::new("test", [4, 4]).unwrap();
    let x = b.linear("fc", 0, 4).unwrap();
    b.rms_norm("norm", x).unwrap();
    let message = refusal(&ranged(deployment(b.finish(), &["w8a8"], None, 1)));
    assert!(message.contains("node `norm.square`") && message.contains("Pow"), "{message}");
    let mut b = GraphBuilder::new("test", [4, 4]).unwrap();
    let x = b.linear("fc", 0, 4).unwrap();
    let x = b.matmul("scores", x, x, true, 1.0).unwrap();
    b.softmax("causal", x, true).unwrap();
    let message = refusal(&ranged(deployment(b.finish(), &["w8a8"], None, 1)));
    assert!(message.contains("node `causal.visible`") && message.contains("no range"), "{message}");
    let mut b = GraphBuilder::new("test", [4, 4]).unwrap();
    let x = b.linear("fc", 0, 4).unwrap();
    let mask = b.table("mask", &[4, 4]).unwrap();
    b.add("masked", x, mask).unwrap();
    let mut masked = ranged(deployment(b.finish(), &["w8a8"], None, 1));
    masked.parameters.get_mut("mask.value").unwrap().1[3] = f32::MIN;
    let message = refusal(&masked);
    assert!(message.contains("`mask.value`") && message.contains("8 bits can tell apart"), "{message}");
}

#[test]
fn a_norm_that_stays_is_refused_by_name() {
    let mut stays = residual();
    let LayerWeights::Codes(codes) = &mut stays.layers[1].weights else { unreachable!() };
    codes.codes.fill(-8);
    stays.parameters.get_mut("block.norm.weight").unwrap().1.fill(-1.0);
    let message = refusal(&stays);
    assert!(message.contains("node `block.norm`") && message.contains("cannot take up"), "{message}");
}

#[test]
fn a_bias_of_too_many_steps_is_refused_by_layer() {
    let mut large = residual();
    large.parameters.get_mut("head.bias").unwrap().1[0] = 1e12;
    let message = refusal(&large);
    assert!(message.contains("layer `head`") && message.contains("1000000000000"), "{message}");
}

#[test]
fn the_package_says_that_outputs_are_not_those_of_the_plan() {
    assert_eq!(OnnxNpu.write(&residual()).unwrap().notes, [NOTE]);
}
