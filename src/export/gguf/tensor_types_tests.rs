//! Tests of the file for `llama-quantize`.

use super::*;
use GgmlType::{F32, Q4_0, Q4K, Q8_0};

fn types(list: &[(&str, GgmlType)]) -> Vec<(String, GgmlType)> {
    list.iter().map(|(name, ggml)| (name.to_string(), *ggml)).collect()
}

#[test]
fn patterns_are_anchored_escaped_and_in_lower_case() {
    let types = types(&[("blk.1.attn_q.weight", Q4K), ("blk.11.attn_q.weight", Q8_0), ("output.weight", F32)]);
    let expected = "^blk\\.1\\.attn_q\\.weight$=q4_k\n^blk\\.11\\.attn_q\\.weight$=q8_0\n^output\\.weight$=f32\n";
    assert_eq!(lines(&types), expected);
}

#[test]
fn the_command_names_the_most_frequent_type_and_the_tables() {
    let mut list = vec![("token_embd.weight", Q8_0), ("a", Q4K), ("b", Q4K), ("c", F32), ("d", F32), ("e", F32)];
    let expected =
        "llama-quantize --tensor-type-file tensor-types.txt --token-embedding-type q8_0 in-f32.gguf out.gguf Q4_K";
    assert_eq!(command(&types(&list)).as_deref(), Some(expected));
    list.push(("output.weight", Q4_0));
    assert!(command(&types(&list)).unwrap().contains(" --output-tensor-type q4_0 --token-embedding-type q8_0 in"));
    // Its types are for quantised files only.
    assert_eq!(command(&types(&[("a", F32)])), None);
    assert_eq!(most([Q4_0, Q8_0].into_iter()), Some(Q8_0));
}
