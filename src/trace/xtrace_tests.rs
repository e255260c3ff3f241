use super::*;
use crate::trace::fixtures::{Dense, ROUNDING, STANDARD_ERRORS, decaying, deviation, heavy, with_spectrum};
use crate::trace::{LayerVectors, probe};

fn draws(operator: &dyn SymmetricOperator, products: usize, count: u64) -> Vec<XTrace> {
    (0..count).map(|d| xtrace(operator, 0, products, &mut Stream::new(1, "test", &[d])).unwrap()).collect()
}

#[test]
fn draws_are_unbiased_and_one_percent_of_bias_is_seen() {
    for spectrum in [decaying(24, 0.5), (0..24).map(|i| 1.0 + f64::from(i) / 24.0).collect()] {
        let mut operator = Dense::one(with_spectrum(&spectrum));
        let trace = operator.matrix.trace();
        let mut off = |bias: f64| {
            operator.bias = bias;
            deviation(&draws(&operator, 14, 2000).into_iter().map(|t| t.trace).collect(), trace)
        };
        let (correct, biased) = (off(1.0), off(1.01));
        assert!(correct <= STANDARD_ERRORS, "{correct} standard errors off");
        assert!(biased > STANDARD_ERRORS, "1 % of bias is only {biased} standard errors");
    }
}

/// The definition, with a QR of its own for every column that is left out.
#[test]
fn leaving_one_out_of_a_single_qr_is_leaving_it_out_before_the_qr() {
    let (n, k) = (15, 4);
    let a = with_spectrum(&decaying(n, 0.8));
    let operator = Dense::one(a.clone());
    for seed in 0..10 {
        let omega = ProbeDistribution::Gaussian.vectors(n, k, &mut Stream::new(1, "test", &[seed]));
        let omega = matrix(n, &omega).unwrap();
        let estimate = |i: usize| {
            let q = (&a * &omega).remove_column(i).qr().q();
            let p = omega.column(i) - &q * q.tr_mul(&omega.column(i));
            let scale = (n - k + 1) as f64 / p.norm_squared();
            (q.tr_mul(&(&a * &q))).trace() + scale * p.dot(&(&a * &p))
        };
        let expected: Moments = (0..k).map(estimate).collect();
        let found = draws(&operator, 2 * k + 1, 10)[seed as usize];
        assert!((found.trace - expected.mean().unwrap()).abs() <= ROUNDING, "{found:?} {expected:?}");
        assert!((found.stderr - expected.standard_error().unwrap()).abs() <= ROUNDING, "{found:?} {expected:?}");
    }
}

#[test]
fn a_rank_below_half_of_the_products_is_exact_and_half_is_not() {
    for (rank, exact) in [(0, true), (1, true), (3, true), (5, true), (6, false)] {
        let eigenvalues: Vec<f64> = (0..20).map(|i| if i < rank { 1.0 + i as f64 } else { 0.0 }).collect();
        let operator = Dense::one(with_spectrum(&eigenvalues));
        for draw in draws(&operator, 12, 20) {
            let error = (draw.trace - operator.matrix.trace()).abs();
            assert_eq!(error <= ROUNDING, exact, "rank {rank}: {error}");
            assert_eq!(draw.stderr <= ROUNDING, exact, "rank {rank}: {}", draw.stderr);
        }
    }
}

#[test]
fn spectra_that_end_below_rounding_give_numbers() {
    for ratio in [0.1, 1e-3, 1e-8, 1e-200] {
        let operator = Dense::one(with_spectrum(&decaying(30, ratio)));
        for draw in draws(&operator, 28, 5) {
            assert!((draw.trace - operator.matrix.trace()).abs() <= ROUNDING, "{ratio}: {draw:?}");
            assert!(draw.stderr <= ROUNDING);
        }
    }
    let operator = Dense::one(DMatrix::from_diagonal(&DVector::from_fn(9, |i, _| if i == 4 { 2.0 } else { 0.0 })));
    assert!(draws(&operator, 8, 5).iter().all(|draw| (draw.trace - 2.0).abs() <= ROUNDING));
}

/// Products as a network in f32 makes them.
struct Single(Dense);

impl SymmetricOperator for Single {
    fn sizes(&self) -> &[usize] {
        self.0.sizes()
    }

    fn apply(&self, v: &LayerVectors) -> Result<LayerVectors> {
        let round = |v: Vec<f64>| v.into_iter().map(|x| f64::from(x as f32)).collect();
        Ok(self.0.apply(v)?.into_iter().map(round).collect())
    }

    fn apply_block(&self, _: usize, vectors: &[Vec<f64>]) -> Result<Vec<Vec<f64>>> {
        vectors.iter().map(|v| Ok(self.apply(&vec![v.clone()])?.remove(0))).collect()
    }
}

#[test]
fn products_in_single_precision_cost_no_more_than_that() {
    let eigenvalues: Vec<f64> = (0..20).map(|i| if i < 3 { 1.0 + f64::from(i) } else { 0.0 }).collect();
    let operator = Single(Dense::one(with_spectrum(&eigenvalues)));
    for draw in draws(&operator, 14, 20) {
        assert!((draw.trace - 6.0).abs() <= 6.0 * 1e-5, "{draw:?}");
    }
}

fn figures(spectrum: &[f64], products: usize) -> (f64, f64) {
    let a = with_spectrum(spectrum);
    let hutchinson = 2.0 * (a.norm_squared() - a.diagonal().norm_squared()) / products as f64;
    let (trace, operator) = (a.trace(), Dense::one(a));
    let draws = draws(&operator, products, 600);
    let mean = |of: &dyn Fn(&XTrace) -> f64| draws.iter().map(of).collect::<Moments>().mean().unwrap();
    let (error, own) = (mean(&|t| (t.trace - trace).powi(2)), mean(&|t| t.stderr.powi(2)));
    (error / hutchinson, (own / error).sqrt())
}

#[test]
fn a_decaying_spectrum_is_far_better_than_hutchinson_and_a_flat_one_at_most_twice_as_bad() {
    let (decay, _) = figures(&decaying(40, 0.6), 18);
    assert!(decay < 0.01, "{decay}");
    // Alternating signs: a flat spectrum whose matrix has no heavy diagonal.
    let flat: Vec<f64> = (0..60).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let (flat, _) = figures(&flat, 18);
    assert!((1.0..2.5).contains(&flat), "{flat}");
}

/// The estimates share their vectors, so the sample's spread is a little small: measured 0.72 to 0.94 of the true
/// error.
#[test]
fn its_own_error_is_that_of_many_seeds_within_a_third() {
    for (ratio, products) in [(0.5, 12), (0.7, 12), (0.9, 12), (0.97, 12), (0.7, 6), (0.9, 24)] {
        let (_, own) = figures(&decaying(40, ratio), products);
        assert!((0.65..1.2).contains(&own), "ratio {ratio}, {products} products: {own}");
    }
}

#[test]
fn a_block_no_larger_than_the_products_is_exact_and_too_few_products_are_refused() {
    let operator = Dense::new(heavy(12), &[5, 7]);
    let mut stream = Stream::new(0, "test", &[]);
    let whole = xtrace(&operator, 0, 5, &mut stream).unwrap();
    assert_eq!(whole, XTrace { trace: exact(&operator, 0).unwrap(), stderr: 0.0 });
    assert!(xtrace(&operator, 1, 3, &mut stream).is_err());
    assert!(probe::matrix(3, &[vec![1.0; 2]]).is_err());
}
