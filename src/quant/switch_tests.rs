//! Tests of the switch: the scalar definition on every code, master width, target width and mode.

use super::*;
use crate::quant::ScaleGradient;
use proptest::prelude::*;

fn quantizer(master_bits: u32, rounding: Rounding) -> WeightQuantizer {
    WeightQuantizer { master_bits, rounding, scale_gradient: ScaleGradient::Paper }
}

/// `clip(round(q / 2^Δ))`, one code at a time, in wide integers.
fn one_by_one(quantizer: &WeightQuantizer, master: &[i8], bits: u32) -> Vec<i8> {
    let (low, high) = signed_range(bits);
    let shift = quantizer.master_bits - bits;
    master.iter().map(|&q| quantizer.rounding.shift_right(i32::from(q), shift).clamp(low, high) as i8).collect()
}

fn every_quantizer() -> impl Iterator<Item = (WeightQuantizer, u32)> {
    let masters = Rounding::ALL.into_iter().flat_map(|r| (2..=8).map(move |h| quantizer(h, r)));
    masters.flat_map(|q| (2..=q.master_bits).map(move |bits| (q, bits)))
}

/// Codes outside the master's range too: they are clipped.
#[test]
fn every_code_switches_as_the_definition_says() {
    let master: Vec<i8> = (i8::MIN..=i8::MAX).collect();
    for (quantizer, bits) in every_quantizer() {
        let codes = one_by_one(&quantizer, &master, bits);
        assert_eq!(quantizer.switch(&master, bits), codes, "{quantizer:?} to {bits} bits");
        assert_eq!(quantizer.switch_and_pack(&master, bits), packing::pack(&codes, bits));
    }
}

#[test]
fn every_length_around_words_and_stages_is_switched_whole() {
    for length in (0..70).chain(STAGE - 9..STAGE + 10).chain([2 * CHUNK + 3 * STAGE + 5]) {
        let master: Vec<i8> = (0..length).map(|i| (i * 89 + 7) as i8).collect();
        for bits in 2..=8 {
            let quantizer = quantizer(8, Rounding::HalfEven);
            let codes = one_by_one(&quantizer, &master, bits);
            assert!(quantizer.switch(&master, bits) == codes, "{length} codes to {bits} bits");
            let bytes = quantizer.switch_and_pack(&master, bits);
            assert!(bytes == packing::pack(&codes, bits), "{length} codes to {bits} bits");
        }
    }
}

proptest! {
    #[test]
    fn switching_and_packing_unpacks_to_the_switched_codes(
        master in proptest::collection::vec(any::<i8>(), 0..600), bits in 2u32..=8, mode in 0usize..4,
    ) {
        let quantizer = quantizer(8, Rounding::ALL[mode]);
        let bytes = quantizer.switch_and_pack(&master, bits);
        prop_assert_eq!(packing::unpack(&bytes, master.len(), bits).unwrap(), one_by_one(&quantizer, &master, bits));
    }
}
