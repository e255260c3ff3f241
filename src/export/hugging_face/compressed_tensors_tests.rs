use serde_json::json;

use super::*;
use crate::export::check;
use crate::export::hugging_face::decoded::{self, Tensor};
use crate::export::hugging_face::samples::{config, deployment, folder, is_table, llama, row, written};
use crate::graph::Layer;
use crate::hugging_face::test_folders::{changed, tensors_of, tiny_bert, write_model};

/// Codes and scales of a layer, from the files.
fn read(package: &Package, layer: &DeployedLayer, module: &str) -> (Vec<i8>, Vec<f32>) {
    let tensors = decoded::tensors(&package.files["model.safetensors"]);
    let config = config(package);
    let groups = config["quantization_config"]["config_groups"].as_object().unwrap();
    let mine = groups.values().filter(|g| g["targets"].as_array().unwrap().contains(&json!(module)));
    let [group] = mine.collect::<Vec<_>>()[..] else { panic!("{module} in several groups, or in none") };
    let scales = tensors[&format!("{module}.weight_scale")].floats();
    let input = tensors.get(&format!("{module}.input_scale"));
    assert_eq!(group["input_activations"]["num_bits"].as_u64().is_some(), input.is_some());
    assert_eq!(input.map(Tensor::floats), layer.activation.map(|a| vec![a.scale]));
    let (bits, columns) = (group["weights"]["num_bits"].as_u64().unwrap() as usize, layer.shape[1]);
    let strategy = if group["weights"]["group_size"].is_null() { "channel" } else { "group" };
    assert_eq!(group["weights"]["strategy"], strategy);
    if group["format"] == "int-quantized" {
        let bytes = &tensors[&format!("{module}.weight")];
        assert_eq!((bytes.dtype.as_str(), &bytes.shape), ("I8", &layer.shape));
        return (bytes.bytes.iter().map(|&b| b as i8).collect(), scales);
    }
    let shape = &tensors[&format!("{module}.weight_shape")];
    let words = layer.shape.iter().flat_map(|&n| (n as u64).to_le_bytes()).collect::<Vec<_>>();
    assert_eq!((shape.dtype.as_str(), &shape.bytes), ("I64", &words));
    let packed = &tensors[&format!("{module}.weight_packed")];
    assert_eq!(packed.shape, [layer.shape[0], (columns * bits).div_ceil(32)]);
    let rows = (0..layer.shape[0]).flat_map(|r| Tensor::stream(columns, bits, |w| packed.word(r, w)));
    (rows.map(|u| (u as i32 - (1 << (bits - 1))) as i8).collect(), scales)
}

/// Mixed bits, inputs and groups; siblings share theirs.
fn mixed(number: usize, layer: &Layer) -> (&'static str, usize) {
    const NAMES: [&str; 8] = ["w4a8", "w3a16", "w8a8", "w5a4", "w2a16", "w7a8", "w6a16", "w8a16"];
    let kind = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "lm_head"];
    let place = kind.iter().position(|kind| layer.name.ends_with(kind)).unwrap_or(7);
    let of = [0, 0, 0, 1, 2, 2, 3, 4][place] + if layer.name.contains("layers.1") { 4 } else { 0 };
    (NAMES[of], if of % 2 == 1 || number == 0 { 32 } else { row(layer) })
}

#[test]
fn codes_scales_and_inputs_are_read_back_as_they_were() {
    let folder = folder(&llama());
    let deployment = deployment(folder.path(), 1, mixed);
    let package = written(&CompressedTensors, &deployment);
    for layer in &deployment.layers {
        let LayerWeights::Codes(codes) = &layer.weights else { panic!() };
        assert_eq!(read(&package, layer, &layer.name), (codes.codes.clone(), codes.scale.clone()), "{}", layer.name);
    }
    let config = config(&package);
    assert_eq!(config["quantization_config"]["format"], "mixed-precision");
    assert_eq!((&config["tie_word_embeddings"], &config["dtype"]), (&json!(false), &json!("float32")));
    assert_eq!(config["unknown_key"], llama()["unknown_key"]);
    let names: Vec<String> = decoded::tensors(&package.files["model.safetensors"]).into_keys().collect();
    assert!(names.contains(&"model.norm.weight".into()) && !names.iter().any(|name| name.contains("rotary")));
    assert!(package.notes.iter().any(|note| note.contains("vLLM 0.32 refuses `model.embed_tokens`")));
    assert!(!package.notes.iter().any(|note| note.contains("refuses `lm_head`")), "{:?}", package.notes);
}

#[test]
fn a_row_of_five_bit_codes_has_these_bytes() {
    // −16 and 15 in turn are 0 and 31: five bits of 0, five of 1, and so on through all words.
    let word = |at: usize| (0..32).map(|k| (((at * 32 + k) / 5 % 2) as u32) << k).sum::<u32>();
    let codes: Vec<i8> = (0..64).map(|i| if i % 2 == 0 { -16 } else { 15 }).collect();
    let bytes: Vec<u8> = (0..10).flat_map(|at| word(at).to_le_bytes()).collect();
    assert_eq!(words::rows(&codes, 64, 5), bytes);
    assert_eq!(bytes[..5], [0xe0, 0x83, 0x0f, 0x3e, 0xf8]);
}

#[test]
fn layers_that_are_not_quantised_stay_floats_and_are_ignored() {
    let folder = folder(&llama());
    let choose = |number: usize, layer: &Layer| (if number < 8 { "fp32" } else { "w4a16" }, row(layer));
    let mut deployment = deployment(folder.path(), 2, choose);
    let package = written(&CompressedTensors, &deployment);
    let tensors = decoded::tensors(&package.files["model.safetensors"]);
    for (number, layer) in deployment.layers.iter().enumerate().take(8) {
        assert_eq!(tensors[&format!("{}.weight", layer.name)].floats(), layer.weights.values());
        let ignored =
            config(&package)["quantization_config"]["ignore"].as_array().unwrap().contains(&json!(layer.name));
        assert!(ignored, "{number}");
    }
    assert_eq!(config(&package)["quantization_config"]["format"], "pack-quantized");
    for layer in &mut deployment.layers {
        *layer = DeployedLayer {
            candidate: Candidate::FP32,
            weights: LayerWeights::Float(layer.weights.values()),
            ..layer.clone()
        };
    }
    let package = written(&CompressedTensors, &deployment);
    assert!(config(&package).get("quantization_config").is_none());
}

#[test]
fn an_encoder_stands_alone_with_its_pooler() {
    let config = changed(&tiny_bert(), &json!({"architectures": ["BertForMaskedLM"]}));
    let folder = folder(&config);
    let pooler = [("bert.pooler.dense.weight".to_string(), vec![8, 8]), ("cls.predictions.bias".into(), vec![11])];
    write_model(folder.path(), &config, &[tensors_of(&config), pooler.to_vec()].concat());
    let deployment = deployment(folder.path(), 3, |_, layer| ("w4a8", row(layer)));
    let package = written(&CompressedTensors, &deployment);
    assert_eq!(super::super::samples::config(&package)["architectures"], json!(["BertModel"]));
    let tensors = decoded::tensors(&package.files["model.safetensors"]);
    assert!(tensors.contains_key("pooler.dense.weight") && tensors.contains_key("embeddings.LayerNorm.weight"));
    assert!(tensors.keys().all(|name| !name.starts_with("bert.") && !name.starts_with("cls.")));
    assert!(package.notes.iter().any(|note| note.contains("left out")));
    for (number, layer) in deployment.layers.iter().enumerate() {
        let LayerWeights::Codes(codes) = &layer.weights else { panic!() };
        let module = layer.name.strip_prefix("bert.").unwrap();
        assert_eq!(
            read(&package, layer, module).0,
            codes.codes,
            "{}, table {}",
            layer.name,
            is_table(&deployment, number)
        );
    }
}

#[test]
fn what_the_tools_do_not_run_is_refused() {
    let refused = |deployment: &Deployment| {
        let error =
            check(&CompressedTensors, deployment).and_then(|()| CompressedTensors.write(deployment).map(|_| ()));
        error.unwrap_err().to_string()
    };
    let folder = folder(&llama());
    let all = |name: &'static str| deployment(folder.path(), 4, move |_, layer| (name, row(layer)));
    let message = refused(&Deployment { rounding: Rounding::HalfUp, ..all("w4a8") });
    assert!(message.contains("`half_up`") && message.contains("w4a16"), "{message}");
    assert!(CompressedTensors.write(&Deployment { rounding: Rounding::HalfUp, ..all("w4a16") }).is_ok());
    let message = refused(&Deployment { folder: None, ..all("w4a8") });
    assert!(message.contains("no folder of a Hugging Face model"), "{message}");
    // The same names and shapes, and other numbers: these would be another network with the plan's weights.
    for other in [json!({"rms_norm_eps": 0.5}), json!({"rope_theta": 123_456.0}), json!({"hidden_act": "gelu"})] {
        let changed = crate::export::hugging_face::samples::folder(&changed(&llama(), &other));
        let message = refused(&Deployment { folder: Some(changed.path().into()), ..all("w4a16") });
        assert!(message.contains("another network"), "{other}: {message}");
    }
    let split = |number: usize, layer: &Layer| (if number == 2 { "w8a8" } else { "w4a8" }, row(layer));
    let message = refused(&deployment(folder.path(), 4, split));
    assert!(message.contains("k_proj") && message.contains("q_proj"), "{message}");
}

#[test]
fn inputs_that_are_never_negative_are_refused_with_the_nearest() {
    let config = changed(&tiny_bert(), &json!({"hidden_act": "relu"}));
    let folder = folder(&config);
    let deployment = deployment(folder.path(), 5, |_, layer| ("w4a8", row(layer)));
    let message = check(&CompressedTensors, &deployment).unwrap_err().to_string();
    assert!(message.contains("never negative") && message.contains("the nearest it runs is w4a16"), "{message}");
}

#[test]
fn a_wrong_folder_is_an_error() {
    let attempt = |break_it: &dyn Fn(&std::path::Path)| {
        let folder = folder(&llama());
        let deployment = deployment(folder.path(), 6, |_, layer| ("w4a16", row(layer)));
        break_it(folder.path());
        CompressedTensors.write(&deployment).unwrap_err().to_string()
    };
    let message = attempt(&|folder| std::fs::remove_file(folder.join("config.json")).unwrap());
    assert!(message.contains("config.json"), "{message}");
    let message = attempt(&|folder| {
        let tensors: Vec<_> =
            tensors_of(&llama()).into_iter().filter(|(name, _)| name != "model.norm.weight").collect();
        write_model(folder, &llama(), &tensors);
    });
    assert!(message.contains("model.norm.weight"), "{message}");
    let message = attempt(&|folder| {
        std::fs::remove_file(folder.join("model.safetensors")).unwrap();
        let index = json!({"weight_map": {"model.norm.weight": "model-00001-of-00002.safetensors"}});
        std::fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
    });
    assert!(message.contains("model-00001-of-00002.safetensors") && message.contains("no such file"), "{message}");
    let message = attempt(&|folder| {
        let other = changed(&llama(), &json!({"num_hidden_layers": 1}));
        write_model(folder, &other, &tensors_of(&other));
    });
    assert!(message.contains("another network"), "{message}");
}
