//! Direct convolution in single precision, one group: no columns are built, an image is padded once or, where the kernel
//! never leaves it, read where it is.
//!
//! ```text
//! y[o, oy, ox] = Σ_{c,ky,kx} w[o,c,ky,kx] · x[c, s·oy + ky − p, s·ox + kx − p]
//! ```
//!
//! Vectors hold neighbouring outputs (`rows`) or 16 output channels of one pixel (`pixels`), whichever needs fewer
//! products of vectors: channels on small maps and with strides, outputs where channels would leave lanes empty. Scratch:
//! one padded image and one result.

use super::ConvShape;
use super::correlate::{self, BLOCK};
use super::pixels::{self, Window, pixels, within_row};
use super::planes::{Place, Planes};
use super::rows::Rows;
use super::transpose::{GROUP, separate_channels};

/// Rows and columns of the padded image that are read.
fn reach(shape: &ConvShape) -> [usize; 2] {
    let (out, kernel) = ([shape.out_height(), shape.out_width()], [shape.kernel_height, shape.kernel_width]);
    [0, 1].map(|axis| (out[axis] - 1) * shape.stride[axis] + kernel[axis])
}

/// The layout of a padded input image for this shape.
pub(super) fn input_planes(shape: &ConvShape) -> Planes {
    let kernel = [shape.kernel_height, shape.kernel_width];
    let size = [shape.in_height, shape.in_width];
    Planes::new(shape.in_channels, size, shape.stride, shape.padding, reach(shape), kernel)
}

/// Where output (0, 0) finds each entry of a kernel `[in_channels, kernel_height, kernel_width]`.
pub(super) fn input_offsets(shape: &ConvShape, planes: &Planes) -> Vec<usize> {
    let taps = |channel| {
        let row = move |ky| (0..shape.kernel_width).map(move |kx| planes.offset(channel, [ky, kx]));
        (0..shape.kernel_height).flat_map(row)
    };
    (0..shape.in_channels).flat_map(taps).collect()
}

/// The convolution of one shape with one set of weights, image by image.
#[derive(Debug)]
pub struct Forward {
    /// None if the image is read where it is.
    planes: Option<Planes>,
    offsets: Vec<usize>,
    lanes: Lanes,
}

/// What stands side by side in a vector.
#[derive(Debug)]
enum Lanes {
    /// Neighbouring outputs.
    Outputs { weights: Vec<[f32; BLOCK]>, rows: Rows },
    /// Output channels.
    Channels { weights: Vec<[f32; GROUP]>, window: Window },
}

impl Forward {
    /// Packs the weights `w`, in the order of the definition; `shape.batch` is not used.
    ///
    /// # Panics
    /// If the shape has more than one group, or an image or its result is empty.
    pub fn new(shape: &ConvShape, w: &[f32]) -> Self {
        shape.check_direct();
        let planes = input_planes(shape);
        let size = [shape.out_height(), shape.out_width()];
        let place = Place { first: 0, steps: [size[1], 1], channel: size[0] * size[1] };
        let rows = Rows { channels: shape.out_channels, size, pitch: planes.pitch(), place };
        let products = shape.in_channels * shape.kernel_height * shape.kernel_width;
        let weight = |o: usize, r: usize| w[o * products + r];
        if rows.cost(products) <= pixels::cost(shape.out_channels, products, size) {
            let offsets = input_offsets(shape, &planes);
            let weights = correlate::pack(shape.out_channels, products, weight);
            return Self { planes: Some(planes), offsets, lanes: Lanes::Outputs { weights, rows } };
        }
        let weights = correlate::pack(shape.out_channels, products, weight);
        let (planes, offsets, window) = channel_window(shape);
        Self { planes, offsets, lanes: Lanes::Channels { weights, window } }
    }

    /// Numbers of scratch that [`Forward::image`] needs.
    pub fn scratch_len(&self) -> usize {
        let sums = match &self.lanes {
            Lanes::Outputs { rows, .. } => rows.scratch_len(),
            Lanes::Channels { weights, window } => weights.len() / self.offsets.len() * GROUP * window.place.channel,
        };
        self.planes.as_ref().map_or(0, Planes::buffer_len) + sums
    }

    /// `y` of one image `x`; the scratch may hold anything.
    pub fn image(&self, x: &[f32], scratch: &mut [f32], y: &mut [f32]) {
        let (padded, sums) = scratch.split_at_mut(self.planes.as_ref().map_or(0, Planes::buffer_len));
        let source = match &self.planes {
            Some(planes) => {
                planes.fill(x, padded);
                padded
            }
            None => x,
        };
        match &self.lanes {
            Lanes::Outputs { weights, rows } => rows.correlate(source, &self.offsets, weights, sums, y),
            Lanes::Channels { weights, window } => {
                let (sums, _) = sums.as_chunks_mut();
                pixels(source, &self.offsets, weights, window, sums);
                separate_channels(sums, window.place.channel, y);
            }
        }
    }
}

/// How the kernel with channels as lanes reads an image: where the image lies, None being where it is.
pub(super) fn channel_window(shape: &ConvShape) -> (Option<Planes>, Vec<usize>, Window) {
    let out = [shape.out_height(), shape.out_width()];
    let [height, width] = [shape.in_height, shape.in_width];
    let pixels = out[0] * out[1];
    let inside = shape.padding == [0, 0] && reach(shape)[0] <= height && reach(shape)[1] <= width;
    if inside
        && shape.kernel_height * shape.kernel_width == 1
        && shape.stride == [1, 1]
        && (pixels <= 256 || !within_row(width))
        && within_row(pixels)
    {
        // One long row.
        let place = Place { first: 0, steps: [0, 1], channel: pixels };
        let window = Window { size: [1, pixels], row_step: 0, step: 1, place };
        return (None, (0..shape.in_channels).map(|channel| channel * height * width).collect(), window);
    }
    // Every other number costs as much to read as every one; at larger strides the phases of an image stand apart.
    let plain = shape.stride[1] <= 2;
    let (apart, steps) = if plain { ([1, 1], shape.stride) } else { (shape.stride, [1, 1]) };
    let kernel = [shape.kernel_height, shape.kernel_width];
    let planes = Planes::new(shape.in_channels, [height, width], apart, shape.padding, reach(shape), kernel);
    let window = |pitch: usize| Window {
        size: out,
        row_step: steps[0] * pitch,
        step: steps[1],
        place: Place { first: 0, steps: [out[1], 1], channel: pixels },
    };
    if inside && plain && within_row(out[1]) {
        let taps = |channel: usize| {
            let row = move |ky| (0..kernel[1]).map(move |kx| (channel * height + ky) * width + kx);
            (0..kernel[0]).flat_map(row)
        };
        return (None, (0..shape.in_channels).flat_map(taps).collect(), window(width));
    }
    let (offsets, window) = (input_offsets(shape, &planes), window(planes.pitch()));
    (Some(planes), offsets, window)
}
