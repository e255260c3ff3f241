//! Tests of configurations: those of published models, with the numbers of parameters that their cards state, and wrong
//! ones.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{LanguageModel, Nonlinearity};
use crate::graph::Activation;
use crate::hugging_face::test_folders::{changed, model, tensors_of, tiny_bert, tiny_llama};

fn smollm_135m() -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 0,
        "eos_token_id": 0, "hidden_act": "silu", "hidden_size": 576, "initializer_range": 0.02,
        "intermediate_size": 1536, "max_position_embeddings": 2048, "model_type": "llama", "num_attention_heads": 9,
        "num_hidden_layers": 30, "num_key_value_heads": 3, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
        "rope_scaling": null, "rope_theta": 10000.0, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
        "use_cache": true, "vocab_size": 49152
    })
}

fn tinyllama() -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"], "attention_bias": false, "bos_token_id": 1, "eos_token_id": 2,
        "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02, "intermediate_size": 5632,
        "max_position_embeddings": 2048, "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 22,
        "num_key_value_heads": 4, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": null,
        "rope_theta": 10000.0, "tie_word_embeddings": false, "torch_dtype": "bfloat16", "vocab_size": 32000
    })
}

fn qwen2_500m() -> Value {
    json!({
        "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643, "hidden_act": "silu",
        "hidden_size": 896, "intermediate_size": 4864, "max_position_embeddings": 32768, "max_window_layers": 24,
        "model_type": "qwen2", "num_attention_heads": 14, "num_hidden_layers": 24, "num_key_value_heads": 2,
        "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768, "tie_word_embeddings": true,
        "torch_dtype": "bfloat16", "use_mrope": false, "use_sliding_window": false, "vocab_size": 151936
    })
}

fn qwen3_600m() -> Value {
    json!({
        "architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "head_dim": 128,
        "hidden_act": "silu", "hidden_size": 1024, "intermediate_size": 3072, "max_position_embeddings": 40960,
        "max_window_layers": 28, "model_type": "qwen3", "num_attention_heads": 16, "num_hidden_layers": 28,
        "num_key_value_heads": 8, "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 1000000,
        "sliding_window": null, "tie_word_embeddings": true, "use_sliding_window": false, "vocab_size": 151936
    })
}

fn minilm_l6() -> Value {
    json!({
        "_name_or_path": "nreimers/MiniLM-L6-H384-uncased", "architectures": ["BertModel"],
        "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu", "hidden_size": 384, "intermediate_size": 1536,
        "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "model_type": "bert", "num_attention_heads": 12,
        "num_hidden_layers": 6, "pad_token_id": 0, "position_embedding_type": "absolute", "type_vocab_size": 2,
        "vocab_size": 30522
    })
}

/// Numbers in the files that a model needs.
fn count(config: &Value) -> usize {
    tensors_of(config).iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
}

#[test]
fn published_models_have_the_numbers_of_parameters_that_their_cards_state() {
    assert_eq!(count(&smollm_135m()), 134_515_008);
    assert_eq!(count(&tinyllama()), 1_100_048_384);
    assert_eq!(count(&qwen2_500m()), 494_032_768);
    assert_eq!(count(&qwen3_600m()), 596_049_920);
    // The card counts the pooler, 384 · 384 + 384.
    assert_eq!(count(&minilm_l6()) + 147_840, 22_713_216);
}

#[test]
fn bert_base_and_its_relatives_have_the_published_sizes() {
    let base = json!({"architectures": ["BertModel"], "vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "intermediate_size": 3072, "max_position_embeddings": 512});
    // bert-base-uncased has 109,482,240 with its pooler of 768 · 768 + 768.
    assert_eq!(count(&base) + 590_592, 109_482_240);
    let roberta = json!({"architectures": ["RobertaModel"], "vocab_size": 50265, "max_position_embeddings": 514,
        "type_vocab_size": 1});
    assert_eq!(count(&changed(&base, &roberta)) + 590_592, 124_645_632);
    let distilbert = json!({"model_type": "distilbert", "vocab_size": 30522, "dim": 768, "n_layers": 6, "n_heads": 12,
        "hidden_dim": 3072, "max_position_embeddings": 512, "activation": "gelu"});
    assert_eq!(count(&distilbert), 66_362_880);
}

#[test]
fn parameters_have_the_names_of_the_checkpoint() {
    let names = |config: &Value| tensors_of(config).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let layer = |inner: &[&str]| inner.iter().map(|name| format!("model.layers.1.{name}")).collect::<Vec<_>>();
    let qwen2 = names(&changed(&tiny_llama(), &json!({"architectures": ["Qwen2ForCausalLM"]})));
    for name in
        layer(&["self_attn.q_proj.weight", "self_attn.k_proj.bias", "self_attn.v_proj.bias", "mlp.up_proj.weight"])
    {
        assert!(qwen2.contains(&name), "{name}");
    }
    assert!(!qwen2.contains(&"model.layers.1.self_attn.o_proj.bias".into()));
    assert!(!qwen2.contains(&"lm_head.weight".into()), "tied");
    let qwen3 = json!({"architectures": ["Qwen3ForCausalLM"], "head_dim": 4, "tie_word_embeddings": false});
    let qwen3 = names(&changed(&tiny_llama(), &qwen3));
    for name in layer(&["self_attn.q_norm.weight", "self_attn.k_norm.weight", "post_attention_layernorm.weight"]) {
        assert!(qwen3.contains(&name), "{name}");
    }
    assert!(qwen3.contains(&"lm_head.weight".into()) && qwen3.contains(&"model.norm.weight".into()));
    let biased = json!({"architectures": ["LlamaModel"], "attention_bias": true, "mlp_bias": true});
    let biased = names(&changed(&tiny_llama(), &biased));
    for name in ["self_attn.o_proj.bias", "mlp.gate_proj.bias", "mlp.down_proj.bias", "input_layernorm.weight"] {
        assert!(biased.contains(&format!("layers.0.{name}")), "{name}");
    }
    assert!(biased.contains(&"embed_tokens.weight".into()) && !biased.contains(&"lm_head.weight".into()));
    let masked = names(&changed(&tiny_bert(), &json!({"architectures": ["BertForMaskedLM"]})));
    for name in ["embeddings.token_type_embeddings.weight", "encoder.layer.1.attention.self.query.bias"] {
        assert!(masked.contains(&format!("bert.{name}")), "{name}");
    }
}

#[test]
fn architectures_are_known_by_name_or_by_kind() {
    let kinds = [("llama", true), ("mistral", true), ("qwen2", true), ("qwen3", true), ("bert", false)];
    for (kind, decoder) in kinds {
        let base = if decoder { tiny_llama() } else { tiny_bert() };
        let config = changed(&base, &json!({"architectures": null, "model_type": kind, "head_dim": 4}));
        assert_eq!(matches!(model(&config).unwrap(), LanguageModel::Llama(_)), decoder, "{kind}");
    }
    for (change, expected) in [
        (json!({"architectures": ["GPT2LMHeadModel"]}), "`GPT2LMHeadModel` is not supported"),
        (json!({"architectures": ["LlamaForSequenceClassification"]}), "LlamaForCausalLM"),
        (json!({"architectures": null, "model_type": "gpt2"}), "llama"),
        (json!({"architectures": [], "model_type": ""}), "`model_type`"),
        (json!({"architectures": null, "model_type": null}), "`model_type`: found nothing"),
        (json!({"architectures": "LlamaModel"}), "`architectures`: found `LlamaModel`"),
        (json!({"architectures": [3]}), "a list of texts"),
    ] {
        let message = model(&changed(&tiny_llama(), &change)).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn wrong_values_are_refused_with_their_key() {
    let wrong = [json!(null), json!(0), json!(-1), json!("8"), json!(8.5), json!(u64::MAX), json!([8]), json!(true)];
    let numbers = ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"];
    for base in [tiny_llama(), tiny_bert()] {
        for key in numbers.into_iter().chain(["max_position_embeddings"]) {
            for value in &wrong {
                let message = model(&changed(&base, &json!({ key: value }))).unwrap_err().to_string();
                assert!(message.starts_with(&format!("config.json: `{key}`: found")), "{key} {value}: {message}");
            }
        }
    }
    let llama = [
        ("vocab_size", json!((1 << 24) + 1)),
        ("hidden_size", json!(65_537)),
        ("num_hidden_layers", json!(1025)),
        ("num_attention_heads", json!(1025)),
        ("num_key_value_heads", json!(3)),
        ("num_key_value_heads", json!(8)),
        ("num_key_value_heads", json!(0)),
        ("head_dim", json!(3)),
        ("head_dim", json!(0)),
        ("head_dim", json!(1026)),
        ("rms_norm_eps", json!(-1e-5)),
        ("rms_norm_eps", json!("1e-5")),
        ("hidden_act", json!("xielu")),
        ("hidden_act", json!(1)),
        ("tie_word_embeddings", json!("yes")),
        ("attention_bias", json!(1)),
        ("quantization_config", json!({"quant_method": "gptq"})),
    ];
    let bert = [
        ("num_attention_heads", json!(3)),
        ("position_embedding_type", json!("relative_key")),
        ("is_decoder", json!(true)),
        ("add_cross_attention", json!(true)),
        ("type_vocab_size", json!(0)),
        ("layer_norm_eps", json!(2)),
        ("hidden_act", json!("gelu_7")),
    ];
    let cases = llama.into_iter().map(|case| (tiny_llama(), case));
    for (base, (key, value)) in cases.chain(bert.into_iter().map(|case| (tiny_bert(), case))) {
        let message = model(&changed(&base, &json!({ key: value }))).unwrap_err().to_string();
        assert!(message.starts_with(&format!("config.json: `{key}`: found")), "{key} {value}: {message}");
    }
    let odd = changed(&tiny_llama(), &json!({"hidden_size": 10, "num_attention_heads": 4}));
    assert!(model(&odd).unwrap_err().to_string().contains("`head_dim`"));
    let mistral = changed(&tiny_llama(), &json!({"architectures": ["MistralModel"], "num_key_value_heads": null}));
    assert!(model(&mistral).unwrap_err().to_string().contains("`num_key_value_heads`"), "its default is not Llama's");
}

#[test]
fn a_window_counts_where_it_is_used() {
    let context = |changes: Value| model(&changed(&tiny_llama(), &changes)).unwrap().context();
    assert_eq!(context(json!({"sliding_window": 8})), 32, "Llama has none");
    assert_eq!(context(json!({"architectures": ["MistralForCausalLM"], "sliding_window": 8})), 8);
    assert_eq!(context(json!({"architectures": ["MistralForCausalLM"], "sliding_window": null})), 32);
    let qwen = |changes: Value| {
        let on = json!({"architectures": ["Qwen2ForCausalLM"], "sliding_window": 8, "use_sliding_window": true});
        model(&changed(&changed(&tiny_llama(), &on), &changes)).unwrap().context()
    };
    assert_eq!(qwen(json!({})), 8);
    assert_eq!(qwen(json!({"use_sliding_window": false})), 32);
    assert_eq!((qwen(json!({"max_window_layers": 2})), qwen(json!({"max_window_layers": 1}))), (32, 8));
    assert_eq!(qwen(json!({"layer_types": ["full_attention", "full_attention"]})), 32);
    assert_eq!(qwen(json!({"layer_types": ["full_attention", "sliding_attention"]})), 8);
    let mistral =
        model(&changed(&tiny_llama(), &json!({"architectures": ["MistralModel"], "sliding_window": 8}))).unwrap();
    mistral.network(8).unwrap();
    for positions in [0, 9, usize::MAX] {
        assert!(mistral.network(positions).unwrap_err().to_string().contains("1 to 8"));
    }
}

#[test]
fn roberta_counts_positions_from_behind_its_padding() {
    let change = json!({"architectures": ["XLMRobertaModel"], "pad_token_id": 3});
    let LanguageModel::Bert(bert) = model(&changed(&tiny_bert(), &change)).unwrap() else { panic!("no encoder") };
    assert_eq!((bert.first_position, bert.context()), (4, 12));
    let change = json!({"architectures": ["RobertaModel"], "pad_token_id": 15});
    assert!(model(&changed(&tiny_bert(), &change)).unwrap_err().to_string().contains("`max_position_embeddings`"));
}

#[test]
fn activations_have_the_names_of_transformers() {
    for (name, expected) in [
        ("silu", Nonlinearity::Smooth(Activation::Silu)),
        ("gelu", Nonlinearity::Smooth(Activation::Gelu)),
        ("gelu_new", Nonlinearity::Smooth(Activation::GeluTanh)),
        ("relu", Nonlinearity::Relu),
    ] {
        let LanguageModel::Llama(llama) = model(&changed(&tiny_llama(), &json!({"hidden_act": name}))).unwrap() else {
            panic!("no decoder")
        };
        assert_eq!(llama.activation, expected);
    }
}

/// Values that somebody could write for any key.
fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|v| json!(v)),
        prop::sample::select(vec![0u64, 1, 2, 3, 4, 7, 8, 64, 1 << 10, 1 << 16, 1 << 24, 1 << 30, u64::MAX])
            .prop_map(|v| json!(v)),
        any::<f64>().prop_map(|v| json!(v)),
        any::<i64>().prop_map(|v| json!(v)),
        prop::sample::select(vec!["silu", "bert", "llama", "", "default", "BertModel"]).prop_map(|v| json!(v)),
        prop::collection::vec(prop::sample::select(vec!["BertModel", "Qwen3Model", "x"]), 0..3).prop_map(|v| json!(v)),
        Just(json!({"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
            "original_max_position_embeddings": 16})),
    ]
}

proptest! {
    #[test]
    fn any_configuration_is_refused_or_makes_a_graph(
        which in 0usize..4, changes in prop::collection::vec((0usize..40, any_value()), 1..4), positions in 1usize..5,
    ) {
        let base = [tiny_llama, tiny_bert, qwen3_600m, minilm_l6][which]();
        let mut config = base.clone();
        let keys: Vec<&String> = base.as_object().unwrap().keys().collect();
        for (key, value) in changes {
            let extra = ["head_dim", "rope_scaling", "sliding_window", "attention_bias", "rope_parameters"];
            let key = keys.get(key).map_or(extra[key % extra.len()], |key| key.as_str());
            config[key] = value;
        }
        if let Ok(model) = model(&config) && let Ok(network) = model.network(positions) {
            prop_assert!(network.graph.nodes().len() < 64 * 1030);
            prop_assert!(!network.graph.parameters().is_empty());
        }
    }

    #[test]
    fn damaged_configurations_are_refused_or_read_but_never_panic(at in 0usize..900, value: u8, cut in 0usize..900) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = tiny_llama().to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] = value;
        std::fs::write(folder.path().join("config.json"), &bytes).unwrap();
        let _ = LanguageModel::read(folder.path()).map(|model| model.network(2));
        bytes.truncate(cut);
        std::fs::write(folder.path().join("config.json"), &bytes).unwrap();
        let _ = LanguageModel::read(folder.path());
    }
}
