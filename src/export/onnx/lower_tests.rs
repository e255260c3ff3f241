use std::collections::BTreeMap;

use super::*;
use crate::export::onnx::Float;
use crate::export::{DeployedLayer, LayerWeights};
use crate::graph::{Activation, GraphBuilder, Port, Window};
use crate::onnx::{LoadOptions, OnnxGraph};
use crate::quant::Rounding;
use crate::space::Candidate;

/// A deployment of floats `0, 1/8, 2/8, …`.
fn floats(graph: Graph) -> Deployment {
    let values = |count: usize| (0..count).map(|i| i as f32 / 8.0).collect::<Vec<f32>>();
    let layer = |layer: &crate::graph::Layer| DeployedLayer {
        name: layer.name.clone(),
        shape: layer.weight_shape.clone(),
        candidate: Candidate::FP32,
        weights: LayerWeights::Float(values(layer.parameters())),
        activation: None,
    };
    let others = graph.parameters().into_iter().filter(|p| p.role != crate::graph::Role::Weight);
    Deployment {
        plan: "p".into(),
        layers: graph.layers().iter().map(layer).collect(),
        parameters: others.map(|p| (p.name.clone(), (p.shape.clone(), values(p.elements())))).collect(),
        normalization: [vec![0.5], vec![0.25]],
        rounding: Rounding::HalfEven,
        folder: None,
        masters: Default::default(),
        ranges: Default::default(),
        graph,
    }
}

fn file(graph: Graph, versions: Versions) -> Vec<u8> {
    let name = graph.name.clone();
    lower(&floats(graph), &Float, versions).unwrap().finish("m.onnx", &name).unwrap().files.remove("m.onnx").unwrap()
}

#[test]
fn the_bytes_of_a_tiny_file_as_protobuf_has_them() {
    let mut b = GraphBuilder::new("t", [2]).unwrap();
    b.linear_with("f", 0, 1, false).unwrap();
    let found = file(b.finish(), Versions { ir: 10, opset: 21, domains: vec![] });
    // Field by field: tag, length, content.
    let text = |tag: u8, text: &str| [&[tag << 3 | 2, text.len() as u8], text.as_bytes()].concat();
    let part = |tag: u8, parts: &[Vec<u8>]| {
        let content = parts.concat();
        // Lengths from 128 take two bytes.
        let length = match content.len() {
            short @ 0..128 => vec![short as u8],
            long => vec![long as u8 & 127 | 128, (long >> 7) as u8],
        };
        [vec![tag << 3 | 2], length, content].concat()
    };
    let number = |tag: u8, value: u8| vec![tag << 3, value];
    let long_tag = |tag: u8, value: u8| vec![(tag << 3) | 128, 1, value];
    let float = |name: &str| [text(1, name), vec![2 << 3 | 5, 0, 0, 128, 63], long_tag(20, 1)].concat();
    let int = |name: &str, value: u8| [text(1, name), number(3, value), long_tag(20, 2)].concat();
    let node = part(
        1,
        &[
            text(1, "input"),
            text(1, "f.weight"),
            text(2, "output"),
            text(3, "f"),
            text(4, "Gemm"),
            part(5, &[float("alpha")]),
            part(5, &[float("beta")]),
            part(5, &[int("transA", 0)]),
            part(5, &[int("transB", 1)]),
        ],
    );
    let weight = [0f32, 0.125].map(f32::to_le_bytes).concat();
    let weight = part(5, &[number(1, 1), number(1, 2), number(2, 1), text(8, "f.weight"), part(9, &[weight])]);
    let port = |tag: u8, name: &str, extent: u8| {
        let dims = part(2, &[part(1, &[text(2, "N")]), part(1, &[number(1, extent)])]);
        part(tag, &[text(1, name), part(2, &[part(1, &[number(1, 1), dims])])])
    };
    let graph = part(7, &[node, text(2, "t"), weight, port(11, "input", 2), port(12, "output", 1)]);
    let described = |key: &str, value: &str| part(14, &[text(1, key), text(2, value)]);
    let expected = [
        number(1, 10),
        text(2, "bitplan"),
        text(3, crate::VERSION),
        graph,
        part(8, &[text(1, ""), number(2, 21)]),
        described("bitplan.version", crate::VERSION),
        described("bitplan.plan", "p"),
        described("bitplan.input_mean", "0.5"),
        described("bitplan.input_std", "0.25"),
    ];
    assert_eq!(found, expected.concat());
}

/// A network of every operator in one chain or another.
fn everything() -> Graph {
    let ports = [Port::new("image", &[2, 6, 6]), Port { batch_axis: Some(1), ..Port::new("rows", &[3, 4]) }];
    let (mut b, inputs) = GraphBuilder::with_inputs("all", &ports).unwrap();
    let x = b.conv("conv", inputs[0], 4, 3, 1).unwrap();
    let x = b.batch_norm("norm", x).unwrap();
    let mut x = b.relu("relu", x).unwrap();
    use Activation::{
        Absolute, Affine, Ceil, Clip, Cosine, Elu, Erf, Exp, Floor, Gelu, GeluTanh, HardSigmoid, HardSwish,
    };
    use Activation::{IsPositive, IsZero, LeakyRelu, Log, Power, Reciprocal, Round, Sigmoid, Silu, Sine, Softplus};
    use Activation::{SquareRoot, Tanh, Truncate};
    let activations = [
        Clip { low: -1.0, high: 3.0 },
        Clip { low: f64::NEG_INFINITY, high: 3.0 },
        LeakyRelu { slope: 0.125 },
        Gelu,
        GeluTanh,
        Silu,
        Sigmoid,
        HardSigmoid,
        HardSwish,
        Tanh,
        Affine { scale: 2.0, shift: 1.5 },
        Elu { alpha: 1.0 },
        Softplus,
        Absolute,
        Exp,
        Log,
        SquareRoot,
        Reciprocal,
        Power { exponent: 3.0 },
        Erf,
        Sine,
        Cosine,
        Floor,
        Ceil,
        Round,
        Truncate,
        IsPositive,
        IsZero,
    ];
    for (i, activation) in activations.into_iter().enumerate() {
        x = b.activation(&format!("a{i}"), x, activation).unwrap();
    }
    let x = b.max_pool("max", x, Window::square(3, 1, 1)).unwrap();
    let x = b.average_pool("average", x, Window::square(3, 1, 1)).unwrap();
    let gate = b.global_average_pool("gate", x).unwrap();
    let x = b.multiply("gated", x, gate).unwrap();
    let x = b.subsample("small", x, 6, 2).unwrap();
    let x = b.along("stuffed", x, 1, AxisMap::Stuff { stride: 2 }).unwrap();
    let x = b.along("sum", x, 1, AxisMap::Sum).unwrap();
    let x = b.along("mean", x, 2, AxisMap::Mean).unwrap();
    let x = b.along("again", x, 2, AxisMap::Repeat { count: 4 }).unwrap();
    let x = b.reshape("matrix", x, &[6, 4]).unwrap();
    let x = b.along("few", x, 0, AxisMap::Gather { indices: vec![4, 0, 4] }).unwrap();
    let table = b.table("table", &[3, 4]).unwrap();
    let x = b.add("moved", x, table).unwrap();
    let y = b.layer_norm("layer_norm", inputs[1]).unwrap();
    let y = b.rms_norm("rms_norm", y).unwrap();
    let y = b.linear("dense", y, 4).unwrap();
    let z = b.function("larger", Function::Larger, &[x, y]).unwrap();
    let z = b.function("smaller", Function::Smaller, &[z, y]).unwrap();
    let z = b.function("chosen", Function::Select, &[x, z, y]).unwrap();
    let scores = b.matmul("scores", z, x, true, 0.5).unwrap();
    let scores = b.softmax("weights", scores, true).unwrap();
    let z = b.concat("both", 1, &[scores, table]).unwrap();
    let z = b.transpose("turned", z, &[1, 0]).unwrap();
    b.finish_with(vec![(Port::new("z", &[7, 3]), z), (Port { batch_axis: Some(2), ..Port::new("y", &[3, 4]) }, y)])
        .unwrap()
}

#[test]
fn every_operator_has_a_form_that_our_reader_takes_with_the_same_ports() {
    for versions in [Versions::opset_21(), Versions::opset_25(), Versions { ir: 8, opset: 16, domains: vec![] }] {
        let graph = everything();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.onnx");
        std::fs::write(&path, file(graph.clone(), versions.clone())).unwrap();
        let read = crate::onnx::load(&path, &LoadOptions::default()).unwrap();
        assert_eq!(read.graph.inputs(), graph.inputs(), "{versions:?}");
        assert_eq!(read.graph.outputs(), graph.outputs(), "{versions:?}");
        let kinds = |graph: &Graph| graph.layers().into_iter().map(|l| l.weight_shape).collect::<Vec<_>>();
        assert_eq!(kinds(&read.graph), kinds(&graph));
    }
}

#[test]
fn nodes_keep_their_names_and_ports_of_the_same_name_do_not_take_them() {
    let mut b = GraphBuilder::new("test", [3]).unwrap();
    let x = b.relu("output", 0).unwrap();
    let y = b.linear("fc", x, 2).unwrap();
    let graph = b.finish_with(vec![(Port::new("output", &[2]), y)]).unwrap();
    let read = OnnxGraph::from_bytes(file(graph, Versions::opset_21()), "test", None).unwrap();
    let names: BTreeMap<&str, &str> =
        read.nodes.iter().map(|node| (node.name.as_str(), node.outputs[0].as_str())).collect();
    assert_eq!(names, BTreeMap::from([("output", "output.1"), ("fc", "output")]));
}

#[test]
fn several_inputs_that_are_read_as_one_are_refused_by_name() {
    let (mut b, _) = GraphBuilder::with_inputs("test", &[Port::new("a", &[2]), Port::new("b", &[3])]).unwrap();
    b.relu("whole", 0).unwrap();
    let message = lower(&floats(b.finish()), &Float, Versions::opset_21()).unwrap_err().to_string();
    assert!(message.contains("node `input`") && message.contains("read as one"), "{message}");
}
