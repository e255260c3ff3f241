//! Tests of plans of integers as GGUF.

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::export::gguf::files::FILE;
use crate::export::gguf::names::{reorder, rotated_rows, tensor_name};
use crate::export::gguf::test_folders::{config, tokenizer, values, write as write_folder};
use crate::export::gguf::test_reader::read;
use crate::export::{check, nearest, site};
use crate::quant::Rounding;

/// A plan of the small Llama: choice `l` of `choices` (bits, group; 32 bits for floats) for layer `l`, and so on.
fn deployment(folder: &std::path::Path, choices: &[(u8, usize)]) -> Deployment {
    fs::write(folder.join("config.json"), config().to_string()).unwrap();
    let model = llama::read(folder).unwrap();
    let values = values(&llama::parameters(&model).unwrap(), false);
    write_folder(folder, &config(), &tokenizer(), &values);
    let graph = model.graph(8).unwrap();
    let layer = |(l, layer): (usize, crate::graph::Layer)| {
        let (_, floats) = &values[&format!("{}.weight", layer.name)];
        let (bits, group) = choices[l % choices.len()];
        let (candidate, weights) = match bits {
            32 => (Candidate::FP32, LayerWeights::Float(floats.clone())),
            _ => {
                let group = group.min(*layer.weight_shape.last().unwrap());
                let codes = floats.iter().map(|&v| (v * 256.0) as i8 >> (8 - bits)).collect();
                let scale = (0..floats.len() / group).map(|i| 0.001 * (i + 1) as f32).collect();
                let codes = LayerWeights::Codes(Codes { bits: u32::from(bits), codes, scale, group });
                (Candidate::new(bits, 16).unwrap(), codes)
            }
        };
        DeployedLayer { name: layer.name, shape: layer.weight_shape, candidate, weights, activation: None }
    };
    let layers = graph.layers().into_iter().enumerate().map(layer).collect();
    let mut parameters: crate::graph::Values =
        values.into_iter().filter(|(name, _)| !name.contains("proj") && !name.contains("emb")).collect();
    parameters.extend(crate::hugging_face::open(folder, 8).unwrap().constants);
    let folder = Some(folder.to_path_buf());
    let (normalization, rounding) = ([vec![], vec![]], Rounding::default());
    Deployment {
        plan: "p".into(),
        graph,
        layers,
        parameters,
        normalization,
        rounding,
        folder,
        masters: Default::default(),
        ranges: Default::default(),
    }
}

/// Weights by the layout in ggml-common.h.
fn decoded(ggml: u32, bytes: &[u8]) -> Vec<f32> {
    let half = |bytes: &[u8]| half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
    let nibble = |packed: &[u8], i: usize| i32::from(if i < 16 { packed[i] & 15 } else { packed[i - 16] >> 4 });
    let weight = |block: &[u8], i: usize| match ggml {
        0 => f32::from_le_bytes(block.try_into().unwrap()),
        8 => half(block) * f32::from(block[2 + i] as i8),
        2 => half(block) * (nibble(&block[2..], i) - 8) as f32,
        _ => half(block) * (nibble(&block[6..], i) + 16 * i32::from(block[2 + i / 8] >> (i % 8) & 1) - 16) as f32,
    };
    let (size, count) =
        [(0, (4, 1)), (2, (18, 32)), (6, (22, 32)), (8, (34, 32))].iter().find(|k| k.0 == ggml).unwrap().1;
    bytes.chunks(size).flat_map(|block| (0..count).map(|i| weight(block, i)).collect::<Vec<_>>()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn codes_keep_their_values_and_bytes_are_those_that_were_said(
        choices in prop::collection::vec((prop::sample::select(vec![4u8, 5, 8, 32]), prop::sample::select(vec![32usize, 64, 256])), 1..5),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let deployment = deployment(folder.path(), &choices);
        check(&Gguf, &deployment).unwrap();
        let package = Gguf.write(&deployment).unwrap();
        let content = read(&package.files[FILE]);
        for (layer, deployed) in deployment.graph.layers().iter().zip(&deployment.layers) {
            let group = match &deployed.weights {
                LayerWeights::Codes(codes) => codes.group,
                LayerWeights::Float(_) => 64,
            };
            let stored = Gguf.stored(&site(&deployment.graph, layer, group), deployed.candidate).unwrap();
            prop_assert_eq!(package.weight_bytes(&layer.name), stored.bytes);
            let tensor = &content.tensors[&tensor_name(&format!("{}.weight", layer.name)).unwrap()];
            prop_assert_eq!(tensor.bytes.len() as u64, stored.bytes);
            let heads = [("q_proj", 4), ("k_proj", 2)].into_iter().find(|(name, _)| layer.name.ends_with(name));
            let own = deployed.weights.values();
            let own = heads.map_or(own.clone(), |(_, heads)| reorder(&own, 64, &rotated_rows(16 * heads, heads)));
            for (own, found) in own.iter().zip(decoded(tensor.ggml, &tensor.bytes)) {
                // Scales are from 0.001, so f16 rounds them by 2⁻¹¹ at most.
                prop_assert!((own - found).abs() <= own.abs() * 4.9e-4, "{}: {} {}", layer.name, own, found);
            }
        }
        prop_assert!(package.tensors.iter().map(|t| t.bytes).sum::<u64>() <= package.files[FILE].len() as u64);
    }
}

#[test]
fn other_choices_are_refused_with_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let deployment = deployment(folder.path(), &[(4, 32)]);
    let layers = deployment.graph.layers();
    let at = |group: usize, id: &str| {
        let site = site(&deployment.graph, &layers[1], group);
        let candidate: Candidate = id.parse().unwrap();
        (Gguf.stored(&site, candidate).err(), nearest(&Gguf, &site, candidate).map(|c| c.to_string()))
    };
    for (id, near) in [("w4a8", "w4a16"), ("w3a16", "w4a16"), ("w6a16", "w8a16"), ("w2a2", "w4a16")] {
        let (why, found) = at(32, id);
        assert!(why.is_some(), "{id}");
        assert_eq!(found.as_deref(), Some(near));
    }
    assert_eq!(at(64, "w4a16").0, None);
    assert!(at(16, "w4a16").0.unwrap().contains("groups of 16"));
    assert_eq!(at(16, "w4a16").1.as_deref(), Some("fp32"));
}

#[test]
fn a_plan_without_its_folder_or_with_another_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = deployment(folder.path(), &[(4, 32)]);
    plan.folder = None;
    assert!(Gguf.write(&plan).unwrap_err().to_string().contains("no folder of a Hugging Face model"));
    let other = tempfile::tempdir().unwrap();
    let mut larger = config();
    larger["intermediate_size"] = 512.into();
    fs::write(other.path().join("config.json"), larger.to_string()).unwrap();
    plan.folder = Some(other.path().into());
    assert!(Gguf.write(&plan).is_err());
}
