//! Softmax of rows in single precision, on the calling thread.
//!
//! ```text
//! y = e^(x − max x) / Σ e^(x − max x)        dx = y ∘ (g − ⟨y, g⟩)
//! ```
//!
//! The sums run in 16 lanes of floats and are added in f64. Error of `y`: 5e-7 of it, and as much as `x − max x` is
//! rounded: `6e-8 · (max x − x)` of it. Two readings of a row forward, three backward; nothing is allocated.

use multiversion::multiversion;

use crate::exec::kernels::blocks::{LANES, blocks, total};
use crate::exec::kernels::exponential::exp;

/// Softmax of every row of `width` numbers. `causal`: the number of rows of a matrix, row `i` of which sees columns
/// `0..=i`; what it does not see is 0.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn forward(causal: Option<usize>, width: usize, x: &[f32], y: &mut [f32]) {
    for (row, (x, y)) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)).enumerate() {
        let seen = seen(causal, row, width);
        let (y, hidden) = y.split_at_mut(seen);
        hidden.fill(0.0);
        normalize(&x[..seen], y);
    }
}

/// `dx` of [`forward`] from `g`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn adjoint(causal: Option<usize>, width: usize, x: &[f32], g: &[f32], dx: &mut [f32]) {
    let rows = x.chunks_exact(width).zip(g.chunks_exact(width)).zip(dx.chunks_exact_mut(width));
    for (row, ((x, g), dx)) in rows.enumerate() {
        let seen = seen(causal, row, width);
        let (dx, hidden) = dx.split_at_mut(seen);
        hidden.fill(0.0);
        let g = &g[..seen];
        normalize(&x[..seen], dx);
        let ((y_blocks, y_last, _), (g_blocks, g_last, _)) = (blocks(dx, 0.0), blocks(g, 0.0));
        let mut lanes = [0.0; LANES];
        for (y, g) in y_blocks.iter().zip(g_blocks).chain([(&y_last, &g_last)]) {
            for lane in 0..LANES {
                lanes[lane] += y[lane] * g[lane];
            }
        }
        let mean = total(&lanes) as f32;
        for (dx, &g) in dx.iter_mut().zip(g) {
            *dx *= g - mean;
        }
    }
}

#[inline(always)]
fn seen(causal: Option<usize>, row: usize, width: usize) -> usize {
    causal.map_or(width, |rows| (row % rows + 1).min(width))
}

/// One row. A row with NaN or ∞ in it, or with −∞ everywhere, becomes NaN.
#[inline(always)]
fn normalize(x: &[f32], y: &mut [f32]) {
    let (x_blocks, x_last, rest) = blocks(x, f32::NEG_INFINITY);
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for x in x_blocks.iter().chain([&x_last]) {
        for lane in 0..LANES {
            lanes[lane] = if x[lane] > lanes[lane] { x[lane] } else { lanes[lane] };
        }
    }
    let largest = lanes.iter().fold(f32::NEG_INFINITY, |largest, &x| if x > largest { x } else { largest });
    let (y_blocks, y_rest) = y.as_chunks_mut::<LANES>();
    let mut lanes = [0.0; LANES];
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        for lane in 0..LANES {
            y[lane] = exp(x[lane] - largest);
            lanes[lane] += y[lane];
        }
    }
    let mut last = [0.0; LANES];
    for lane in 0..LANES {
        last[lane] = exp(x_last[lane] - largest);
    }
    for lane in 0..rest {
        lanes[lane] += last[lane];
    }
    y_rest.copy_from_slice(&last[..rest]);
    let scale = (1.0 / total(&lanes)) as f32;
    y.iter_mut().for_each(|y| *y *= scale);
}
