//! Tests of what is accepted.

use std::fs;

use serde_json::{Value, json};

use super::*;
use crate::export::gguf::test_folders::config;

fn read(changes: &Value) -> Result<Llama> {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    changes.as_object().unwrap().iter().for_each(|(key, value)| config[key] = value.clone());
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    super::read(folder.path())
}

#[test]
fn the_four_decoders_are_accepted_under_llama_cpps_names() {
    for (name, expected) in [("Llama", "llama"), ("Mistral", "llama"), ("Qwen2", "qwen2"), ("Qwen3", "qwen3")] {
        let model = read(&json!({"architectures": [format!("{name}ForCausalLM")], "head_dim": 16})).unwrap();
        assert_eq!(architecture(model.family), expected);
        let heads = ["q_proj", "k_proj", "v_proj"];
        let heads = heads.map(|layer| rotated_heads(&model, &format!("model.layers.0.self_attn.{layer}.weight")));
        assert_eq!(heads, if expected == "llama" { [Some(4), Some(2), None] } else { [None; 3] });
    }
}

#[test]
fn what_llama_cpp_computes_otherwise_is_refused() {
    let bert = json!({"architectures": ["BertModel"], "type_vocab_size": 2, "layer_norm_eps": 1e-12,
        "hidden_act": "gelu", "position_embedding_type": "absolute"});
    let cases = [
        (bert, "an encoder"),
        (json!({"architectures": ["LlamaModel"]}), "without a head"),
        (json!({"hidden_act": "gelu"}), "hidden_act"),
        (json!({"architectures": ["Qwen3ForCausalLM"], "head_dim": 16, "attention_bias": true}), "biases"),
        (json!({"architectures": ["Qwen2ForCausalLM"], "head_dim": 32}), "head_dim"),
        (json!({"architectures": ["FalconForCausalLM"]}), "FalconForCausalLM"),
    ];
    for (changes, part) in cases {
        let message = read(&changes).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn only_llama_3_has_divisors_of_frequencies() {
    assert_eq!(frequency_divisors(&read(&json!({})).unwrap()), None);
    let scaling = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64});
    let found = frequency_divisors(&read(&json!({"rope_scaling": scaling, "head_dim": 8})).unwrap()).unwrap();
    // The loop of `LlamaModel.generate_extra_tensors` in llama.cpp's converter, in Python: θ = 10⁴, d = 8.
    let expected = [1.0, 7.667_385, 8.0, 8.0];
    found.iter().zip(expected).for_each(|(a, b): (&f32, f32)| assert!((a - b).abs() < 1e-5, "{found:?}"));
}
