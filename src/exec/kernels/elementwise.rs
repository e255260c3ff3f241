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

/// The nearest number in `[low, high]`; NaN stays NaN, so that a diverged network is seen.
#[inline(always)]
pub fn clip<T: Real>(x: T, [low, high]: [T; 2]) -> T {
    if x < low {
        low
    } else if x > high {
        high
    } else {
        x
    }
}

/// Whether a number, or what [`clip`] made of it, is inside the bounds: where clipping has the derivative 1.
#[inline(always)]
pub fn inside<T: Real>(x: T, [low, high]: [T; 2]) -> bool {
    x > low && x < high
}

/// `y = clip(x)`, on the calling thread.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn clip_slice<T: Real>(x: &[T], bounds: [T; 2], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = clip(x, bounds);
    }
}

/// `y = clip(a + b)`, on the calling thread.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn clipped_sum_slice<T: Real>(a: &[T], b: &[T], bounds: [T; 2], y: &mut [T]) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        *y = clip(a + b, bounds);
    }
}

/// `dx = g · 1[y inside the bounds]`, on the calling thread.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn inside_slice<T: Real>(y: &[T], bounds: [T; 2], g: &[T], dx: &mut [T]) {
    for ((dx, &y), &g) in dx.iter_mut().zip(y).zip(g) {
        *dx = if inside(y, bounds) { g } else { T::ZERO };
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

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn relu_slice<T: Real>(x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = x.relu();
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn mask_slice<T: Real>(y: &[T], g: &[T], dx: &mut [T]) {
    for ((dx, &y), &g) in dx.iter_mut().zip(y).zip(g) {
        *dx = if y > T::ZERO { g } else { T::ZERO };
    }
}

/// `y_ij = a_ij b_i` for runs of `repeat` elements, on the calling thread.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn multiply<T: Real>(a: &[T], b: &[T], repeat: usize, y: &mut [T]) {
    if repeat == 1 {
        y.iter_mut().zip(a).zip(b).for_each(|((y, &a), &b)| *y = a * b);
        return;
    }
    for ((y, a), &b) in y.chunks_exact_mut(repeat).zip(a.chunks_exact(repeat)).zip(b) {
        y.iter_mut().zip(a).for_each(|(y, &a)| *y = a * b);
    }
}

/// `y_i = Σ_j a_ij b_ij` over runs of `repeat` elements, on the calling thread.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn inner_products<T: Real>(a: &[T], b: &[T], repeat: usize, y: &mut [T]) {
    /// Running sums side by side.
    const LANES: usize = 16;
    if repeat == 1 {
        y.iter_mut().zip(a).zip(b).for_each(|((y, &a), &b)| *y = a * b);
        return;
    }
    for ((y, a), b) in y.iter_mut().zip(a.chunks_exact(repeat)).zip(b.chunks_exact(repeat)) {
        let mut lanes = [T::ZERO; LANES];
        let ((a_blocks, a_rest), (b_blocks, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        for (a, b) in a_blocks.iter().zip(b_blocks) {
            for lane in 0..LANES {
                lanes[lane] += a[lane] * b[lane];
            }
        }
        let rest = a_rest.iter().zip(b_rest).map(|(&a, &b)| (a * b).to_f64());
        *y = T::from_f64(lanes.iter().map(|lane| lane.to_f64()).chain(rest).sum());
    }
}

/// `y = y + a x`, on the calling thread.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn add_scaled<T: Real>(x: &[T], a: T, y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// `y = a y`, on the calling thread.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn scale<T: Real>(a: T, y: &mut [T]) {
    y.iter_mut().for_each(|y| *y *= a);
}
