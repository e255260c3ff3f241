//! Rows of codes in 32-bit words.

use crate::quant::packing;

/// Bytes of a row of codes.
pub(super) fn row_bytes(columns: usize, bits: u32) -> usize {
    packing::packed_len(columns, bits).next_multiple_of(4)
}

/// Every row of codes as unsigned numbers `code + 2^(b−1)`, a dense bit stream in whole little-endian words.
pub(super) fn rows(codes: &[i8], columns: usize, bits: u32) -> Vec<u8> {
    let half = (1u32 << (bits - 1)) as i8;
    let mut words = Vec::with_capacity(row_bytes(columns, bits) * codes.len().div_ceil(columns.max(1)));
    for row in codes.chunks(columns.max(1)) {
        let unsigned: Vec<i8> = row.iter().map(|code| code.wrapping_add(half)).collect();
        words.extend(packing::pack(&unsigned, bits));
        words.resize(words.len().next_multiple_of(4), 0);
    }
    words
}

/// Rows and columns exchanged, of elements of `N` bytes.
pub(super) fn transposed<const N: usize>(bytes: &[u8], rows: usize) -> Vec<u8> {
    let elements = bytes.as_chunks::<N>().0;
    let columns = elements.len() / rows.max(1);
    (0..columns).flat_map(|c| elements.iter().skip(c).step_by(columns).flatten().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_three_bit_codes_is_one_stream_in_whole_words() {
        // 11 codes take 33 bits: two words. −4 is 0, 3 is 7.
        let codes = [-4, -3, -2, -1, 0, 1, 2, 3, -4, -4, 3];
        let stream: u64 = codes.iter().enumerate().map(|(i, &c)| ((c + 4) as u64) << (3 * i)).sum();
        assert_eq!(rows(&codes, 11, 3), stream.to_le_bytes());
        assert_eq!(row_bytes(11, 3), 8);
        assert_eq!(rows(&[-128, -1, 127, 0, 1], 5, 8), [0, 127, 255, 128, 129, 0, 0, 0]);
        assert_eq!(rows(&[-2, 1], 1, 2), [0, 0, 0, 0, 3, 0, 0, 0]);
    }

    #[test]
    fn words_change_places_and_keep_their_bytes() {
        assert_eq!(transposed::<2>(&[1, 2, 3, 4, 5, 6], 1), [1, 2, 3, 4, 5, 6]);
        assert_eq!(transposed::<2>(&[1, 2, 3, 4, 5, 6, 7, 8], 2), [1, 2, 5, 6, 3, 4, 7, 8]);
        assert_eq!(transposed::<4>(&[], 0), [] as [u8; 0]);
    }
}
