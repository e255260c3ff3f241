//! The whole program on a folder of a tiny Llama with given (random) weights and a tokenizer, and two texts.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use bitplan::numeric::rng::Stream;
use bitplan::store::{Array, TensorFile};
use serde_json::{Value, json};

const WORDS: [&str; 11] = ["<unk>", "<s>", "the", "cat", "dog", "sat", "ran", "on", "to", "mat", "."];
const HIDDEN: usize = 16;
const WIDE: usize = 32;

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

/// The search space with other candidates, groups of 16 weights and two plans. Rows of `down_proj` have two groups, others one.
fn grouped(folder: &Path, name: &str, candidates: &str, group_size: usize) -> PathBuf {
    let path = space(folder, name, "");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text
        .replace(
            "[w8a8, w4a8], pins: {lm_head: w8a8}}",
            &format!("[{candidates}]}}\nquantizer: {{group_size: {group_size}}}"),
        )
        .replace(
            "budgets: {weight_bytes: 75%}}]",
            "budgets: {weight_bytes: 75%}}, {name: tiny, budgets: {model_bytes: 75%}}]",
        );
    std::fs::write(&path, text).unwrap();
    path
}

/// Weight-only candidates alone and beside others, in groups: sensitivities, bytes and values of what is written, a resumed
/// run and the switch.
#[test]
fn weight_only_candidates_in_groups_go_through_the_whole_program() {
    let folder = study();
    for (name, candidates) in [("alone", "w8a16, w3a16"), ("beside", "w8a8, w4a16")] {
        let space = grouped(folder.path(), name, candidates, 16);
        let out = folder.path().join(format!("out-{name}"));
        let arguments = ["run", space.to_str().unwrap(), "--out", out.to_str().unwrap()];
        // Killed while it trains, then resumed: the same bytes as at one go.
        let again = folder.path().join(format!("again-{name}"));
        let killed = ["run", space.to_str().unwrap(), "--out", again.to_str().unwrap()];
        let mut child = Command::new(env!("CARGO_BIN_EXE_bitplan")).args(killed).stderr(Stdio::null()).spawn().unwrap();
        while !again.join("multi_precision.safetensors").exists() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        succeed(&arguments);
        succeed(&killed);
        let read = |folder: &Path, file: &str| std::fs::read(folder.join(file)).unwrap();
        for file in ["sensitivity.json", "master.safetensors", "weights.safetensors", "evaluation.json"] {
            assert!(read(&out, file) == read(&again, file), "{name}: {file}");
        }

        let report = json_of(&out.join("sensitivity.json"));
        for layer in report["layers"].as_array().unwrap() {
            for candidate in layer["candidates"].as_array().unwrap() {
                let quantized = candidate["candidate"] == "w8a8" && layer["name"] != "model.embed_tokens";
                assert_eq!(candidate["input_error"].as_f64().unwrap() > 0.0, quantized, "{layer}");
                assert_eq!(candidate["divergence"].is_null(), !quantized, "{layer}");
                assert!(candidate["perturbation"].as_f64().unwrap() > 0.0, "{layer}");
            }
        }

        // Planned for a tool: every byte of every tensor in the exported folder.
        let (plan, folder) = (folder.path().join(format!("{name}.json")), folder.path().join(format!("folder-{name}")));
        let [space, out_text, plan_text] = [&space, &out, &plan].map(|path| path.to_str().unwrap());
        let target = ["--for", "compressed-tensors", "--budget", "model_bytes=100%", "-o", plan_text];
        succeed(&[&["plan", space, "--out", out_text][..], &target].concat());
        let target = ["--to", "compressed-tensors", "--run", out_text, "-o", folder.to_str().unwrap(), "--json"];
        let manifest: Value =
            serde_json::from_slice(&succeed(&[&["export", plan_text][..], &target].concat())).unwrap();
        let written: u64 = manifest["tensors"].as_array().unwrap().iter().map(|t| t["bytes"].as_u64().unwrap()).sum();
        assert_eq!(json_of(&plan)["budgets"][0]["used"].as_f64(), Some(written as f64), "{name}");

        let master = TensorFile::read(&out.join("master.safetensors")).unwrap();
        assert!(master.arrays.keys().all(|tensor| !tensor.ends_with("activation_scale.a16")));
        assert_eq!(master.arrays.keys().any(|tensor| tensor.ends_with("activation_scale.a8")), name == "beside");
        for (plan, weights) in [("plan", "weights"), ("plan-tiny", "weights-tiny")] {
            let file = TensorFile::read(&out.join(format!("{weights}.safetensors"))).unwrap();
            let plan = json_of(&out.join(format!("{plan}.json")));
            let layers = plan["layers"].as_array().unwrap();
            let bytes: f64 = layers.iter().map(|l| l["cost"]["model_bytes"].as_f64().unwrap()).sum();
            let written: usize = file.arrays.values().map(|array| array.bytes()).sum();
            assert_eq!(bytes, written as f64, "{name}");
            for layer in layers {
                let (layer, candidate) = (layer["name"].as_str().unwrap(), layer["candidate"].as_str().unwrap());
                let rows = if layer.ends_with("down_proj") { vec![HIDDEN, 2] } else { vec![rows_of(layer)] };
                assert_eq!(file.arrays[&format!("{layer}.scale")].shape(), rows, "{layer}");
                let scaled = file.arrays.contains_key(&format!("{layer}.activation_scale"));
                assert_eq!(scaled, candidate == "w8a8" && layer != "model.embed_tokens", "{layer}");
            }
        }
        let rows = json_of(&out.join("evaluation.json"))["rows"].clone();
        for plan in rows.as_array().unwrap().iter().filter(|row| row["kind"] == "plan") {
            assert_eq!(plan["packed_difference"], 0.0);
        }
        let [master, switched] = ["master.safetensors", "switched.safetensors"].map(|file| out.join(file));
        let plan = out.join("plan.json");
        let [master, plan, file] = [&master, &plan, &switched].map(|path| path.to_str().unwrap());
        succeed(&["switch", master, "--plan", plan, "-o", file]);
        let arrays = |path: &Path| TensorFile::read(path).unwrap().arrays;
        assert!(arrays(&switched) == arrays(&out.join("weights.safetensors")), "{name}");
    }
}

fn rows_of(layer: &str) -> usize {
    match layer.rsplit('.').next().unwrap() {
        "embed_tokens" | "lm_head" => WORDS.len(),
        "gate_proj" | "up_proj" => WIDE,
        _ => HIDDEN,
    }
}

#[test]
fn rows_that_groups_do_not_divide_are_refused_before_any_work() {
    let folder = study();
    let text = message(&grouped(folder.path(), "wide", "w4a16", 32));
    assert!(text.contains("layer `model.embed_tokens`: found rows of 16 weights, expected a multiple of 32"), "{text}");
    assert!(text.contains("pin the layer to `fp32`"), "{text}");
    let text = message(&grouped(folder.path(), "odd", "w4a16", 24));
    assert!(
        text.contains("odd.yaml") && text.contains("found `24`, expected a power of two from 16 to 1024"),
        "{text}"
    );
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
