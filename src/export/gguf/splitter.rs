//! What cuts text into words before byte pairs are merged. llama.cpp has such splitters in its program, by name.

use serde_json::Value;

use crate::error::fault::quoted;
use crate::error::{Error, Result};

/// Splitters that llama.cpp knows: what is found in the file, and the name there.
const SPLITTERS: [(&[&str], &str); 4] = [
    (
        &[concat!(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|",
            r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        )],
        "llama-bpe",
    ),
    (
        &[concat!(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|",
            r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        )],
        "qwen2",
    ),
    (&["digits", "words"], "smollm"),
    (&["words"], "gpt-2"),
];

/// The name in llama.cpp of a `pre_tokenizer`.
///
/// # Errors
/// When it is another one than those that llama.cpp and we know.
pub(super) fn name(value: &Value, place: &str) -> Result<&'static str> {
    let mut found = Vec::new();
    parts(value, &mut found);
    let known = SPLITTERS.iter().find(|(parts, _)| found.iter().map(String::as_str).eq(parts.iter().copied()));
    known.map(|(_, name)| *name).ok_or_else(|| {
        let found = format!("text split by {}", quoted(&found.join(", ")));
        let expected = "a splitter of Llama 3, Qwen2, SmolLM or GPT-2";
        let remedy =
            "llama.cpp's own converter may know this one; `tensor-types.txt` of a plan applies to its file, too";
        Error::input(place, found, expected, remedy)
    })
}

/// The steps of a splitter: regular expressions, `digits` one by one, and GPT-2's `words`.
fn parts(value: &Value, found: &mut Vec<String>) {
    let flag = |key: &str, default: bool| value.get(key).and_then(Value::as_bool).unwrap_or(default);
    match value.get("type").and_then(Value::as_str) {
        Some("Sequence") => {
            let inner = value.get("pretokenizers").and_then(Value::as_array);
            inner.into_iter().flatten().for_each(|inner| parts(inner, found));
        }
        Some("Split") => {
            let regex = value.get("pattern").and_then(|pattern| pattern.get("Regex")).and_then(Value::as_str);
            found.push(regex.unwrap_or("a fixed text").to_string());
        }
        Some("Digits") if flag("individual_digits", false) => found.push("digits".into()),
        Some("ByteLevel") if flag("use_regex", true) => found.push("words".into()),
        Some("ByteLevel") => {}
        other => found.push(other.unwrap_or("nothing").to_string()),
    }
}
