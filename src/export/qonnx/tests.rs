use prost::Message;

use super::*;
use crate::export::check;
use crate::export::sample::{assert_accounted, deployment, residual_network};
use crate::graph::GraphBuilder;
use crate::onnx::proto::{ModelProto, NodeProto, TensorProto};

fn model(deployment: &Deployment) -> ModelProto {
    ModelProto::decode(Qonnx.write(deployment).unwrap().files[FILE].as_slice()).unwrap()
}

fn nodes(model: &ModelProto) -> &[NodeProto] {
    &model.graph.as_ref().unwrap().node
}

/// Shape and elements of an initialiser.
fn floats(model: &ModelProto, name: &str) -> (Vec<i64>, Vec<f32>) {
    let all = &model.graph.as_ref().unwrap().initializer;
    let tensor: &TensorProto = all.iter().find(|t| t.name.as_deref() == Some(name)).unwrap();
    let words = tensor.raw_data.as_ref().unwrap().chunks_exact(4);
    (tensor.dims.clone(), words.map(|w| f32::from_le_bytes(w.try_into().unwrap())).collect())
}

/// One line for each node: operator, inputs, output.
fn lines(model: &ModelProto) -> Vec<String> {
    let line =
        |n: &NodeProto| format!("{} {} -> {}", n.op_type.as_deref().unwrap(), n.input.join(" "), n.output.join(" "));
    nodes(model).iter().map(line).collect()
}

#[test]
fn a_dense_layer_is_two_quant_nodes_and_a_product() {
    let mut b = GraphBuilder::new("matrix", [8]).unwrap();
    b.linear("fc", b.input(), 3).unwrap();
    let model = model(&deployment(b.finish(), &["w3a5"], None, 1));
    let expected = [
        "Quant input fc.input.scale fc.input.zero_point fc.input.bits -> fc.input.quantized",
        "Quant fc.weight fc.weight.scale fc.weight.zero_point fc.weight.bits -> fc.weight.quantized",
        "Gemm fc.input.quantized fc.weight.quantized fc.bias -> output",
    ];
    assert_eq!(lines(&model), expected);
    assert_eq!(floats(&model, "fc.input.bits"), (vec![], vec![5.0]));
    assert_eq!(floats(&model, "fc.weight.bits"), (vec![], vec![3.0]));
    assert_eq!(floats(&model, "fc.weight.scale").0, [3, 1]);
    let versions: Vec<_> =
        model.opset_import.iter().map(|o| (o.domain.as_deref().unwrap(), o.version.unwrap())).collect();
    assert_eq!((model.ir_version, versions), (Some(8), vec![("", 16), ("qonnx.custom_op.general", 2)]));
    let quant = &nodes(&model)[0];
    assert_eq!(quant.domain.as_deref(), Some("qonnx.custom_op.general"));
    let integers: Vec<_> = quant.attribute.iter().map(|a| (a.name.as_deref().unwrap(), a.i)).collect();
    assert_eq!(integers, [("signed", Some(1)), ("narrow", Some(0)), ("rounding_mode", None)]);
    assert_eq!(quant.attribute[2].s.as_deref(), Some(b"ROUND".as_slice()));
}

#[test]
fn what_is_not_quantised_has_no_quant_node() {
    let model = model(&deployment(residual_network(), &["w4a8", "w4a16", "fp32"], None, 2));
    let quantized: Vec<_> = lines(&model).into_iter().filter(|l| l.starts_with("Quant")).collect();
    let first = |line: &String| line.split(' ').nth(1).unwrap().to_string();
    assert_eq!(quantized.iter().map(first).collect::<Vec<_>>(), ["input", "stem.weight", "block.conv.weight"]);
}

/// `Quant` as the paper defines it, on the initialisers of the file.
#[test]
fn quant_nodes_leave_the_values_of_codes_as_they_are() {
    let choices = ["w2a2", "w3a3", "w5a16", "w8a8", "w6a6", "w4a4", "w7a7"];
    let mut b = GraphBuilder::new("layers", [3, 6, 6]).unwrap();
    let mut x = b.input();
    for layer in 0..choices.len() {
        x = b.conv(&format!("c{layer}"), x, 6, 3, 1).unwrap();
    }
    let plan = deployment(b.finish(), &choices, None, 3);
    let model = model(&plan);
    for layer in &plan.layers {
        let part = |what: &str| floats(&model, &format!("{}.weight{what}", layer.name));
        let ((_, values), (shape, scale), (_, bits)) = (part(""), part(".scale"), part(".bits"));
        assert_eq!(shape, [layer.shape[0] as i64, 1, 1, 1]);
        let high = 2f32.powf(bits[0] - 1.0) - 1.0;
        let channel = values.len() / scale.len();
        let quantized = values.iter().enumerate().map(|(i, x)| {
            let s = scale[i / channel];
            (x / s).clamp(-high - 1.0, high).round_ties_even() * s
        });
        assert_eq!(quantized.collect::<Vec<_>>(), layer.weights.values());
    }
}

#[test]
fn matrices_behind_sequences_have_their_scales_along_the_last_axis() {
    let mut b = GraphBuilder::new("sequence", [4, 8]).unwrap();
    b.linear("fc", b.input(), 3).unwrap();
    let model = model(&deployment(b.finish(), &["w3a5"], None, 1));
    assert_eq!(floats(&model, "fc.weight").0, [8, 3]);
    assert_eq!(floats(&model, "fc.weight.scale").0, [1, 3]);
}

#[test]
fn scales_of_groups_are_refused() {
    let groups = deployment(residual_network(), &["w4a8"], Some(3), 2);
    let message = check(&Qonnx, &groups).unwrap_err().to_string();
    assert!(message.contains("stem") && message.contains("one scale for an output channel"), "{message}");
}

#[test]
fn roundings_are_named_as_quant_nodes_know_them() {
    let named = |rounding, unsigned| mode(rounding, unsigned);
    // qonnx: ROUND is numpy's round, half to even; HALF_UP is sign(x)·⌊|x| + 1/2⌋.
    assert_eq!(named(Rounding::HalfEven, false), Some("ROUND"));
    assert_eq!(named(Rounding::HalfAway, false), Some("HALF_UP"));
    assert_eq!(named(Rounding::HalfUp, true), Some("HALF_UP"));
    assert_eq!(named(Rounding::HalfUp, false), None);
    let plan = Deployment { rounding: Rounding::HalfUp, ..deployment(residual_network(), &["w4a8"], None, 2) };
    assert!(Qonnx.write(&plan).unwrap_err().to_string().contains("half_up"));
}

#[test]
fn bytes_are_as_announced() {
    for seed in 0..8 {
        let plan = deployment(residual_network(), &["w3a8", "fp32", "w8a16", "w2a2"], None, seed);
        assert_accounted(&Qonnx, &plan);
        assert_accounted(&QonnxPowerOfTwo, &plan);
    }
    let zoo = crate::zoo::resnet8([3, 32, 32], 10).unwrap();
    assert_accounted(&Qonnx, &deployment(zoo, &["w6a6", "w4a4", "w8a8"], None, 9));
}
