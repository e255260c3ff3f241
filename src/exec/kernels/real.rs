//! The two element types of the kernels: f32 for work, f64 for proofs.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::Neg;

use candle_core::WithDType;

mod sealed {
    /// Keeps [`super::Real`] to the two types below.
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A matrix inside a slice: element `(r, c)` is `data[r·row_step + c·column_step]`.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<S> {
    /// The storage; its first element is element `(0, 0)`.
    pub data: S,
    /// Distance between rows.
    pub row_step: usize,
    /// Distance between columns.
    pub column_step: usize,
}

impl<S> Matrix<S> {
    /// Rows behind one another, `row_step` apart.
    pub fn rows(data: S, row_step: usize) -> Self {
        Self { data, row_step, column_step: 1 }
    }

    /// The transpose of [`Matrix::rows`].
    pub fn columns(data: S, column_step: usize) -> Self {
        Self { data, row_step: 1, column_step }
    }

    /// Elements a `height` × `width` matrix reaches into the storage.
    fn reach(&self, height: usize, width: usize) -> usize {
        if height == 0 || width == 0 { 0 } else { (height - 1) * self.row_step + (width - 1) * self.column_step + 1 }
    }
}

/// `f32` or `f64`, an element of a tensor.
pub trait Real: sealed::Sealed + WithDType + Debug + Default + Neg<Output = Self> + Sum {
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Above every number.
    const INFINITY: Self;
    /// The distance from 1 to the next larger number.
    const EPSILON: Self;

    /// The slice itself if this type is `f32`: the way to a kernel that exists in single precision only.
    fn as_f32(values: &[Self]) -> Option<&[f32]>;
    /// As [`Real::as_f32`], to write.
    fn as_f32_mut(values: &mut [Self]) -> Option<&mut [f32]>;

    /// The larger of the value and zero; NaN stays NaN, so that a diverged network is seen.
    #[inline(always)]
    fn relu(self) -> Self {
        if self < Self::ZERO { Self::ZERO } else { self }
    }

    /// `out = a·b`, or `out += a·b` if `accumulate`, where `[height, inner, width]` says that `a` is height × inner and
    /// `b` inner × width. On the calling thread alone, so that the result depends on the operands only.
    ///
    /// # Panics
    /// If a matrix reaches past its storage: a fault of the caller.
    fn matmul(size: [usize; 3], a: Matrix<&[Self]>, b: Matrix<&[Self]>, out: Matrix<&mut [Self]>, accumulate: bool) {
        let [height, inner, width] = size;
        assert!(a.reach(height, inner) <= a.data.len(), "left operand of a product is too short");
        assert!(b.reach(inner, width) <= b.data.len(), "right operand of a product is too short");
        assert!(out.reach(height, width) <= out.data.len(), "result of a product is too short");
        let beta = Self::ONE;
        let alpha = if accumulate { Self::ONE } else { Self::ZERO };
        // SAFETY: the three asserts bound every address the product touches, a slice is never longer than isize::MAX,
        // `out` is borrowed mutably and so overlaps neither operand, and gemm knows both types of the sealed trait.
        unsafe {
            gemm::gemm(
                height,
                width,
                inner,
                out.data.as_mut_ptr(),
                out.column_step as isize,
                out.row_step as isize,
                accumulate,
                a.data.as_ptr(),
                a.column_step as isize,
                a.row_step as isize,
                b.data.as_ptr(),
                b.column_step as isize,
                b.row_step as isize,
                alpha,
                beta,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const INFINITY: Self = f32::INFINITY;
    const EPSILON: Self = f32::EPSILON;

    fn as_f32(values: &[Self]) -> Option<&[f32]> {
        Some(values)
    }

    fn as_f32_mut(values: &mut [Self]) -> Option<&mut [f32]> {
        Some(values)
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const INFINITY: Self = f64::INFINITY;
    const EPSILON: Self = f64::EPSILON;

    fn as_f32(_: &[Self]) -> Option<&[f32]> {
        None
    }

    fn as_f32_mut(_: &mut [Self]) -> Option<&mut [f32]> {
        None
    }
}
