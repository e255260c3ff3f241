use super::*;
use crate::export::check;
use crate::export::hugging_face::decoded::{self, Tensor};
use crate::export::hugging_face::samples::{config, deployment, folder, is_table, llama, row, written};
use crate::graph::Layer;

/// Codes and scales of a layer, from the files: `q − zero − 1`, for weight `[out, in]`.
fn read(package: &Package, layer: &DeployedLayer) -> (Vec<i32>, Vec<f32>) {
    let tensors = decoded::tensors(&package.files["model.safetensors"]);
    let entry = &config(package)["quantization_config"]["extra_config"][&layer.name];
    let (bits, rows, columns) = (entry["bits"].as_u64().unwrap() as usize, layer.shape[0], layer.shape[1]);
    let group = entry["group_size"].as_i64().unwrap();
    let group = if group == -1 { columns } else { group as usize };
    let part = |part: &str| &tensors[&format!("{}.{part}", layer.name)];
    let (weight, zeros, scales) = (part("qweight"), part("qzeros"), part("scales"));
    assert_eq!(weight.shape, [columns * bits / 32, rows]);
    assert_eq!((scales.dtype.as_str(), &scales.shape), ("F16", &vec![columns / group, rows]));
    let zeros: Vec<Vec<u32>> = (0..columns / group).map(|g| Tensor::stream(rows, bits, |w| zeros.word(g, w))).collect();
    let row = |r: usize| {
        let codes = Tensor::stream(columns, bits, |w| weight.word(w, r));
        let zero = |c: usize| zeros[c / group][r] as i32 + 1;
        codes.into_iter().enumerate().map(|(c, q)| q as i32 - zero(c)).collect::<Vec<_>>()
    };
    let all = scales.floats();
    let by_row = (0..rows).flat_map(|r| (0..columns / group).map(move |g| (g, r))).map(|(g, r)| all[g * rows + r]);
    ((0..rows).flat_map(row).collect(), by_row.collect())
}

fn mixed(number: usize, layer: &Layer) -> (&'static str, usize) {
    const NAMES: [&str; 8] = ["w2a16", "w3a16", "w4a16", "w5a16", "w6a16", "w7a16", "w8a16", "fp32"];
    (NAMES[number % 8], if number % 3 == 1 { 32 } else { row(layer) })
}

#[test]
fn codes_are_read_back_as_they_were_and_scales_in_half_precision() {
    let folder = folder(&llama());
    let deployment = deployment(folder.path(), 1, mixed);
    let package = written(&AutoRound, &deployment);
    let tensors = decoded::tensors(&package.files["model.safetensors"]);
    let section = config(&package)["quantization_config"].clone();
    assert_eq!(section["block_name_to_quantize"], "model.layers");
    for (number, layer) in deployment.layers.iter().enumerate() {
        let halves = |values: &[f32]| values.iter().map(|&v| f16::from_f32(v).to_f32()).collect::<Vec<_>>();
        let LayerWeights::Codes(codes) = &layer.weights else {
            assert_eq!(section["extra_config"][&layer.name]["bits"], 16);
            continue;
        };
        if is_table(&deployment, number) {
            assert_eq!(tensors[&format!("{}.weight", layer.name)].floats(), halves(&layer.weights.values()));
            assert!(section["extra_config"].get(&layer.name).is_none());
            continue;
        }
        let (found, scales) = read(&package, layer);
        assert!(found.into_iter().eq(codes.codes.iter().map(|&q| i32::from(q))), "{}", layer.name);
        assert_eq!(scales, halves(&codes.scale));
    }
    assert_eq!(config(&package)["dtype"], "float16");
    assert!(tensors.values().all(|t| t.dtype != "F32"));
}

#[test]
fn a_layer_of_two_bits_has_these_bytes() {
    let folder = folder(&llama());
    let mut deployment = deployment(folder.path(), 1, |_, layer| ("w2a16", row(layer)));
    let at = deployment.layers.iter().position(|l| l.name.ends_with("k_proj")).unwrap();
    let LayerWeights::Codes(codes) = &mut deployment.layers[at].weights else { panic!() };
    codes.codes = (0..codes.codes.len()).map(|i| [-2, -1, 0, 1][i % 4]).collect();
    let package = AutoRound.write(&deployment).unwrap();
    let tensors = decoded::tensors(&package.files["model.safetensors"]);
    let part = |part: &str| &tensors[&format!("{}.{part}", deployment.layers[at].name)];
    // 0, 1, 2, 3 from the lowest bits on; the zero is 2, stored as 1.
    assert!(part("qweight").bytes.iter().all(|&byte| byte == 0b11_10_01_00));
    assert!(part("qzeros").bytes.iter().all(|&byte| byte == 0b01_01_01_01));
}

#[test]
fn what_auto_round_does_not_run_is_refused() {
    let folder = folder(&llama());
    let all = |name: &'static str| deployment(folder.path(), 2, move |_, layer| (name, row(layer)));
    let message = check(&AutoRound, &all("w4a8")).unwrap_err().to_string();
    assert!(message.contains("inputs in floating point") && message.contains("is w4a16"), "{message}");
    let narrow = super::super::samples::folder(&crate::hugging_face::test_folders::tiny_llama());
    let message = check(&AutoRound, &deployment(narrow.path(), 2, |_, layer| ("w4a16", row(layer)))).unwrap_err();
    assert!(message.to_string().contains("multiples of 32, and this has 8 inputs"), "{message}");
    let mut tiny = all("w4a16");
    let LayerWeights::Codes(codes) = &mut tiny.layers[1].weights else { panic!() };
    codes.scale[0] = 1e-9;
    let message = AutoRound.write(&tiny).unwrap_err().to_string();
    assert!(message.contains(&tiny.layers[1].name) && message.contains("half precision"), "{message}");
    // A channel of zeros has such a scale, and needs none.
    let LayerWeights::Codes(codes) = &mut tiny.layers[1].weights else { panic!() };
    codes.codes[..64].fill(0);
    assert!(AutoRound.write(&tiny).is_ok());
    let table = tiny.parameters.get_mut("model.norm.weight").unwrap();
    table.1[0] = 1e6;
    assert!(AutoRound.write(&tiny).unwrap_err().to_string().contains("up to 65504"));
}
