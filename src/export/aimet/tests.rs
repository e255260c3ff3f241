use std::collections::BTreeMap;

use prost::Message;
use serde_json::Value;

use super::*;
use crate::export::check;
use crate::export::sample::{assert_accounted, deployment, residual_network};
use crate::onnx::proto::ModelProto;

/// The names of all tensors of the model, and the entries of the encodings by name.
fn written(deployment: &Deployment, file: &str, lists: &[&str]) -> (Vec<String>, BTreeMap<String, Value>) {
    let package = Aimet.write(deployment).unwrap();
    let graph = ModelProto::decode(package.files[MODEL].as_slice()).unwrap().graph.unwrap();
    let named = graph.initializer.iter().filter_map(|t| t.name.clone());
    let inputs = graph.input.iter().filter_map(|p| p.name.clone());
    let tensors = graph.node.iter().flat_map(|n| n.output.clone()).chain(named).chain(inputs).collect();
    let json: Value = serde_json::from_slice(&package.files[file]).unwrap();
    let entries = lists.iter().flat_map(|list| json[list].as_array().unwrap().clone());
    (tensors, entries.map(|e| (e["name"].as_str().unwrap().to_string(), e)).collect())
}

const VERSION_1: (&str, &[&str]) = ("model.encodings", &["activation_encodings", "param_encodings"]);
const VERSION_2: (&str, &[&str]) = ("model_2.0.0.encodings", &["encodings"]);

#[test]
fn every_encoding_is_of_a_tensor_of_the_model() {
    let plan = deployment(residual_network(), &["w4a8", "w3a5"], None, 1);
    for (file, lists) in [VERSION_1, VERSION_2] {
        let (tensors, entries) = written(&plan, file, lists);
        assert_eq!(entries.len(), 6);
        assert!(entries.keys().all(|name| tensors.contains(name)), "{entries:?}");
    }
}

#[test]
fn a_tensor_that_others_read_is_quantised_behind_a_product_with_one() {
    // `stem.relu` feeds the block and its shortcut, which stays exact.
    let (_, entries) = written(&deployment(residual_network(), &["w4a8"], None, 1), VERSION_1.0, VERSION_1.1);
    let names: Vec<&str> = entries.keys().map(String::as_str).collect();
    assert_eq!(names, ["block.conv.input", "block.conv.weight", "head.weight", "input", "pool", "stem.weight"]);
}

#[test]
fn widths_scales_and_smallest_codes_are_those_of_the_plan() {
    let plan = deployment(residual_network(), &["w4a8", "w3a5", "w2a16"], None, 1);
    let (_, entries) = written(&plan, VERSION_1.0, VERSION_1.1);
    let LayerWeights::Codes(codes) = &plan.layers[0].weights else { panic!() };
    let weight = &entries["stem.weight"];
    assert_eq!(
        (&weight["bw"], &weight["is_sym"], &weight["enc_type"]),
        (&4.into(), &true.into(), &"PER_CHANNEL".into())
    );
    assert_eq!(weight["offset"], Value::from(vec![-8; 4]));
    let scales: Vec<f32> = weight["scale"].as_array().unwrap().iter().map(|s| s.as_f64().unwrap() as f32).collect();
    assert_eq!(scales, codes.scale);
    // Signed at the input, unsigned behind the ReLU, none for the weight-only layer.
    assert_eq!((&entries["input"]["bw"], &entries["input"]["offset"]), (&8.into(), &vec![-128].into()));
    let inner = &entries["block.conv.input"];
    assert_eq!((&inner["bw"], &inner["offset"], &inner["is_sym"]), (&5.into(), &vec![0].into(), &false.into()));
    assert!(!entries.contains_key("pool"));
    let (_, entries) = written(&plan, VERSION_2.0, VERSION_2.1);
    assert_eq!((&entries["input"]["output_dtype"], &entries["input"]["y_zero_point"]), (&"uint8".into(), &128.into()));
    assert_eq!((&entries["head.weight"]["output_dtype"], &entries["head.weight"]["axis"]), (&"int2".into(), &0.into()));
}

#[test]
fn tables_groups_and_other_roundings_are_refused() {
    let mut b = crate::graph::GraphBuilder::new("table", [6]).unwrap();
    b.embedding("table", b.input(), 9, 4).unwrap();
    let table = deployment(b.finish(), &["w4a8"], None, 1);
    assert!(check(&Aimet, &table).unwrap_err().to_string().contains("one scale for all its rows"));
    let groups = deployment(residual_network(), &["w4a8"], Some(3), 1);
    assert!(check(&Aimet, &groups).unwrap_err().to_string().contains("group of weights"));
    let plan = Deployment { rounding: Rounding::HalfUp, ..deployment(residual_network(), &["w4a8"], None, 1) };
    assert!(Aimet.write(&plan).unwrap_err().to_string().contains("half_even"));
}

#[test]
fn bytes_are_as_announced() {
    for seed in 0..8 {
        assert_accounted(&Aimet, &deployment(residual_network(), &["w3a8", "fp32", "w8a16", "w2a2"], None, seed));
    }
    let zoo = crate::zoo::resnet8([3, 32, 32], 10).unwrap();
    assert_accounted(&Aimet, &deployment(zoo, &["w6a6", "w4a4", "w8a8"], None, 9));
}
