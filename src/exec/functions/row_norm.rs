//! Layer norm (Ba et al. 2016, arXiv 1607.06450) and RMS norm (Zhang and Sennrich 2019, arXiv 1910.07467) of a row.
//!
//! ```text
//! x̂ = (x − μ) i,  i = 1/√(mean (x − μ)² + ε);  μ = 0 for RMS norm        y = γ ∘ x̂ + β
//! dx = i (h − mean h − x̂ mean(h ∘ x̂)),  h = γ ∘ g;  without `mean h` for RMS norm
//! dγ = Σ g ∘ x̂,  dβ = Σ g      over rows
//! ```

use crate::exec::functions::rows::RowFunction;
use crate::exec::kernels::{Real, row_norm};
use crate::numeric::dual::Number;

/// The norm of one row.
pub struct RowNorm {
    /// Whether the mean is taken off: layer norm, not RMS norm.
    pub centred: bool,
    /// `ε`.
    pub epsilon: f64,
    /// `γ`.
    pub gamma: Vec<f64>,
    /// `β`; zeros for RMS norm.
    pub beta: Vec<f64>,
    /// `γ` and `β` in single precision.
    single: [Vec<f32>; 2],
}

impl RowNorm {
    /// A norm of rows as long as `γ` and `β`.
    pub fn new(centred: bool, epsilon: f64, gamma: Vec<f64>, beta: Vec<f64>) -> Self {
        let single = [&gamma, &beta].map(|values| values.iter().map(|&value| value as f32).collect());
        Self { centred, epsilon, gamma, beta, single }
    }

    fn single(&self) -> row_norm::RowNorm<'_> {
        let [gamma, beta] = &self.single;
        row_norm::RowNorm { centred: self.centred, epsilon: self.epsilon, gamma, beta }
    }

    /// `x̂`, and `i`.
    fn normal<N: Number>(&self, x: &[N], out: &mut [N]) -> N {
        let zero = N::constant(0.0);
        let share = N::constant(1.0 / x.len() as f64);
        let mean = if self.centred { x.iter().fold(zero, |sum, &x| sum + x) * share } else { zero };
        out.iter_mut().zip(x).for_each(|(out, &x)| *out = x - mean);
        let square = out.iter().fold(zero, |sum, &d| sum + d * d) * share;
        let inverse = N::constant(1.0) / (square + N::constant(self.epsilon)).sqrt();
        out.iter_mut().for_each(|out| *out = *out * inverse);
        inverse
    }

    /// Adds `dγ` and `dβ`, row after row; `dβ` may be empty.
    pub fn add_parameter_gradients<T: Real>(&self, x: &[T], g: &[T], gamma: &mut [f64], beta: &mut [f64]) {
        match (T::as_f32(x), T::as_f32(g)) {
            (Some(x), Some(g)) => row_norm::add_parameter_gradients(self.single(), x, g, gamma, beta),
            _ => self.add_in_double(x, g, gamma, beta),
        }
    }

    fn add_in_double<T: Real>(&self, x: &[T], g: &[T], gamma: &mut [f64], beta: &mut [f64]) {
        let width = self.gamma.len();
        let (mut row, mut normal) = (vec![0.0; width], vec![0.0; width]);
        for (x, g) in x.chunks_exact(width).zip(g.chunks_exact(width)) {
            row.iter_mut().zip(x).for_each(|(row, x)| *row = x.to_f64());
            self.normal(&row, &mut normal);
            for ((gamma, &normal), g) in gamma.iter_mut().zip(&normal).zip(g) {
                *gamma += g.to_f64() * normal;
            }
            beta.iter_mut().zip(g).for_each(|(beta, g)| *beta += g.to_f64());
        }
    }
}

impl RowFunction for RowNorm {
    fn forward<N: Number>(&self, _: usize, x: &[N], y: &mut [N]) {
        self.normal(x, y);
        for ((y, &gamma), &beta) in y.iter_mut().zip(&self.gamma).zip(&self.beta) {
            *y = N::constant(gamma) * *y + N::constant(beta);
        }
    }

    fn adjoint<N: Number>(&self, _: usize, x: &[N], g: &[N], dx: &mut [N]) {
        let inverse = self.normal(x, dx);
        let share = N::constant(1.0 / x.len() as f64);
        let scaled = |i: usize| N::constant(self.gamma[i]) * g[i];
        let (mut mean, mut projection) = (N::constant(0.0), N::constant(0.0));
        for (i, normal) in dx.iter().enumerate() {
            if self.centred {
                mean = mean + scaled(i);
            }
            projection = projection + scaled(i) * *normal;
        }
        let (mean, projection) = (mean * share, projection * share);
        for (i, dx) in dx.iter_mut().enumerate() {
            *dx = inverse * (scaled(i) - mean - *dx * projection);
        }
    }

    fn forward_single(&self, _: usize, x: &[f32], y: &mut [f32]) {
        row_norm::forward(self.single(), x, y);
    }

    fn adjoint_single(&self, _: usize, x: &[f32], g: &[f32], dx: &mut [f32]) {
        row_norm::adjoint(self.single(), x, g, dx);
    }
}
