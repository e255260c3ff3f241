//! Tests of packages of ggml types, on a small Llama.

use std::fs;

use serde_json::{Value, json};

use super::*;
use crate::export::gguf::files::FILE;
use crate::export::gguf::names::{self, reorder, rotated_rows};
use crate::export::gguf::test_folders::{config, tokenizer, values, write as write_folder};
use crate::export::gguf::test_reader::{Content, read};
use crate::export::gguf::{dequantize, squared_error};
use crate::graph::Values;
use GgmlType::{F32, Q2K, Q4_0, Q8_0};

struct Case {
    folder: tempfile::TempDir,
    values: Values,
    choices: BTreeMap<String, GgmlType>,
}

impl Case {
    /// Layers with rows of 256 as `wide`, others as `narrow`.
    fn new(config: &Value, narrow: GgmlType, wide: GgmlType, tied: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        let parameters = llama::parameters(&llama::read(folder.path()).unwrap()).unwrap();
        let values = values(&parameters, tied);
        write_folder(folder.path(), config, &tokenizer(), &values);
        let weights = parameters.iter().filter(|p| p.role == Role::Weight);
        let choice = |p: &Parameter| (layer_of(p).to_string(), if p.shape[1] == 256 { wide } else { narrow });
        let choices = weights.map(choice).collect();
        Self { folder, values, choices }
    }

    fn write(&self) -> Result<Package> {
        let weights = Weights::new("the test", self.values.clone());
        write(&GgmlPlan { name: "p", folder: self.folder.path(), choices: &self.choices, weights: &weights })
    }

    fn content(&self) -> (Package, Content) {
        let package = self.write().unwrap();
        let content = read(&package.files[FILE]);
        (package, content)
    }
}

#[test]
fn every_tensor_is_the_folders_in_llama_cpps_order_and_every_byte_is_accounted_for() {
    let case = Case::new(&config(), Q8_0, Q2K, false);
    let (package, content) = case.content();
    assert_eq!(content.tensors.len(), 2 * 9 + 3);
    let accounted: u64 = package.tensors.iter().map(|t| t.bytes).sum();
    assert!(accounted <= package.files[FILE].len() as u64);
    for (name, (shape, values)) in &case.values {
        let tensor = &content.tensors[&names::tensor_name(name).unwrap()];
        assert_eq!(&tensor.shape, shape, "{name}");
        let own = [("q_proj", 4), ("k_proj", 2)].into_iter().find(|(layer, _)| name.contains(layer));
        let values = match own {
            Some((_, heads)) => reorder(values, 64, &rotated_rows(16 * heads, heads)),
            None => values.clone(),
        };
        let layer = name.rsplit_once('.').unwrap().0;
        let ggml = case.choices.get(layer).copied().unwrap_or(F32);
        assert_eq!(tensor.ggml, ggml.number());
        let found = dequantize(&tensor.bytes, shape, ggml).unwrap();
        let error: f64 = found.iter().zip(&values).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
        let expected = squared_error(&values, shape, ggml).unwrap();
        assert!((error - expected).abs() <= 1e-9 * expected, "{name}: {error} {expected}");
        if case.choices.contains_key(layer) {
            assert_eq!(package.weight_bytes(layer), ggml.bytes(shape).unwrap());
            assert_eq!(package.weight_bytes(layer), tensor.bytes.len() as u64);
        }
    }
    assert_eq!(content.text("general.architecture"), "llama");
    assert_eq!(content.text("general.name"), "p");
    assert_eq!(content.number("general.file_type"), 7.0, "mostly q8_0");
    assert_eq!(content.number("llama.attention.head_count_kv"), 2.0);
    assert_eq!(content.number("llama.context_length"), 32.0);
    assert_eq!(content.number("llama.feed_forward_length"), 256.0);
    assert_eq!(content.number("tokenizer.ggml.eos_token_id"), 2.0);
    let lines = String::from_utf8(package.files["tensor-types.txt"].clone()).unwrap();
    assert_eq!(lines.lines().count(), case.choices.len());
    assert!(lines.contains("^blk\\.1\\.ffn_down\\.weight$=q2_k\n"), "{lines}");
}

#[test]
fn a_tied_table_is_stored_once_unless_its_two_layers_differ() {
    let mut case = Case::new(&config(), Q8_0, F32, true);
    let (package, content) = case.content();
    assert!(!content.tensors.contains_key("output.weight"));
    assert_eq!(package.weight_bytes(HEAD), 0);
    assert_eq!(package.weight_bytes(TABLE), Q8_0.bytes(&[272, 64]).unwrap());
    assert!(package.notes.iter().any(|note| note.contains("serves both")), "{:?}", package.notes);
    case.choices.insert(HEAD.into(), Q4_0);
    let (package, content) = case.content();
    assert_eq!(content.tensors["output.weight"].ggml, Q4_0.number());
    assert_eq!(package.weight_bytes(HEAD), Q4_0.bytes(&[272, 64]).unwrap());
    // Trained apart: the same type, other values.
    let (_, content) = Case::new(&config(), Q8_0, F32, false).content();
    assert_ne!(content.tensors["output.weight"].bytes, content.tensors["token_embd.weight"].bytes);
}

#[test]
fn llama_3_has_its_frequencies_and_floats_need_no_file_of_types() {
    let mut config = config();
    config["rope_scaling"] = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 64});
    let (package, content) = Case::new(&config, F32, F32, true).content();
    assert_eq!(content.tensors["rope_freqs.weight"].shape, [8]);
    assert!(!package.files.contains_key("tensor-types.txt"));
}

#[test]
fn the_other_decoders_have_their_own_keys_and_keep_the_order_of_rows() {
    for (name, prefix, norms) in [("Qwen2", "qwen2", 0), ("Qwen3", "qwen3", 4)] {
        let mut config = config();
        config["architectures"] = json!([format!("{name}ForCausalLM")]);
        config["head_dim"] = json!(16);
        let case = Case::new(&config, F32, F32, true);
        let (_, content) = case.content();
        assert_eq!(content.number(&format!("{prefix}.block_count")), 2.0);
        let norm = |name: &&String| name.contains("q_norm") || name.contains("k_norm");
        assert_eq!(content.tensors.keys().filter(norm).count(), norms);
        assert_eq!(content.tensors.contains_key("blk.0.attn_q.bias"), name == "Qwen2");
        let (_, values) = &case.values["model.layers.0.self_attn.q_proj.weight"];
        assert_eq!(&dequantize(&content.tensors["blk.0.attn_q.weight"].bytes, &[64, 64], F32).unwrap(), values);
    }
}

#[test]
fn wrong_plans_and_folders_are_refused() {
    let refusal = |change: &dyn Fn(&mut Case)| {
        let mut case = Case::new(&config(), Q8_0, Q2K, true);
        change(&mut case);
        case.write().unwrap_err().to_string()
    };
    type Change<'a> = &'a dyn Fn(&mut Case);
    let cases: [(Change<'_>, &str); 6] = [
        (&|c| assert!(c.choices.remove(HEAD).is_some()), "no choice for layer `lm_head`"),
        (&|c| assert!(c.choices.insert("conv1".into(), Q8_0).is_none()), "the layer `conv1`"),
        (&|c| assert!(c.choices.insert(HEAD.into(), Q2K).is_some()), "q8_0"),
        (&|c| drop(c.values.remove("model.norm.weight")), "model.norm.weight"),
        (&|c| fs::remove_file(c.folder.path().join("tokenizer.json")).unwrap(), "save_pretrained"),
        (&|c| fs::remove_file(c.folder.path().join("config.json")).unwrap(), "config.json"),
    ];
    for (change, part) in cases {
        let message = refusal(change);
        assert!(message.contains(part), "{message}");
    }
    let huge = refusal(&|c| c.values.get_mut("lm_head.weight").unwrap().1[5] = 1e30);
    assert!(huge.contains("lm_head") && huge.contains("1e30"), "{huge}");
}
