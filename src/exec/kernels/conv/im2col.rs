//! Convolution as a matrix product over columns: any number of groups, both precisions; the path of reference.
//!
//! ```text
//! col[(c,ky,kx), (oy,ox)] = x[c, s·oy + ky − p, s·ox + kx − p]      0 outside the image
//! y = W·col        dcol = Wᵀ·dy, scattered back into dx        dW = Σ_images dy·colᵀ        per group
//! ```
//!
//! Columns are built for a band of output rows at a time, so that they stay in the second-level cache. Images (forward,
//! input gradient) and fixed pieces of the batch (weight gradient) run in parallel; each product runs on one thread:
//! the bits do not depend on the number of threads.

use std::ops::Range;

use rayon::prelude::*;

use super::ConvShape;
use crate::exec::kernels::pieces::{add_in_order, pieces};
use crate::exec::kernels::real::{Matrix, Real};

/// Elements of one band of columns.
const BAND_ELEMENTS: usize = 1 << 16;

/// Sizes of one group, and its bands of output rows.
struct Group {
    /// Input channels × kernel.
    depth: usize,
    /// Output channels.
    height: usize,
    /// Output pixels.
    pixels: usize,
    /// Elements of the input image.
    image: usize,
    /// Output rows per band.
    band: usize,
}

impl Group {
    fn new(shape: &ConvShape) -> Self {
        let channels = shape.in_channels / shape.groups;
        let depth = channels * shape.kernel_height * shape.kernel_width;
        let band = (BAND_ELEMENTS / (depth * shape.out_width())).clamp(1, shape.out_height());
        Self {
            depth,
            height: shape.out_channels / shape.groups,
            pixels: shape.out_height() * shape.out_width(),
            image: channels * shape.in_height * shape.in_width,
            band,
        }
    }

    fn bands(&self, shape: &ConvShape) -> impl Iterator<Item = Range<usize>> + use<> {
        let (rows, band) = (shape.out_height(), self.band);
        (0..rows).step_by(band).map(move |first| first..(first + band).min(rows))
    }

    /// Scratch for one band.
    fn columns<T: Real>(&self, shape: &ConvShape) -> Vec<T> {
        vec![T::ZERO; self.depth * self.band * shape.out_width()]
    }
}

/// The outputs whose tap `tap` lies inside an image of `extent`.
fn inside(tap: usize, extent: usize, stride: usize, padding: usize, outputs: usize) -> Range<usize> {
    let first = padding.saturating_sub(tap).div_ceil(stride);
    let end = (extent + padding).saturating_sub(tap).div_ceil(stride).min(outputs);
    first.min(end)..end
}

/// Calls `visit(columns, image)` with the index ranges of every run of output columns that lies inside the image:
/// `image` starts at the given index and advances by the stride.
fn visit_runs(shape: &ConvShape, band: &Range<usize>, mut visit: impl FnMut(Range<usize>, usize)) {
    let [stride_y, stride_x] = shape.stride;
    let [pad_y, pad_x] = shape.padding;
    let (out_width, pixels) = (shape.out_width(), band.len() * shape.out_width());
    let mut row = 0;
    for channel in 0..shape.in_channels / shape.groups {
        for ky in 0..shape.kernel_height {
            let rows = inside(ky, shape.in_height, stride_y, pad_y, shape.out_height());
            for kx in 0..shape.kernel_width {
                let columns = inside(kx, shape.in_width, stride_x, pad_x, out_width);
                for oy in rows.start.max(band.start)..rows.end.min(band.end) {
                    if columns.is_empty() {
                        continue;
                    }
                    let start = row * pixels + (oy - band.start) * out_width;
                    let (iy, ix) = (oy * stride_y + ky - pad_y, columns.start * stride_x + kx - pad_x);
                    let image = (channel * shape.in_height + iy) * shape.in_width + ix;
                    visit(start + columns.start..start + columns.end, image);
                }
                row += 1;
            }
        }
    }
}

/// Fills the columns of one band.
fn gather<T: Real>(shape: &ConvShape, image: &[T], band: &Range<usize>, columns: &mut [T]) {
    columns.fill(T::ZERO);
    visit_runs(shape, band, |run, start| {
        let target = &mut columns[run];
        if shape.stride[1] == 1 {
            target.copy_from_slice(&image[start..start + target.len()]);
        } else {
            let source = image[start..].iter().step_by(shape.stride[1]);
            target.iter_mut().zip(source).for_each(|(target, &value)| *target = value);
        }
    });
}

/// Adds the columns of one band back to the image: the adjoint of [`gather`].
fn scatter<T: Real>(shape: &ConvShape, columns: &[T], band: &Range<usize>, image: &mut [T]) {
    visit_runs(shape, band, |run, start| {
        let targets = image[start..].iter_mut().step_by(shape.stride[1]);
        targets.zip(&columns[run]).for_each(|(target, &value)| *target += value);
    });
}

/// `y = conv(x, w)`; no slice is empty.
pub fn forward<T: Real>(shape: &ConvShape, x: &[T], w: &[T], y: &mut [T]) {
    let group = Group::new(shape);
    let images = y.par_chunks_mut(shape.output_len() / shape.batch).zip(x.par_chunks(shape.input_len() / shape.batch));
    images.for_each_init(
        || group.columns(shape),
        |columns, (y, x)| {
            let weights = w.chunks_exact(group.height * group.depth);
            let outputs = y.chunks_exact_mut(group.height * group.pixels);
            for ((y, x), w) in outputs.zip(x.chunks_exact(group.image)).zip(weights) {
                for band in group.bands(shape) {
                    let width = band.len() * shape.out_width();
                    let columns = &mut columns[..group.depth * width];
                    gather(shape, x, &band, columns);
                    let y = Matrix::rows(&mut y[band.start * shape.out_width()..], group.pixels);
                    let (w, columns) = (Matrix::rows(w, group.depth), Matrix::rows(&*columns, width));
                    T::matmul([group.height, group.depth, width], w, columns, y, false);
                }
            }
        },
    );
}

/// `dx`, the adjoint of [`forward`] in `x` applied to `dy`; no slice is empty.
pub fn input_gradient<T: Real>(shape: &ConvShape, dy: &[T], w: &[T], dx: &mut [T]) {
    let group = Group::new(shape);
    let images =
        dx.par_chunks_mut(shape.input_len() / shape.batch).zip(dy.par_chunks(shape.output_len() / shape.batch));
    images.for_each_init(
        || group.columns(shape),
        |columns, (dx, dy)| {
            dx.fill(T::ZERO);
            let weights = w.chunks_exact(group.height * group.depth);
            let outputs = dy.chunks_exact(group.height * group.pixels);
            for ((dy, dx), w) in outputs.zip(dx.chunks_exact_mut(group.image)).zip(weights) {
                for band in group.bands(shape) {
                    let width = band.len() * shape.out_width();
                    let columns = &mut columns[..group.depth * width];
                    let dy = Matrix::rows(&dy[band.start * shape.out_width()..], group.pixels);
                    let target = Matrix::rows(&mut *columns, width);
                    T::matmul([group.depth, group.height, width], Matrix::columns(w, group.depth), dy, target, false);
                    scatter(shape, columns, &band, dx);
                }
            }
        },
    );
}

/// `dw`, the adjoint of [`forward`] in `w` applied to `dy`; no slice is empty.
pub fn weight_gradient<T: Real>(shape: &ConvShape, x: &[T], dy: &[T], dw: &mut [T]) {
    let group = Group::new(shape);
    let (input, output) = (shape.input_len() / shape.batch, shape.output_len() / shape.batch);
    let partial = |columns: &mut Vec<T>, images: Range<usize>| {
        let mut sum = vec![T::ZERO; shape.weight_len()];
        for image in images {
            let x = x[image * input..(image + 1) * input].chunks_exact(group.image);
            let dy = dy[image * output..(image + 1) * output].chunks_exact(group.height * group.pixels);
            for ((x, dy), sum) in x.zip(dy).zip(sum.chunks_exact_mut(group.height * group.depth)) {
                for band in group.bands(shape) {
                    let width = band.len() * shape.out_width();
                    let columns = &mut columns[..group.depth * width];
                    gather(shape, x, &band, columns);
                    let dy = Matrix::rows(&dy[band.start * shape.out_width()..], group.pixels);
                    let (columns, sum) = (Matrix::columns(&*columns, width), Matrix::rows(&mut *sum, group.depth));
                    T::matmul([group.height, width, group.depth], dy, columns, sum, true);
                }
            }
        }
        sum
    };
    let partials: Vec<Vec<T>> = pieces(shape.batch).map_init(|| group.columns(shape), partial).collect();
    add_in_order(&partials, dw);
}
