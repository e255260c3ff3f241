//! Tests of ggml's types against the constants of llama.cpp.

use super::*;

/// Number, weights and bytes of a block, bits per weight: `GGML_QUANT_SIZES` of gguf-py, `enum ggml_type` of ggml.h.
const KNOWN: [(&str, u32, usize, usize, f64); 13] = [
    ("f32", 0, 1, 4, 32.0),
    ("f16", 1, 1, 2, 16.0),
    ("bf16", 30, 1, 2, 16.0),
    ("q8_0", 8, 32, 34, 8.5),
    ("q6_k", 14, 256, 210, 6.5625),
    ("q5_1", 7, 32, 24, 6.0),
    ("q5_k", 13, 256, 176, 5.5),
    ("q5_0", 6, 32, 22, 5.5),
    ("q4_1", 3, 32, 20, 5.0),
    ("q4_k", 12, 256, 144, 4.5),
    ("q4_0", 2, 32, 18, 4.5),
    ("q3_k", 11, 256, 110, 3.4375),
    ("q2_k", 10, 256, 84, 2.625),
];

#[test]
fn numbers_and_sizes_are_those_of_ggml() {
    let all = GgmlType::ALL.map(|t| (t.id(), t.number(), t.block_size(), t.block_bytes(), t.bits_per_weight()));
    assert_eq!(all, KNOWN);
}

#[test]
fn every_id_reads_back_and_others_are_refused() {
    for ggml in GgmlType::ALL {
        assert_eq!(ggml.to_string().parse(), Ok(ggml));
    }
    for wrong in ["", "Q4_K", "q4", "q4_k_m", "iq2_xs", "w4a16"] {
        assert!(wrong.parse::<GgmlType>().is_err(), "{wrong}");
    }
    assert!("Q4_K".parse::<GgmlType>().unwrap_err().remedy.contains("q4_k"));
}

#[test]
fn bytes_count_whole_blocks_of_rows() {
    assert_eq!(GgmlType::Q4K.bytes(&[3, 512]), Some(3 * 2 * 144));
    assert_eq!(GgmlType::Q8_0.bytes(&[32000, 288]), Some(32000 * 9 * 34));
    // 288 is no multiple of 256, though the whole tensor is.
    assert_eq!(GgmlType::Q4K.bytes(&[256, 288]), None);
    assert_eq!(GgmlType::F32.bytes(&[]), None);
    assert_eq!(GgmlType::F16.bytes(&[usize::MAX, usize::MAX]), None);
}
