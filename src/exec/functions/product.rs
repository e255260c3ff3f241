//! Products of two tensors: bilinear maps `y = P(a, b)` with the adjoints `P_a(g, b)` and `P_b(a, g)`, so that
//! derivatives of every order are made of these three.

use crate::exec::kernels::{Matrix, Real, elementwise};

/// The sizes of one product.
#[derive(Debug, Clone, Copy)]
pub enum Product {
    /// `y_i = a_i b_i`, or `a_ij b_i` where `b` has one factor for each `repeat` elements of `a`.
    Elements {
        /// Elements of `a` per element of `b`.
        repeat: usize,
    },
    /// `y = scale · a·b` or `scale · a·bᵀ` for each matrix of `a`: `rows` × `inner`, and of `b`.
    Matrices {
        /// Rows of `a`.
        rows: usize,
        /// Columns of `a`.
        inner: usize,
        /// Columns of `y`.
        columns: usize,
        /// Whether `b` is stored transposed.
        transpose_right: bool,
        /// Factor.
        scale: f64,
    },
}

/// Matrix products of `a` (`rows` × `inner`) and `b` for every matrix of the batch.
fn matrices<T: Real>(
    [rows, inner, columns]: [usize; 3],
    scale: f64,
    (a, a_transposed): (&[T], bool),
    (b, b_transposed): (&[T], bool),
    y: &mut [T],
) {
    let view = |data, columns, rows, transposed| match transposed {
        false => Matrix::rows(data, columns),
        true => Matrix::columns(data, rows),
    };
    let pairs = a.chunks_exact(rows * inner).zip(b.chunks_exact(inner * columns));
    for (y, (a, b)) in y.chunks_exact_mut(rows * columns).zip(pairs) {
        let (a, b) = (view(a, inner, rows, a_transposed), view(b, columns, inner, b_transposed));
        T::matmul([rows, inner, columns], a, b, Matrix::rows(&mut *y, columns), false);
        if scale != 1.0 {
            elementwise::scale(T::from_f64(scale), y);
        }
    }
}

impl Product {
    /// `y = P(a, b)`.
    pub fn forward<T: Real>(&self, a: &[T], b: &[T], y: &mut [T]) {
        match *self {
            Product::Elements { repeat } => elementwise::multiply(a, b, repeat, y),
            Product::Matrices { rows, inner, columns, transpose_right, scale } => {
                matrices([rows, inner, columns], scale, (a, false), (b, transpose_right), y);
            }
        }
    }

    /// `P_a(g, b)`, the gradient of `a`.
    pub fn left_gradient<T: Real>(&self, g: &[T], b: &[T], da: &mut [T]) {
        match *self {
            Product::Elements { .. } => self.forward(g, b, da),
            Product::Matrices { rows, inner, columns, transpose_right, scale } => {
                matrices([rows, columns, inner], scale, (g, false), (b, !transpose_right), da);
            }
        }
    }

    /// `P_b(a, g)`, the gradient of `b`.
    pub fn right_gradient<T: Real>(&self, a: &[T], g: &[T], db: &mut [T]) {
        match *self {
            Product::Elements { repeat } => elementwise::inner_products(a, g, repeat, db),
            Product::Matrices { rows, inner, columns, transpose_right: false, scale } => {
                matrices([inner, rows, columns], scale, (a, true), (g, false), db);
            }
            Product::Matrices { rows, inner, columns, transpose_right: true, scale } => {
                matrices([columns, rows, inner], scale, (g, true), (a, false), db);
            }
        }
    }
}
