//! Tests of codes in blocks against a decoder written after the layout in ggml-common.h.

use proptest::prelude::*;

use super::*;

/// Scale and codes of every block.
fn decoded(ggml: GgmlType, bytes: &[u8]) -> Vec<(f32, Vec<i32>)> {
    let block = |bytes: &[u8]| {
        let scale = f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
        let nibble = |packed: &[u8], i: usize| i32::from(if i < 16 { packed[i] & 15 } else { packed[i - 16] >> 4 });
        let codes = (0..32).map(|i| match ggml {
            GgmlType::Q8_0 => i32::from(bytes[2 + i] as i8),
            GgmlType::Q4_0 => nibble(&bytes[2..], i) - 8,
            _ => {
                let high = u32::from_le_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]);
                nibble(&bytes[6..], i) + 16 * (high >> i & 1) as i32 - 16
            }
        });
        (scale, codes.collect())
    };
    bytes.chunks(ggml.block_bytes()).map(block).collect()
}

proptest! {
    #[test]
    fn codes_come_back_as_they_were(
        bits in prop::sample::select(vec![4u32, 5, 8]),
        raw in prop::collection::vec(any::<i8>(), 128),
        group in prop::sample::select(vec![32usize, 64, 128]),
        exponent in -20i32..10,
    ) {
        let codes: Vec<i8> = raw.iter().map(|code| code >> (8 - bits)).collect();
        let scale: Vec<f32> = (0..128 / group).map(|i| (1.0 + i as f32 / 7.0) * 2f32.powi(exponent)).collect();
        let blocks = blocks(&Codes { bits, codes: codes.clone(), scale: scale.clone(), group }).unwrap();
        prop_assert_eq!(blocks.bytes.len(), 4 * blocks.ggml.block_bytes());
        for (i, (own, found)) in decoded(blocks.ggml, &blocks.bytes).into_iter().enumerate() {
            let wanted: Vec<i32> = codes[32 * i..32 * i + 32].iter().map(|&code| i32::from(code)).collect();
            prop_assert_eq!(found, wanted);
            let scale = scale[32 * i / group];
            // Below 2⁻¹⁴ f16 has fewer digits; the change is told, whatever it is.
            prop_assert!(f64::from((own - scale).abs() / scale) <= blocks.scale_change + 1e-9);
            prop_assert!(exponent < -14 || blocks.scale_change <= 2f64.powi(-11));
        }
    }
}

#[test]
fn known_blocks() {
    let codes: Vec<i8> = (0..32).map(|i| i - 16).collect();
    let five = blocks(&Codes { bits: 5, codes, scale: vec![1.0], group: 32 }).unwrap();
    let mut wanted = vec![0x00, 0x3c, 0x00, 0x00, 0xff, 0xff];
    wanted.extend((0..16).map(|i| i << 4 | i));
    assert_eq!((five.bytes, five.scale_change), (wanted, 0.0));
    let four = blocks(&Codes { bits: 4, codes: vec![-8; 32], scale: vec![0.1], group: 32 }).unwrap();
    assert_eq!(four.bytes[..3], [0x66, 0x2e, 0]);
    // 0.1 as f16 is 0.0999756.
    assert!((four.scale_change - 2.44e-4).abs() < 1e-6, "{}", four.scale_change);
}

#[test]
fn scales_beyond_f16_are_refused() {
    let codes = Codes { bits: 8, codes: vec![1; 32], scale: vec![1e6], group: 32 };
    assert!(blocks(&codes).unwrap_err().to_string().contains("65504"));
    for (bits, group) in [(6, 32), (4, 16), (4, 48)] {
        assert!(blocks(&Codes { bits, codes: vec![1; 96], scale: vec![1.0; 96 / group], group }).is_err());
    }
}
