//! `tokenizer.json` as it stands in the file, as far as llama.cpp needs it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::hugging_face::Tokenizer;
use crate::store::read_text;

/// Mirror of the file.
#[derive(Debug, Deserialize)]
pub(super) struct TokenizerFile {
    /// Tokens that are found before the text is split.
    #[serde(default)]
    pub added_tokens: Vec<AddedToken>,
    /// What changes the text.
    #[serde(default)]
    pub normalizer: Value,
    /// What splits it.
    #[serde(default)]
    pub pre_tokenizer: Value,
    /// What puts special tokens around it.
    #[serde(default)]
    pub post_processor: Value,
    /// What makes tokens of its parts.
    pub model: Value,
}

/// Mirror of an added token.
#[derive(Debug, Deserialize)]
pub(super) struct AddedToken {
    /// Its number.
    pub id: usize,
    /// Its text.
    pub content: String,
    /// Whether it is no text.
    #[serde(default)]
    pub special: bool,
}

/// Mirror of a byte-pair model.
#[derive(Debug, Deserialize)]
pub(super) struct BytePairs {
    /// Number of each token.
    pub vocab: BTreeMap<String, usize>,
    /// Pairs that are merged, the most urgent first: `"a b"`, or `["a", "b"]` in newer files.
    pub merges: Vec<Value>,
    /// Whether a character that is no token becomes its bytes.
    #[serde(default)]
    pub byte_fallback: bool,
    /// The token for what has none.
    #[serde(default)]
    pub unk_token: Option<String>,
    /// What stands before a part inside of a word.
    #[serde(default)]
    pub continuing_subword_prefix: Option<String>,
    /// What stands behind a part at the end of a word.
    #[serde(default)]
    pub end_of_word_suffix: Option<String>,
}

/// Reads the tokenizer of a folder; the texts that come with it name the file.
///
/// # Errors
/// When it is missing or damaged, or no byte-pair tokenizer.
pub(super) fn read(folder: &Path) -> Result<(String, TokenizerFile, BytePairs)> {
    // The crate of the tokenizers knows what is a right one.
    Tokenizer::open(folder)?;
    let path = folder.join("tokenizer.json");
    let place = path.display().to_string();
    let mut file: TokenizerFile = parse(serde_json::from_str(&read_text(&path)?), &place)?;
    let kind = file.model.get("type").and_then(Value::as_str).unwrap_or("BPE").to_string();
    if kind != "BPE" {
        let remedy =
            "llama.cpp's own converter may know this one; `tensor-types.txt` of a plan applies to its file, too";
        return Err(Error::input(place, format!("a tokenizer of kind {kind}"), "byte pairs (BPE)", remedy));
    }
    let pairs: BytePairs = parse(serde_json::from_value(file.model.take()), &place)?;
    let affix = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    if affix(&pairs.continuing_subword_prefix) || affix(&pairs.end_of_word_suffix) {
        let remedy = "llama.cpp has no such tokenizer";
        return Err(Error::input(place, "marks inside of words", "tokens without such marks", remedy));
    }
    Ok((place, file, pairs))
}

/// An optional JSON file of the folder; nothing if it is missing.
///
/// # Errors
/// When it is damaged.
pub(super) fn optional<T: DeserializeOwned + Default>(folder: &Path, name: &str) -> Result<T> {
    let path = folder.join(name);
    if !path.exists() {
        return Ok(T::default());
    }
    parse(serde_json::from_str(&read_text(&path)?), &path.display().to_string())
}

fn parse<T>(parsed: serde_json::Result<T>, place: &str) -> Result<T> {
    parsed.map_err(|e| {
        let expected = "the file that came with the model";
        Error::input(place, e.to_string(), expected, "fetch the model again")
    })
}
