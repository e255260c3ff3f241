//! What a model folder's `config.json` says of its network.

use std::path::Path;

use crate::error::fault::{either, quoted};
use crate::error::{Error, Result};
use crate::graph::Activation;
use crate::hugging_face::bert_config::{Bert, EncoderFamily};
use crate::hugging_face::fields::Fields;
use crate::hugging_face::llama_config::{DecoderFamily, Llama};
use crate::hugging_face::network::Network;

/// The name of the file.
pub(super) const CONFIG: &str = "config.json";

/// Most rows of a token table: numbers up to here are exact in f32.
pub(super) const LARGEST_VOCABULARY: usize = 1 << 24;

/// Most features of anything. Products of three such numbers and of [`LARGEST_VOCABULARY`] with one fit in 64 bits.
pub(super) const LARGEST_WIDTH: usize = 1 << 16;

/// Most heads, and most features of one where it rotates: a graph's size is bounded by these, not by a file.
pub(super) const LARGEST_HEAD: usize = 1 << 10;

/// Most layers.
pub(super) const LARGEST_DEPTH: usize = 1 << 10;

/// Most positions that a model may say it was made for.
pub(super) const LARGEST_CONTEXT: usize = 1 << 30;

/// A language model.
#[derive(Debug, Clone, PartialEq)]
pub enum LanguageModel {
    /// Predicts the next token: Llama and its relatives.
    Llama(Llama),
    /// Gives a vector for every token: BERT and its relatives.
    Bert(Bert),
}

/// What an architecture is here.
#[derive(Debug, Clone, Copy)]
enum Architecture {
    Decoder { family: DecoderFamily, head: bool },
    Encoder { family: EncoderFamily, prefix: &'static str },
}

use Architecture::{Decoder, Encoder};
use DecoderFamily::{Llama as LlamaFamily, Mistral, Qwen2, Qwen3};
use EncoderFamily::{Bert as BertFamily, DistilBert, Roberta};

/// The supported architectures with the `model_type` that stands for each where a file names none.
const ARCHITECTURES: [(&str, &str, Architecture); 16] = [
    ("LlamaForCausalLM", "", Decoder { family: LlamaFamily, head: true }),
    ("LlamaModel", "llama", Decoder { family: LlamaFamily, head: false }),
    ("MistralForCausalLM", "", Decoder { family: Mistral, head: true }),
    ("MistralModel", "mistral", Decoder { family: Mistral, head: false }),
    ("Qwen2ForCausalLM", "", Decoder { family: Qwen2, head: true }),
    ("Qwen2Model", "qwen2", Decoder { family: Qwen2, head: false }),
    ("Qwen3ForCausalLM", "", Decoder { family: Qwen3, head: true }),
    ("Qwen3Model", "qwen3", Decoder { family: Qwen3, head: false }),
    ("BertModel", "bert", Encoder { family: BertFamily, prefix: "" }),
    ("BertForMaskedLM", "", Encoder { family: BertFamily, prefix: "bert." }),
    ("RobertaModel", "roberta", Encoder { family: Roberta, prefix: "" }),
    ("RobertaForMaskedLM", "", Encoder { family: Roberta, prefix: "roberta." }),
    ("XLMRobertaModel", "xlm-roberta", Encoder { family: Roberta, prefix: "" }),
    ("XLMRobertaForMaskedLM", "", Encoder { family: Roberta, prefix: "roberta." }),
    ("DistilBertModel", "distilbert", Encoder { family: DistilBert, prefix: "" }),
    ("DistilBertForMaskedLM", "", Encoder { family: DistilBert, prefix: "distilbert." }),
];

impl LanguageModel {
    /// Reads `config.json` of a model folder.
    ///
    /// # Errors
    /// When it is missing or damaged, the architecture is not supported, or a value is missing or out of range.
    pub fn read(folder: &Path) -> Result<Self> {
        Self::from_fields(&Fields::read(&folder.join(CONFIG))?)
    }

    pub(super) fn from_fields(fields: &Fields) -> Result<Self> {
        let architecture = architecture(fields)?;
        if fields.has("quantization_config") {
            let remedy = "this checkpoint has been quantised already: use the original";
            return Err(fields.wrong("quantization_config", "a checkpoint of floating-point numbers", remedy));
        }
        match architecture {
            Decoder { family, head } => Ok(Self::Llama(Llama::from_fields(fields, family, head)?)),
            Encoder { family, prefix } => Ok(Self::Bert(Bert::from_fields(fields, family, prefix)?)),
        }
    }

    /// Most positions that a text may have.
    pub fn context(&self) -> usize {
        match self {
            Self::Llama(model) => model.context(),
            Self::Bert(model) => model.context(),
        }
    }

    /// Blocks.
    pub fn layers(&self) -> usize {
        match self {
            Self::Llama(model) => model.layers,
            Self::Bert(model) => model.layers,
        }
    }

    /// The graph for texts of `positions` tokens, and where its parameters come from.
    pub(super) fn network(&self, positions: usize) -> Result<Network> {
        if !(1..=self.context()).contains(&positions) {
            let expected = format!("1 to {}, the positions that the model was made for", self.context());
            return Err(Error::input("the number of positions", positions.to_string(), expected, "ask for fewer"));
        }
        match self {
            Self::Llama(model) => model.network(positions),
            Self::Bert(model) => model.network(positions),
        }
    }
}

/// The architecture by its name, else by the kind of model.
fn architecture(fields: &Fields) -> Result<Architecture> {
    let names = fields.texts("architectures")?;
    let kind = fields.text("model_type")?;
    let known = match (names.as_slice(), kind) {
        ([name, ..], _) => ARCHITECTURES.iter().find(|(known, ..)| known == name),
        ([], Some(kind)) if !kind.is_empty() => ARCHITECTURES.iter().find(|(_, known, _)| *known == kind),
        ([], _) => None,
    };
    known.map(|(.., architecture)| *architecture).ok_or_else(|| {
        let key = if names.is_empty() { "model_type" } else { "architectures" };
        let supported: Vec<&str> =
            ARCHITECTURES.iter().map(|(name, kind, _)| if names.is_empty() { *kind } else { *name }).collect();
        let supported = either(supported.into_iter().filter(|name| !name.is_empty()));
        let remedy = match names.first() {
            Some(name) => format!("{} is not supported yet; an export to ONNX may be", quoted(name)),
            None => "say in `architectures` what the network is".into(),
        };
        fields.wrong(key, supported, remedy)
    })
}

/// What follows the first layer of a feed-forward block; ReLU is an operator of its own in a graph.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Nonlinearity {
    /// `max(x, 0)`.
    Relu,
    /// One of the others.
    Smooth(Activation),
}

/// Names of activations, as `transformers` has them.
pub(super) const ACTIVATIONS: [(&str, Nonlinearity); 8] = [
    ("silu", Nonlinearity::Smooth(Activation::Silu)),
    ("swish", Nonlinearity::Smooth(Activation::Silu)),
    ("gelu", Nonlinearity::Smooth(Activation::Gelu)),
    ("gelu_new", Nonlinearity::Smooth(Activation::GeluTanh)),
    ("gelu_fast", Nonlinearity::Smooth(Activation::GeluTanh)),
    ("gelu_pytorch_tanh", Nonlinearity::Smooth(Activation::GeluTanh)),
    ("relu", Nonlinearity::Relu),
    ("tanh", Nonlinearity::Smooth(Activation::Tanh)),
];

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
