//! A small Llama with a tokenizer, written by the tests.

use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

use crate::graph::{Parameter, Values};

/// Two blocks; rows of 64 and of 256; 4 heads on 2.
pub fn config() -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 272, "hidden_size": 64,
        "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": 32, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu",
        "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": [2, 1]
    })
}

/// SentencePiece-like: `<unk>`, `<s>`, `</s>`, the bytes, letters and what two merges make of them.
pub fn tokenizer() -> Value {
    let mut vocab = serde_json::Map::new();
    let mut add = |text: String| {
        let id = vocab.len();
        vocab.insert(text, json!(id));
    };
    ["<unk>", "<s>", "</s>"].into_iter().for_each(|text| add(text.into()));
    (0..256).for_each(|byte| add(format!("<0x{byte:02X}>")));
    ["▁", "a", "b", "ab", "▁ab"].into_iter().for_each(|text| add(text.into()));
    let special = |id: u32, content: &str, special: bool| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": special})
    };
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [special(0, "<unk>", true), special(1, "<s>", true), special(2, "</s>", true), special(268, "<tool>", false)],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        "pre_tokenizer": null,
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": null,
        "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "vocab": vocab,
            "merges": ["a b", "▁ ab"]}
    })
}

/// Byte-level, with this splitter.
pub fn byte_level(splitter: Value) -> Value {
    let vocab = json!({"a": 0, "b": 1, "Ġ": 2, "ab": 3, "Ġab": 4});
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "pre_tokenizer": splitter,
        "added_tokens": [{"id": 5, "content": "<|end|>", "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true}],
        "post_processor": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "vocab": vocab,
            "merges": [["a", "b"], ["Ġ", "ab"]]}
    })
}

/// Values for every parameter, different everywhere; a head that is tied has those of the table.
pub fn values(parameters: &[Parameter], tied: bool) -> Values {
    let mut state = 1u64;
    let mut draw = |_| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let value =
        |p: &Parameter| (p.name.clone(), (p.shape.clone(), (0..p.elements()).map(&mut draw).collect::<Vec<_>>()));
    let mut all: Values = parameters.iter().map(value).collect();
    if let (true, Some(table)) = (tied, all.get("model.embed_tokens.weight").cloned()) {
        all.insert("lm_head.weight".into(), table);
    }
    all
}

/// Writes `config.json` and `tokenizer.json`, and the values if there are any.
pub fn write(folder: &Path, config: &Value, tokenizer: &Value, values: &Values) {
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = values
        .iter()
        .map(|(name, (shape, v))| (name, shape, v.iter().flat_map(|v| v.to_le_bytes()).collect()))
        .collect();
    let views = bytes.iter().map(|(name, shape, b)| (*name, TensorView::new(Dtype::F32, shape.to_vec(), b).unwrap()));
    std::fs::write(folder.join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
}
