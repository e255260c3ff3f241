//! Tokens that are no text: which they are, and which stand around a text.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::error::Result;
use crate::export::gguf::tokenizer_file::{BytePairs, TokenizerFile, optional};
use crate::store::read_text;

/// Their numbers, and the template of dialogues.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SpecialTokens {
    /// The first of a text.
    pub begin: Option<u32>,
    /// The one that ends a text.
    pub end: Option<u32>,
    /// Stands for what has no token.
    pub unknown: Option<u32>,
    /// Fills rows of unequal texts.
    pub padding: Option<u32>,
    /// Whether a text is given the first.
    pub begins: bool,
    /// Whether a text is given the last.
    pub ends: bool,
    /// In the language of Jinja.
    pub chat_template: Option<String>,
}

/// Mirror of `tokenizer_config.json`: texts, or objects with a `content`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TokenizerConfig {
    bos_token: Value,
    eos_token: Value,
    pad_token: Value,
    chat_template: Value,
}

/// Mirror of the numbers in `config.json`: one, or a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ModelConfig {
    bos_token_id: Value,
    eos_token_id: Value,
    pad_token_id: Value,
}

impl SpecialTokens {
    /// From the files of a folder. `tokenizer_config.json` goes before `config.json`, as in llama.cpp's converter.
    ///
    /// # Errors
    /// When a file is damaged.
    pub fn read(folder: &Path, file: &TokenizerFile, pairs: &BytePairs, rows: usize) -> Result<Self> {
        let texts: TokenizerConfig = optional(folder, "tokenizer_config.json")?;
        let numbers: ModelConfig = optional(folder, "config.json")?;
        let number = |text: &str| {
            let added = file.added_tokens.iter().find(|token| token.content == text).map(|token| token.id);
            let id = added.or_else(|| pairs.vocab.get(text).copied());
            id.and_then(|id| u32::try_from(id).ok())
        };
        let id = |text: &Value, or: &Value| {
            let named = text.as_str().or_else(|| text.get("content")?.as_str()).and_then(number);
            let first = || or.as_u64().or_else(|| or.as_array()?.first()?.as_u64());
            named.or_else(|| first().filter(|&id| id < rows as u64).map(|id| id as u32))
        };
        let around = around(&file.post_processor);
        let separate = folder.join("chat_template.jinja");
        let chat_template = match texts.chat_template.as_str() {
            Some(template) => Some(template.to_string()),
            None if separate.exists() => Some(read_text(&separate)?),
            None => None,
        };
        Ok(Self {
            begin: around[0].as_deref().and_then(number).or_else(|| id(&texts.bos_token, &numbers.bos_token_id)),
            end: around[1].as_deref().and_then(number).or_else(|| id(&texts.eos_token, &numbers.eos_token_id)),
            unknown: pairs.unk_token.as_deref().and_then(number),
            padding: id(&texts.pad_token, &numbers.pad_token_id),
            begins: around[0].is_some(),
            ends: around[1].is_some(),
            chat_template,
        })
    }
}

/// The special tokens before and behind a text, by the template of a single one.
fn around(processor: &Value) -> [Option<String>; 2] {
    let kind = |value: &Value| value.get("type").and_then(Value::as_str).map(str::to_string);
    match kind(processor).as_deref() {
        Some("Sequence") => {
            let inner = processor.get("processors").and_then(Value::as_array);
            let found = inner.into_iter().flatten().find(|p| kind(p).as_deref() == Some("TemplateProcessing"));
            found.map_or([None, None], around)
        }
        Some("TemplateProcessing") => {
            let single = processor.get("single").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let token = |piece: Option<&Value>| piece?.get("SpecialToken")?.get("id")?.as_str().map(str::to_string);
            [token(single.first()), token(single.last())]
        }
        _ => [None, None],
    }
}

#[cfg(test)]
#[path = "special_tokens_tests.rs"]
mod tests;
