//! Dense little-endian bit streams of signed codes.
//!
//! Code `i` of `bits` bits occupies stream bits `[i·bits, (i+1)·bits)`; stream bit `k` is bit `k mod 8` of byte
//! `k div 8`. Codes are stored in two's complement. No padding but the unused high bits of the last byte, which are 0:
//! `⌈n·bits/8⌉` bytes, the number that weight-memory budgets count.

use crate::error::{Error, Result};

/// Bytes that `count` codes of `bits` bits take.
pub fn packed_len(count: usize, bits: u32) -> usize {
    (count * bits as usize).div_ceil(8)
}

/// Packs codes of `1..=8` bits; the high bits of each code that do not fit are dropped, so pass codes in range.
pub fn pack(codes: &[i8], bits: u32) -> Vec<u8> {
    let mask = (1u32 << bits) - 1;
    let mut bytes = Vec::with_capacity(packed_len(codes.len(), bits));
    let (mut pending, mut held) = (0u32, 0u32);
    for &code in codes {
        pending |= (code as u8 as u32 & mask) << held;
        held += bits;
        while held >= 8 {
            bytes.push(pending as u8);
            pending >>= 8;
            held -= 8;
        }
    }
    if held > 0 {
        bytes.push(pending as u8);
    }
    bytes
}

/// Reads back `count` sign-extended codes of `1..=8` bits.
///
/// # Errors
/// When `bytes` is not exactly [`packed_len`] long.
pub fn unpack(bytes: &[u8], count: usize, bits: u32) -> Result<Vec<i8>> {
    let expected = packed_len(count, bits);
    if bytes.len() != expected {
        return Err(Error::input(
            "packed weights",
            format!("{} bytes", bytes.len()),
            format!("{expected} bytes for {count} codes of {bits} bits"),
            "the file is damaged or belongs to another plan; write it again",
        ));
    }
    let unused = 8 - bits;
    let mut codes = Vec::with_capacity(count);
    let (mut pending, mut held, mut next) = (0u32, 0u32, bytes.iter());
    for _ in 0..count {
        while held < bits {
            pending |= u32::from(next.next().copied().unwrap_or(0)) << held;
            held += 8;
        }
        codes.push(((pending as u8) << unused) as i8 >> unused);
        pending >>= bits;
        held -= bits;
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_bytes() {
        assert_eq!(pack(&[1, -1, 0, -2], 2), [0b10_00_11_01]);
        assert_eq!(pack(&[3, -4, 1], 3), [0b01_100_011, 0]);
        assert_eq!(pack(&[-128, 127], 8), [0x80, 0x7f]);
    }

    proptest! {
        #[test]
        fn round_trip_at_every_width(raw in proptest::collection::vec(any::<i8>(), 0..100), bits in 1u32..=8) {
            let codes: Vec<i8> = raw.iter().map(|c| c >> (8 - bits)).collect();
            let bytes = pack(&codes, bits);
            prop_assert_eq!(bytes.len(), packed_len(codes.len(), bits));
            prop_assert_eq!(unpack(&bytes, codes.len(), bits).unwrap(), codes);
        }

        #[test]
        fn any_bytes_unpack_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40), count in 0usize..100, bits in 1u32..=8) {
            prop_assert_eq!(unpack(&bytes, count, bits).is_ok(), bytes.len() == packed_len(count, bits));
        }
    }
}
