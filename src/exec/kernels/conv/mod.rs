//! Two-dimensional convolution and its two adjoints, on slices in row-major order.
//!
//! ```text
//! y[b, o, oy, ox] = Σ_{c,ky,kx} w[o, c, ky, kx] · x[b, c, s_y·oy + ky − p_y, s_x·ox + kx − p_x]     0 outside x
//! x [batch, in_channels, in_height, in_width]      y [batch, out_channels, out_height, out_width]
//! w [out_channels, in_channels / groups, kernel_height, kernel_width], c over the channels of o's group
//! ```
//!
//! The map is bilinear, and `⟨conv(x, w), g⟩ = ⟨x, input_gradient(g, w)⟩ = ⟨w, weight_gradient(x, g)⟩`: each of the three
//! is a derivative of the others, so derivatives of every order are made of them.
//!
//! Single precision takes the algorithm that [`algorithms`] chooses from the shape, double precision [`im2col`], the
//! reference. All give the same bits for every number of threads. Work: `2 · output_len · weight_len / out_channels`
//! floating-point operations for each of the three.

use std::ops::Range;

use rayon::prelude::*;

use super::pieces::{add_in_order, pieces};
use super::real::Real;

pub use dilation::Dilation;

pub mod algorithms;
mod correlate;
pub mod dense;
pub mod depthwise;
mod dilation;
pub mod direct;
pub mod grouped;
pub mod im2col;
pub mod input_gradient;
mod lanes;
mod pixels;
mod planes;
mod rows;
mod transpose;
mod vector;
pub mod weight_gradient;
pub mod winograd;

/// The sizes of one convolution. Zero padding; pairs are (rows, columns).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Images.
    pub batch: usize,
    /// Channels of the input, a multiple of `groups`.
    pub in_channels: usize,
    /// Channels of the output, a multiple of `groups`.
    pub out_channels: usize,
    /// Rows of the input.
    pub in_height: usize,
    /// Columns of the input.
    pub in_width: usize,
    /// Rows of the kernel.
    pub kernel_height: usize,
    /// Columns of the kernel.
    pub kernel_width: usize,
    /// Distance between the windows of neighbouring outputs, at least 1.
    pub stride: [usize; 2],
    /// Zeros before the first row and column: `p` of the definition.
    pub padding: [usize; 2],
    /// Zeros behind the last row and column; they decide the size of the output only.
    pub padding_after: [usize; 2],
    /// Parts of the channels that do not see each other, at least 1.
    pub groups: usize,
}

impl ConvShape {
    /// Windows of `kernel` along an axis with `extent` values; 0 if not even one fits.
    fn windows(&self, axis: usize, extent: usize, kernel: usize) -> usize {
        let padded = self.padding[axis] + extent + self.padding_after[axis];
        padded.checked_sub(kernel).map_or(0, |room| room / self.stride[axis] + 1)
    }

    /// Rows of the output, `⌊(padding + in_height + padding_after − kernel_height) / stride⌋ + 1`; 0 if the kernel is
    /// larger than the padded input.
    pub fn out_height(&self) -> usize {
        self.windows(0, self.in_height, self.kernel_height)
    }

    /// Columns of the output, as [`ConvShape::out_height`].
    pub fn out_width(&self) -> usize {
        self.windows(1, self.in_width, self.kernel_width)
    }

    /// Elements of `x`.
    pub fn input_len(&self) -> usize {
        self.batch * self.in_channels * self.in_height * self.in_width
    }

    /// Elements of `y`.
    pub fn output_len(&self) -> usize {
        self.batch * self.out_channels * self.out_height() * self.out_width()
    }

    /// Elements of `w`.
    pub fn weight_len(&self) -> usize {
        self.out_channels * (self.in_channels / self.groups) * self.kernel_height * self.kernel_width
    }

    /// Whether a slice is empty, so that the sums are empty, too.
    fn is_empty(&self) -> bool {
        self.input_len() == 0 || self.output_len() == 0 || self.weight_len() == 0
    }

    /// # Panics
    /// If the direct path does not know the shape: a fault of the caller.
    fn check_direct(&self) {
        assert_eq!(self.groups, 1, "the direct convolution has one group");
        assert!(!ConvShape { batch: 1, ..*self }.is_empty(), "the direct convolution needs an image and a result");
    }

    /// # Panics
    /// If the slices are not those of this shape: a fault of the caller.
    fn check(&self, x: usize, w: usize, y: usize) {
        assert!(self.groups > 0 && self.stride[0] > 0 && self.stride[1] > 0, "groups and strides are at least 1");
        let divides = self.in_channels.is_multiple_of(self.groups) && self.out_channels.is_multiple_of(self.groups);
        assert!(divides, "groups divide the channels");
        assert_eq!((x, w, y), (self.input_len(), self.weight_len(), self.output_len()), "lengths of x, w and y");
    }
}

/// `y = conv(x, w)`.
///
/// # Panics
/// If a slice has another length than the shape says, a stride is 0, or the groups do not divide the channels.
pub fn forward<T: Real>(shape: &ConvShape, x: &[T], w: &[T], y: &mut [T]) {
    shape.check(x.len(), w.len(), y.len());
    if shape.is_empty() {
        return y.fill(T::ZERO);
    }
    if let (Some(x), Some(w)) = (T::as_f32(x), T::as_f32(w))
        && let Some(y) = T::as_f32_mut(y)
    {
        let map = algorithms::Forward::new(shape, w);
        return each_image(shape.batch, x, y, map.scratch_len(), |x, scratch, y| map.image(x, scratch, y));
    }
    im2col::forward(shape, x, w, y);
}

/// `dx`, the adjoint of [`forward`] in `x`, applied to `dy`.
///
/// # Panics
/// As [`forward`].
pub fn input_gradient<T: Real>(shape: &ConvShape, dy: &[T], w: &[T], dx: &mut [T]) {
    shape.check(dx.len(), w.len(), dy.len());
    if shape.is_empty() {
        return dx.fill(T::ZERO);
    }
    if let (Some(dy), Some(w)) = (T::as_f32(dy), T::as_f32(w))
        && let Some(dx) = T::as_f32_mut(dx)
    {
        let map = algorithms::InputGradient::new(shape, w);
        return each_image(shape.batch, dy, dx, map.scratch_len(), |dy, scratch, dx| map.image(dy, scratch, dx));
    }
    im2col::input_gradient(shape, dy, w, dx);
}

/// `dw`, the adjoint of [`forward`] in `w`, applied to `dy`.
///
/// # Panics
/// As [`forward`].
pub fn weight_gradient<T: Real>(shape: &ConvShape, x: &[T], dy: &[T], dw: &mut [T]) {
    shape.check(x.len(), dw.len(), dy.len());
    if shape.is_empty() {
        return dw.fill(T::ZERO);
    }
    if let (Some(x), Some(dy)) = (T::as_f32(x), T::as_f32(dy))
        && let Some(dw) = T::as_f32_mut(dw)
    {
        let map = algorithms::WeightGradient::new(shape);
        let (input, output) = (x.len() / shape.batch, dy.len() / shape.batch);
        let partial = |scratch: &mut Vec<f32>, images: Range<usize>| {
            let mut sums = vec![0.0; map.sums_len()];
            for image in images {
                let (x, dy) = (&x[image * input..][..input], &dy[image * output..][..output]);
                map.image(x, dy, scratch, &mut sums);
            }
            sums
        };
        let scratch = || vec![0.0; map.scratch_len()];
        let partials: Vec<Vec<f32>> = pieces(shape.batch).map_init(scratch, partial).collect();
        let mut sums = vec![0.0; map.sums_len()];
        add_in_order(&partials, &mut sums);
        return map.finish(&sums, dw);
    }
    im2col::weight_gradient(shape, x, dy, dw);
}

/// Runs `image(source, scratch, target)` for every image of a batch, the images in parallel.
fn each_image(
    batch: usize,
    source: &[f32],
    target: &mut [f32],
    scratch: usize,
    image: impl Fn(&[f32], &mut [f32], &mut [f32]) + Sync,
) {
    let images = target.par_chunks_mut(target.len() / batch).zip(source.par_chunks(source.len() / batch));
    images.for_each_init(|| vec![0.0; scratch], |scratch, (target, source)| image(source, scratch, target));
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
