//! Tests of Double Rounding: exhaustive on codes, hand-computed on gradients, two-sided on error.

use super::*;
use proptest::prelude::*;

fn quantizer(master_bits: u32, rounding: Rounding) -> WeightQuantizer {
    WeightQuantizer { master_bits, rounding, scale_gradient: ScaleGradient::Paper }
}

/// Every master code, every master width, every target precision, every mode: training forward = integer switch.
#[test]
fn fake_quantised_forward_and_integer_switch_give_equal_codes() {
    for rounding in Rounding::ALL {
        for h in 2..=8 {
            let q = quantizer(h, rounding);
            let (low, high) = signed_range(h);
            let master: Vec<i8> = (low..=high).map(|c| c as i8).collect();
            let weights: Vec<f32> = master.iter().map(|&c| f32::from(c)).collect();
            assert_eq!(q.master_codes(&weights, &[1.0]), master);
            for b in 2..=h {
                let switched = q.switch(&master, b);
                let ratio = (1 << (h - b)) as f32;
                let trained: Vec<i8> = q.fake_quantize(&weights, &[1.0], b).iter().map(|v| (v / ratio) as i8).collect();
                assert_eq!(trained, switched, "{rounding:?} {h} -> {b}");
                assert_eq!(
                    WeightQuantizer::dequantize(&switched, &q.scale_at(&[1.0], b)),
                    q.fake_quantize(&weights, &[1.0], b)
                );
            }
        }
    }
}

/// method.md §1.1: the shares of codes on which half-away and floor differ from half-even, measured and pinned, so that
/// a mode that is silently ignored cannot pass.
#[test]
fn rounding_modes_differ_on_the_published_shares_of_codes() {
    let master: Vec<i8> = (-128..=127).map(|c| c as i8).collect();
    let differing = |mode, bits| {
        let reference = quantizer(8, Rounding::HalfEven).switch(&master, bits);
        let other = quantizer(8, mode).switch(&master, bits);
        reference.iter().zip(&other).filter(|(a, b)| a != b).count()
    };
    let away: Vec<usize> = [7, 6, 4, 2].iter().map(|&b| differing(Rounding::HalfAway, b)).collect();
    assert_eq!(away, [64, 32, 8, 2], "of 256: 25 %, 12.5 %, 3.1 %, 0.8 %");
    for bits in [7, 6, 4, 2] {
        let share = differing(Rounding::Floor, bits) as f64 / 256.0;
        assert!((0.2..0.5).contains(&share), "floor differs on {share} at {bits} bits");
    }
}

#[test]
fn quantising_twice_changes_nothing_and_the_error_is_at_most_half_a_step() {
    let q = quantizer(8, Rounding::HalfEven);
    let weights: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.37).sin()).collect();
    for bits in 2..=8 {
        let scale = [1.0 / 127.0];
        let once = q.fake_quantize(&weights, &scale, bits);
        assert_eq!(q.fake_quantize(&once, &scale, bits), once);
        let step = q.scale_at(&scale, bits)[0];
        let top = step * signed_range(bits).1 as f32;
        // Two roundings: half a step of the target plus half a step of the master.
        let limit = 0.5 * step + if bits < 8 { 0.5 * scale[0] } else { 0.0 } + 1e-6;
        for (w, v) in weights.iter().zip(&once).filter(|(w, _)| w.abs() <= top) {
            assert!((w - v).abs() <= limit, "{bits} bits: {w} became {v}");
        }
    }
}

#[test]
fn gradients_match_hand_computed_values() {
    // h = 4, b = 2: Δ = 2, s_h = 0.25, s_b = 1, range [−2, 1], c = 1/√(4·1) = 0.5.
    let q = quantizer(4, Rounding::HalfEven);
    let weights = [-3.0, -0.6, 0.3, 1.7];
    let upstream = [1.0, 10.0, 100.0, 1000.0];
    let (dw, ds) = q.backward(&weights, &[0.25], 2, &upstream);
    assert_eq!(dw, [0.0, 10.0, 100.0, 0.0]);
    // q_h = [−8, −2, 1, 7]; q_b = [−2, round_even(−0.5) = 0, 0, 1]; slopes = [−2, 0.6, −0.3, 1].
    let expected = 0.5 * (-2.0 + 10.0 * 0.6 - 100.0 * 0.3 + 1000.0);
    assert!((f64::from(ds[0]) - expected).abs() < 1e-3, "{ds:?} against {expected}");
    let exact = WeightQuantizer { scale_gradient: ScaleGradient::Exact, ..q };
    let (_, ds_exact) = exact.backward(&weights, &[0.25], 2, &upstream);
    assert!((ds_exact[0] - 4.0 * ds[0]).abs() < 1e-2);
}

/// Inside one rounding cell the codes are constant, so L(s) = Σ g·q·s is linear in s and the exact slope is q; the
/// straight-through form is q − u inside the range and the clip value outside. Outside, both agree: a finite-difference
/// check of the clipped part.
#[test]
fn scale_gradient_of_clipped_weights_is_the_true_derivative() {
    let q = WeightQuantizer { scale_gradient: ScaleGradient::Exact, ..quantizer(8, Rounding::HalfEven) };
    let weights = [9.0f32, -9.0, 12.0];
    let upstream = [0.3f32, -0.7, 1.1];
    for bits in [2, 4, 8] {
        let loss = |s: f32| -> f64 {
            let v = q.fake_quantize(&weights, &[s], bits);
            v.iter().zip(&upstream).map(|(v, g)| f64::from(*v) * f64::from(*g)).sum()
        };
        let s = 0.01f32;
        let numeric = (loss(s * 1.25) - loss(s * 0.75)) / f64::from(s * 0.5);
        let (_, ds) = q.backward(&weights, &[s], bits, &upstream);
        let c = 1.0 / (3.0 * f64::from(signed_range(bits).1)).sqrt();
        assert!((f64::from(ds[0]) - c * numeric).abs() < 1e-3 * numeric.abs(), "{bits}: {ds:?} {numeric}");
    }
}

#[test]
fn scales_are_per_channel() {
    let q = quantizer(8, Rounding::HalfEven);
    let weights = [0.5, -0.5, 0.25, 5.0, -5.0, 2.5];
    let scale = q.initial_scale(&weights, 2);
    assert!((scale[1] / scale[0] - 10.0).abs() < 1e-4);
    let (_, ds) = q.backward(&weights, &scale, 4, &[1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    assert!(ds[0] != 0.0 && ds[1] == 0.0);
    let zero = q.initial_scale(&[0.0; 4], 1);
    assert_eq!(q.fake_quantize(&[0.0; 4], &zero, 2), [0.0; 4]);
}

/// Groups of a channel's weights are rows of their own in every function: the same numbers as of each alone.
#[test]
fn every_group_is_quantised_as_if_it_were_alone() {
    let weights: Vec<f32> = (0..6 * 16).map(|i| (i as f32 * 0.71).sin() * (1.0 + (i / 16) as f32)).collect();
    let upstream: Vec<f32> = (0..weights.len()).map(|i| (i as f32 * 1.3).cos()).collect();
    for bits in [2, 4, 8] {
        let q = quantizer(8, Rounding::HalfEven);
        let scale = q.initial_scale(&weights, 6);
        let codes = q.switch(&q.master_codes(&weights, &scale), bits);
        let values = q.fake_quantize(&weights, &scale, bits);
        assert_eq!(WeightQuantizer::dequantize(&codes, &q.scale_at(&scale, bits)), values);
        let searched = q.searched_scale(&weights, 6, bits);
        let (dw, ds) = q.backward(&weights, &scale, bits, &upstream);
        for (g, row) in weights.chunks(16).enumerate() {
            let at = g * 16..(g + 1) * 16;
            assert_eq!(q.initial_scale(row, 1), [scale[g]]);
            assert_eq!(q.searched_scale(row, 1, bits), [searched[g]]);
            assert_eq!(q.fake_quantize(row, &[scale[g]], bits), values[at.clone()]);
            let (row_dw, row_ds) = q.backward(row, &[scale[g]], bits, &upstream[at.clone()]);
            assert_eq!((row_dw.as_slice(), row_ds[0]), (&dw[at], ds[g]));
        }
        assert!(ds.windows(2).all(|pair| pair[0] != pair[1]));
    }
}

proptest! {
    /// On arbitrary weights too, the float path and the integer path meet.
    #[test]
    fn switch_of_the_stored_master_reproduces_training(
        weights in proptest::collection::vec(-10f32..10.0, 1..64),
        scale in 1e-4f32..1.0,
        bits in 2u32..=8,
        mode in 0usize..4,
    ) {
        let q = quantizer(8, Rounding::ALL[mode]);
        let codes = q.switch(&q.master_codes(&weights, &[scale]), bits);
        let (low, high) = signed_range(bits);
        prop_assert!(codes.iter().all(|&c| (low..=high).contains(&i32::from(c))));
        prop_assert_eq!(WeightQuantizer::dequantize(&codes, &q.scale_at(&[scale], bits)), q.fake_quantize(&weights, &[scale], bits));
    }
}
