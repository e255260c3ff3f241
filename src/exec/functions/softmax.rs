//! Softmax over a row, and its causal form.
//!
//! ```text
//! y = eˣ / Σ eˣ        dx = y ∘ (g − ⟨y, g⟩)
//! ```

use crate::exec::functions::rows::RowFunction;
use crate::exec::kernels::softmax;
use crate::numeric::dual::Number;

/// Softmax; with `causal` the number of rows of one matrix, row `i` of which sees columns `0..=i`.
pub struct Softmax {
    /// Rows of a causal matrix.
    pub causal: Option<usize>,
}

impl Softmax {
    fn seen(&self, row: usize, width: usize) -> usize {
        self.causal.map_or(width, |rows| row % rows + 1)
    }
}

fn normalized<N: Number>(x: &[N], y: &mut [N]) {
    let largest = x.iter().map(|x| x.value()).fold(f64::NEG_INFINITY, f64::max);
    let mut total = N::constant(0.0);
    for (y, &x) in y.iter_mut().zip(x) {
        *y = (x - N::constant(largest)).exp();
        total = total + *y;
    }
    y.iter_mut().for_each(|y| *y = *y / total);
}

impl RowFunction for Softmax {
    fn forward<N: Number>(&self, row: usize, x: &[N], y: &mut [N]) {
        let seen = self.seen(row, x.len());
        y[seen..].fill(N::constant(0.0));
        normalized(&x[..seen], &mut y[..seen]);
    }

    fn adjoint<N: Number>(&self, row: usize, x: &[N], g: &[N], dx: &mut [N]) {
        let seen = self.seen(row, x.len());
        dx[seen..].fill(N::constant(0.0));
        let dx = &mut dx[..seen];
        normalized(&x[..seen], dx);
        let mean = dx.iter().zip(g).fold(N::constant(0.0), |sum, (&y, &g)| sum + y * g);
        dx.iter_mut().zip(g).for_each(|(dx, &g)| *dx = *dx * (g - mean));
    }

    fn forward_single(&self, width: usize, x: &[f32], y: &mut [f32]) {
        softmax::forward(self.causal, width, x, y);
    }

    fn adjoint_single(&self, width: usize, x: &[f32], g: &[f32], dx: &mut [f32]) {
        softmax::adjoint(self.causal, width, x, g, dx);
    }
}
