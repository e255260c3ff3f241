//! A model's `tokenizer.json`: text to token numbers and back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde::de::IgnoredAny;
use tokenizers::Tokenizer as Inner;

use crate::error::{Error, Result};
use crate::store::read_text;

/// The name of the file.
const TOKENIZER: &str = "tokenizer.json";

/// What to do where nothing better can be said.
const REMEDY: &str = "use the tokenizer.json that came with the model";

/// A tokenizer.
#[derive(Debug)]
pub struct Tokenizer {
    place: String,
    inner: Inner,
}

impl Tokenizer {
    /// Reads `tokenizer.json` of a model folder. Its own cutting and padding are switched off: how many positions a text
    /// has is the caller's choice.
    ///
    /// # Errors
    /// When it is missing or damaged, or of a kind that is not known.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(TOKENIZER);
        let place = path.display().to_string();
        if !path.exists() {
            let remedy = "make it: load the tokenizer with transformers and call `save_pretrained(folder)`";
            return Err(Error::input(place, "no such file", "the tokenizer of the model", remedy));
        }
        let text = read_text(&path)?;
        // Before the tokenizer's reader, which panics where the text behind a decoder is no JSON.
        serde_json::from_str::<IgnoredAny>(&text).map_err(|e| {
            let place = format!("{place}:{}:{}", e.line(), e.column());
            Error::input(place, e.to_string(), "a tokenizer", REMEDY)
        })?;
        let mut inner = guarded(&place, "a tokenizer", || Inner::from_bytes(text.as_bytes()))?;
        inner.with_padding(None);
        guarded(&place, "a tokenizer", || inner.with_truncation(None).map(|_| ()))?;
        Ok(Self { place, inner })
    }

    /// Token numbers of a text, with the special tokens that the model expects around it.
    ///
    /// # Errors
    /// When the tokenizer cannot express the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = guarded(&self.place, "a text that it can express", || self.inner.encode_fast(text, true))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of token numbers, without special tokens. Numbers that no token has are left out.
    ///
    /// # Errors
    /// When the tokenizer's decoder fails.
    pub fn decode(&self, tokens: &[u32]) -> Result<String> {
        guarded(&self.place, "tokens that make a text", || self.inner.decode(tokens, true))
    }

    /// How many token numbers there are: one more than the largest.
    pub fn tokens(&self) -> usize {
        self.inner.get_vocab(true).into_values().max().map_or(0, |largest| largest as usize + 1)
    }
}

/// Runs a call of the foreign crate: its faults, and panics that a strange file can cause in it, become errors.
fn guarded<T>(place: &str, expected: &str, call: impl FnOnce() -> tokenizers::Result<T>) -> Result<T> {
    let wrong = |found: String| Error::input(place, found, expected, REMEDY);
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|e| wrong(e.to_string())),
        Err(_) => Err(wrong("something that its reader gives up on".into())),
    }
}

#[cfg(test)]
#[path = "tokenizer_tests.rs"]
mod tests;
