//! Structure: names, batch axes, refusals.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::graph::Op;
use crate::onnx::node::{Attribute, OnnxNode};
use crate::onnx::tensor::{ElementKind, Tensor};
use crate::onnx::value::{Dim, ValueInfo};

fn value(name: &str, dims: Vec<Dim>) -> ValueInfo {
    ValueInfo { name: name.into(), value: name.into(), kind: ElementKind::Float, dims: Some(dims) }
}

fn tensor(shape: &[usize]) -> Tensor {
    let count = shape.iter().product::<usize>();
    Tensor { shape: shape.to_vec(), data: crate::onnx::Data::Float((0..count).map(|i| i as f32).collect()) }
}

fn node(op: &str, inputs: &[&str], output: &str) -> OnnxNode {
    OnnxNode::new(&Arc::from("test.onnx"), 0, op, inputs.iter().copied(), [output])
}

fn graph(dims: Vec<Dim>, constants: &[(&str, &[usize])], nodes: Vec<OnnxNode>) -> OnnxGraph {
    OnnxGraph {
        name: "test".into(),
        place: "test.onnx".into(),
        opset: 17,
        nodes,
        initializers: constants.iter().map(|(name, shape)| (name.to_string(), tensor(shape))).collect(),
        ranges: BTreeMap::new(),
        inputs: vec![value("x", dims)],
        outputs: vec![value("y", Vec::new())],
        notes: Vec::new(),
    }
}

fn batch() -> Dim {
    Dim::Symbol("batch".into())
}

fn lowered(graph: &OnnxGraph) -> Result<Imported> {
    lower(graph, &LoadOptions::default())
}

#[test]
fn layers_have_the_names_of_their_modules() {
    let dims = || vec![batch(), Dim::Fixed(3)];
    let nodes = vec![
        node("MatMul", &["x", "onnx::MatMul_7"], "p"),
        node("Add", &["p", "block.fc.bias"], "a"),
        node("Relu", &["a"], "r"),
        node("Gemm", &["r", "head.weight"], "y"),
    ];
    let constants: [(&str, &[usize]); 3] =
        [("onnx::MatMul_7", &[3, 4]), ("block.fc.bias", &[4]), ("head.weight", &[4, 2])];
    let imported = lowered(&graph(dims(), &constants, nodes)).unwrap();
    let names: Vec<String> = imported.graph.layers().into_iter().map(|layer| layer.name).collect();
    assert_eq!(names, ["block.fc", "head"]);
    // [in, out] in the file, [out, in] here: W[o][i] = i·4 + o.
    let (shape, weight) = &imported.weights["block.fc.weight"];
    assert_eq!((shape.as_slice(), weight[1], weight[3]), (&[4, 3][..], 4.0, 1.0));
    assert_eq!(imported.graph.nodes().len(), 4, "the Add is the layer's bias");
    assert_eq!(imported.graph.outputs()[0].batch_axis, Some(0));
}

#[test]
fn a_shared_weight_is_copied_with_a_note() {
    let nodes = vec![node("Gemm", &["x", "fc.weight"], "a"), node("Gemm", &["a", "fc.weight"], "y")];
    let imported = lowered(&graph(vec![batch(), Dim::Fixed(3)], &[("fc.weight", &[3, 3])], nodes)).unwrap();
    assert_eq!(imported.graph.layers().len(), 2);
    assert!(imported.notes[0].contains("share a weight"), "{:?}", imported.notes);
    assert_eq!(imported.copied, 9);
}

#[test]
fn what_mixes_samples_is_refused_where_the_batch_is_open() {
    let softmax = |axis: i64| vec![node("Softmax", &["x"], "y").with("axis", Attribute::Int(axis))];
    let open = || vec![batch(), Dim::Fixed(5)];
    assert!(lowered(&graph(open(), &[], softmax(1))).is_ok());
    let error = lowered(&graph(open(), &[], softmax(0))).unwrap_err().to_string();
    assert!(error.contains("mixes samples") && error.contains("Softmax"), "{error}");
    // With a fixed first axis all of it is one sample.
    let imported = lowered(&graph(vec![Dim::Fixed(2), Dim::Fixed(5)], &[], softmax(0))).unwrap();
    assert_eq!((imported.graph.inputs()[0].batch_axis, &imported.graph.inputs()[0].shape[..]), (None, &[2, 5][..]));
}

#[test]
fn a_reshape_keeps_samples_apart_wherever_they_stand() {
    let shaped = |shape: &[i64]| (Tensor::of_ints(shape.iter().copied()), node("Reshape", &["t", "shape"], "y"));
    let case = |first: &[i64], (shape, last): (Tensor, OnnxNode)| {
        let perm = Attribute::Ints(first.to_vec());
        let nodes = vec![node("Transpose", &["x"], "t").with("perm", perm), last];
        let mut graph = graph(vec![batch(), Dim::Fixed(4), Dim::Fixed(6)], &[], nodes);
        graph.initializers.insert("shape".into(), shape);
        lowered(&graph).map(|imported| imported.graph.outputs()[0].batch_axis)
    };
    let still = [0, 1, 2];
    assert_eq!(case(&still, shaped(&[-1, 24])).unwrap(), Some(0));
    // [N·4, 6]: the rows of a sample stay together.
    assert!(case(&still, shaped(&[-1, 6])).is_ok());
    // [4, N·6]: a row would begin in one sample and end in another.
    let error = case(&still, shaped(&[4, -1])).unwrap_err().to_string();
    assert!(error.contains("mixes samples") && error.contains("Reshape"), "{error}");
    // [4, N, 6] to [4·N, 6] and to [4, N·6] keep them apart; to [N', 24] they do not.
    let turned = [1, 0, 2];
    assert!(case(&turned, shaped(&[-1, 6])).is_ok() && case(&turned, shaped(&[4, -1])).is_ok());
    assert!(case(&turned, shaped(&[-1, 24])).unwrap_err().to_string().contains("mixes samples"));
}

#[test]
fn a_batch_that_the_exporter_wrote_as_one_is_the_batch() {
    let mut graph =
        graph(vec![Dim::Fixed(1), Dim::Fixed(4), Dim::Fixed(6)], &[], vec![node("Reshape", &["x", "shape"], "y")]);
    graph.initializers.insert("shape".into(), Tensor::of_ints([1, 24]));
    let imported = lowered(&graph).unwrap();
    assert_eq!(
        (imported.graph.inputs()[0].batch_axis, imported.graph.outputs()[0].shape.as_slice()),
        (Some(0), &[24][..])
    );
}

#[test]
fn modules_are_found_in_the_scopes_of_the_classic_exporter() {
    let mut conv = node("Gemm", &["x", "onnx::Gemm_12"], "y");
    conv.name = "/layer1/layer1.0/down/down.1/fc/Gemm".into();
    let imported = lowered(&graph(vec![batch(), Dim::Fixed(3)], &[("onnx::Gemm_12", &[3, 2])], vec![conv])).unwrap();
    assert_eq!(imported.graph.layers()[0].name, "layer1.0.down.1.fc");
}

#[test]
fn an_open_axis_needs_an_extent() {
    let graph = graph(vec![batch(), Dim::Symbol("time".into())], &[], vec![node("Relu", &["x"], "y")]);
    let error = lowered(&graph).unwrap_err().to_string();
    assert!(error.contains("--extent time=N"), "{error}");
    let options = LoadOptions { extents: BTreeMap::from([("time".to_string(), 7)]) };
    assert_eq!(lower(&graph, &options).unwrap().graph.inputs()[0].shape, [7]);
}

#[test]
fn the_deeper_operand_of_a_sum_is_its_main_path() {
    let nodes = vec![node("Gemm", &["x", "fc.weight"], "a"), node("Add", &["x", "a"], "y")];
    let imported = lowered(&graph(vec![batch(), Dim::Fixed(3)], &[("fc.weight", &[3, 3])], nodes)).unwrap();
    let sum = imported.graph.nodes().last().unwrap();
    assert_eq!((&sum.op, imported.graph.nodes()[sum.inputs[0]].name.as_str()), (&Op::Add, "fc"));
}

#[test]
fn unknown_operators_say_where_to_cut() {
    let nodes = vec![node("Relu", &["x"], "hidden"), node("Frobnicate", &["hidden"], "y")];
    let error = lowered(&graph(vec![batch(), Dim::Fixed(3)], &[], nodes)).unwrap_err().to_string();
    assert!(error.contains("extract_model") && error.contains("\"hidden\""), "{error}");
}
