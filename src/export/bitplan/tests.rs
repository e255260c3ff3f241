//! Tests of `model.bitplan`: an independent reading of its bytes, the C runtime of `examples/`, and damage.

use std::path::Path;
use std::process::{Command, Output};

use proptest::prelude::*;

use super::*;
use crate::export::sample::residual_network;
use crate::export::{Activation, Codes, DeployedLayer, LayerWeights, Master, Part, site};
use crate::graph::{Layer, Role};
use crate::numeric::rng::Stream;
use crate::quant::weights::signed_range;
use crate::quant::{Rounding, WeightQuantizer};
use crate::store::{Array, TensorFile};

/// Random masters of `master_bits`, switched to the choices; without masters where it is 0.
fn deployment(choices: [&str; 3], master_bits: u32, rounding: Rounding, group: Option<usize>) -> Deployment {
    let graph = residual_network();
    let mut random = Stream::new(7, "sample", &[]);
    let mut masters = std::collections::BTreeMap::new();
    let mut layer = |(layer, choice): (&Layer, &str)| {
        let candidate: Candidate = choice.parse().unwrap();
        let count = layer.parameters();
        let group = group.unwrap_or(count / layer.channels());
        let plan_bits = u32::from(candidate.weight_bits());
        let weights = if candidate.is_fp32() {
            LayerWeights::Float((0..count).map(|_| random.normal() as f32).collect())
        } else {
            let bits = if master_bits == 0 { plan_bits } else { master_bits };
            let (low, high) = signed_range(bits);
            let codes = (0..count).map(|_| (low + random.below((high - low + 1) as u64) as i32) as i8).collect();
            let scale = (0..count / group).map(|_| (0.01 + random.uniform()) as f32).collect();
            let master = Master { bits, rounding, codes, scale };
            let (codes, scale) = master.switch(plan_bits);
            if bits > plan_bits {
                masters.insert(layer.name.clone(), master);
            }
            LayerWeights::Codes(Codes { bits: plan_bits, codes, scale, group })
        };
        let activation = (layer.quantized_input && candidate.quantizes_activations()).then(|| Activation {
            bits: u32::from(candidate.activation_bits()),
            unsigned: layer.unsigned_input,
            scale: (0.02 + random.uniform()) as f32,
        });
        let (name, shape) = (layer.name.clone(), layer.weight_shape.clone());
        DeployedLayer { name, shape, candidate, weights, activation }
    };
    let layers = graph.layers().iter().zip(choices).map(&mut layer).collect();
    let others = graph.parameters().into_iter().filter(|p| p.role != Role::Weight);
    let mut values = |count: usize| (0..count).map(|_| random.uniform() as f32).collect();
    let parameters = others.map(|p| (p.name.clone(), (p.shape.clone(), values(p.elements())))).collect();
    let normalization = [vec![0.5; 3], vec![0.25; 3]];
    Deployment {
        plan: "mixed".into(),
        graph,
        layers,
        parameters,
        normalization,
        rounding,
        folder: None,
        masters,
        ranges: Default::default(),
    }
}

fn every_kind() -> Vec<Deployment> {
    let mut all = Vec::new();
    for rounding in Rounding::ALL {
        for (master, group) in [(8, None), (8, Some(1)), (6, None), (0, None), (0, Some(1))] {
            all.push(deployment(["w4a8", "w2a4", "w6a16"], master, rounding, group));
            all.push(deployment(["fp32", "w5a8", "w3a2"], master, rounding, group));
        }
    }
    all
}

fn file(deployment: &Deployment) -> Vec<u8> {
    Bitplan.write(deployment).unwrap().files.remove(FILE).unwrap()
}

#[test]
fn a_file_reads_back_as_the_deployment_that_it_was_written_from() {
    for deployment in every_kind() {
        assert_eq!(Deployment::from_bitplan(&file(&deployment), "x").unwrap(), deployment);
    }
}

#[test]
fn every_layer_takes_the_bytes_that_were_predicted() {
    for deployment in every_kind() {
        let package = Bitplan.write(&deployment).unwrap();
        let tensors: u64 = package.tensors.iter().map(|tensor| tensor.bytes).sum();
        assert!(tensors <= package.files[FILE].len() as u64);
        for (place, layer) in deployment.graph.layers().iter().zip(&deployment.layers) {
            let stored = Bitplan.stored(&site(&deployment.graph, place, layer.group()), layer.candidate).unwrap();
            assert_eq!(package.weight_bytes(&layer.name), stored.bytes, "{} {}", layer.name, layer.candidate);
        }
        assert!(package.tensors.iter().any(|tensor| tensor.part == Part::Other));
    }
}

/// A reader of its own, by the offsets of `bitplan.h`.
#[test]
fn the_numbers_lie_where_the_declarations_say() {
    let deployment = deployment(["w4a8", "w2a4", "fp32"], 8, Rounding::HalfUp, None);
    let bytes = file(&deployment);
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let f32_at = |at: usize| f32::from_bits(u32_at(at));
    assert_eq!(&bytes[..8], b"BITPLAN\0");
    assert_eq!([u32_at(8), u32_at(12)], [1, 3 + deployment.parameters.len() as u32]);
    assert_eq!([u64_at(16), u64_at(24), u64_at(48)], [bytes.len(), 64, 2]);
    let description = &bytes[u64_at(32)..u64_at(32) + u64_at(40)];
    let description: serde_json::Value = serde_json::from_slice(description).unwrap();
    assert_eq!((&description["plan"], &description["candidates"][1]), (&"mixed".into(), &"w2a4".into()));
    // The second layer: 4 × 4 × 3 × 3 behind a ReLU.
    let t = 64 + 128;
    let name = &bytes[u64_at(t)..u64_at(t) + u32_at(t + 8) as usize];
    assert_eq!(name, b"block.conv.weight");
    assert_eq!(bytes[t + 12..t + 20], [1, 8, 2, 2, 4, 1, 4, 0]);
    assert_eq!(f32_at(t + 20), deployment.layers[1].activation.unwrap().scale);
    assert_eq!([24, 32, 40, 48, 56].map(|field| u64_at(t + field)), [4, 4, 3, 3, 0]);
    assert_eq!([96, 112, 120].map(|field| u64_at(t + field)), [144, 4, 36]);
    let (codes, scales) = (u64_at(t + 88), u64_at(t + 104));
    assert_eq!((codes % 64, scales % 64), (0, 0));
    let master = &deployment.masters["block.conv"];
    assert!(bytes[codes..codes + 144].iter().map(|&byte| byte as i8).eq(master.codes.iter().copied()));
    assert!((0..4).all(|channel| f32_at(scales + 4 * channel) == master.scale[channel]));
    // The third stays a float.
    let t = 64 + 2 * 128;
    assert_eq!(bytes[t + 12..t + 24], [0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0]);
    let LayerWeights::Float(values) = &deployment.layers[2].weights else { panic!() };
    assert_eq!(f32_at(u64_at(t + 88)), values[0]);
}

#[test]
fn a_file_that_is_cut_off_or_has_a_tail_is_refused() {
    let mut bytes = file(&deployment(["w4a8", "w2a4", "fp32"], 8, Rounding::HalfUp, None));
    for length in 0..bytes.len() {
        assert!(Deployment::from_bitplan(&bytes[..length], "x").is_err(), "{length} of {}", bytes.len());
    }
    bytes.push(0);
    assert!(Deployment::from_bitplan(&bytes, "x").is_err());
}

#[test]
fn damage_is_named() {
    let good = file(&deployment(["w4a8", "w2a4", "fp32"], 6, Rounding::HalfUp, None));
    let second = 64 + 128;
    let first_code = u64::from_le_bytes(good[64 + 88..64 + 96].try_into().unwrap()) as usize;
    for (at, value, word) in [
        (0, b'X', "another kind"),
        (8, 2, "another kind"),
        (48, 9, "rounding"),
        (second, 1, "another tensor"),
        (second + 13, 9, "no codes"),
        (second + 14, 3, "3 bits"),
        (second + 15, 4, "no codes"),
        (second + 16, 8, "input quantiser"),
        (second + 24, 5, "shape"),
        (second + 89, 0, "where others lie"),
        (second + 120, 35, "scales"),
        (first_code, 100, "more than 6 bits"),
    ] {
        let mut bytes = good.clone();
        assert_ne!(bytes[at], value);
        bytes[at] = value;
        let message = Deployment::from_bitplan(&bytes, "f.bitplan").unwrap_err().to_string();
        assert!(message.contains("f.bitplan") && message.contains(word), "byte {at}: {message}");
    }
}

proptest! {
    #[test]
    fn damaged_files_are_refused_or_read_but_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..4),
    ) {
        let mut bytes = file(&deployment(["w4a8", "w2a4", "w3a8"], 8, Rounding::HalfEven, None));
        for (at, value, in_table) in changes {
            let reach = if in_table { 64 + 128 * 6 } else { bytes.len() };
            let at = at.index(reach);
            bytes[at] = value;
        }
        let _ = Deployment::from_bitplan(&bytes, "x");
    }
}

#[test]
fn masters_are_added_only_if_the_plan_follows_from_them() {
    let whole = deployment(["w4a8", "w8a8", "fp32"], 8, Rounding::Floor, None);
    let mut file = TensorFile::new(&serde_json::json!({
        "format": "bitplan.master/2", "rounding": "floor",
        "layers": [{"name": "stem", "master_bits": 8}, {"name": "block.conv", "master_bits": 8}, {"name": "head", "master_bits": null}],
    }))
    .unwrap();
    let LayerWeights::Codes(second) = &whole.layers[1].weights else { panic!() };
    let mut add = |layer: usize, codes: &[i8], scale: &[f32]| {
        let DeployedLayer { name, shape, .. } = &whole.layers[layer];
        file.arrays.insert(format!("{name}.weight"), Array::I8(shape.clone(), codes.to_vec()));
        file.arrays.insert(format!("{name}.weight_scale"), Array::F32(vec![scale.len()], scale.to_vec()));
    };
    add(0, &whole.masters["stem"].codes, &whole.masters["stem"].scale);
    add(1, &second.codes, &second.scale);
    let without = Deployment { masters: Default::default(), ..whole.clone() };
    let mut with = without.clone();
    with.add_masters(&file, "m").unwrap();
    assert_eq!(with, whole, "a layer at the master's own bits needs none");
    for damage in ["stem.weight", "stem.weight_scale", "block.conv.weight"] {
        let mut file = file.clone();
        match file.arrays.get_mut(damage).unwrap() {
            Array::I8(_, codes) => codes[5] ^= 0x40,
            Array::F32(_, scale) => scale[1] *= 2.0,
            Array::U8(..) => unreachable!(),
        }
        let message = without.clone().add_masters(&file, "m").unwrap_err().to_string();
        assert!(message.contains("m: tensor `") && message.contains("other codes or scales"), "{message}");
    }
}

/// FNV-1a, as `main.c` computes it.
fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// The example runtime, compiled.
fn runtime(folder: &Path) -> std::path::PathBuf {
    std::fs::write(folder.join("bitplan.h"), include_str!("../../../examples/runtime/bitplan.h")).unwrap();
    std::fs::write(folder.join("main.c"), include_str!("../../../examples/runtime/main.c")).unwrap();
    let warnings = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2"];
    let built =
        Command::new("cc").args(warnings).args(["main.c", "-o", "switch"]).current_dir(folder).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    folder.join("switch")
}

fn run(runtime: &Path, file: &[u8], bits: Option<u32>) -> Output {
    let path = runtime.with_extension("bitplan");
    std::fs::write(&path, file).unwrap();
    Command::new(runtime).arg(path).args(bits.map(|bits| bits.to_string())).output().unwrap()
}

#[cfg(unix)]
#[test]
fn a_runtime_in_c_switches_to_the_same_codes_and_weights() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = runtime(folder.path());
    for deployment in every_kind() {
        for bits in std::iter::once(None).chain((2..=8).map(Some)) {
            let layer = |layer: &DeployedLayer| {
                let LayerWeights::Codes(plan) = &layer.weights else { return None };
                let own = || Master {
                    bits: plan.bits,
                    rounding: deployment.rounding,
                    codes: plan.codes.clone(),
                    scale: plan.scale.clone(),
                };
                let master = deployment.masters.get(&layer.name).cloned().unwrap_or_else(own);
                let bits = bits.map_or(plan.bits, |bits| bits.min(master.bits));
                let (codes, scale) = master.switch(bits);
                let values = WeightQuantizer::dequantize(&codes, &scale);
                let codes = hash(codes.iter().map(|&code| code as u8));
                let values = hash(values.into_iter().flat_map(f32::to_le_bytes));
                Some(format!("{}.weight\t{bits}\t{codes:016x}\t{values:016x}\n", layer.name))
            };
            let expected: String = deployment.layers.iter().filter_map(layer).collect();
            let output = run(&runtime, &file(&deployment), bits);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{bits:?} {:?}", deployment.rounding);
        }
    }
    // The comparison sees one code: the last of the first layer, two apart at 8 bits.
    let deployment = deployment(["w8a8"; 3], 8, Rounding::Floor, None);
    let bytes = file(&deployment);
    let last = u64::from_le_bytes(bytes[64 + 88..64 + 96].try_into().unwrap()) as usize + 107;
    let mut changed = bytes.clone();
    changed[last] ^= 2;
    assert_ne!(run(&runtime, &bytes, None).stdout, run(&runtime, &changed, None).stdout);
}

#[cfg(unix)]
#[test]
fn the_runtime_in_c_refuses_what_it_cannot_read_within_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = runtime(folder.path());
    let good = file(&deployment(["w4a8", "w2a4", "w3a8"], 8, Rounding::HalfEven, None));
    let refused = |bytes: &[u8], what: &str| {
        let output = run(&runtime, bytes, None);
        // Not ended by a signal.
        assert_eq!(output.status.code(), Some(1), "{what}: {output:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{what}: {output:?}");
    };
    for length in [0, 7, 63, 64, 191, good.len() / 2, good.len() - 1] {
        refused(&good[..length], "cut off");
    }
    // Magic, version, file bytes, table, description; then of the first tensor its name, kind, bits, rounding, axes, places, group.
    let fields = [0, 8, 16, 24, 31, 39, 47].into_iter();
    for at in
        fields.chain([7, 8 + 3, 12, 13, 14, 15, 18, 88, 95, 96, 103, 104, 111, 112, 120, 127].map(|field| 64 + field))
    {
        let mut bytes = good.clone();
        bytes[at] = 0xff;
        refused(&bytes, &format!("byte {at}"));
    }
}
