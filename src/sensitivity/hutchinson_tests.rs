use nalgebra::DMatrix;

use super::*;
use crate::progress::Silent;

/// A known matrix, cut into blocks.
struct Dense {
    matrix: DMatrix<f64>,
    sizes: Vec<usize>,
    /// Every product is multiplied by this: a biased estimator for the negative control.
    bias: f64,
}

impl HessianOperator for Dense {
    fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    fn apply(&self, vectors: &[LayerVectors]) -> Result<Vec<LayerVectors>> {
        let product = |v: &LayerVectors| {
            let flat = nalgebra::DVector::from_iterator(self.matrix.nrows(), v.iter().flatten().copied());
            let product = &self.matrix * flat * self.bias;
            let mut rest = product.as_slice();
            let mut cut = |n: &usize| {
                let (head, tail) = rest.split_at(*n);
                rest = tail;
                head.to_vec()
            };
            self.sizes.iter().map(&mut cut).collect()
        };
        Ok(vectors.iter().map(product).collect())
    }
}

/// Diagonally heavy: the smaller the off-diagonal energy, the smaller a bias that the test sees.
fn heavy(n: usize) -> DMatrix<f64> {
    let mut stream = Stream::new(7, "test matrix", &[n as u64]);
    let a = DMatrix::from_fn(n, n, |_, _| stream.uniform() - 0.5);
    (&a + a.transpose()) * 0.05
        + DMatrix::from_diagonal(&nalgebra::DVector::from_fn(n, |i, _| 1.0 + i as f64 / n as f64))
}

fn fixed(probes: u64, seed: u64) -> TraceOptions {
    TraceOptions { min_probes: probes, max_probes: probes, relative_error: 1e-12, seed }
}

fn run(matrix: &DMatrix<f64>, sizes: &[usize], bias: f64, options: &TraceOptions) -> Traces {
    let operator = Dense { matrix: matrix.clone(), sizes: sizes.to_vec(), bias };
    hutchinson(&operator, options, &mut Probes::new(), &mut |_| Ok(()), &mut Silent).unwrap()
}

/// `Var(vᵀAv)` of one probe.
fn variance(a: &DMatrix<f64>) -> f64 {
    2.0 * (a.norm_squared() - a.diagonal().norm_squared())
}

const PROBES: u64 = 4000;
/// Of a correct estimator 7 in a million runs fall outside.
const STANDARD_ERRORS: f64 = 4.5;

fn deviation(bias: f64, seed: u64) -> f64 {
    let a = heavy(10);
    let estimate = run(&a, &[10], bias, &fixed(PROBES, seed)).layers[0];
    (estimate.trace - a.trace()).abs() / (variance(&a) / PROBES as f64).sqrt()
}

#[test]
fn the_estimator_is_unbiased_and_one_percent_of_bias_is_seen() {
    for seed in 0..20 {
        let correct = deviation(1.0, seed);
        assert!(correct <= STANDARD_ERRORS, "seed {seed}: {correct} standard errors off");
        let biased = deviation(1.01, seed);
        assert!(biased > STANDARD_ERRORS, "seed {seed}: 1 % of bias is only {biased} standard errors");
    }
}

/// The reported standard error against the analytic one; relative error of a sample deviation ≈ 1/√(2N) ≈ 1.1 %, times
/// the excess kurtosis; 10 % on either side.
#[test]
fn the_reported_error_is_the_analytic_one() {
    let a = heavy(10);
    for seed in 0..5 {
        let reported = run(&a, &[10], 1.0, &fixed(PROBES, seed)).layers[0].stderr;
        let analytic = (variance(&a) / PROBES as f64).sqrt();
        assert!((0.9..1.1).contains(&(reported / analytic)), "{reported} {analytic}");
    }
}

#[test]
fn blocks_are_estimated_without_bias_although_the_vector_spans_all() {
    let a = heavy(12);
    let traces = run(&a, &[5, 4, 3], 1.0, &fixed(PROBES, 3));
    let mut start = 0;
    for (estimate, n) in traces.layers.iter().zip([5, 4, 3]) {
        let exact = a.view((start, start), (n, n)).trace();
        assert!((estimate.trace - exact).abs() <= STANDARD_ERRORS * estimate.stderr, "{estimate:?} {exact}");
        assert!(estimate.stderr < 0.01 * exact);
        start += n;
    }
}

#[test]
fn a_diagonal_matrix_is_exact_with_one_probe() {
    let a = DMatrix::from_diagonal(&nalgebra::DVector::from_fn(6, |i, _| i as f64 - 1.5));
    let traces = run(&a, &[2, 4], 1.0, &fixed(1, 0));
    assert!((traces.layers[0].trace - -2.0).abs() < 1e-14);
    assert!((traces.layers[1].trace - 8.0).abs() < 1e-14);
}

#[test]
fn it_stops_when_every_layer_is_known_and_says_so() {
    let a = heavy(40);
    let options = TraceOptions { min_probes: 8, max_probes: 5000, relative_error: 0.02, seed: 1 };
    let traces = run(&a, &[20, 20], 1.0, &options);
    assert_eq!(traces.stop, StopReason::RelativeError);
    assert!(traces.probes >= 8 && traces.probes < 5000);
    assert!(traces.layers.iter().all(|l| l.stderr <= 0.02 * l.trace));
    let traces = run(&a, &[20, 20], 1.0, &TraceOptions { relative_error: 1e-9, max_probes: 10, ..options });
    assert_eq!((traces.stop, traces.probes), (StopReason::ProbeLimit, 10));
}

#[test]
fn a_diverged_model_is_an_error() {
    let a = DMatrix::from_element(2, 2, f64::NAN);
    let operator = Dense { matrix: a, sizes: vec![2], bias: 1.0 };
    let result = hutchinson(&operator, &fixed(4, 0), &mut Probes::new(), &mut |_| Ok(()), &mut Silent);
    assert!(result.unwrap_err().to_string().contains("diverged"));
}

#[test]
fn an_interrupted_estimate_goes_on_from_its_probes_to_the_same_result() {
    let (a, options) = (heavy(12), fixed(20, 5));
    let whole = run(&a, &[5, 7], 1.0, &options);
    let operator = Dense { matrix: a, sizes: vec![5, 7], bias: 1.0 };
    let mut saved = Probes::new();
    let mut stop_at_8 = |probes: &Probes| {
        saved.clone_from(probes);
        if probes.len() == 8 { Err(Error::Interrupted) } else { Ok(()) }
    };
    hutchinson(&operator, &options, &mut Probes::new(), &mut stop_at_8, &mut Silent).unwrap_err();
    assert_eq!(saved.len(), 8);
    let resumed = hutchinson(&operator, &options, &mut saved, &mut |_| Ok(()), &mut Silent).unwrap();
    assert_eq!(resumed, whole);
}
