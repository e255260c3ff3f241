//! Layer norm and RMS norm of rows in single precision, on the calling thread; equations in `exec::functions::row_norm`.
//!
//! Sums over a row run in 16 lanes of floats and are added in f64; sums over rows, those of the parameters' gradients,
//! are f64. Errors of `y` are some 1e-7 of the row's largest `|γ x̂| + |β|`. Three readings of a row forward, four
//! backward, from the nearest cache; nothing is allocated.

use multiversion::multiversion;

use crate::exec::kernels::blocks::{LANES, blocks, total};

/// A norm of rows as long as `gamma`.
#[derive(Debug, Clone, Copy)]
pub struct RowNorm<'a> {
    /// Whether the mean is taken off: layer norm, not RMS norm.
    pub centred: bool,
    /// `ε`.
    pub epsilon: f64,
    /// `γ`.
    pub gamma: &'a [f32],
    /// `β`.
    pub beta: &'a [f32],
}

/// `x̂ = (x − centre) · scale + shift`, of one row.
#[derive(Debug, Clone, Copy)]
struct Normal {
    centre: f32,
    scale: f32,
    shift: f32,
}

impl Normal {
    #[inline(always)]
    fn of(self, x: f32) -> f32 {
        (x - self.centre) * self.scale + self.shift
    }
}

impl RowNorm<'_> {
    #[inline(always)]
    fn normal(&self, x: &[f32]) -> Normal {
        let count = x.len() as f64;
        let mean = if self.centred { sum(x, |x| x) / count } else { 0.0 };
        // The squares are about a float, the shift says how far it is from the mean.
        let centre = mean as f32;
        let off = f64::from(centre) - mean;
        let squares = sum(x, |x| (x - centre) * (x - centre)) / count - off * off;
        let inverse = 1.0 / (squares + self.epsilon).sqrt();
        Normal { centre, scale: inverse as f32, shift: (off * inverse) as f32 }
    }
}

/// `Σ f(x)` over a row.
#[inline(always)]
fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    let (x_blocks, last, rest) = blocks(x, 0.0);
    let mut lanes = [0.0; LANES];
    for x in x_blocks {
        for lane in 0..LANES {
            lanes[lane] += f(x[lane]);
        }
    }
    for lane in 0..rest {
        lanes[lane] += f(last[lane]);
    }
    total(&lanes)
}

/// `y = γ ∘ x̂ + β` of every row.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn forward(norm: RowNorm<'_>, x: &[f32], y: &mut [f32]) {
    let width = norm.gamma.len();
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let normal = norm.normal(x);
        for (((y, &x), &gamma), &beta) in y.iter_mut().zip(x).zip(norm.gamma).zip(norm.beta) {
            *y = normal.of(x) * gamma + beta;
        }
    }
}

/// `dx = i (h − mean h − x̂ mean(h ∘ x̂))` of every row, `h = γ ∘ g`; without `mean h` for RMS norm.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn adjoint(norm: RowNorm<'_>, x: &[f32], g: &[f32], dx: &mut [f32]) {
    let width = norm.gamma.len();
    for ((x, g), dx) in x.chunks_exact(width).zip(g.chunks_exact(width)).zip(dx.chunks_exact_mut(width)) {
        let normal = norm.normal(x);
        let ((x_blocks, x_last, rest), (g_blocks, g_last, _)) = (blocks(x, 0.0), blocks(g, 0.0));
        let (gamma_blocks, gamma_last, _) = blocks(norm.gamma, 0.0);
        let (mut means, mut projections) = ([0.0; LANES], [0.0; LANES]);
        for ((x, g), gamma) in x_blocks.iter().zip(g_blocks).zip(gamma_blocks) {
            for lane in 0..LANES {
                let h = g[lane] * gamma[lane];
                means[lane] += h;
                projections[lane] += h * normal.of(x[lane]);
            }
        }
        for lane in 0..rest {
            let h = g_last[lane] * gamma_last[lane];
            means[lane] += h;
            projections[lane] += h * normal.of(x_last[lane]);
        }
        let share = 1.0 / width as f64;
        let mean = if norm.centred { (total(&means) * share) as f32 } else { 0.0 };
        let projection = (total(&projections) * share) as f32;
        for (((dx, &x), &g), &gamma) in dx.iter_mut().zip(x).zip(g).zip(norm.gamma) {
            *dx = normal.scale * (g * gamma - mean - normal.of(x) * projection);
        }
    }
}

/// Adds `dγ = Σ g ∘ x̂` and `dβ = Σ g` over the rows, one after the other.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn add_parameter_gradients(norm: RowNorm<'_>, x: &[f32], g: &[f32], d_gamma: &mut [f64], d_beta: &mut [f64]) {
    let width = norm.gamma.len();
    for (x, g) in x.chunks_exact(width).zip(g.chunks_exact(width)) {
        let normal = norm.normal(x);
        for ((d_gamma, &x), &g) in d_gamma.iter_mut().zip(x).zip(g) {
            *d_gamma += f64::from(g) * f64::from(normal.of(x));
        }
        for (d_beta, &g) in d_beta.iter_mut().zip(g) {
            *d_beta += f64::from(g);
        }
    }
}
