//! Kernels in single precision against the same functions in f64, with bounds from both sides: the stated error holds, a
//! tenth of it does not.

use super::rows::RowFunction;
use super::*;
use crate::graph::Activation as A;

/// A function, the range of its test, and the largest errors of value and slope, of the larger of 1 and the result. 0 is
/// exact.
const BOUNDS: [(Activation, f32, [f64; 2]); 27] = [
    (A::Clip { low: -1.0, high: 6.0 }, 10.0, [0.0, 0.0]),
    (A::LeakyRelu { slope: 0.01 }, 10.0, [1e-8, 1e-9]),
    (A::Gelu, 20.0, [1.5e-7, 2.5e-7]),
    (A::GeluTanh, 20.0, [2e-7, 2.5e-7]),
    (A::Silu, 120.0, [2e-7, 2e-7]),
    (A::Sigmoid, 90.0, [1.5e-7, 1e-7]),
    (A::HardSigmoid, 5.0, [1.5e-7, 1e-8]),
    (A::HardSwish, 5.0, [2e-7, 1.5e-7]),
    (A::Tanh, 20.0, [2e-7, 3e-7]),
    (A::Affine { scale: 0.7, shift: -1.3 }, 10.0, [2e-7, 2e-8]),
    (A::Elu { alpha: 1.5 }, 20.0, [2e-7, 2e-7]),
    (A::Softplus, 90.0, [2e-7, 1.5e-7]),
    (A::Absolute, 5.0, [0.0, 0.0]),
    (A::Exp, 88.0, [1e-7, 1e-7]),
    (A::SquareRoot, 1e4, [6e-8, 1e-7]),
    (A::Reciprocal, 1e4, [6e-8, 2e-7]),
    (A::Power { exponent: 2.0 }, 1e4, [6e-8, 0.0]),
    (A::Power { exponent: 1.5 }, 1e4, [6e-8, 6e-8]),
    (A::Erf, 6.0, [4e-7, 2e-7]),
    (A::Log, 1e4, [6e-8, 6e-8]),
    (A::Sine, 1e4, [6e-8, 6e-8]),
    (A::Cosine, 1e4, [6e-8, 6e-8]),
    (A::Floor, 10.0, [0.0, 0.0]),
    (A::Ceil, 10.0, [0.0, 0.0]),
    (A::Round, 10.0, [0.0, 0.0]),
    (A::Truncate, 10.0, [0.0, 0.0]),
    (A::IsPositive, 2.0, [0.0, 0.0]),
];

/// Numbers of every size in `[-limit, limit]`, of both signs unless the function is for positive ones only.
fn grid(function: Activation, limit: f32) -> Vec<f32> {
    let steps = 100_003;
    let even = (0..=steps).map(|i| limit * (2 * i - steps) as f32 / steps as f32);
    let small = (0..200).flat_map(|i| [1.0, -1.0].map(|sign| sign * 1.7f32.powi(-i / 4) * (1.0 + i as f32 / 1e3)));
    let positive = matches!(function, A::SquareRoot | A::Log | A::Power { .. });
    even.chain(small).filter(|&x| !positive || x > 0.0).collect()
}

/// The values and the slopes of a function, in f64 and by its kernel.
fn both(f: &impl RowFunction, x: &[f32]) -> [[Vec<f64>; 2]; 2] {
    let (wide, ones) = (wide(x), vec![1.0; x.len()]);
    let (mut exact, mut found) = ([ones.clone(), ones.clone()], [vec![0f32; x.len()], vec![0f32; x.len()]]);
    rows::forward_in_double(f, x.len(), &wide, &mut exact[0]);
    rows::adjoint_in_double(f, x.len(), &wide, &ones, &mut exact[1]);
    f.forward_single(x.len(), x, &mut found[0]);
    f.adjoint_single(x.len(), x, &vec![1.0; x.len()], &mut found[1]);
    [exact, found.map(|values| self::wide(&values))]
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

/// The largest error, of the larger of `floor` and the exact number.
fn error(exact: &[f64], found: &[f64], floor: f64) -> f64 {
    assert_eq!(exact.len(), found.len());
    let overflow = |e: f64, f: f64| (e as f32).is_infinite() && f64::from(e as f32) == f;
    let one = |(&e, &f): (&f64, &f64)| if overflow(e, f) { 0.0 } else { (e - f).abs() / e.abs().max(floor) };
    exact.iter().zip(found).map(one).fold(0.0, |worst, e| if e > worst || e.is_nan() { e } else { worst })
}

/// The bound holds and is no more than ten times the error.
fn assert_error(name: &str, error: f64, bound: f64) {
    assert!(error <= bound, "{name}: {error:e} is above {bound:e}");
    assert!(error >= bound / 10.0, "{name}: {error:e} is far below {bound:e}");
}

#[test]
fn activations_and_their_slopes_have_the_stated_errors() {
    for (function, limit, bounds) in BOUNDS {
        let x = grid(function, limit);
        let [exact, found] = both(&function, &x);
        for which in 0..2 {
            assert_error(&format!("{function:?} {which}"), error(&exact[which], &found[which], 1.0), bounds[which]);
        }
    }
}

#[test]
fn activations_keep_nan_and_have_the_limits_of_f64_where_it_has_any() {
    let edges = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, 1e-40, -1e-40, 3e38, -3e38, 1e-30, 1e20, -1e20];
    for (function, _, bounds) in BOUNDS {
        let [exact, found] = both(&function, &edges);
        for which in 0..2 {
            for ((x, e), f) in edges.iter().zip(&exact[which]).zip(&found[which]) {
                let close = (e - f).abs() <= bounds[which].max(1e-7) * e.abs().max(1.0);
                assert!(e.is_nan() || *e as f32 == *f as f32 || close, "{function:?} {which} at {x}: {f} for {e}");
            }
        }
        let [exact, found] = both(&function, &[f32::NAN]);
        assert_eq!(exact[0][0].is_nan(), found[0][0].is_nan(), "{function:?}");
    }
    // Where f64 has ∞ · 0.
    for function in [A::Gelu, A::GeluTanh, A::Silu, A::HardSwish] {
        let [_, [value, slope]] = both(&function, &[f32::NEG_INFINITY, f32::INFINITY]);
        assert_eq!((value, slope), (vec![0.0, f64::INFINITY], vec![0.0, 1.0]), "{function:?}");
    }
}

fn wave(n: usize, scale: f64, shift: f64) -> Vec<f32> {
    (0..n).map(|i| (scale * (i as f64 * 0.731 + shift + (i * i % 17) as f64).sin() + shift) as f32).collect()
}

/// Values and adjoints of rows, in f64 and by the kernel; and each row by itself.
fn rows_of_both(f: &impl RowFunction, width: usize, x: &[f32], g: &[f32], alone: bool) -> [[Vec<f64>; 2]; 2] {
    let mut exact = [vec![0.0; x.len()], vec![0.0; x.len()]];
    rows::forward_in_double(f, width, &wide(x), &mut exact[0]);
    rows::adjoint_in_double(f, width, &wide(x), &wide(g), &mut exact[1]);
    let mut found = [vec![9f32; x.len()], vec![9f32; x.len()]];
    f.forward_single(width, x, &mut found[0]);
    f.adjoint_single(width, x, g, &mut found[1]);
    if alone {
        let mut one = [vec![0f32; width], vec![0f32; width]];
        for row in 0..x.len() / width {
            let place = row * width..(row + 1) * width;
            f.forward_single(width, &x[place.clone()], &mut one[0]);
            f.adjoint_single(width, &x[place.clone()], &g[place.clone()], &mut one[1]);
            assert!((0..2).all(|which| one[which] == found[which][place.clone()]), "a row depends on others");
        }
    }
    [exact, found.map(|values| wide(&values))]
}

#[test]
fn softmax_agrees_with_f64_in_rows_of_any_length() {
    let mut worst = [0f64; 2];
    for (width, rows, causal) in
        [(1, 3, false), (7, 4, false), (16, 2, false), (197, 6, false), (21, 42, true), (64, 64, true)]
    {
        let softmax = Softmax { causal: causal.then_some(width) };
        let (x, g) = (wave(width * rows, 6.0, 0.3), wave(width * rows, 1.0, 0.9));
        let [exact, found] = rows_of_both(&softmax, width, &x, &g, !causal);
        for which in 0..2 {
            worst[which] = worst[which].max(error(&exact[which], &found[which], 0.1));
        }
        let hidden = |i: usize| causal && i % width > i / width % width;
        assert!((0..x.len()).all(|i| !hidden(i) || (found[0][i], found[1][i]) == (0.0, 0.0)));
    }
    assert_error("softmax", worst[0], 1e-6);
    assert_error("its adjoint", worst[1], 2e-6);
}

#[test]
fn softmax_hides_what_is_minus_infinity_and_keeps_nan() {
    let softmax = Softmax { causal: None };
    let low = f32::NEG_INFINITY;
    let [exact, found] = rows_of_both(&softmax, 4, &[low, 80.0, low, 80.0, 1.0, f32::NAN, 0.0, 2.0], &[1.0; 8], false);
    assert_eq!(found[0][..4], [0.0, 0.5, 0.0, 0.5]);
    assert_eq!(exact[0][..4], found[0][..4]);
    assert!(exact[0][4..].iter().chain(&found[0][4..]).all(|y| y.is_nan()));
}

#[test]
fn norms_of_rows_agree_with_f64_far_from_zero_too() {
    let mut worst = [0f64; 4];
    for (width, rows, shift) in [(1, 3, 0.5), (10, 3, 0.0), (16, 2, 1.0), (192, 9, 0.2), (197, 5, -50.0)] {
        for centred in [true, false] {
            let parameter = |shift| wide(&wave(width, 1.0, shift));
            let norm = RowNorm::new(centred, 1e-5, parameter(1.0), parameter(0.1));
            let x: Vec<f32> = wave(width * rows, 2.0, 0.3).iter().map(|x| x + shift).collect();
            let g = wave(width * rows, 1.0, 0.9);
            let [exact, found] = rows_of_both(&norm, width, &x, &g, true);
            let (mut sums, mut exact_sums) =
                ([vec![0.5; width], vec![0.5; width]], [vec![0.5; width], vec![0.5; width]]);
            let [gamma, beta] = &mut sums;
            norm.add_parameter_gradients(&x, &g, gamma, beta);
            let [gamma, beta] = &mut exact_sums;
            norm.add_parameter_gradients(&wide(&x), &wide(&g), gamma, beta);
            // One number has no spread: its x̂ is the rounding of a difference.
            let scale = if width == 1 { 1e3 } else { 1.0 };
            for which in 0..2 {
                worst[which] = worst[which].max(error(&exact[which], &found[which], scale));
                worst[2 + which] = worst[2 + which].max(error(&exact_sums[which], &sums[which], scale));
            }
        }
    }
    assert_error("norm", worst[0], 2e-6);
    assert_error("its adjoint", worst[1], 2e-6);
    assert_error("gradient of γ", worst[2], 2e-6);
    assert!(worst[3] < 1e-12, "gradient of β: {}", worst[3]);
}
