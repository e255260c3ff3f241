//! Which models of a folder llama.cpp runs as we do.

use std::path::Path;

use crate::error::{Error, Result};
use crate::graph::{Activation, Graph, Parameter};
use crate::hugging_face::{DecoderFamily, LanguageModel, Llama, Nonlinearity, RopeScaling};

/// The architecture's name there; Mistral's network is Llama's.
pub(super) fn architecture(family: DecoderFamily) -> &'static str {
    match family {
        DecoderFamily::Llama | DecoderFamily::Mistral => "llama",
        DecoderFamily::Qwen2 => "qwen2",
        DecoderFamily::Qwen3 => "qwen3",
    }
}

/// The configuration of a folder.
///
/// # Errors
/// When it cannot be read, or llama.cpp would compute something else.
pub(super) fn read(folder: &Path) -> Result<Llama> {
    let place = folder.join("config.json").display().to_string();
    let refused = |found: &str, expected: &str| {
        Err(Error::input(place.clone(), found, expected, "export to another format, such as `onnx`"))
    };
    let model = match LanguageModel::read(folder)? {
        LanguageModel::Llama(model) => model,
        LanguageModel::Bert(_) => return refused("an encoder", "a decoder: Llama, Mistral, Qwen2 or Qwen3"),
    };
    let llama = architecture(model.family) == "llama";
    if !model.head {
        return refused("a model without a head", "one that gives logits (`…ForCausalLM`)");
    }
    if model.activation != Nonlinearity::Smooth(Activation::Silu) {
        return refused("another `hidden_act`", "silu, the one that llama.cpp has there");
    }
    if !llama && (model.output_bias || model.feed_forward_bias || model.rope.scaling != RopeScaling::None) {
        return refused("biases or scaled rotations", "none, which llama.cpp has for Llama only");
    }
    if model.family == DecoderFamily::Qwen2 && model.heads * model.head_size != model.hidden {
        return refused("another `head_dim`", "`hidden_size` divided by the heads, as llama.cpp has it for Qwen2");
    }
    Ok(model)
}

/// Parameters of the network but for the tables of rotations, which llama.cpp computes.
///
/// # Errors
/// When a size is out of range.
pub(super) fn parameters(model: &Llama) -> Result<Vec<Parameter>> {
    Ok(learnt(&model.graph(1)?))
}

/// The same of a graph that was made for more positions.
pub(super) fn learnt(graph: &Graph) -> Vec<Parameter> {
    graph.parameters().into_iter().filter(|p| !p.name.contains("rotary.")).collect()
}

/// `rope_freqs.weight`: what each frequency is divided by, where that is not the same for all.
pub(super) fn frequency_divisors(model: &Llama) -> Option<Vec<f32>> {
    let RopeScaling::Llama3 { .. } = model.rope.scaling else { return None };
    let unscaled = crate::hugging_face::Rope { scaling: RopeScaling::None, ..model.rope };
    let both = unscaled.frequencies(model.head_size).into_iter().zip(model.rope.frequencies(model.head_size));
    Some(both.map(|(before, after)| (before / after) as f32).collect())
}

/// Heads whose rows llama.cpp has in another order: those of queries and keys of Llama.
pub(super) fn rotated_heads(model: &Llama, parameter: &str) -> Option<usize> {
    let (module, _) = parameter.rsplit_once('.')?;
    let llama = architecture(model.family) == "llama";
    match module.rsplit_once('.')?.1 {
        "q_proj" if llama => Some(model.heads),
        "k_proj" if llama => Some(model.key_value_heads),
        _ => None,
    }
}

#[cfg(test)]
#[path = "llama_tests.rs"]
mod tests;
