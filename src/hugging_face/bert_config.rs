//! Configuration of BERT and its relatives: encoders with learnt positions and layer norms behind each block.

use crate::error::Result;
use crate::hugging_face::config::{
    ACTIVATIONS, LARGEST_DEPTH, LARGEST_HEAD, LARGEST_VOCABULARY, LARGEST_WIDTH, Nonlinearity,
};
use crate::hugging_face::fields::Fields;

/// The relatives; they differ in names and in the positions' table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncoderFamily {
    /// BERT (Devlin et al., arXiv 1810.04805); MiniLM is such.
    Bert,
    /// RoBERTa (Liu et al., arXiv 1907.11692) and XLM-RoBERTa: positions are counted from the padding token's number + 1.
    Roberta,
    /// DistilBERT (Sanh et al., arXiv 1910.01108): no token types.
    DistilBert,
}

/// An encoder; its output is the last hidden state.
///
/// | key | in DistilBERT | default | range |
/// |-|-|-|-|
/// | `vocab_size` | | | 1 to 2²⁴ |
/// | `hidden_size` | `dim` | | 1 to 65,536 |
/// | `num_hidden_layers` | `n_layers` | | 1 to 1024 |
/// | `num_attention_heads` | `n_heads` | | a divisor of the features, 1 to 1024 |
/// | `intermediate_size` | `hidden_dim` | | 1 to 65,536 |
/// | `hidden_act` | `activation` | gelu | see the message of another one |
/// | `layer_norm_eps` | always 1e-12 | 1e-12 | 0 to 1 |
/// | `type_vocab_size` | none | 2 | 1 to 65,536 |
/// | `max_position_embeddings` | | | 1 to 65,536 |
/// | `pad_token_id` | | 1 in RoBERTa, 0 elsewhere | 0 to 65,536 |
#[derive(Debug, Clone, PartialEq)]
pub struct Bert {
    /// Which relative.
    pub family: EncoderFamily,
    /// What stands before the encoder in the names of its parameters: nothing, or such as `bert.`.
    pub prefix: &'static str,
    /// Rows of the token table.
    pub vocabulary: usize,
    /// Features of a token.
    pub hidden: usize,
    /// Features inside a feed-forward block.
    pub intermediate: usize,
    /// Blocks.
    pub layers: usize,
    /// Heads of attention.
    pub heads: usize,
    /// Nonlinearity of the feed-forward block.
    pub activation: Nonlinearity,
    /// `ε` of the norms.
    pub epsilon: f64,
    /// Rows of the table of token types; every token has type 0.
    pub token_types: Option<usize>,
    /// Rows of the table of positions.
    pub position_rows: usize,
    /// Row of the first position.
    pub first_position: usize,
}

impl Bert {
    pub(super) fn from_fields(fields: &Fields, family: EncoderFamily, prefix: &'static str) -> Result<Self> {
        fields.choice("position_embedding_type", Some("absolute"), &[("absolute", ())])?;
        for key in ["is_decoder", "add_cross_attention"] {
            if fields.flag(key, false)? {
                return Err(fields.wrong(key, "false", "decoders of this kind are not supported yet"));
            }
        }
        let distilled = family == EncoderFamily::DistilBert;
        let key = |usual, distilbert| if distilled { distilbert } else { usual };
        let hidden = fields.count(key("hidden_size", "dim"), 1..=LARGEST_WIDTH)?;
        let heads_key = key("num_attention_heads", "n_heads");
        let heads = fields.count(heads_key, 1..=LARGEST_HEAD)?;
        if !hidden.is_multiple_of(heads) {
            return Err(fields.wrong(heads_key, format!("a divisor of {hidden}, the features"), "check both numbers"));
        }
        let position_rows = fields.count("max_position_embeddings", 1..=LARGEST_WIDTH)?;
        let first_position = match family {
            EncoderFamily::Roberta => fields.optional_count("pad_token_id", 0..=LARGEST_WIDTH)?.unwrap_or(1) + 1,
            EncoderFamily::Bert | EncoderFamily::DistilBert => 0,
        };
        if first_position >= position_rows {
            let expected = format!("more than {first_position}, the first position's row");
            return Err(fields.wrong("max_position_embeddings", expected, "check `pad_token_id`"));
        }
        Ok(Self {
            family,
            prefix,
            vocabulary: fields.count("vocab_size", 1..=LARGEST_VOCABULARY)?,
            hidden,
            intermediate: fields.count(key("intermediate_size", "hidden_dim"), 1..=LARGEST_WIDTH)?,
            layers: fields.count(key("num_hidden_layers", "n_layers"), 1..=LARGEST_DEPTH)?,
            heads,
            activation: fields.choice(key("hidden_act", "activation"), Some("gelu"), &ACTIVATIONS)?,
            epsilon: if distilled { 1e-12 } else { fields.number_or("layer_norm_eps", 1e-12, 0.0..=1.0)? },
            token_types: match distilled {
                true => None,
                false => Some(fields.optional_count("type_vocab_size", 1..=LARGEST_WIDTH)?.unwrap_or(2)),
            },
            position_rows,
            first_position,
        })
    }

    /// Most positions of a text.
    pub fn context(&self) -> usize {
        self.position_rows - self.first_position
    }
}
