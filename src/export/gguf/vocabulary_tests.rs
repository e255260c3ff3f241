//! Tests of vocabularies.

use serde_json::json;

use super::*;
use crate::export::gguf::test_folders::{byte_level, config, tokenizer, write};
use crate::graph::Values;

fn read(tokenizer: &Value, rows: usize) -> Result<Vocabulary> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &config(), tokenizer, &Values::new());
    Vocabulary::read(folder.path(), rows)
}

fn refusal(tokenizer: &Value, rows: usize) -> String {
    read(tokenizer, rows).unwrap_err().to_string()
}

#[test]
fn tokens_of_byte_pairs_with_byte_fallback_have_scores_in_the_order_of_merges() {
    let found = read(&tokenizer(), 272).unwrap();
    let Kind::SentencePiece { scores, space_in_front } = &found.kind else { panic!("{:?}", found.kind) };
    assert!(space_in_front);
    assert_eq!(found.tokens[..5], ["<unk>", "<s>", "</s>", "<0x00>", "<0x01>"]);
    assert_eq!(
        found.tokens[259..],
        [
            "▁", "a", "b", "ab", "▁ab", "[PAD264]", "[PAD265]", "[PAD266]", "[PAD267]", "<tool>", "[PAD269]",
            "[PAD270]", "[PAD271]"
        ]
    );
    assert_eq!(scores[258..265], [NO_MERGE, NO_MERGE, NO_MERGE, NO_MERGE, 0.0, -1.0, NO_MERGE]);
    // Unknown, control, byte, normal, unused, user-defined: enum llama_token_type.
    assert_eq!([0, 1, 2, 3, 258, 259, 263, 264, 268].map(|i| found.types[i]), [2, 3, 3, 6, 6, 1, 1, 5, 4]);
}

#[test]
fn a_byte_level_tokenizer_keeps_its_merges_and_names_its_splitter() {
    let bytes =
        |regex: bool| json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex});
    let split = |digits: &str| {
        let regex = format!(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        );
        let split = json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false});
        json!({"type": "Sequence", "pretokenizers": [split, bytes(false)]})
    };
    let digits =
        json!({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true}, bytes(true)]});
    for (splitter, name) in
        [(split("{1,3}"), "llama-bpe"), (split(""), "qwen2"), (digits, "smollm"), (bytes(true), "gpt-2")]
    {
        let found = read(&byte_level(splitter), 8).unwrap();
        assert_eq!((found.kind.model(), found.kind.pre()), ("gpt2", name));
        assert_eq!(found.kind, Kind::ByteLevel { splitter: name, merges: vec!["a b".into(), "Ġ ab".into()] });
        assert_eq!(found.tokens, ["a", "b", "Ġ", "ab", "Ġab", "<|end|>", "[PAD6]", "[PAD7]"]);
        assert_eq!(found.types, [1, 1, 1, 1, 1, 3, 5, 5]);
    }
    assert!(refusal(&byte_level(split("{1,2}")), 8).contains("a splitter of Llama 3"));
    assert!(refusal(&byte_level(bytes(false)), 8).contains("a splitter of Llama 3"));
}

#[test]
fn what_llama_cpp_cannot_have_is_refused() {
    assert!(refusal(&tokenizer(), 268).contains("`<tool>` with number 268"));
    let changed = |key: &str, value: Value| {
        let mut file = tokenizer();
        file["model"][key] = value;
        file
    };
    let mut fewer = tokenizer();
    fewer["model"]["vocab"].as_object_mut().unwrap().remove("<0x41>");
    assert!(refusal(&fewer, 272).contains("255 tokens for bytes"));
    assert!(refusal(&changed("end_of_word_suffix", json!("</w>")), 272).contains("marks inside of words"));
    let words = json!({"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0}});
    let mut other = tokenizer();
    other["model"] = words;
    assert!(refusal(&other, 272).contains("kind WordLevel"));
    let folder = tempfile::tempdir().unwrap();
    assert!(Vocabulary::read(folder.path(), 9).unwrap_err().to_string().contains("the tokenizer of the model"));
}
