//! The whole program on a folder of a tiny Llama with given (random) weights and a tokenizer, and two texts.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bitplan::numeric::rng::Stream;
use bitplan::store::{Array, TensorFile};
use serde_json::{Value, json};

const WORDS: [&str; 11] = ["<unk>", "<s>", "the", "cat", "dog", "sat", "ran", "on", "to", "mat", "."];
const HIDDEN: usize = 8;
const WIDE: usize = 12;

/// A model folder as transformers writes it: configuration, tensors, a tokenizer of whole words with `<s>` in front.
fn write_model(folder: &Path) {
    let config = json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": WORDS.len(), "hidden_size": HIDDEN,
        "intermediate_size": WIDE, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
        "max_position_embeddings": 32, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu",
        "tie_word_embeddings": true
    });
    std::fs::create_dir(folder).unwrap();
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let vocabulary: serde_json::Map<String, Value> =
        WORDS.iter().enumerate().map(|(i, word)| (word.to_string(), json!(i))).collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "decoder": null,
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}
        },
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"}
    });
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let mut tensors = vec![("model.embed_tokens.weight".to_string(), vec![WORDS.len(), HIDDEN])];
    for layer in 0..2 {
        let name = |what: &str| format!("model.layers.{layer}.{what}.weight");
        for what in ["q", "k", "v", "o"] {
            tensors.push((name(&format!("self_attn.{what}_proj")), vec![HIDDEN, HIDDEN]));
        }
        tensors.extend(["gate", "up"].map(|what| (name(&format!("mlp.{what}_proj")), vec![WIDE, HIDDEN])));
        tensors.push((name("mlp.down_proj"), vec![HIDDEN, WIDE]));
        tensors.extend(["input_layernorm", "post_attention_layernorm"].map(|what| (name(what), vec![HIDDEN])));
    }
    tensors.push(("model.norm.weight".into(), vec![HIDDEN]));
    let mut file = TensorFile::new(&json!({})).unwrap();
    for (i, (name, shape)) in tensors.into_iter().enumerate() {
        let mut stream = Stream::new(7, "tiny", &[i as u64]);
        let norm = shape.len() == 1;
        let value = |_| if norm { 1.0 } else { 0.3 * stream.normal() as f32 };
        let values = (0..shape.iter().product()).map(value).collect();
        file.arrays.insert(name, Array::F32(shape, values));
    }
    file.write(&folder.join("model.safetensors")).unwrap();
}

/// The same sentences over and over, with a blank line behind each.
fn text(sentences: usize) -> String {
    let lines = ["the cat sat on the mat .", "the dog ran to the cat .", "the cat ran ."];
    (0..sentences).map(|i| format!("{}\n\n", lines[i % 3])).collect()
}

/// A search space in `folder`; `data` are keys of both texts.
fn space(folder: &Path, name: &str, data: &str) -> PathBuf {
    let text = format!(
        "format: bitplan.space/1
name: tiny
model: {{file: model, extents: {{positions: 6}}}}
data:
  train: {{text: {{file: train.txt{data}}}}}
  test: {{text: {{file: test.txt{data}}}}}
search: {{candidates: [w8a8, w4a8], pins: {{lm_head: w8a8}}}}
sensitivity: {{images: 8, batch_size: 4, min_probes: 2, max_probes: 2, measured_images: 6}}
training:
  multi_precision: {{epochs: 1, batch_size: 8}}
  mixed_precision: {{epochs: 1, batch_size: 8}}
evaluation: {{batch_size: 4}}
plans: [{{name: small, budgets: {{weight_bytes: 75%}}}}]
"
    );
    let path = folder.join(format!("{name}.yaml"));
    std::fs::write(&path, text).unwrap();
    path
}

fn bitplan(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bitplan")).args(arguments).output().unwrap()
}

fn succeed(arguments: &[&str]) -> Vec<u8> {
    let output = bitplan(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn message(space: &Path) -> String {
    let output = bitplan(&["check", space.to_str().unwrap()]);
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

fn study() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_model(&folder.path().join("model"));
    std::fs::write(folder.path().join("train.txt"), text(60)).unwrap();
    std::fs::write(folder.path().join("test.txt"), text(30)).unwrap();
    folder
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_language_model_goes_through_the_whole_program() {
    let folder = study();
    let (space, out) = (space(folder.path(), "windows", ""), folder.path().join("out"));
    let (space, out_text) = (space.to_str().unwrap(), out.to_str().unwrap());
    succeed(&["run", space, "--out", out_text]);
    let rows = json_of(&out.join("evaluation.json"))["rows"].clone();
    // Thirty sentences of 7, 7 and 4 words.
    let windows = 10 * (7 + 7 + 4) / 6;
    for row in rows.as_array().unwrap() {
        let evaluation = &row["evaluation"];
        assert_eq!((&evaluation["images"], &evaluation["predictions"]), (&json!(windows), &json!(6 * windows)));
        assert!(evaluation["loss"].as_f64().unwrap() > 0.0);
    }
    let report = std::fs::read_to_string(out.join("report.txt")).unwrap();
    assert!(report.contains("perplexity") && report.contains("next-token accuracy"), "{report}");
    assert!(
        report.contains(&format!("{windows} held-out windows of text, {} predicted tokens", 6 * windows)),
        "{report}"
    );

    // The packed weights of the plan, evaluated on their own, are what the report says.
    let plan = out.join("plan.json");
    let alone: Value = serde_json::from_slice(&succeed(&["--json", "eval", plan.to_str().unwrap()])).unwrap();
    let of_report = rows.as_array().unwrap().iter().find(|row| row["name"] == "small").unwrap()["evaluation"].clone();
    assert_eq!((&alone["loss"], &alone["correct"]), (&of_report["loss"], &of_report["correct"]));
    let perplexity = alone["perplexity"].as_f64().unwrap();
    assert!((perplexity.ln() - alone["loss"].as_f64().unwrap()).abs() < 1e-12);
    let shown = String::from_utf8(succeed(&["eval", plan.to_str().unwrap()])).unwrap();
    assert!(shown.starts_with(&format!("perplexity {perplexity:.3}, next-token accuracy")), "{shown}");
}

#[test]
fn documents_are_evaluated_by_their_own_tokens() {
    let folder = study();
    let checked =
        succeed(&["--json", "check", space(folder.path(), "documents", ", documents: true").to_str().unwrap()]);
    let checked: Value = serde_json::from_slice(&checked).unwrap();
    assert_eq!((&checked["train_images"], &checked["test_images"]), (&json!(60), &json!(30)));
}

#[test]
fn data_that_does_not_suit_a_language_model_is_refused() {
    let folder = study();
    let of = |name: &str, data: &str| message(&space(folder.path(), name, data));
    assert!(of("unknown", ", words: true").contains("words"));
    assert!(of("elsewhere", ", tokenizer: nowhere").contains("no such file"));
    let windows = space(folder.path(), "windows", "");
    let changed = |name: &str, from: &str, to: &str| {
        let path = folder.path().join(name);
        let text = std::fs::read_to_string(&windows).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
        message(&path)
    };
    let images = changed("images.yaml", "test: {text: {file: test.txt}}", "test: {npy: {images: a, labels: b}}");
    assert!(images.contains("found images, expected a text"), "{images}");
    std::fs::write(&windows, std::fs::read_to_string(&windows).unwrap().replace(", pins: {lm_head: w8a8}", ""))
        .unwrap();
    let zoo = "model: {zoo: resnet8, input: [1, 8, 8], classes: 10}";
    let text = changed("text.yaml", "model: {file: model, extents: {positions: 6}}", zoo);
    assert!(text.contains("found a text, expected images"), "{text}");
    let long = changed("long.yaml", "positions: 6", "positions: 1000");
    assert!(long.contains("for one window") || long.contains("32"), "{long}");
    let normal = changed("normal.yaml", "search:", "  normalization: {mean: [0.5], std: [0.5]}\nsearch:");
    assert!(normal.contains("numbers for a text"), "{normal}");
    let crop = changed("crop.yaml", "search:", "  augmentation: {flip: true}\nsearch:");
    assert!(crop.contains("augmentation"), "{crop}");
    // A token that the network has no row for.
    let path = folder.path().join("model/tokenizer.json");
    let tokenizer = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, tokenizer.replace("\"mat\":9", "\"mat\":11")).unwrap();
    assert!(message(&windows).contains("found token 11, expected a token below 11"), "{}", message(&windows));
}
