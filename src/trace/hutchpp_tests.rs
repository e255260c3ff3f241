use super::*;
use crate::numeric::stats::Moments;
use crate::trace::fixtures::{Dense, ROUNDING, STANDARD_ERRORS, decaying, deviation, heavy, with_spectrum};

fn draws(operator: &Dense, products: usize, count: u64) -> Vec<f64> {
    (0..count).map(|d| hutchpp(operator, 0, products, &mut Stream::new(1, "test", &[d])).unwrap()).collect()
}

#[test]
fn draws_are_unbiased_and_one_percent_of_bias_is_seen() {
    let mut operator = Dense::one(with_spectrum(&decaying(24, 0.5)));
    let trace = operator.matrix.trace();
    let mut off = |bias: f64| {
        operator.bias = bias;
        deviation(&draws(&operator, 15, 2000).into_iter().collect::<Moments>(), trace)
    };
    let (correct, biased) = (off(1.0), off(1.01));
    assert!(correct <= STANDARD_ERRORS, "{correct} standard errors off");
    assert!(biased > STANDARD_ERRORS, "1 % of bias is only {biased} standard errors");
}

#[test]
fn a_rank_up_to_a_third_of_the_products_is_exact_and_one_more_is_not() {
    for (rank, exact) in [(0, true), (1, true), (4, true), (5, false)] {
        let eigenvalues: Vec<f64> = (0..20).map(|i| if i < rank { 1.0 + i as f64 } else { 0.0 }).collect();
        let operator = Dense::one(with_spectrum(&eigenvalues));
        for draw in draws(&operator, 12, 20) {
            let error = (draw - operator.matrix.trace()).abs();
            assert_eq!(error <= ROUNDING, exact, "rank {rank}: {error}");
        }
    }
}

/// Mean squared error against `2(‖A‖² − Σ a_ii²)/m`, Hutchinson's with as many products.
fn against_hutchinson(spectrum: &[f64], products: usize) -> f64 {
    let a = with_spectrum(spectrum);
    let hutchinson = 2.0 * (a.norm_squared() - a.diagonal().norm_squared()) / products as f64;
    let (trace, operator) = (a.trace(), Dense::one(a));
    let squares: Moments = draws(&operator, products, 600).into_iter().map(|t| (t - trace).powi(2)).collect();
    squares.mean().unwrap() / hutchinson
}

#[test]
fn a_decaying_spectrum_is_far_better_than_hutchinson_and_a_flat_one_worse_as_the_header_says() {
    let decay = against_hutchinson(&decaying(40, 0.6), 18);
    assert!(decay < 0.1, "{decay}");
    // Alternating signs: a flat spectrum whose matrix has no heavy diagonal.
    let flat: Vec<f64> = (0..60).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let flat = against_hutchinson(&flat, 18);
    assert!((1.5..3.5).contains(&flat), "{flat}");
    // A heavy diagonal: Hutchinson's Rademacher vectors take it for nothing, the projection mixes it up.
    let heavy: Vec<f64> = (0..40).map(|i| 0.5 + f64::from(i) / 40.0).collect();
    let heavy = against_hutchinson(&heavy, 18);
    assert!((3.5..10.0).contains(&heavy), "{heavy}");
}

#[test]
fn a_block_no_larger_than_the_products_is_exact_and_too_few_products_are_refused() {
    let operator = Dense::new(heavy(12), &[5, 7]);
    let mut stream = Stream::new(0, "test", &[]);
    assert_eq!(hutchpp(&operator, 0, 5, &mut stream).unwrap(), exact(&operator, 0).unwrap());
    assert!(hutchpp(&operator, 1, 2, &mut stream).is_err());
    assert!(hutchpp(&operator, 2, 9, &mut stream).is_err());
}
