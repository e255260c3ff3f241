use super::*;
use crate::numeric::stats::Moments;
use crate::trace::ProbeDistribution::{Gaussian, Rademacher};
use crate::trace::fixtures::{Dense, ROUNDING, STANDARD_ERRORS, Tridiagonal, deviation, heavy};

const DRAWS: u64 = 4000;

fn draws(operator: &dyn SymmetricOperator, of: ProbeDistribution, count: u64, seed: u64) -> Vec<Vec<f64>> {
    (0..count).map(|d| hutchinson(operator, of, &mut Stream::new(seed, "test", &[d])).unwrap()).collect()
}

fn of_layer(draws: &[Vec<f64>], layer: usize) -> Moments {
    draws.iter().map(|draw| draw[layer]).collect()
}

/// `Var` of one draw of layer `l`, as the header has it.
fn variance(operator: &Dense, distribution: ProbeDistribution, l: usize) -> f64 {
    let block = operator.block(l, l);
    let diagonal = if distribution == Rademacher { block.diagonal().norm_squared() } else { 0.0 };
    let others = (0..operator.sizes.len()).filter(|&m| m != l).map(|m| operator.block(l, m).norm_squared());
    2.0 * (block.norm_squared() - diagonal) + others.sum::<f64>()
}

#[test]
fn rademacher_draws_are_unbiased_and_one_percent_of_bias_is_seen() {
    let mut operator = Dense::one(heavy(10));
    let (trace, error) = (operator.matrix.trace(), (variance(&operator, Rademacher, 0) / DRAWS as f64).sqrt());
    for seed in 0..20 {
        let mut off = |bias: f64| {
            operator.bias = bias;
            (of_layer(&draws(&operator, Rademacher, DRAWS, seed), 0).mean().unwrap() - trace).abs() / error
        };
        let (correct, biased) = (off(1.0), off(1.01));
        assert!(correct <= STANDARD_ERRORS, "seed {seed}: {correct} standard errors off");
        assert!(biased > STANDARD_ERRORS, "seed {seed}: 1 % of bias is only {biased} standard errors");
    }
}

/// `Var/t² = 2‖A‖²/t² ≈ 2/n`: a long diagonal makes the test sharp, where a 10 × 10 matrix would hide 4 % of bias.
#[test]
fn gaussian_draws_are_unbiased_and_one_percent_of_bias_is_seen() {
    let diagonal: Vec<f64> = (0..400).map(|i| 1.0 + f64::from(i) / 1000.0).collect();
    let squares: f64 = diagonal.iter().map(|a| a * a).sum();
    let mut operator = Tridiagonal::new(diagonal, 0.05);
    let error = (2.0 * (squares + operator.off_diagonal()) / DRAWS as f64).sqrt();
    for seed in 0..3 {
        let mut off = |bias: f64| {
            operator.bias = bias;
            (of_layer(&draws(&operator, Gaussian, DRAWS, seed), 0).mean().unwrap() - operator.trace()).abs() / error
        };
        let (correct, biased) = (off(1.0), off(1.01));
        assert!(correct <= STANDARD_ERRORS, "seed {seed}: {correct} standard errors off");
        assert!(biased > STANDARD_ERRORS, "seed {seed}: 1 % of bias is only {biased} standard errors");
    }
}

/// The standard error of a sample variance is that of the mean of the squared deviations.
fn variance_deviation(draws: &[Vec<f64>], layer: usize, truth: f64, variance: f64) -> f64 {
    let squares: Moments = draws.iter().map(|draw| (draw[layer] - truth).powi(2)).collect();
    deviation(&squares, variance)
}

#[test]
fn the_variance_is_the_one_in_the_header_and_leaving_a_term_out_is_seen() {
    let matrix = heavy(9) + nalgebra::DMatrix::from_fn(9, 9, |i, j| if i == j { 0.0 } else { 0.3 });
    let operator = Dense::new(matrix, &[4, 3, 2]);
    for distribution in [Rademacher, Gaussian] {
        let draws = draws(&operator, distribution, 5 * DRAWS, 3);
        for l in 0..3 {
            let (block, variance) = (operator.block(l, l), variance(&operator, distribution, l));
            let off = |variance: f64| variance_deviation(&draws, l, block.trace(), variance);
            assert!(off(variance) <= STANDARD_ERRORS, "{distribution:?}, layer {l}: {}", off(variance));
            let own_block = 2.0 * (block.norm_squared() - block.diagonal().norm_squared());
            assert!(off(own_block) > STANDARD_ERRORS, "{distribution:?}, layer {l}: blind for the other blocks");
            assert!(off(1.2 * variance) > STANDARD_ERRORS, "{distribution:?}, layer {l}: blind for a fifth");
        }
    }
}

#[test]
fn blocks_are_estimated_without_bias_although_the_vector_spans_all() {
    let operator = Dense::new(heavy(12), &[5, 4, 3]);
    for distribution in [Rademacher, Gaussian] {
        let draws = draws(&operator, distribution, DRAWS, 3);
        for l in 0..3 {
            let off = deviation(&of_layer(&draws, l), operator.block(l, l).trace());
            assert!(off <= STANDARD_ERRORS, "{distribution:?}, layer {l}: {off}");
        }
    }
}

#[test]
fn a_diagonal_matrix_is_exact_with_one_rademacher_probe() {
    let a = nalgebra::DMatrix::from_diagonal(&nalgebra::DVector::from_fn(6, |i, _| i as f64 - 1.5));
    let operator = Dense::new(a, &[2, 4]);
    let traces = &draws(&operator, Rademacher, 1, 0)[0];
    assert!((traces[0] - -2.0).abs() < ROUNDING && (traces[1] - 8.0).abs() < ROUNDING);
    // Not so a Gaussian one.
    assert!((draws(&operator, Gaussian, 1, 0)[0][1] - 8.0).abs() > 0.01);
}
