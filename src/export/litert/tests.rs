use super::*;
use crate::export::litert::reader::{Read, codes, operators, tensors};
use crate::export::litert::window::{Cells, rule};
use crate::export::{Activation, Codes, DeployedLayer, LayerWeights, check, site};
use crate::graph::{Conv2d, Function, Graph, GraphBuilder, Padding, Role};
use crate::numeric::rng::Stream;
use crate::quant::{Rounding, weights::signed_range};

/// A deployment with random numbers, every layer at the next of these candidates.
fn deployment(graph: Graph, candidates: &[&str], seed: u64) -> Deployment {
    let mut random = Stream::new(seed, "test", &[]);
    let mut layers = Vec::new();
    for (layer, candidate) in graph.layers().into_iter().zip(candidates.iter().cycle()) {
        let candidate: Candidate = candidate.parse().unwrap();
        let weights = match candidate.is_fp32() {
            true => LayerWeights::Float((0..layer.parameters()).map(|_| random.normal() as f32).collect()),
            false => {
                let (low, high) = signed_range(candidate.weight_bits().into());
                let code = |_| (i64::from(low) + random.below((high - low + 1) as u64) as i64) as i8;
                let codes = (0..layer.parameters()).map(code).collect();
                let scale = (0..layer.channels()).map(|c| 0.01 + 0.001 * c as f32).collect();
                let group = layer.parameters() / layer.channels();
                LayerWeights::Codes(Codes { bits: candidate.weight_bits().into(), codes, scale, group })
            }
        };
        let bits = u32::from(candidate.activation_bits());
        let activation = Activation { bits, unsigned: layer.unsigned_input, scale: 0.02 };
        let activation = candidate.quantizes_activations().then_some(activation);
        layers.push(DeployedLayer { name: layer.name, shape: layer.weight_shape, candidate, weights, activation });
    }
    let others = graph.parameters().into_iter().filter(|p| p.role != Role::Weight);
    let values = |n: usize| (0..n).map(|i| 0.5 + 0.1 * i as f32).collect();
    let parameters = others.map(|p| (p.name.clone(), (p.shape.clone(), values(p.elements())))).collect();
    let normalization = [vec![0.0], vec![1.0]];
    Deployment {
        plan: "test".into(),
        graph,
        layers,
        parameters,
        normalization,
        rounding: Rounding::HalfEven,
        folder: None,
        masters: Default::default(),
        ranges: Default::default(),
    }
}

fn small() -> Graph {
    let mut b = GraphBuilder::new("small", [3, 8, 8]).unwrap();
    let x = b.conv("conv", b.input(), 4, 3, 2).unwrap();
    let x = b.relu("relu", x).unwrap();
    let x = b.conv_general("depthwise", x, Conv2d::square(4, 3, 1).grouped(4)).unwrap();
    let x = b.subsample("short", x, 6, 2).unwrap();
    let x = b.batch_norm("norm", x).unwrap();
    let x = b.global_average_pool("pool", x).unwrap();
    b.linear("fc", x, 5).unwrap();
    b.finish()
}

fn tensor(file: &[u8], name: &str) -> Read {
    tensors(file).into_iter().find(|t| t.name == name).unwrap_or_else(|| panic!("no tensor {name}"))
}

/// Candidates that the format takes.
fn legal() -> impl Iterator<Item = Candidate> {
    Candidate::all().filter(|c| c.activation_bits() >= 8).chain([Candidate::FP32])
}

#[test]
fn a_file_has_the_operators_in_order_and_the_plans_codes_and_scales() {
    let deployment = deployment(small(), &["w8a16", "w4a8", "w3a16"], 1);
    let file = &LiteRt.write(&deployment).unwrap().files["model.tflite"];
    let found: Vec<(i32, String)> = operators(file);
    let found: Vec<(i32, &str)> = found.iter().map(|(number, name)| (*number, name.as_str())).collect();
    // Numbers of BuiltinOperator in the schema.
    let expected = [
        (34, "conv/padded"),
        (6, "conv/weight"),
        (3, "conv"),
        (19, "relu"),
        (114, "depthwise/input/codes"),
        (6, "depthwise/input"),
        (6, "depthwise/weight"),
        (4, "depthwise"),
        (45, "short/kept"),
        (34, "short"),
        (18, "norm/scaled"),
        (0, "norm"),
        (40, "pool"),
        (6, "fc/weight"),
        (9, "fc"),
    ];
    assert_eq!(found, expected);
    let layer = |i: usize| match &deployment.layers[i].weights {
        LayerWeights::Codes(codes) => codes.clone(),
        LayerWeights::Float(_) => panic!("floats"),
    };
    let (conv, depthwise, fc) = (layer(0), layer(1), layer(2));
    let read = tensor(file, "conv/weight/codes");
    assert_eq!((read.element, &read.shape[..], read.dimension), (9, &[4, 3, 3, 3][..], 0));
    for (o, i, y, x) in (0..108).map(|n| (n / 27, n / 9 % 3, n / 3 % 3, n % 3)) {
        assert_eq!(codes(&read)[((o * 3 + y) * 3 + x) * 3 + i], conv.codes[((o * 3 + i) * 3 + y) * 3 + x]);
    }
    assert_eq!((&read.scale, &read.zero_point), (&conv.scale, &vec![0; 4]));
    let read = tensor(file, "depthwise/weight/codes");
    assert_eq!((read.element, &read.shape[..], read.dimension), (9, &[1, 3, 3, 4][..], 3));
    for (o, cell) in (0..36).map(|n| (n / 9, n % 9)) {
        assert_eq!(codes(&read)[cell * 4 + o], depthwise.codes[o * 9 + cell]);
    }
    let read = tensor(file, "fc/weight/codes");
    assert_eq!((read.element, codes(&read), read.scale), (17, fc.codes, fc.scale));
    let input = tensor(file, "depthwise/input/codes");
    assert_eq!((input.element, input.scale, input.zero_point), (9, vec![0.02], vec![-128]));
}

#[test]
fn runtimes_can_compute_on_the_data_in_place() {
    let package = LiteRt.write(&deployment(small(), &["w5a16", "fp32"], 2)).unwrap();
    for file in ["model.tflite", "float.tflite"].map(|name| &package.files[name]) {
        let filled: Vec<Read> = tensors(file).into_iter().filter(|t| !t.data.is_empty()).collect();
        assert!(filled.len() > 6);
        assert!(filled.iter().all(|t| t.at % 16 == 0));
    }
}

#[test]
fn the_bytes_that_the_rules_predict_are_those_in_the_files() {
    for candidate in legal().map(|c| c.to_string()) {
        let deployment = deployment(small(), &[&candidate], 3);
        check(&LiteRt, &deployment).unwrap();
        let package = LiteRt.write(&deployment).unwrap();
        for (place, layer) in deployment.graph.layers().iter().zip(&deployment.layers) {
            let site = site(&deployment.graph, place, layer.group());
            let stored = LiteRt.stored(&site, candidate.parse().unwrap()).unwrap();
            assert_eq!(package.weight_bytes(site.name), stored.bytes, "{} {candidate}", site.name);
        }
        for (name, file) in &package.files {
            let accounted = package.tensors.iter().filter(|t| t.file == *name).map(|t| t.bytes).sum::<u64>();
            assert!(accounted <= file.len() as u64);
        }
        let data = |file: &str| tensors(&package.files[file]).iter().map(|t| t.data.len() as u64).sum::<u64>();
        let is_data = |name: &str| !name.ends_with(" scale") && !name.ends_with(" zero_point");
        let tensors = package.tensors.iter().filter(|t| t.file == "model.tflite" && is_data(&t.name));
        assert_eq!(tensors.map(|t| t.bytes).sum::<u64>(), data("model.tflite"));
    }
}

#[test]
fn what_no_kernel_runs_is_refused_with_the_nearest_choice() {
    let refused = |candidates: &[&str]| check(&LiteRt, &deployment(small(), candidates, 4)).unwrap_err().to_string();
    let text = refused(&["w4a4"]);
    assert!(text.contains("layer `conv`") && text.contains("8 bits or stay floats") && text.contains("w4a8"), "{text}");
    let mut grouped = deployment(small(), &["w4a16"], 4);
    let LayerWeights::Codes(codes) = &mut grouped.layers[0].weights else { panic!("floats") };
    (codes.group, codes.scale) = (3, vec![0.1; 36]);
    let text = check(&LiteRt, &grouped).unwrap_err().to_string();
    assert!(text.contains("one for each output channel"), "{text}");
    let mut b = GraphBuilder::new("words", [4]).unwrap();
    let x = b.embedding("table", b.input(), 10, 3).unwrap();
    b.layer_norm("norm", x).unwrap();
    let text = check(&LiteRt, &deployment(b.finish(), &["w8a16"], 4)).unwrap_err().to_string();
    assert!(text.contains("only convolutions and dense layers"), "{text}");
    let mut b = GraphBuilder::new("other", [4]).unwrap();
    let x = b.linear("fc", b.input(), 3).unwrap();
    b.function("norm", Function::LayerNorm { epsilon: 1e-5, affine: true }, &[x]).unwrap();
    let text = LiteRt.write(&deployment(b.finish(), &["w8a16"], 4)).unwrap_err().to_string();
    assert!(text.contains("node `norm`"), "{text}");
}

/// What ai-edge-quantizer 0.10.0 does to a channel (`algorithms/uniform_quantize/dequantized_weight_recovery.py`).
fn recovered(values: &[f32], bits: u32) -> Vec<f32> {
    let mut magnitudes: Vec<f32> = values.iter().map(|v| v.abs()).chain([0.0]).collect();
    magnitudes.sort_by(f32::total_cmp);
    let steps = magnitudes.windows(2).map(|pair| pair[1] - pair[0]).filter(|&step| step > 1e-9);
    let scale = steps.min_by(f32::total_cmp).unwrap_or(1e-9);
    let (low, high) = signed_range(bits);
    let low = if bits == 8 { low + 1 } else { low };
    values.iter().map(|v| (v / scale).round_ties_even().clamp(low as f32, high as f32) * scale).collect()
}

#[test]
fn layers_are_left_to_the_quantiser_exactly_if_it_finds_their_values() {
    let (mut random, mut found) = (Stream::new(5, "test", &[]), [0; 2]);
    let op = Op::Linear(crate::graph::Linear { inputs: 1, outputs: 1, bias: false });
    for case in 0..4000u32 {
        let bits = 2 + case % 7;
        let (low, high) = signed_range(bits);
        let count = 1 + random.below(6 << (case % 5)) as usize;
        let code = |_| (i64::from(low) + random.below((high - low + 1) as u64) as i64) as i8;
        let codes: Vec<i8> = (0..count).map(code).collect();
        let values: Vec<f32> = codes.iter().map(|&code| f32::from(code) * 0.017).collect();
        let after = recovered(&values, if bits <= 4 { 4 } else { 8 });
        // In units of a step, a wrong code is off by 1, and rounding of magnitudes in f32 by up to 127² · 2⁻²³.
        let same = values.iter().zip(&after).all(|(a, b)| (a - b).abs() < 0.01 * 0.017);
        let codes = Codes { bits, codes, scale: vec![0.017], group: count };
        assert_eq!(weights::is_recoverable(&op, &codes), same, "{codes:?}");
        found[usize::from(same)] += 1;
    }
    assert!(found.iter().all(|&count| count > 400), "{found:?}");
}

#[test]
fn the_recipe_names_each_layer_that_float_tflite_has_as_values() {
    let mut b = GraphBuilder::new("names", [64]).unwrap();
    let x = b.linear("a.b[0]+", b.input(), 8).unwrap();
    let x = b.linear("lone", x, 8).unwrap();
    b.linear("fp", x, 8).unwrap();
    let mut deployment = deployment(b.finish(), &["w3a16", "w8a16", "fp32"], 6);
    let LayerWeights::Codes(codes) = &mut deployment.layers[0].weights else { panic!("floats") };
    codes.codes.fill(1);
    let LayerWeights::Codes(codes) = &mut deployment.layers[1].weights else { panic!("floats") };
    // No code of 8 bits at −128 is found again.
    codes.codes.fill(-128);
    codes.codes[0] = 1;
    let package = LiteRt.write(&deployment).unwrap();
    let recipe: serde_json::Value = serde_json::from_slice(&package.files["recipe.json"]).unwrap();
    assert_eq!(recipe.as_array().unwrap().len(), 1);
    assert_eq!(recipe[0]["regex"], r"^a\.b\[0\]\+;$");
    assert_eq!(recipe[0]["operation"], "FULLY_CONNECTED");
    assert_eq!(recipe[0]["op_config"]["weight_tensor_config"]["num_bits"], 4);
    let file = &package.files["float.tflite"];
    assert_eq!(tensor(file, "a.b[0]+/weight").element, 0);
    assert_eq!(tensor(file, "lone/weight/codes").element, 9);
    assert!(package.notes.iter().any(|note| note.ends_with(": lone")), "{:?}", package.notes);
}

#[test]
fn cells_around_a_map_follow_a_rule_of_the_runtime_or_are_added() {
    let of = |extent: usize, out: usize, kernel: usize, stride: usize, before: usize, after: usize| {
        rule([extent; 2], [out; 2], ([kernel; 2], [stride; 2], Padding::uneven(before, after)))
    };
    assert_eq!(of(32, 30, 3, 1, 0, 0), Some(Cells::Valid));
    assert_eq!(of(32, 32, 3, 1, 1, 1), Some(Cells::Same));
    // SAME puts the odd cell behind.
    assert_eq!(of(32, 16, 3, 2, 0, 1), Some(Cells::Same));
    assert_eq!(of(32, 16, 3, 2, 1, 1), None);
    assert_eq!(of(32, 16, 3, 2, 1, 0), None);
    assert_eq!(of(33, 17, 3, 2, 1, 1), Some(Cells::Same));
    assert_eq!(of(32, 34, 3, 1, 2, 2), None);
}

#[test]
fn inputs_that_are_rounded_down_are_refused_unless_they_stay_floats() {
    let floor = |choice: &str| Deployment { rounding: Rounding::Floor, ..deployment(small(), &[choice], 9) };
    let message = LiteRt.write(&floor("w4a8")).unwrap_err().to_string();
    assert!(message.contains("found inputs rounded floor, expected rounded to the nearest"), "{message}");
    assert!(LiteRt.write(&floor("w4a16")).is_ok());
}

#[test]
fn a_small_file_keeps_its_bytes() {
    let mut b = GraphBuilder::new("tiny", [2]).unwrap();
    b.linear("fc", b.input(), 1).unwrap();
    let mut deployment = deployment(b.finish(), &["w4a16"], 7);
    let codes = Codes { bits: 4, codes: vec![3, -8], scale: vec![0.25], group: 2 };
    deployment.layers[0].weights = LayerWeights::Codes(codes);
    let file = &LiteRt.write(&deployment).unwrap().files["model.tflite"];
    assert_eq!(tensor(file, "fc/weight/codes").data, [0x83]);
    // LiteRT 2.3.0 computes 0.25 · (3·1 − 8·2) + 0.5 = −2.75 of [1, 2] with this file.
    assert_eq!(crate::store::hash_bytes(file), "b90b80d83089deaa31c9fb37a1cf5c9f");
}
