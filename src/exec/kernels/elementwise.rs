//! Element-wise sums and ReLU masks. Memory-bound; no reductions, so threads cannot change a bit.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::exec::kernels::Real;

/// Elements a thread takes at a time.
const CHUNK: usize = 1 << 14;

/// `y = a + b`, clipped at zero if `relu`.
pub fn add<T: Real>(a: &[T], b: &[T], relu: bool, y: &mut [T]) {
    y.par_chunks_mut(CHUNK)
        .zip(a.par_chunks(CHUNK))
        .zip(b.par_chunks(CHUNK))
        .for_each(|((y, a), b)| if relu { add_chunk::<T, true>(a, b, y) } else { add_chunk::<T, false>(a, b, y) });
}

/// `y = max(x, 0)`.
pub fn relu<T: Real>(x: &[T], y: &mut [T]) {
    y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| relu_chunk(x, y));
}

/// `dx = g · 1[y > 0]`: the gradient behind a ReLU from its output.
pub fn mask<T: Real>(y: &[T], g: &[T], dx: &mut [T]) {
    dx.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK)).zip(g.par_chunks(CHUNK)).for_each(|((dx, y), g)| {
        mask_chunk(y, g, dx);
    });
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn add_chunk<T: Real, const RELU: bool>(a: &[T], b: &[T], y: &mut [T]) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        *y = if RELU { (a + b).relu() } else { a + b };
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn relu_chunk<T: Real>(x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = x.relu();
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn mask_chunk<T: Real>(y: &[T], g: &[T], dx: &mut [T]) {
    for ((dx, &y), &g) in dx.iter_mut().zip(y).zip(g) {
        *dx = if y > T::ZERO { g } else { T::ZERO };
    }
}
