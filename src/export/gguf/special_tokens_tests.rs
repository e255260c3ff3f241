//! Tests of special tokens.

use std::fs;

use serde_json::{Value, json};

use super::SpecialTokens;
use crate::export::gguf::test_folders::{byte_level, config, tokenizer, write};
use crate::export::gguf::vocabulary::Vocabulary;
use crate::graph::Values;

/// What is found beside these files.
fn special(tokenizer: &Value, extra: &[(&str, String)]) -> SpecialTokens {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &config(), tokenizer, &Values::new());
    extra.iter().for_each(|(name, content)| fs::write(folder.path().join(name), content).unwrap());
    Vocabulary::read(folder.path(), 272).unwrap().special
}

#[test]
fn numbers_come_from_the_template_then_from_texts_then_from_the_configuration() {
    let plain = special(&tokenizer(), &[]);
    let expected = SpecialTokens { begin: Some(1), end: Some(2), unknown: Some(0), begins: true, ..Default::default() };
    assert_eq!(plain, expected);
    let texts = json!({"bos_token": "</s>", "eos_token": {"content": "<tool>"}, "pad_token": "<unk>", "chat_template": "{{x}}"});
    let found = special(&tokenizer(), &[("tokenizer_config.json", texts.to_string())]);
    // The template of the tokenizer puts `<s>` in front, whatever the other file calls the first token.
    assert_eq!((found.begin, found.end, found.padding), (Some(1), Some(268), Some(0)));
    assert_eq!(found.chat_template.as_deref(), Some("{{x}}"));
    let separate = special(&tokenizer(), &[("chat_template.jinja", "{{y}}".into())]);
    assert_eq!(separate.chat_template.as_deref(), Some("{{y}}"));
}

#[test]
fn nothing_is_put_around_a_text_without_a_template() {
    let words = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    let mut file = byte_level(words);
    let bare = special(&file, &[]);
    assert_eq!((bare.begins, bare.ends, bare.unknown, bare.begin), (false, false, None, Some(1)));
    let end = json!({"SpecialToken": {"id": "<|end|>", "type_id": 0}});
    let template = json!({"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}, end],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [5], "tokens": ["<|end|>"]}}});
    file["post_processor"] = json!({"type": "Sequence", "processors": [file["post_processor"].clone(), template]});
    let found = special(&file, &[]);
    assert_eq!((found.begins, found.ends, found.end), (false, true, Some(5)));
}
