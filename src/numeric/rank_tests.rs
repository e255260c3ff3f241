//! Rank correlations against values worked out by hand and against their definitions, pair by pair.

use super::*;
use crate::numeric::rng::Stream;

/// The definitions: every pair looked at, every rank counted.
fn naive(x: &[f64], y: &[f64]) -> (f64, f64) {
    let n = x.len();
    let (mut difference, mut untied_x, mut untied_y) = (0.0, 0.0, 0.0);
    let sign = |a: f64, b: f64| (a > b) as i32 as f64 - (a < b) as i32 as f64;
    for i in 0..n {
        for j in 0..i {
            let (a, b) = (sign(x[i], x[j]), sign(y[i], y[j]));
            difference += a * b;
            untied_x += a * a;
            untied_y += b * b;
        }
    }
    let rank = |v: &[f64], i: usize| {
        let below = v.iter().filter(|o| **o < v[i]).count() as f64;
        let equal = v.iter().filter(|o| **o == v[i]).count() as f64;
        below + (equal + 1.0) / 2.0
    };
    let mean = (n as f64 + 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| (0..n).map(|i| (rank(a, i) - mean) * (rank(b, i) - mean)).sum::<f64>();
    (product(x, y) / (product(x, x) * product(y, y)).sqrt(), difference / (untied_x * untied_y).sqrt())
}

#[test]
fn values_worked_out_by_hand() {
    // Σd² = 1 + 1 + 0 + 1 + 1 = 4: ρ = 1 − 6·4/(5·24) = 0.8; 2 of 10 pairs in opposite order: τ = 0.6.
    let (x, y) = ([1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 3.0, 5.0, 4.0]);
    assert!((spearman(&x, &y).unwrap() - 0.8).abs() < 1e-15);
    assert!((kendall(&x, &y).unwrap() - 0.6).abs() < 1e-15);
    // Ties: ranks (1, 2.5, 2.5, 4) and (1.5, 1.5, 3, 4): covariance 3.75, variances 4.5 and 4.5: ρ = 5/6.
    // Pairs: C = 4, D = 0, one tied in each: τ_b = 4/√(5·5).
    let (x, y) = ([1.0, 2.0, 2.0, 3.0], [1.0, 1.0, 2.0, 3.0]);
    assert!((spearman(&x, &y).unwrap() - 5.0 / 6.0).abs() < 1e-15);
    assert!((kendall(&x, &y).unwrap() - 0.8).abs() < 1e-15);
}

#[test]
fn lists_with_and_without_ties_agree_with_the_definitions() {
    for case in 0..200u64 {
        let mut stream = Stream::new(5, "ranks", &[case]);
        let n = 2 + stream.below(60) as usize;
        let levels = [3, 10, 1_000_000][case as usize % 3];
        let x: Vec<f64> = (0..n).map(|_| stream.below(levels) as f64 - 1.0).collect();
        let y: Vec<f64> = x.iter().map(|x| 0.5 * x + stream.below(levels) as f64).collect();
        let (rho, tau) = naive(&x, &y);
        if rho.is_nan() {
            assert_eq!((spearman(&x, &y), kendall(&x, &y)), (None, None));
            continue;
        }
        assert!((spearman(&x, &y).unwrap() - rho).abs() < 1e-13, "{case}");
        assert!((kendall(&x, &y).unwrap() - tau).abs() < 1e-13, "{case}");
        // Negative control: with the ties broken by position the value is another.
        if levels == 3 && n > 10 {
            let broken: Vec<f64> = y.iter().enumerate().map(|(i, y)| y + 1e-6 * i as f64).collect();
            assert!((kendall(&x, &broken).unwrap() - tau).abs() > 1e-3, "{case}");
        }
    }
}

#[test]
fn perfect_orders_give_exactly_one_and_only_the_order_counts() {
    for n in (2..40).chain([1000]) {
        let x: Vec<f64> = (0..n).map(|i| (f64::from(i) * 0.7).sin()).collect();
        let up: Vec<f64> = x.iter().map(|v| v.exp()).collect();
        let down: Vec<f64> = x.iter().map(|v| -v * v * v).collect();
        assert_eq!((spearman(&x, &up), kendall(&x, &up)), (Some(1.0), Some(1.0)), "{n}");
        assert_eq!((spearman(&x, &down), kendall(&x, &down)), (Some(-1.0), Some(-1.0)), "{n}");
    }
}

#[test]
fn what_has_no_order_has_no_correlation() {
    for (x, y) in [
        (&[][..], &[][..]),
        (&[1.0], &[2.0]),
        (&[1.0, 1.0], &[1.0, 2.0]),
        (&[1.0, 2.0], &[3.0, 3.0]),
        (&[1.0, 2.0], &[1.0, f64::NAN]),
        (&[1.0, 2.0], &[1.0]),
    ] {
        assert_eq!((spearman(x, y), kendall(x, y)), (None, None), "{x:?} {y:?}");
    }
    // The two zeros are one value.
    assert_eq!(kendall(&[0.0, -0.0, 1.0], &[2.0, 1.0, 3.0]), kendall(&[0.0, 0.0, 1.0], &[1.0, 2.0, 3.0]));
}

#[test]
fn negative_zero_is_tied_with_zero() {
    let tau = kendall(&[-0.0, 0.0, 1.0], &[2.0, 1.0, 3.0]).unwrap();
    assert!((tau - 2.0 / 6f64.sqrt()).abs() < 1e-15, "{tau}");
}
