//! Tests of tokenizers on a small one written here.

use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Tokenizer;
use crate::error::Result;

/// Words between spaces, `[CLS]` in front and `[SEP]` behind; cut and padded to 4 tokens by its own settings.
fn words() -> Value {
    let special = |id: u32, content: &str| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true})
    };
    json!({
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 4}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
            "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": [special(0, "[PAD]"), special(1, "[UNK]"), special(2, "[CLS]"), special(3, "[SEP]")],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
        "decoder": null,
        "model": {"type": "WordLevel", "unk_token": "[UNK]",
            "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "a": 4, "small": 5, "cat": 6, "sat": 9}}
    })
}

fn opened(content: &[u8]) -> Result<Tokenizer> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tokenizer.json"), content).unwrap();
    Tokenizer::open(folder.path())
}

#[test]
fn a_text_becomes_tokens_with_special_ones_around_uncut_and_not_padded() {
    let tokenizer = opened(words().to_string().as_bytes()).unwrap();
    assert_eq!(tokenizer.encode("A small cat sat").unwrap(), [2, 4, 5, 6, 9, 3]);
    assert_eq!(tokenizer.encode("dog").unwrap(), [2, 1, 3]);
    assert_eq!(tokenizer.encode("").unwrap(), [2, 3]);
    assert_eq!(tokenizer.decode(&[2, 4, 6, 9, 3]).unwrap(), "a cat sat");
    assert_eq!(tokenizer.decode(&[4, 8, u32::MAX]).unwrap(), "a");
    assert_eq!(tokenizer.tokens(), 10);
}

#[test]
fn a_missing_or_damaged_file_is_told() {
    let missing = Tokenizer::open(tempfile::tempdir().unwrap().path()).unwrap_err().to_string();
    assert!(missing.contains("tokenizer.json: found no such file") && missing.contains("save_pretrained"), "{missing}");
    for content in [&b"{"[..], b"[]", b"{}", b"{\"model\":{\"type\":\"Oracle\"}}"] {
        let message = opened(content).unwrap_err().to_string();
        assert!(message.contains("expected a tokenizer"), "{message}");
    }
    assert!(opened(b"\xff").unwrap_err().to_string().contains("UTF-8"));
}

#[test]
fn a_word_without_a_token_is_an_error_where_there_is_none_for_unknown_ones() {
    let mut without = words();
    without["model"]["unk_token"] = json!("[NONE]");
    let message = opened(without.to_string().as_bytes()).unwrap().encode("dog").unwrap_err().to_string();
    assert!(message.contains("tokenizer.json"), "{message}");
}

proptest! {
    #[test]
    fn damaged_tokenizers_are_refused_or_work_but_never_panic(at in 0usize..2000, value: u8, text in "\\PC{0,12}") {
        let mut bytes = words().to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] = value;
        if let Ok(tokenizer) = opened(&bytes) {
            let _ = tokenizer.encode(&text).and_then(|tokens| tokenizer.decode(&tokens));
        }
    }
}
