use super::*;
use crate::export::check;
use crate::export::hugging_face::decoded::{self, Tensor};
use crate::export::hugging_face::samples::{config, deployment, folder, llama, row, written};
use crate::graph::Layer;
use crate::hugging_face::test_folders::{changed, tiny_bert};

/// The values that `scales · q + biases` gives, from the files, with the entry of the layer in the configuration.
fn read(package: &Package, layer: &DeployedLayer) -> (Vec<f64>, Value) {
    let tensors = decoded::tensors(&package.files["model.safetensors"]);
    let entry = config(package)["quantization"][&layer.name].clone();
    let number = |key: &str| entry[key].as_u64().unwrap() as usize;
    let (bits, group, columns) = (number("bits"), number("group_size"), layer.shape[1]);
    let part = |part: &str| &tensors[&format!("{}.{part}", layer.name)];
    let weight = part("weight");
    assert_eq!((weight.dtype.as_str(), weight.shape[1] * 32), ("U32", columns * bits));
    assert_eq!(part("scales").shape, [layer.shape[0], columns / group]);
    let codes = (0..layer.shape[0]).flat_map(|r| Tensor::stream(columns, bits, |w| weight.word(r, w)));
    let (scales, biases) = (part("scales").floats(), part("biases").floats());
    let value = |(i, q): (usize, u32)| f64::from(scales[i / group]) * f64::from(q) + f64::from(biases[i / group]);
    (codes.enumerate().map(value).collect(), entry)
}

fn mixed(number: usize, layer: &Layer) -> (&'static str, usize) {
    const NAMES: [&str; 8] = ["w2a16", "w3a16", "w4a16", "w5a16", "w6a16", "w7a16", "w8a16", "fp32"];
    (NAMES[number % 8], if number % 3 == 1 { 32 } else { row(layer) })
}

#[test]
fn weights_are_read_back_as_they_were() {
    let folder = folder(&llama());
    let deployment = deployment(folder.path(), 1, mixed);
    let package = written(&Mlx, &deployment);
    let (both, one) = (config(&package), config(&package)["quantization"].clone());
    assert_eq!(both["quantization_config"], one);
    for (number, layer) in deployment.layers.iter().enumerate() {
        if layer.candidate.is_fp32() {
            assert_eq!(one[&layer.name], json!(false));
            continue;
        }
        let (values, entry) = read(&package, layer);
        // Products of f32 and a small integer are exact in f64.
        let LayerWeights::Codes(codes) = &layer.weights else { panic!() };
        let expected =
            codes.codes.iter().enumerate().map(|(i, &q)| f64::from(q) * f64::from(codes.scale[i / codes.group]));
        assert!(values.into_iter().eq(expected), "{}", layer.name);
        assert_eq!(entry["bits"], [2, 3, 4, 5, 6, 8, 8][number % 8]);
        assert_eq!(entry["group_size"], if codes.group == 64 { 64 } else { 32 }, "96 is three groups of 32");
    }
    assert!(package.notes.iter().any(|note| note.contains("codes of 7 bits are stored in 8")));
}

#[test]
fn what_mlx_does_not_run_is_refused_with_the_nearest() {
    let folder1 = folder(&llama());
    let inputs = deployment(folder1.path(), 2, |_, layer| ("w3a8", row(layer)));
    let message = check(&Mlx, &inputs).unwrap_err().to_string();
    assert!(message.contains("inputs in floating point") && message.contains("is w3a16"), "{message}");
    let groups = deployment(folder1.path(), 2, |_, _| ("w4a16", 16));
    let message = check(&Mlx, &groups).unwrap_err().to_string();
    assert!(message.contains("groups of 32, 64 and 128"), "{message}");
    let folder2 = folder(&changed(&tiny_bert(), &json!({"hidden_size": 32, "intermediate_size": 32})));
    let encoder = deployment(folder2.path(), 2, |_, layer| ("w4a16", row(layer)));
    check(&Mlx, &encoder).unwrap();
    let message = Mlx.write(&encoder).unwrap_err().to_string();
    assert!(message.contains("without logits"), "{message}");
    let message = Mlx.write(&Deployment { folder: None, ..groups }).unwrap_err().to_string();
    assert!(message.contains("no folder of a Hugging Face model"), "{message}");
}
