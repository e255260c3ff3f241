//! Direct convolution in single precision, one group: each image is padded once, no columns are built.
//!
//! ```text
//! y[o, oy, ox] = Σ_{c,ky,kx} w[o,c,ky,kx] · x[c, s·oy + ky − p, s·ox + kx − p]
//! ```
//!
//! Images are independent, so the bits of the result do not depend on the number of threads. Scratch per thread: one
//! padded image and one result.

use rayon::prelude::*;

use super::ConvShape;
use super::correlate::{BLOCK, GRAIN, correlate, pack};
use super::planes::Planes;

/// The layout of a padded input image for this shape.
pub(super) fn input_planes(shape: &ConvShape) -> Planes {
    let out = [shape.out_height(), shape.out_width()];
    let kernel = [shape.kernel_height, shape.kernel_width];
    let reach = [0, 1].map(|axis| (out[axis] - 1) * shape.stride[axis] + kernel[axis]);
    let size = [shape.in_height, shape.in_width];
    Planes::new(shape.in_channels, size, shape.stride, shape.padding, reach, kernel)
}

/// Where output (0, 0) finds each entry of a kernel `[in_channels, kernel_height, kernel_width]`.
pub(super) fn input_offsets(shape: &ConvShape, planes: &Planes) -> Vec<usize> {
    let taps = |channel| {
        let row = move |ky| (0..shape.kernel_width).map(move |kx| planes.offset(channel, [ky, kx]));
        (0..shape.kernel_height).flat_map(row)
    };
    (0..shape.in_channels).flat_map(taps).collect()
}

/// `y = conv(x, w)`; the shape has one group and a result that is not empty.
pub fn forward(shape: &ConvShape, x: &[f32], w: &[f32], y: &mut [f32]) {
    let planes = input_planes(shape);
    let offsets = input_offsets(shape, &planes);
    let weights = pack(shape.out_channels, offsets.len(), |o, r| w[o * offsets.len() + r]);
    let (height, width) = (shape.out_height(), shape.out_width());
    let length = (height - 1) * planes.pitch() + width;
    let step = length.next_multiple_of(GRAIN);
    let scratch = || (vec![0.0; planes.buffer_len()], vec![0.0; weights.len() / offsets.len() * BLOCK * step]);
    let images = y.par_chunks_mut(shape.output_len() / shape.batch).zip(x.par_chunks(shape.input_len() / shape.batch));
    images.for_each_init(scratch, |(padded, sums), (y, x)| {
        planes.fill(x, padded);
        correlate(padded, &offsets, &weights, length, sums);
        for (y, sums) in y.chunks_exact_mut(height * width).zip(sums.chunks_exact(step)) {
            for (row, y) in y.chunks_exact_mut(width).enumerate() {
                y.copy_from_slice(&sums[row * planes.pitch()..][..width]);
            }
        }
    });
}
