//! Functions that act on one row (the last axis) at a time, and their derivatives.
//!
//! A function is written once, over [`Number`]: `y = f(x)` and the adjoint `∂x = f′(x)ᵀ g`. On dual numbers these give the
//! tangent `ẏ = f′(x) ẋ` and the tangent of the adjoint, `f′(x)ᵀ ġ + (f″(x) ẋ)ᵀ g`, which a Hessian product needs.
//! Computed in f64 whatever the element type, with rows in parallel that share nothing; values and adjoints of f32, the
//! work of training, by kernels in that precision, on the calling thread.

use rayon::prelude::*;

use crate::exec::kernels::Real;
use crate::numeric::dual::{Dual, Number};

/// Elements that a thread takes at a time, about.
const CHUNK: usize = 1 << 12;

/// A function of one row.
pub trait RowFunction: Sync {
    /// `y = f(x)` for row number `row`.
    fn forward<N: Number>(&self, row: usize, x: &[N], y: &mut [N]);

    /// `dx = f′(x)ᵀ g` for row number `row`.
    fn adjoint<N: Number>(&self, row: usize, x: &[N], g: &[N], dx: &mut [N]);

    /// [`Self::forward`] of every row in single precision.
    fn forward_single(&self, width: usize, x: &[f32], y: &mut [f32]);

    /// [`Self::adjoint`] of every row in single precision.
    fn adjoint_single(&self, width: usize, x: &[f32], g: &[f32], dx: &mut [f32]);
}

/// Calls `visit(first row, elements of the output)` for chunks of whole rows, in parallel.
fn chunks<T: Real>(width: usize, y: &mut [T], visit: impl Fn(usize, &mut [T]) + Sync) {
    let rows = (CHUNK / width).max(1);
    y.par_chunks_mut(rows * width).enumerate().for_each(|(chunk, y)| visit(chunk * rows, y));
}

fn plain<T: Real>(x: &[T], out: &mut [f64]) {
    out.iter_mut().zip(x).for_each(|(out, x)| *out = x.to_f64());
}

fn dual<T: Real>(x: &[T], x_dot: &[T], out: &mut [Dual<f64>]) {
    out.iter_mut().zip(x.iter().zip(x_dot)).for_each(|(out, (x, dot))| *out = Dual::new(x.to_f64(), dot.to_f64()));
}

/// `y = f(x)`.
pub fn forward<T: Real>(f: &impl RowFunction, width: usize, x: &[T], y: &mut [T]) {
    if let (Some(x), Some(y)) = (T::as_f32(x), T::as_f32_mut(y)) {
        return f.forward_single(width, x, y);
    }
    forward_in_double(f, width, x, y);
}

/// [`forward`] in f64.
pub fn forward_in_double<T: Real>(f: &impl RowFunction, width: usize, x: &[T], y: &mut [T]) {
    chunks(width, y, |first, y| {
        let (mut input, mut output) = (vec![0.0; width], vec![0.0; width]);
        for (row, y) in y.chunks_exact_mut(width).enumerate().map(|(r, y)| (first + r, y)) {
            plain(&x[row * width..][..width], &mut input);
            f.forward(row, &input, &mut output);
            y.iter_mut().zip(&output).for_each(|(y, v)| *y = T::from_f64(*v));
        }
    });
}

/// `ẏ = f′(x) ẋ`.
pub fn tangent<T: Real>(f: &impl RowFunction, width: usize, x: &[T], x_dot: &[T], y_dot: &mut [T]) {
    chunks(width, y_dot, |first, y_dot| {
        let zero = Dual::constant(0.0);
        let (mut input, mut output) = (vec![zero; width], vec![zero; width]);
        for (row, y_dot) in y_dot.chunks_exact_mut(width).enumerate().map(|(r, y)| (first + r, y)) {
            dual(&x[row * width..][..width], &x_dot[row * width..], &mut input);
            f.forward(row, &input, &mut output);
            y_dot.iter_mut().zip(&output).for_each(|(y, v)| *y = T::from_f64(v.dot));
        }
    });
}

/// `dx = f′(x)ᵀ g`.
pub fn adjoint<T: Real>(f: &impl RowFunction, width: usize, x: &[T], g: &[T], dx: &mut [T]) {
    if let (Some(x), Some(g), Some(dx)) = (T::as_f32(x), T::as_f32(g), T::as_f32_mut(dx)) {
        return f.adjoint_single(width, x, g, dx);
    }
    adjoint_in_double(f, width, x, g, dx);
}

/// [`adjoint`] in f64.
pub fn adjoint_in_double<T: Real>(f: &impl RowFunction, width: usize, x: &[T], g: &[T], dx: &mut [T]) {
    chunks(width, dx, |first, dx| {
        let (mut input, mut upstream, mut output) = (vec![0.0; width], vec![0.0; width], vec![0.0; width]);
        for (row, dx) in dx.chunks_exact_mut(width).enumerate().map(|(r, dx)| (first + r, dx)) {
            plain(&x[row * width..][..width], &mut input);
            plain(&g[row * width..][..width], &mut upstream);
            f.adjoint(row, &input, &upstream, &mut output);
            dx.iter_mut().zip(&output).for_each(|(dx, v)| *dx = T::from_f64(*v));
        }
    });
}

/// The derivative of [`adjoint`] as `x` and `g` move.
pub fn adjoint_tangent<T: Real>(
    f: &impl RowFunction,
    width: usize,
    [x, x_dot]: [&[T]; 2],
    [g, g_dot]: [&[T]; 2],
    dx_dot: &mut [T],
) {
    chunks(width, dx_dot, |first, dx_dot| {
        let zero = Dual::constant(0.0);
        let (mut input, mut upstream, mut output) = (vec![zero; width], vec![zero; width], vec![zero; width]);
        for (row, dx_dot) in dx_dot.chunks_exact_mut(width).enumerate().map(|(r, dx)| (first + r, dx)) {
            dual(&x[row * width..][..width], &x_dot[row * width..], &mut input);
            dual(&g[row * width..][..width], &g_dot[row * width..], &mut upstream);
            f.adjoint(row, &input, &upstream, &mut output);
            dx_dot.iter_mut().zip(&output).for_each(|(dx, v)| *dx = T::from_f64(v.dot));
        }
    });
}
