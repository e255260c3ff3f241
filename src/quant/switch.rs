//! The integer bit switch over whole layers: codes at `b` bits from codes of the master (method.md §1), without floats.
//!
//! Memory-bound: a byte in, a byte or `b` bits out. Work is byte-wise in vector registers over fixed chunks, so that the
//! result is the same at any number of threads.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::quant::packing::{self, CHUNK, packed_len};
use crate::quant::weights::signed_range;
use crate::quant::{Rounding, WeightQuantizer};

/// Codes between the switch and the packing: they stay in the first-level cache, and take whole bytes at every width.
const STAGE: usize = 4096;

impl WeightQuantizer {
    /// The integer bit switch: codes at `bits` from master codes.
    pub fn switch(&self, master: &[i8], bits: u32) -> Vec<i8> {
        let mut codes = vec![0; master.len()];
        self.switch_into(master, bits, &mut codes);
        codes
    }

    /// As [`Self::switch`], into `codes`.
    ///
    /// # Panics
    /// When there is not one of `codes` for each of `master`.
    pub fn switch_into(&self, master: &[i8], bits: u32, codes: &mut [i8]) {
        assert_eq!(master.len(), codes.len(), "one code for each of the master");
        if master.len() <= CHUNK {
            return self.switch_chunk(master, bits, codes);
        }
        let chunks = master.par_chunks(CHUNK).zip(codes.par_chunks_mut(CHUNK));
        chunks.for_each(|(master, codes)| self.switch_chunk(master, bits, codes));
    }

    /// [`Self::switch`], then [`packing::pack`], in one pass.
    pub fn switch_and_pack(&self, master: &[i8], bits: u32) -> Vec<u8> {
        let mut bytes = vec![0; packed_len(master.len(), bits)];
        self.switch_and_pack_into(master, bits, &mut bytes);
        bytes
    }

    /// As [`Self::switch_and_pack`], into `bytes` of [`packed_len`].
    ///
    /// # Panics
    /// When `bytes` is of another length.
    pub fn switch_and_pack_into(&self, master: &[i8], bits: u32, bytes: &mut [u8]) {
        assert_eq!(bytes.len(), packed_len(master.len(), bits), "bytes of {} codes", master.len());
        let chunk = |(master, bytes): (&[i8], &mut [u8])| {
            let mut stage = [0; STAGE];
            for (master, bytes) in master.chunks(STAGE).zip(bytes.chunks_mut(packed_len(STAGE, bits))) {
                let codes = &mut stage[..master.len()];
                self.switch_chunk(master, bits, codes);
                packing::pack_chunk(codes, bits, bytes);
            }
        };
        if master.len() <= CHUNK {
            return chunk((master, bytes));
        }
        master.par_chunks(CHUNK).zip(bytes.par_chunks_mut(packed_len(CHUNK, bits))).for_each(chunk);
    }

    fn switch_chunk(&self, master: &[i8], bits: u32, codes: &mut [i8]) {
        let (low, high) = signed_range(bits);
        let range = [low as i8, high as i8];
        match (self.master_bits - bits, self.rounding) {
            (0, _) => clip(master, range, codes),
            (shift, Rounding::HalfEven) => switch_codes::<0>(master, shift, range, codes),
            (shift, Rounding::HalfAway) => switch_codes::<1>(master, shift, range, codes),
            (shift, Rounding::HalfUp) => switch_codes::<2>(master, shift, range, codes),
            (shift, Rounding::Floor) => switch_codes::<3>(master, shift, range, codes),
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn clip(master: &[i8], [low, high]: [i8; 2], codes: &mut [i8]) {
    for (code, &q) in codes.iter_mut().zip(master) {
        *code = q.max(low).min(high);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn switch_codes<const MODE: u8>(master: &[i8], shift: u32, [low, high]: [i8; 2], codes: &mut [i8]) {
    for (code, &q) in codes.iter_mut().zip(master) {
        *code = Rounding::ALL[MODE as usize].shift_byte(q, shift).max(low).min(high);
    }
}

#[cfg(test)]
#[path = "switch_tests.rs"]
mod tests;
