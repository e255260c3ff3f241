//! Small model folders, written by the tests.

use std::path::Path;

use serde_json::{Value, json};

use crate::error::Result;
use crate::hugging_face::config::LanguageModel;
use crate::hugging_face::fields::Fields;

/// A safetensors file of this header and these bytes, right or wrong.
pub fn raw_file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// A right one: name, element type, shape, bytes of each tensor.
pub fn file(tensors: &[(&str, &str, &[usize], &[u8])]) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, element, shape, bytes) in tensors {
        let offsets = [data.len(), data.len() + bytes.len()];
        header.insert(name.to_string(), json!({"dtype": element, "shape": shape, "data_offsets": offsets}));
        data.extend_from_slice(bytes);
    }
    raw_file(&Value::Object(header).to_string(), &data)
}

/// Bytes of f32 numbers.
pub fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// What a configuration says.
pub fn model(config: &Value) -> Result<LanguageModel> {
    LanguageModel::from_fields(&Fields::new("config.json".into(), config.clone())?)
}

/// The configuration with some keys changed; `null` removes one.
pub fn changed(config: &Value, changes: &Value) -> Value {
    let mut config = config.clone();
    for (key, value) in changes.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

/// A Llama of two layers and 4 heads on 2.
pub fn tiny_llama() -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 11, "hidden_size": 8,
        "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": 32, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu",
        "tie_word_embeddings": true, "unknown_key": {"does": "not matter"}
    })
}

/// A BERT of two layers and 2 heads.
pub fn tiny_bert() -> Value {
    json!({
        "architectures": ["BertModel"], "model_type": "bert", "vocab_size": 11, "hidden_size": 8,
        "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 16,
        "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu", "position_embedding_type": "absolute"
    })
}

/// Every tensor that a model needs, under its usual name: names and shapes.
pub fn tensors_of(config: &Value) -> Vec<(String, Vec<usize>)> {
    let network = model(config).unwrap().network(3).unwrap();
    let mut tensors: Vec<(String, Vec<usize>)> = Vec::new();
    for crate::graph::Parameter { name, shape, .. } in network.graph.parameters() {
        if network.constants.contains_key(&name) {
            continue;
        }
        let name = network.renamed.get(&name).cloned().unwrap_or(name);
        if tensors.iter().all(|(known, _)| *known != name) {
            tensors.push((name, shape));
        }
    }
    tensors
}

/// Writes a model folder: the configuration, and these tensors with the values 0, 1, 2, …
pub fn write_model(folder: &Path, config: &Value, tensors: &[(String, Vec<usize>)]) {
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let values = |shape: &[usize]| floats(&(0..shape.iter().product()).map(|i| i as f32).collect::<Vec<_>>());
    let data: Vec<Vec<u8>> = tensors.iter().map(|(_, shape)| values(shape)).collect();
    let list: Vec<_> =
        tensors.iter().zip(&data).map(|((name, shape), data)| (&**name, "F32", &**shape, &**data)).collect();
    std::fs::write(folder.join("model.safetensors"), file(&list)).unwrap();
}
