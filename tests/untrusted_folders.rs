//! Model folders written by an adversary: the readers refuse them without a panic and without memory that the files do not
//! pay for. One test only, because the allocator counts for the whole process.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

#[path = "support/watching.rs"]
mod watching;

use std::path::Path;
use std::sync::atomic::Ordering;

use bitplan::hugging_face::{LanguageModel, Tokenizer, open};
use bitplan::numeric::rng::Stream;
use serde_json::{Value, json};
use watching::{IN_USE, MOST};

/// Names and shapes of the tensors of a Qwen3 of two layers.
fn tensors() -> Vec<(String, Vec<usize>)> {
    let layer = |layer: usize| {
        let shapes: [(&str, &[usize]); 11] = [
            ("input_layernorm", &[8]),
            ("self_attn.q_proj", &[8, 8]),
            ("self_attn.k_proj", &[4, 8]),
            ("self_attn.v_proj", &[4, 8]),
            ("self_attn.o_proj", &[8, 8]),
            ("self_attn.q_norm", &[4]),
            ("self_attn.k_norm", &[4]),
            ("post_attention_layernorm", &[8]),
            ("mlp.gate_proj", &[12, 8]),
            ("mlp.up_proj", &[12, 8]),
            ("mlp.down_proj", &[8, 12]),
        ];
        shapes.map(|(name, shape)| (format!("model.layers.{layer}.{name}.weight"), shape.to_vec()))
    };
    let ends = [("model.embed_tokens.weight".to_string(), vec![9, 8]), ("model.norm.weight".to_string(), vec![8])];
    layer(0).into_iter().chain(layer(1)).chain(ends).collect()
}

/// The files of a folder that is right.
fn originals() -> Vec<(&'static str, Vec<u8>)> {
    let config = json!({
        "architectures": ["Qwen3ForCausalLM"], "vocab_size": 9, "hidden_size": 8, "intermediate_size": 12,
        "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 4, "rms_norm_eps": 1e-6,
        "max_position_embeddings": 16, "tie_word_embeddings": true, "rope_scaling": {"rope_type": "llama3", "factor": 8.0,
        "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8}
    });
    let (mut map, mut header, mut length) = (serde_json::Map::new(), serde_json::Map::new(), 0);
    for (name, shape) in tensors() {
        let end = length + 2 * shape.iter().product::<usize>();
        header.insert(name.clone(), json!({"dtype": "BF16", "shape": shape, "data_offsets": [length, end]}));
        map.insert(name, json!("model-00001-of-00001.safetensors"));
        length = end;
    }
    let header = Value::Object(header).to_string();
    let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; length]].concat();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "\\s+|(?=[A-Z])"}, "behavior": "Removed", "invert": false},
        "post_processor": null, "decoder": null,
        "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "<0x41>": 3}, "merges": [["a", "b"]], "unk_token": "a"}
    });
    vec![
        ("config.json", config.to_string().into_bytes()),
        ("model.safetensors.index.json", json!({ "weight_map": map }).to_string().into_bytes()),
        ("model-00001-of-00001.safetensors", file),
        ("tokenizer.json", tokenizer.to_string().into_bytes()),
    ]
}

/// Reads all that a folder has; whether all of it was right.
fn read(folder: &Path) -> bool {
    let model = open(folder, 3).map(|model| model.graph.parameters().iter().all(|p| model.parameter(&p.name).is_ok()));
    let tokens = Tokenizer::open(folder).and_then(|t| t.decode(&t.encode("Ab ab\u{e9}")?));
    LanguageModel::read(folder).is_ok() && model.unwrap_or(false) && tokens.is_ok()
}

#[test]
fn no_changed_folder_makes_a_reader_panic_or_use_more_memory_than_its_files_pay_for() {
    /// Graph, header and tokenizer of such a folder, and tables of rules that the tokenizer compiles.
    const ALLOWED: usize = 1 << 21;
    /// Changes of each file.
    const ROUNDS: u64 = 400;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    originals().iter().for_each(|(name, bytes)| write(name, bytes));
    assert!(read(folder.path()), "the folder is right before it is changed");
    let mut refused = 0;
    for (case, (name, original)) in originals().into_iter().enumerate() {
        for round in 0..ROUNDS {
            let mut random = Stream::new(7, "untrusted models", &[case as u64, round]);
            let mut bytes = original.clone();
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len() as u64) as usize;
                match random.below(5) {
                    0 => bytes[at] = 0xff,
                    1 => bytes[at] = random.u32() as u8,
                    2 => bytes.truncate(at.max(1)),
                    3 => bytes.insert(at, b'0' + random.below(10) as u8),
                    _ => bytes.insert(at, random.u32() as u8),
                }
            }
            write(name, &bytes);
            let before = IN_USE.load(Ordering::Relaxed);
            MOST.store(before, Ordering::Relaxed);
            refused += usize::from(!read(folder.path()));
            let most = MOST.load(Ordering::Relaxed) - before;
            assert!(most <= ALLOWED, "{name}, round {round}: {most} bytes");
        }
        write(name, &original);
    }
    assert!(refused > 2 * ROUNDS as usize, "{refused} of {} changes are seen", 4 * ROUNDS);
}
