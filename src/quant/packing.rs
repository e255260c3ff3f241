//! Dense little-endian bit streams of signed codes.
//!
//! Code `i` of `bits` bits occupies stream bits `[i·bits, (i+1)·bits)`; stream bit `k` is bit `k mod 8` of byte
//! `k div 8`. Codes are stored in two's complement. No padding but the unused high bits of the last byte, which are 0:
//! `⌈n·bits/8⌉` bytes, the number that weight-memory budgets count.
//!
//! Eight codes of `b` bits are `b` bytes, so the work is done on words of eight codes: three steps that halve the number of
//! gaps bring the codes of a word together, or apart. Chunks of whole words are independent, which is what threads take.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::error::{Error, Result};

/// Codes in a word: the fewest that take whole bytes at every width.
const WORD: usize = 8;
/// Words whose bits are moved together, in vector registers, before they are stored one by one.
const BLOCK: usize = 32;
/// Codes a thread takes at a time.
pub(super) const CHUNK: usize = 1 << 16;

/// Bytes that `count` codes of `1..=8` bits take.
pub fn packed_len(count: usize, bits: u32) -> usize {
    // In this order nothing overflows.
    count / WORD * bits as usize + (count % WORD * bits as usize).div_ceil(8)
}

/// Packs codes of `1..=8` bits; the high bits of each code that do not fit are dropped, so pass codes in range.
pub fn pack(codes: &[i8], bits: u32) -> Vec<u8> {
    let mut bytes = vec![0; packed_len(codes.len(), bits)];
    pack_into(codes, bits, &mut bytes);
    bytes
}

/// As [`pack`], into `bytes` of [`packed_len`].
///
/// # Panics
/// When `bytes` is of another length.
pub fn pack_into(codes: &[i8], bits: u32, bytes: &mut [u8]) {
    assert_eq!(bytes.len(), packed_len(codes.len(), bits), "bytes of {} codes", codes.len());
    if codes.len() <= CHUNK {
        return pack_chunk(codes, bits, bytes);
    }
    let chunks = codes.par_chunks(CHUNK).zip(bytes.par_chunks_mut(packed_len(CHUNK, bits)));
    chunks.for_each(|(codes, bytes)| pack_chunk(codes, bits, bytes));
}

/// As [`pack_into`], on the calling thread.
pub(super) fn pack_chunk(codes: &[i8], bits: u32, bytes: &mut [u8]) {
    match bits {
        1 => pack_words::<1>(codes, bytes),
        2 => pack_words::<2>(codes, bytes),
        3 => pack_words::<3>(codes, bytes),
        4 => pack_words::<4>(codes, bytes),
        5 => pack_words::<5>(codes, bytes),
        6 => pack_words::<6>(codes, bytes),
        7 => pack_words::<7>(codes, bytes),
        _ => pack_words::<8>(codes, bytes),
    }
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
    let mut codes = vec![0; count];
    unpack_into(bytes, bits, &mut codes);
    Ok(codes)
}

/// As [`unpack`], into one code each of `codes`.
///
/// # Panics
/// When `bytes` is not of [`packed_len`].
pub fn unpack_into(bytes: &[u8], bits: u32, codes: &mut [i8]) {
    assert_eq!(bytes.len(), packed_len(codes.len(), bits), "bytes of {} codes", codes.len());
    if codes.len() <= CHUNK {
        return unpack_chunk(bytes, bits, codes);
    }
    let chunks = codes.par_chunks_mut(CHUNK).zip(bytes.par_chunks(packed_len(CHUNK, bits)));
    chunks.for_each(|(codes, bytes)| unpack_chunk(bytes, bits, codes));
}

fn unpack_chunk(bytes: &[u8], bits: u32, codes: &mut [i8]) {
    match bits {
        1 => unpack_words::<1>(bytes, codes),
        2 => unpack_words::<2>(bytes, codes),
        3 => unpack_words::<3>(bytes, codes),
        4 => unpack_words::<4>(bytes, codes),
        5 => unpack_words::<5>(bytes, codes),
        6 => unpack_words::<6>(bytes, codes),
        7 => unpack_words::<7>(bytes, codes),
        _ => unpack_words::<8>(bytes, codes),
    }
}

/// `count` low bits of every `lane` bits of a word.
const fn low_bits(count: usize, lane: usize) -> u64 {
    let mut mask = u64::MAX >> (64 - count);
    let mut lane = lane;
    while lane < 64 {
        mask |= mask << lane;
        lane *= 2;
    }
    mask
}

/// The low `BITS` bits of eight bytes, side by side: at each step, the upper of two neighbours comes down to the lower.
#[inline(always)]
fn gather<const BITS: usize>(word: u64) -> u64 {
    let word = word & low_bits(BITS, 16) | word >> (8 - BITS) & low_bits(BITS, 16) << BITS;
    let word = word & low_bits(2 * BITS, 32) | word >> (16 - 2 * BITS) & low_bits(2 * BITS, 32) << (2 * BITS);
    word & low_bits(4 * BITS, 64) | word >> (32 - 4 * BITS) & low_bits(4 * BITS, 64) << (4 * BITS)
}

/// The inverse of [`gather`], each code sign-extended in its byte; bits from `8·BITS` on do not matter.
#[inline(always)]
fn spread<const BITS: usize>(word: u64) -> u64 {
    let word = word & low_bits(4 * BITS, 64) | word << (32 - 4 * BITS) & low_bits(4 * BITS, 64) << 32;
    let word = word & low_bits(2 * BITS, 32) | word << (16 - 2 * BITS) & low_bits(2 * BITS, 32) << 16;
    let word = word & low_bits(BITS, 16) | word << (8 - BITS) & low_bits(BITS, 16) << 8;
    if BITS == 8 {
        return word;
    }
    // Per byte (v ^ m) − m with m = 2^(BITS−1); a set top bit, taken away again, keeps the subtraction from borrowing.
    let (sign, top) = (low_bits(1, 8) << (BITS - 1), low_bits(1, 8) << 7);
    ((word ^ sign | top) - sign) ^ top
}

#[inline(always)]
fn word_of(bytes: &[u8]) -> u64 {
    let mut word = [0; WORD];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn pack_words<const BITS: usize>(codes: &[i8], bytes: &mut [u8]) {
    let word = |codes: &[i8]| {
        let mut word = [0; WORD];
        word.iter_mut().zip(codes).for_each(|(byte, &code)| *byte = code as u8);
        gather::<BITS>(u64::from_le_bytes(word))
    };
    let mut words = [0; BLOCK];
    let blocks = codes.len() / (WORD * BLOCK);
    let (codes, last_codes) = codes.split_at(blocks * WORD * BLOCK);
    let (bytes, last_bytes) = bytes.split_at_mut(blocks * BITS * BLOCK);
    for (codes, bytes) in codes.chunks_exact(WORD * BLOCK).zip(bytes.chunks_exact_mut(BITS * BLOCK)) {
        words.iter_mut().zip(codes.chunks_exact(WORD)).for_each(|(to, codes)| *to = word(codes));
        for (word, bytes) in words.iter().zip(bytes.chunks_exact_mut(BITS)) {
            bytes.copy_from_slice(&word.to_le_bytes()[..BITS]);
        }
    }
    for (codes, bytes) in last_codes.chunks(WORD).zip(last_bytes.chunks_mut(BITS)) {
        bytes.copy_from_slice(&word(codes).to_le_bytes()[..bytes.len()]);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn unpack_words<const BITS: usize>(bytes: &[u8], codes: &mut [i8]) {
    let codes_of = |word: u64| spread::<BITS>(word).to_le_bytes().map(|byte| byte as i8);
    let mut words = [0; BLOCK];
    let blocks = codes.len() / (WORD * BLOCK);
    let (codes, last_codes) = codes.split_at_mut(blocks * WORD * BLOCK);
    let (bytes, last_bytes) = bytes.split_at(blocks * BITS * BLOCK);
    for (codes, bytes) in codes.chunks_exact_mut(WORD * BLOCK).zip(bytes.chunks_exact(BITS * BLOCK)) {
        words.iter_mut().zip(bytes.chunks_exact(BITS)).for_each(|(word, bytes)| *word = word_of(bytes));
        for (codes, &word) in codes.chunks_exact_mut(WORD).zip(&words) {
            codes.copy_from_slice(&codes_of(word));
        }
    }
    for (codes, bytes) in last_codes.chunks_mut(WORD).zip(last_bytes.chunks(BITS)) {
        codes.copy_from_slice(&codes_of(word_of(bytes))[..codes.len()]);
    }
}

#[cfg(test)]
#[path = "packing_tests.rs"]
mod tests;
