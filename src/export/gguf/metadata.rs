//! The metadata of a model: what llama.cpp builds the network from.

use crate::export::gguf::GgmlType;
use crate::export::gguf::container::{ALIGNMENT, Value};
use crate::export::gguf::llama::architecture;
use crate::export::gguf::vocabulary::{Kind, Vocabulary};
use crate::hugging_face::{Llama, RopeScaling};

/// Version of the quantised types' layout.
const QUANTIZATION_VERSION: u32 = 2;

/// All keys, in the order of llama.cpp's own converter.
pub(super) fn metadata(name: &str, model: &Llama, vocabulary: Vocabulary, mostly: GgmlType) -> Vec<(String, Value)> {
    let mut all = general(name, model, mostly);
    all.extend(network(model));
    all.extend(tokenizer(vocabulary));
    all
}

fn general(name: &str, model: &Llama, mostly: GgmlType) -> Vec<(String, Value)> {
    let key = |key: &str, value: Value| (format!("general.{key}"), value);
    vec![
        key("architecture", Value::Text(architecture(model.family).into())),
        key("type", Value::Text("model".into())),
        key("name", Value::Text(name.into())),
        key("alignment", Value::U32(ALIGNMENT as u32)),
        key("file_type", Value::U32(mostly.file_type())),
        key("quantization_version", Value::U32(QUANTIZATION_VERSION)),
    ]
}

fn network(model: &Llama) -> Vec<(String, Value)> {
    let prefix = architecture(model.family);
    let key = |key: &str, value: Value| (format!("{prefix}.{key}"), value);
    // Sizes are bounded by the reader of the configuration, far below 2³².
    let count = |name: &str, value: usize| key(name, Value::U32(value as u32));
    let mut all = vec![
        count("vocab_size", model.vocabulary),
        count("context_length", model.context()),
        count("embedding_length", model.hidden),
        count("block_count", model.layers),
        count("feed_forward_length", model.intermediate),
        count("attention.head_count", model.heads),
        count("attention.head_count_kv", model.key_value_heads),
        count("attention.key_length", model.head_size),
        count("attention.value_length", model.head_size),
        key("attention.layer_norm_rms_epsilon", Value::F32(model.epsilon as f32)),
        count("rope.dimension_count", model.head_size),
        key("rope.freq_base", Value::F32(model.rope.theta as f32)),
    ];
    if let RopeScaling::Linear { factor } = model.rope.scaling {
        all.push(key("rope.scaling.type", Value::Text("linear".into())));
        all.push(key("rope.scaling.factor", Value::F32(factor as f32)));
    }
    all
}

fn tokenizer(vocabulary: Vocabulary) -> Vec<(String, Value)> {
    let key = |key: &str, value: Value| (format!("tokenizer.{key}"), value);
    let mut all = vec![
        key("ggml.model", Value::Text(vocabulary.kind.model().into())),
        key("ggml.pre", Value::Text(vocabulary.kind.pre().into())),
        key("ggml.tokens", Value::Texts(vocabulary.tokens)),
        key("ggml.token_type", Value::I32s(vocabulary.types)),
    ];
    match vocabulary.kind {
        Kind::SentencePiece { scores, space_in_front } => {
            all.push(key("ggml.scores", Value::F32s(scores)));
            all.push(key("ggml.add_space_prefix", Value::Bool(space_in_front)));
        }
        Kind::ByteLevel { merges, .. } => all.push(key("ggml.merges", Value::Texts(merges))),
    }
    let special = vocabulary.special;
    let ids =
        [("bos", special.begin), ("eos", special.end), ("unknown", special.unknown), ("padding", special.padding)];
    all.extend(ids.into_iter().filter_map(|(name, id)| Some(key(&format!("ggml.{name}_token_id"), Value::U32(id?)))));
    all.push(key("ggml.add_bos_token", Value::Bool(special.begins)));
    all.push(key("ggml.add_eos_token", Value::Bool(special.ends)));
    all.extend(special.chat_template.map(|template| key("chat_template", Value::Text(template))));
    all
}
