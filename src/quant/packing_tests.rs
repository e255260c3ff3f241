//! Tests of packing: the definition, one bit at a time, on every length, width and code.

use super::*;
use proptest::prelude::*;

/// The stream as the module's first lines define it.
fn bit_by_bit(codes: &[i8], bits: u32) -> Vec<u8> {
    let mut bytes = vec![0; (codes.len() * bits as usize).div_ceil(8)];
    for (i, &code) in codes.iter().enumerate() {
        for b in 0..bits as usize {
            let k = i * bits as usize + b;
            bytes[k / 8] |= (code as u8 >> b & 1) << (k % 8);
        }
    }
    bytes
}

fn in_range(raw: impl Iterator<Item = i8>, bits: u32) -> Vec<i8> {
    raw.map(|code| code >> (8 - bits)).collect()
}

#[test]
fn known_bytes() {
    assert_eq!(pack(&[1, -1, 0, -2], 2), [0b10_00_11_01]);
    assert_eq!(pack(&[3, -4, 1], 3), [0b01_100_011, 0]);
    assert_eq!(pack(&[-128, 127], 8), [0x80, 0x7f]);
    assert_eq!(pack(&[0, -1, 0], 1), [0b010]);
}

/// Every code at every place of a word, and every length around words and blocks, at every width.
#[test]
fn the_stream_is_the_one_that_its_definition_names() {
    let lengths = (0..40).chain(WORD * BLOCK - 9..WORD * BLOCK + 10).chain([3 * WORD * BLOCK + 5]);
    for (bits, length) in (1..=8).flat_map(|bits| lengths.clone().map(move |length| (bits, length))) {
        for offset in 0..2 {
            let codes = in_range((0..length).map(|i| (i * 37 + offset * 101) as i8), bits);
            let bytes = pack(&codes, bits);
            assert_eq!(bytes, bit_by_bit(&codes, bits), "{length} codes of {bits} bits");
            assert_eq!(unpack(&bytes, length, bits).unwrap(), codes, "{length} codes of {bits} bits");
        }
    }
    for (bits, place) in (1..=8).flat_map(|bits| (0..WORD).map(move |place| (bits, place))) {
        for code in in_range(i8::MIN..=i8::MAX, bits) {
            let mut codes = [if place % 2 == 0 { -1 } else { 0 }; WORD];
            codes[place] = code;
            assert_eq!(pack(&codes, bits), bit_by_bit(&codes, bits));
            assert_eq!(unpack(&pack(&codes, bits), WORD, bits).unwrap(), codes);
        }
    }
}

#[test]
fn bits_that_do_not_fit_are_dropped() {
    for bits in 1..=8 {
        let codes: Vec<i8> = (i8::MIN..=i8::MAX).collect();
        assert_eq!(pack(&codes, bits), bit_by_bit(&codes, bits));
    }
}

#[test]
fn threads_change_nothing() {
    let codes: Vec<i8> = (0..3 * CHUNK + 13).map(|i| ((i * i) >> 3) as i8).collect();
    for bits in 1..=8 {
        let codes = in_range(codes.iter().copied(), bits);
        let mut alone = vec![0; packed_len(codes.len(), bits)];
        pack_chunk(&codes, bits, &mut alone);
        let bytes = pack(&codes, bits);
        assert!(bytes == alone, "{bits} bits");
        assert!(unpack(&bytes, codes.len(), bits).unwrap() == codes, "{bits} bits");
    }
}

#[test]
fn a_length_near_the_largest_number_is_counted() {
    assert_eq!(packed_len(usize::MAX, 8), usize::MAX);
    assert_eq!(packed_len(usize::MAX, 1), usize::MAX / 8 + 1);
}

proptest! {
    #[test]
    fn round_trip_at_every_width(raw in proptest::collection::vec(any::<i8>(), 0..600), bits in 1u32..=8) {
        let codes = in_range(raw.into_iter(), bits);
        let bytes = pack(&codes, bits);
        prop_assert_eq!(bytes.len(), packed_len(codes.len(), bits));
        prop_assert_eq!(unpack(&bytes, codes.len(), bits).unwrap(), codes);
    }

    #[test]
    fn any_bytes_unpack_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400), count in 0usize..500, bits in 1u32..=8) {
        prop_assert_eq!(unpack(&bytes, count, bits).is_ok(), bytes.len() == packed_len(count, bits));
    }

    /// Also where unused bits of the last byte are set.
    #[test]
    fn any_bytes_unpack_to_the_bits_that_they_hold(bytes in proptest::collection::vec(any::<u8>(), 0..400), bits in 1u32..=8) {
        let count = bytes.len() * 8 / bits as usize;
        prop_assume!(packed_len(count, bits) == bytes.len());
        let bit = |k: usize| bytes[k / 8] >> (k % 8) & 1;
        let code = |i: usize| {
            let unsigned = (0..bits as usize).fold(0, |sum, b| sum | i32::from(bit(i * bits as usize + b)) << b);
            (if unsigned >= 1 << (bits - 1) { unsigned - (1 << bits) } else { unsigned }) as i8
        };
        prop_assert_eq!(unpack(&bytes, count, bits).unwrap(), (0..count).map(code).collect::<Vec<_>>());
    }
}
