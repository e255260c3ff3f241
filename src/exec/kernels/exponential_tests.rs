//! Errors against f64, from both sides: the stated bound holds, a tenth of it does not.

use super::*;

/// The largest relative error over evenly spaced numbers, beside `absolute`.
fn error([from, to]: [f32; 2], f: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64, absolute: f64) -> f64 {
    let steps = 400_000;
    let one = |i: u32| {
        let x = from + (to - from) * i as f32 / steps as f32;
        let exact = exact(f64::from(x));
        ((f64::from(f(x)) - exact).abs() - absolute).max(0.0) / exact.abs().max(f64::MIN_POSITIVE)
    };
    (0..=steps).map(one).fold(0.0, f64::max)
}

fn assert_error(name: &str, error: f64, bound: f64) {
    assert!(error <= bound && error >= bound / 10.0, "{name}: {error:e}, stated {bound:e}");
}

#[test]
fn the_stated_errors_hold_and_a_tenth_of_them_does_not() {
    assert_error("eˣ", error([-87.3, 88.7], exp, f64::exp, 0.0), 1e-7);
    // Subnormal results: half of the smallest number, twice, since the factors round in turn.
    assert_eq!(error([-106.0, -87.3], exp, f64::exp, 1.5e-45), 0.0);
    assert!(error([-106.0, -87.3], exp, f64::exp, 1e-47) > 1e-3);
    assert_error("eˣ − 1", error([-40.0, -1e-30], exp_minus_one, f64::exp_m1, 0.0), 2.5e-7);
    assert_error("ln(1 + u)", error([1e-30, 1.0], ln_one_plus, f64::ln_1p, 0.0), 3e-7);
    assert_error("tanh", error([1e-30, 12.0], tanh, f64::tanh, 0.0), 3e-7);
    let tail = |x: f64| 0.5 * libm::erfc(x * std::f64::consts::FRAC_1_SQRT_2);
    assert_error("tail to 1", error([0.0, 1.0], |x| normal_tail(x).0, tail, 0.0), 5e-7);
    assert_error("tail to 13", error([0.0, 13.0], |x| normal_tail(x).0, tail, 0.0), 6e-6);
    assert_error("erf", error([0.5, 6.0], erf, libm::erf, 0.0), 4e-7);
}

#[test]
fn limits_and_nan() {
    let infinity = f32::INFINITY;
    assert_eq!([exp(-infinity), exp(infinity), exp(-200.0), exp(89.0), exp(0.0)], [0.0, infinity, 0.0, infinity, 1.0]);
    assert_eq!([tanh(-infinity), tanh(infinity), erf(-infinity), erf(infinity)], [-1.0, 1.0, -1.0, 1.0]);
    assert_eq!([exp_minus_one(-infinity), exp_minus_one(0.0), ln_one_plus(0.0)], [-1.0, 0.0, 0.0]);
    assert_eq!(normal_tail(infinity), (0.0, 0.0));
    let nan = f32::NAN;
    assert!(
        [exp(nan), exp(-nan), exp_minus_one(nan), ln_one_plus(nan), tanh(nan), erf(nan)].iter().all(|y| y.is_nan())
    );
    assert!(tanh(-0.0).is_sign_negative());
}
