//! The tokens of a model, as llama.cpp takes them.
//!
//! | kind | ours | there |
//! |-|-|-|
//! | SentencePiece-like | byte pairs with `byte_fallback`, `▁` for spaces | `llama`: of the pairs that make a token, the one with the largest score is merged first |
//! | byte-level | byte pairs behind a `ByteLevel` splitter | `gpt2`: the merges as they are, and the name of the splitter |
//!
//! The score of a token is minus the rank of the first merge that makes it, so both merge in the same order.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::error::fault::quoted;
use crate::error::{Error, Result};
use crate::export::gguf::special_tokens::SpecialTokens;
use crate::export::gguf::splitter;
use crate::export::gguf::tokenizer_file::{self, AddedToken, BytePairs, TokenizerFile};

/// What a token is: `enum llama_token_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenType {
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// How text becomes tokens.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    SentencePiece {
        scores: Vec<f32>,
        /// Whether a space is put in front of the text.
        space_in_front: bool,
    },
    ByteLevel {
        /// Name of the splitter.
        splitter: &'static str,
        merges: Vec<String>,
    },
}

/// The vocabulary of a model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Vocabulary {
    pub kind: Kind,
    /// Texts by number.
    pub tokens: Vec<String>,
    /// [`TokenType`]s by number.
    pub types: Vec<i32>,
    pub special: SpecialTokens,
}

/// Score of a token that no merge makes.
const NO_MERGE: f32 = -1e9;

impl Kind {
    /// `tokenizer.ggml.model`.
    pub fn model(&self) -> &'static str {
        match self {
            Kind::SentencePiece { .. } => "llama",
            Kind::ByteLevel { .. } => "gpt2",
        }
    }

    /// `tokenizer.ggml.pre`.
    pub fn pre(&self) -> &'static str {
        match self {
            Kind::SentencePiece { .. } => "default",
            Kind::ByteLevel { splitter, .. } => splitter,
        }
    }
}

impl Vocabulary {
    /// Reads the tokenizer of a folder, for a model with `rows` rows in its table of tokens.
    ///
    /// # Errors
    /// When it is missing, damaged, or of a kind that llama.cpp does not have; or the table has fewer rows than tokens.
    pub fn read(folder: &Path, rows: usize) -> Result<Self> {
        let (place, file, pairs) = tokenizer_file::read(folder)?;
        let merges = merges(&pairs, &place)?;
        let kind = match pairs.byte_fallback {
            true => Kind::SentencePiece {
                scores: scores(&pairs, &merges, rows),
                space_in_front: mentions(&file.normalizer, "Prepend")
                    || mentions(&file.pre_tokenizer, "Metaspace") && !mentions(&file.pre_tokenizer, "never"),
            },
            false => Kind::ByteLevel {
                splitter: splitter::name(&file.pre_tokenizer, &place)?,
                merges: merges.into_iter().map(|[left, right]| format!("{left} {right}")).collect(),
            },
        };
        let all = numbered(&file, &pairs, rows, &place)?;
        let token = |row: usize| match all.get(&row) {
            Some((text, added)) => (text.to_string(), token_type(text, *added, &kind, &pairs)),
            // The table may have more rows than there are tokens.
            None => (format!("[PAD{row}]"), TokenType::Unused),
        };
        let (tokens, types): (Vec<_>, Vec<_>) = (0..rows).map(token).map(|(text, kind)| (text, kind as i32)).unzip();
        if matches!(kind, Kind::SentencePiece { .. }) {
            let count = types.iter().filter(|&&kind| kind == TokenType::Byte as i32).count();
            if count != 256 {
                let remedy = "llama.cpp needs them all; use the tokenizer.json that came with the model";
                return Err(Error::input(place, format!("{count} tokens for bytes"), "256", remedy));
            }
        }
        let special = SpecialTokens::read(folder, &file, &pairs, rows)?;
        Ok(Self { kind, tokens, types, special })
    }
}

/// Every token by its number, and whether it is an added one.
fn numbered<'a>(
    file: &'a TokenizerFile,
    pairs: &'a BytePairs,
    rows: usize,
    place: &str,
) -> Result<BTreeMap<usize, (&'a str, Option<&'a AddedToken>)>> {
    let plain = pairs.vocab.iter().map(|(text, &id)| (id, (text.as_str(), None)));
    let added = file.added_tokens.iter().map(|token| (token.id, (token.content.as_str(), Some(token))));
    let all: BTreeMap<_, _> = plain.chain(added).collect();
    match all.last_key_value() {
        Some((&id, (text, _))) if id >= rows => {
            let found = format!("token {} with number {id}", quoted(text));
            let remedy = "check that tokenizer.json and config.json are of the same model";
            Err(Error::input(place, found, format!("numbers below {rows}, the rows of the model's table"), remedy))
        }
        _ => Ok(all),
    }
}

fn token_type(text: &str, added: Option<&AddedToken>, kind: &Kind, pairs: &BytePairs) -> TokenType {
    let digits = text.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    let byte = digits.is_some_and(|digits| digits.len() == 2 && u8::from_str_radix(digits, 16).is_ok());
    match (kind, added) {
        (Kind::SentencePiece { .. }, _) if byte => TokenType::Byte,
        (Kind::SentencePiece { .. }, _) if pairs.unk_token.as_deref() == Some(text) => TokenType::Unknown,
        (_, Some(added)) if added.special => TokenType::Control,
        (_, Some(_)) => TokenType::UserDefined,
        (_, None) => TokenType::Normal,
    }
}

/// The two parts of every merge.
fn merges<'a>(pairs: &'a BytePairs, place: &str) -> Result<Vec<[&'a str; 2]>> {
    let parts = |merge: &'a Value| match merge {
        Value::String(text) => text.split_once(' ').map(|(left, right)| [left, right]),
        Value::Array(both) => match both.as_slice() {
            [Value::String(left), Value::String(right)] => Some([left.as_str(), right.as_str()]),
            _ => None,
        },
        _ => None,
    };
    let wrong = |merge: &Value| {
        let remedy = "use the tokenizer.json that came with the model";
        Error::input(place, quoted(&merge.to_string()), "a merge of two tokens", remedy)
    };
    pairs.merges.iter().map(|merge| parts(merge).ok_or_else(|| wrong(merge))).collect()
}

/// Minus the rank of the first merge that makes a token.
fn scores(pairs: &BytePairs, merges: &[[&str; 2]], rows: usize) -> Vec<f32> {
    let mut scores = vec![NO_MERGE; rows];
    for (rank, parts) in merges.iter().enumerate() {
        let score = pairs.vocab.get(&parts.concat()).and_then(|&id| scores.get_mut(id));
        if let Some(score) = score.filter(|score| **score == NO_MERGE) {
            *score = -(rank as f32);
        }
    }
    scores
}

/// Whether a text stands anywhere in a value.
fn mentions(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own == text,
        Value::Array(values) => values.iter().any(|value| mentions(value, text)),
        Value::Object(values) => values.values().any(|value| mentions(value, text)),
        _ => false,
    }
}

#[cfg(test)]
#[path = "vocabulary_tests.rs"]
mod tests;
