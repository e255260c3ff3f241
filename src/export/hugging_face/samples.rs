//! Deployments of small model folders, for tests.

use std::path::Path;

use serde_json::{Value, json};

use crate::export::{Activation, Codes, DeployedLayer, Deployment, LayerWeights, Part, check, site};
use crate::export::{Format, Package};
use crate::graph::{Layer, Op, Role};
use crate::hugging_face;
use crate::hugging_face::test_folders::{changed, tensors_of, tiny_llama, write_model};
use crate::quant::{Rounding, weights::signed_range};
use crate::space::Candidate;

/// A Llama whose rows have groups of 32 and whole words: 64 features, 96 inside blocks, 64 tokens.
pub fn llama() -> Value {
    let sizes = json!({"vocab_size": 64, "hidden_size": 64, "intermediate_size": 96, "num_key_value_heads": 2});
    changed(&tiny_llama(), &sizes)
}

/// Its folder with a tokenizer's files.
pub fn folder(config: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_model(folder.path(), config, &tensors_of(config));
    std::fs::write(folder.path().join("tokenizer.json"), "{}").unwrap();
    std::fs::write(folder.path().join("generation_config.json"), "{\"eos_token_id\": 2}").unwrap();
    folder
}

/// A network of a folder at random codes; `choose` gives the candidate of a layer and how many of its weights share a scale.
pub fn deployment(folder: &Path, seed: u64, choose: impl Fn(usize, &Layer) -> (&'static str, usize)) -> Deployment {
    let model = hugging_face::open(folder, 5).unwrap();
    let mut state = seed;
    // Knuth's multiplier; the high bits are random enough for codes.
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut layer = |(number, layer): (usize, &Layer)| {
        let (name, group) = choose(number, layer);
        let candidate: Candidate = name.parse().unwrap();
        let count = layer.parameters();
        let weights = match candidate.is_fp32() {
            true => LayerWeights::Float((0..count).map(|_| random() as f32 / 2e9 - 0.5).collect()),
            false => {
                let bits = u32::from(candidate.weight_bits());
                let (low, _) = signed_range(bits);
                let codes = (0..count).map(|_| (low + (random() % (1 << bits)) as i32) as i8).collect();
                let scale = (0..count / group).map(|_| 0.001 + random() as f32 / 2e12).collect();
                LayerWeights::Codes(Codes { bits, codes, scale, group })
            }
        };
        let quantized = layer.quantized_input && candidate.quantizes_activations();
        let bits = u32::from(candidate.activation_bits());
        let activation = quantized.then_some(Activation { bits, unsigned: layer.unsigned_input, scale: 0.125 });
        DeployedLayer { name: layer.name.clone(), shape: layer.weight_shape.clone(), candidate, weights, activation }
    };
    let layers = model.graph.layers().iter().enumerate().map(&mut layer).collect();
    let rest = model.graph.parameters().into_iter().filter(|p| p.role != Role::Weight);
    let parameters = rest.map(|p| (p.name.clone(), (p.shape, model.parameter(&p.name).unwrap()))).collect();
    Deployment {
        plan: "test".into(),
        graph: model.graph,
        layers,
        parameters,
        normalization: [vec![0.0], vec![1.0]],
        rounding: Rounding::HalfEven,
        folder: Some(folder.into()),
        masters: Default::default(),
        ranges: Default::default(),
    }
}

/// Group of a whole row.
pub fn row(layer: &Layer) -> usize {
    layer.weight_shape[1]
}

/// Whether a layer is a table.
pub fn is_table(deployment: &Deployment, number: usize) -> bool {
    matches!(deployment.graph.nodes()[deployment.graph.layers()[number].node].op, Op::Embedding(_))
}

/// Checks, writes, and checks the account: every layer has the bytes that the format says, and the file has room for all.
pub fn written(format: &dyn Format, deployment: &Deployment) -> Package {
    check(format, deployment).unwrap();
    let package = format.write(deployment).unwrap();
    for (layer, at) in deployment.layers.iter().zip(deployment.graph.layers()) {
        let group = match &layer.weights {
            LayerWeights::Codes(codes) => codes.group,
            LayerWeights::Float(_) => row(&at),
        };
        let stored = format.stored(&site(&deployment.graph, &at, group), layer.candidate).unwrap();
        assert_eq!(package.weight_bytes(&layer.name), stored.bytes, "{} at {}", layer.name, layer.candidate);
    }
    let bytes: u64 = package.tensors.iter().map(|t| t.bytes).sum();
    let file = package.files["model.safetensors"].len() as u64;
    assert!(bytes <= file && file < bytes + 50_000, "{bytes} of {file}");
    assert!(package.tensors.iter().all(|t| t.part == Part::Other || t.layer.is_some()));
    for copied in ["tokenizer.json", "generation_config.json"] {
        assert_eq!(package.files[copied], std::fs::read(deployment.folder.as_ref().unwrap().join(copied)).unwrap());
    }
    package
}

/// `config.json` of a package.
pub fn config(package: &Package) -> Value {
    serde_json::from_slice(&package.files["config.json"]).unwrap()
}
