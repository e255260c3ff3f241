//! Matrices with known traces, and the checks that every claim about chance goes through, with the limits that they
//! use.

use nalgebra::{DMatrix, DVector};

use crate::error::Result;
use crate::numeric::beta::incomplete_beta;
use crate::numeric::rng::Stream;
use crate::numeric::stats::Moments;
use crate::trace::probe::{columns, matrix};
use crate::trace::{Cells, LayerVectors, SymmetricOperator, TraceSource};

/// Of a correct estimator 7 in a million runs fall outside.
pub const STANDARD_ERRORS: f64 = 4.5;

/// The same share, for tests that are not of a normal number.
pub const UNLIKELY: f64 = 7e-6;

/// Rounding of sums of fewer than a thousand products near 1.
pub const ROUNDING: f64 = 1e-11;

/// A known matrix, cut into blocks.
pub struct Dense {
    pub matrix: DMatrix<f64>,
    pub sizes: Vec<usize>,
    /// Every product is multiplied by this: a biased estimator for the negative controls.
    pub bias: f64,
}

impl Dense {
    pub fn new(matrix: DMatrix<f64>, sizes: &[usize]) -> Self {
        assert_eq!(matrix.nrows(), sizes.iter().sum::<usize>());
        Self { matrix, sizes: sizes.to_vec(), bias: 1.0 }
    }

    /// A single block.
    pub fn one(matrix: DMatrix<f64>) -> Self {
        let n = matrix.nrows();
        Self::new(matrix, &[n])
    }

    /// `H_lm`.
    pub fn block(&self, l: usize, m: usize) -> DMatrix<f64> {
        let start = |l: usize| self.sizes[..l].iter().sum::<usize>();
        self.matrix.view((start(l), start(m)), (self.sizes[l], self.sizes[m])).into()
    }
}

impl SymmetricOperator for Dense {
    fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    fn apply(&self, v: &LayerVectors) -> Result<LayerVectors> {
        let flat = DVector::from_iterator(self.matrix.nrows(), v.iter().flatten().copied());
        let product = &self.matrix * flat * self.bias;
        let mut rest = product.as_slice();
        let mut cut = |n: &usize| {
            let (head, tail) = rest.split_at(*n);
            rest = tail;
            head.to_vec()
        };
        Ok(self.sizes.iter().map(&mut cut).collect())
    }

    fn apply_block(&self, layer: usize, vectors: &[Vec<f64>]) -> Result<Vec<Vec<f64>>> {
        let block = if self.sizes.len() == 1 { self.matrix.clone() } else { self.block(layer, layer) };
        Ok(columns(&(block * matrix(self.sizes[layer], vectors)? * self.bias)))
    }
}

/// A tridiagonal matrix in one block: `n` is large at little cost, and `vᵀAv` nearly normal.
pub struct Tridiagonal {
    pub diagonal: Vec<f64>,
    pub beside: f64,
    pub sizes: Vec<usize>,
    pub bias: f64,
}

impl Tridiagonal {
    pub fn new(diagonal: Vec<f64>, beside: f64) -> Self {
        let sizes = vec![diagonal.len()];
        Self { diagonal, beside, sizes, bias: 1.0 }
    }

    pub fn trace(&self) -> f64 {
        self.diagonal.iter().sum()
    }

    /// `‖A‖² − Σ a_ii²`.
    pub fn off_diagonal(&self) -> f64 {
        2.0 * (self.diagonal.len() - 1) as f64 * self.beside.powi(2)
    }
}

impl SymmetricOperator for Tridiagonal {
    fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    fn apply(&self, v: &LayerVectors) -> Result<LayerVectors> {
        self.apply_block(0, v)
    }

    fn apply_block(&self, _: usize, vectors: &[Vec<f64>]) -> Result<Vec<Vec<f64>>> {
        let at = |v: &[f64], i: usize| {
            let left = if i > 0 { v[i - 1] } else { 0.0 };
            let right = v.get(i + 1).copied().unwrap_or(0.0);
            self.bias * (self.diagonal[i] * v[i] + self.beside * (left + right))
        };
        Ok(vectors.iter().map(|v| (0..v.len()).map(|i| at(v, i)).collect()).collect())
    }
}

/// Diagonally heavy: the smaller the off-diagonal energy, the smaller a bias that a test sees.
pub fn heavy(n: usize) -> DMatrix<f64> {
    let mut stream = Stream::new(7, "test matrix", &[n as u64]);
    let a = DMatrix::from_fn(n, n, |_, _| stream.uniform() - 0.5);
    (&a + a.transpose()) * 0.05 + DMatrix::from_diagonal(&DVector::from_fn(n, |i, _| 1.0 + i as f64 / n as f64))
}

/// A symmetric matrix with these eigenvalues in random directions.
pub fn with_spectrum(eigenvalues: &[f64]) -> DMatrix<f64> {
    let n = eigenvalues.len();
    let mut stream = Stream::new(8, "test rotation", &[n as u64]);
    let q = DMatrix::from_fn(n, n, |_, _| stream.normal()).qr().q();
    let a = &q * DMatrix::from_diagonal(&DVector::from_column_slice(eigenvalues)) * q.transpose();
    (&a + a.transpose()) * 0.5
}

/// `ratioⁱ`, i = 0..n.
pub fn decaying(n: usize, ratio: f64) -> Vec<f64> {
    (0..n).map(|i| ratio.powi(i as i32)).collect()
}

/// How many standard errors the mean of the sample is off.
pub fn deviation(sample: &Moments, truth: f64) -> f64 {
    (sample.mean().unwrap() - truth).abs() / sample.standard_error().unwrap()
}

/// Two-sided probability of a count as far from its expectation, or farther.
pub fn binomial_p_value(hits: u64, n: u64, p: f64) -> f64 {
    let at_least = |k: u64| if k == 0 { 1.0 } else { incomplete_beta(k as f64, (n - k + 1) as f64, p) };
    let at_most = if hits == n { 1.0 } else { 1.0 - at_least(hits + 1) };
    (2.0 * at_least(hits).min(at_most)).min(1.0)
}

/// Draws of two quantities with the traces 10 and −2, normal probe noise and block deviations of these sizes.
pub struct Synthetic {
    pub shares: Vec<f64>,
    pub probe: f64,
    pub data: f64,
    pub random: bool,
    /// How many draws were asked for.
    pub drawn: std::cell::Cell<u64>,
}

impl Synthetic {
    pub fn new(blocks: usize, probe: f64, data: f64) -> Self {
        let shares = (0..blocks).map(|b| (b + 1) as f64 / (blocks * (blocks + 1) / 2) as f64).collect();
        Self { shares, probe, data, random: true, drawn: 0.into() }
    }

    pub fn cells(&self) -> Cells {
        Cells::new("key", "synthetic", vec!["a".into(), "b".into()], self.shares.clone()).unwrap()
    }
}

impl TraceSource for Synthetic {
    fn quantities(&self) -> usize {
        2
    }

    fn shares(&self) -> &[f64] {
        &self.shares
    }

    fn random(&self) -> bool {
        self.random
    }

    fn draw(&self, round: u64, block: usize, _: &dyn Fn() -> Result<()>) -> Result<Vec<f64>> {
        self.drawn.set(self.drawn.get() + 1);
        let data = self.data * Stream::new(1, "data", &[block as u64]).normal();
        let mut probes = Stream::new(1, "probe", &[round, block as u64]);
        Ok([10.0, -2.0].map(|trace| trace + data + self.probe * probes.normal()).to_vec())
    }
}
