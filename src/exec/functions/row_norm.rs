//! Layer norm (Ba et al. 2016, arXiv 1607.06450) and RMS norm (Zhang and Sennrich 2019, arXiv 1910.07467) of a row.
//!
//! ```text
//! x̂ = (x − μ) i,  i = 1/√(mean (x − μ)² + ε);  μ = 0 for RMS norm        y = γ ∘ x̂ + β
//! dx = i (h − mean h − x̂ mean(h ∘ x̂)),  h = γ ∘ g;  without `mean h` for RMS norm
//! dγ = Σ g ∘ x̂,  dβ = Σ g      over rows
//! ```

use crate::exec::functions::rows::RowFunction;
use crate::exec::kernels::Real;
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
}

impl RowNorm {
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

    /// `dγ` and `dβ`, summed over all rows in their order; `dβ` for a centred norm only.
    pub fn parameter_gradients<T: Real>(&self, x: &[T], g: &[T]) -> Vec<Vec<f64>> {
        let width = self.gamma.len();
        let (mut gamma, mut beta, mut normal) = (vec![0.0; width], vec![0.0; width], vec![0.0; width]);
        for (x, g) in x.chunks_exact(width).zip(g.chunks_exact(width)) {
            let row: Vec<f64> = x.iter().map(|x| x.to_f64()).collect();
            self.normal(&row, &mut normal);
            for i in 0..width {
                gamma[i] += g[i].to_f64() * normal[i];
                beta[i] += g[i].to_f64();
            }
        }
        if self.centred { vec![gamma, beta] } else { vec![gamma] }
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
}
