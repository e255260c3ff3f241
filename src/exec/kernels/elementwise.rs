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
        .for_each(|((y, a), b)| add_slice(a, b, relu, y));
}

/// `y = max(x, 0)`.
pub fn relu<T: Real>(x: &[T], y: &mut [T]) {
    y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| relu_slice(x, y));
}

/// `dx = g · 1[y > 0]`: the gradient behind a ReLU from its output.
pub fn mask<T: Real>(y: &[T], g: &[T], dx: &mut [T]) {
    dx.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK)).zip(g.par_chunks(CHUNK)).for_each(|((dx, y), g)| {
        mask_slice(y, g, dx);
    });
}

/// [`add`] on the calling thread.
pub fn add_slice<T: Real>(a: &[T], b: &[T], relu: bool, y: &mut [T]) {
    match relu {
        true => add_chunk::<T, true>(a, b, y),
        false => add_chunk::<T, false>(a, b, y),
    }
}

/// `sum += x`, on the calling thread.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn accumulate<T: Real>(x: &[T], sum: &mut [T]) {
    for (sum, &x) in sum.iter_mut().zip(x) {
        *sum += x;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn add_chunk<T: Real, const RELU: bool>(a: &[T], b: &[T], y: &mut [T]) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        *y = if RELU { (a + b).relu() } else { a + b };
    }
}

/// [`relu`] on the calling thread.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn relu_slice<T: Real>(x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = x.relu();
    }
}

/// [`mask`] on the calling thread.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn mask_slice<T: Real>(y: &[T], g: &[T], dx: &mut [T]) {
    for ((dx, &y), &g) in dx.iter_mut().zip(y).zip(g) {
        *dx = if y > T::ZERO { g } else { T::ZERO };
    }
}
