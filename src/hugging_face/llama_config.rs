//! Configuration of Llama and its relatives: decoders with RMS norms, rotations, grouped queries and gated feed-forward
//! blocks.

use crate::error::Result;
use crate::hugging_face::config::{
    ACTIVATIONS, LARGEST_CONTEXT, LARGEST_DEPTH, LARGEST_HEAD, LARGEST_VOCABULARY, LARGEST_WIDTH, Nonlinearity,
};
use crate::hugging_face::fields::Fields;
use crate::hugging_face::rope::Rope;

/// The relatives; they differ in biases, norms and windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecoderFamily {
    /// Llama (Touvron et al., arXiv 2302.13971); SmolLM and TinyLlama are such.
    Llama,
    /// Mistral (Jiang et al., arXiv 2310.06825): attention in a window.
    Mistral,
    /// Qwen2 (arXiv 2407.10671): biases of queries, keys and values.
    Qwen2,
    /// Qwen3 (arXiv 2505.09388): norms of queries and keys.
    Qwen3,
}

/// A decoder.
///
/// | key | default | range |
/// |-|-|-|
/// | `vocab_size` | | 1 to 2²⁴ |
/// | `hidden_size`, `intermediate_size` | | 1 to 65,536 |
/// | `num_hidden_layers` | | 1 to 1024 |
/// | `num_attention_heads` | | 1 to 1024 |
/// | `num_key_value_heads` | `num_attention_heads`; none in Mistral and Qwen | a divisor of `num_attention_heads` |
/// | `head_dim` | `hidden_size / num_attention_heads`; none in Qwen3 | even, 2 to 1024 |
/// | `rms_norm_eps` | 1e-6 | 0 to 1 |
/// | `rope_theta`, `rope_scaling`, `rope_parameters` | 10,000, none | 1e-6 to 1e30; default, linear, llama3 |
/// | `hidden_act` | silu | see the message of another one |
/// | `tie_word_embeddings`, `attention_bias`, `mlp_bias` | false | |
/// | `max_position_embeddings` | | 1 to 2³⁰ |
/// | `sliding_window` | none | 1 to 2³⁰ |
#[derive(Debug, Clone, PartialEq)]
pub struct Llama {
    /// Which relative.
    pub family: DecoderFamily,
    /// Rows of the token table.
    pub vocabulary: usize,
    /// Features of a token.
    pub hidden: usize,
    /// Features inside a feed-forward block.
    pub intermediate: usize,
    /// Blocks.
    pub layers: usize,
    /// Heads of the queries.
    pub heads: usize,
    /// Heads of keys and values; each serves `heads / key_value_heads` query heads.
    pub key_value_heads: usize,
    /// Features of a head.
    pub head_size: usize,
    /// `ε` of the norms.
    pub epsilon: f64,
    /// Rotations.
    pub rope: Rope,
    /// Nonlinearity of the feed-forward block's gate.
    pub activation: Nonlinearity,
    /// Whether queries, keys and values have biases.
    pub query_bias: bool,
    /// Whether attention's output layer has a bias.
    pub output_bias: bool,
    /// Whether the layers of the feed-forward block have biases.
    pub feed_forward_bias: bool,
    /// Whether the network ends with logits, else with the last hidden state.
    pub head: bool,
    /// Whether the token table gives also the weights of the logits.
    pub tied: bool,
    /// Positions of training.
    pub context: usize,
    /// Positions that attention looks back on, itself included; all if none.
    pub window: Option<usize>,
}

impl Llama {
    pub(super) fn from_fields(fields: &Fields, family: DecoderFamily, head: bool) -> Result<Self> {
        let hidden = fields.count("hidden_size", 1..=LARGEST_WIDTH)?;
        let heads = fields.count("num_attention_heads", 1..=LARGEST_HEAD)?;
        let layers = fields.count("num_hidden_layers", 1..=LARGEST_DEPTH)?;
        let grouped = fields.optional_count("num_key_value_heads", 1..=heads)?;
        let key_value_heads = match (grouped, family) {
            (Some(grouped), _) if heads.is_multiple_of(grouped) => grouped,
            (None, DecoderFamily::Llama) => heads,
            _ => {
                let expected = format!("a divisor of `num_attention_heads`, {heads}");
                return Err(fields.wrong("num_key_value_heads", expected, "check the numbers of heads"));
            }
        };
        let [attention_bias, mlp_bias] = match family {
            DecoderFamily::Llama => [fields.flag("attention_bias", false)?, fields.flag("mlp_bias", false)?],
            DecoderFamily::Qwen3 => [fields.flag("attention_bias", false)?, false],
            DecoderFamily::Mistral | DecoderFamily::Qwen2 => [false, false],
        };
        Ok(Self {
            family,
            vocabulary: fields.count("vocab_size", 1..=LARGEST_VOCABULARY)?,
            hidden,
            intermediate: fields.count("intermediate_size", 1..=LARGEST_WIDTH)?,
            layers,
            heads,
            key_value_heads,
            head_size: head_size(fields, family, hidden, heads)?,
            epsilon: fields.number_or("rms_norm_eps", 1e-6, 0.0..=1.0)?,
            rope: Rope::from_fields(fields)?,
            activation: fields.choice("hidden_act", Some("silu"), &ACTIVATIONS)?,
            query_bias: attention_bias || family == DecoderFamily::Qwen2,
            output_bias: attention_bias,
            feed_forward_bias: mlp_bias,
            head,
            tied: head && fields.flag("tie_word_embeddings", false)?,
            context: fields.count("max_position_embeddings", 1..=LARGEST_CONTEXT)?,
            window: window(fields, family, layers)?,
        })
    }

    /// Positions that are supported: those of training, inside the window that attention looks back on.
    pub fn context(&self) -> usize {
        self.context.min(self.window.unwrap_or(self.context))
    }
}

fn head_size(fields: &Fields, family: DecoderFamily, hidden: usize, heads: usize) -> Result<usize> {
    let size = match fields.optional_count("head_dim", 2..=LARGEST_HEAD)? {
        Some(size) => size,
        None if family == DecoderFamily::Qwen3 || !hidden.is_multiple_of(heads) => {
            return Err(fields.wrong("head_dim", "the features of a head", "add the key"));
        }
        None => hidden / heads,
    };
    let expected = format!("an even number up to {LARGEST_HEAD}, of which {heads} make {LARGEST_WIDTH} or less");
    let fits = (2..=LARGEST_HEAD).contains(&size) && size.is_multiple_of(2) && size * heads <= LARGEST_WIDTH;
    fits.then_some(size).ok_or_else(|| fields.wrong("head_dim", expected, "check `hidden_size` and the heads"))
}

/// The window, where any layer uses it.
fn window(fields: &Fields, family: DecoderFamily, layers: usize) -> Result<Option<usize>> {
    let used = match family {
        DecoderFamily::Llama => false,
        DecoderFamily::Mistral => true,
        DecoderFamily::Qwen2 | DecoderFamily::Qwen3 => {
            let full = fields.optional_count("max_window_layers", 0..=LARGEST_CONTEXT)?.unwrap_or(0);
            // A list says it for each layer; without one, the layers from this one on have a window.
            let sliding = match fields.texts("layer_types")?.as_slice() {
                [] => full < layers,
                kinds => kinds.contains(&"sliding_attention"),
            };
            fields.flag("use_sliding_window", false)? && sliding
        }
    };
    if used { fields.optional_count("sliding_window", 1..=LARGEST_CONTEXT) } else { Ok(None) }
}
