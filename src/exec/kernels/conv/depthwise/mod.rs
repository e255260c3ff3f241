//! Depthwise convolution in single precision: as many groups as input channels, any number of outputs for each.
//!
//! ```text
//! y[c·m + j, oy, ox] = Σ_{ky,kx} w[c·m + j, ky, kx] · x[c, s·oy + ky − p, s·ox + kx − p]      m outputs per channel
//! ```
//!
//! A channel at a time is padded in a buffer that stays in the first- or second-level cache; lanes are outputs of one
//! row. The adjoint in `x` is the same loop with stride 1, the kernel turned round, and `dy` spread out by zeros: at
//! stride 2 that multiplies by more zeros than numbers, and still keeps up with the memory.

use multiversion::multiversion;
use multiversion::target::match_target;

use super::ConvShape;
use super::vector::{self, Plain, Vector};
use correlate::Correlation;
use plane::{Axis, Plane};

mod correlate;
mod plane;
mod weight_gradient;

pub use weight_gradient::WeightGradient;

/// Whether each group of this shape has exactly one input channel.
pub fn covers(shape: &ConvShape) -> bool {
    shape.groups == shape.in_channels
}

/// The layout of an input channel, with room for `rows` rows of the output.
fn input_plane(shape: &ConvShape, rows: usize) -> Plane {
    let axis = |axis: usize, extent, kernel, outputs| {
        let (stride, lead) = (shape.stride[axis], shape.padding[axis] as isize);
        Axis { extent, dilation: 1, lead, stride, kernel, outputs }
    };
    Plane::new(
        axis(0, shape.in_height, shape.kernel_height, rows),
        axis(1, shape.in_width, shape.kernel_width, shape.out_width()),
    )
}

/// The layout of an output channel, read by the adjoint in the input.
fn output_plane(shape: &ConvShape) -> Plane {
    let axis = |axis: usize, extent, kernel: usize, outputs| {
        let (dilation, lead) = (shape.stride[axis], kernel as isize - 1 - shape.padding[axis] as isize);
        Axis { extent, dilation, lead, stride: 1, kernel, outputs }
    };
    Plane::new(
        axis(0, shape.out_height(), shape.kernel_height, shape.in_height),
        axis(1, shape.out_width(), shape.kernel_width, shape.in_width),
    )
}

/// All channels of an image. Each step fills `correlation.planes` planes from the source and writes `results` channels.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn channels(
    correlation: &Correlation,
    results: usize,
    source: &[f32],
    weights: &[f32],
    planes: &mut [f32],
    out: &mut [f32],
) {
    match_target! {
        "x86_64+avx512f+avx512dq+avx512vl+avx512bw" => steps::<vector::Avx512>(correlation, results, source, weights, planes, out),
        "x86_64+avx2+fma" => steps::<vector::Avx2>(correlation, results, source, weights, planes, out),
        "aarch64+neon" => steps::<Plain<4, true>>(correlation, results, source, weights, planes, out),
        _ => steps::<Plain<4, false>>(correlation, results, source, weights, planes, out),
    }
}

/// See [`channels`].
#[inline(always)]
fn steps<V: Vector>(
    correlation: &Correlation,
    results: usize,
    source: &[f32],
    weights: &[f32],
    planes: &mut [f32],
    out: &mut [f32],
) {
    let (plane, count) = (&correlation.plane, correlation.planes);
    let [height, width] = plane.outputs();
    let taps = count * plane.kernel().iter().product::<usize>();
    let planes = &mut planes[..count * plane.buffer_len()];
    planes.fill(0.0);
    for (result, weights) in weights.chunks_exact(taps).enumerate() {
        if result % results == 0 {
            for (number, buffer) in planes.chunks_exact_mut(plane.buffer_len()).enumerate() {
                plane.fill(&source[(result / results * count + number) * plane.extent()..], buffer);
            }
        }
        correlation.channel::<V>(planes, weights, &mut out[result * height * width..]);
    }
}

/// The forward map, prepared for one set of weights.
#[derive(Debug, Clone)]
pub struct Forward {
    correlation: Correlation,
    multiplier: usize,
    weights: Vec<f32>,
}

impl Forward {
    /// Prepares `w`. The shape [is covered](covers) and has a result that is not empty.
    pub fn new(shape: &ConvShape, w: &[f32]) -> Self {
        let multiplier = shape.out_channels / shape.in_channels;
        let correlation = Correlation::new(input_plane(shape, shape.out_height()), 1);
        let kernels = w.chunks_exact(shape.kernel_height * shape.kernel_width);
        Self { weights: kernels.flat_map(|kernel| correlation.pack(kernel)).collect(), correlation, multiplier }
    }

    /// Floats of scratch for [`Forward::image`]: one padded channel.
    pub fn scratch_len(&self) -> usize {
        self.correlation.plane.buffer_len()
    }

    /// `y` of one image, on the calling thread. Scratch and `y` may hold anything before.
    pub fn image(&self, x: &[f32], scratch: &mut [f32], y: &mut [f32]) {
        channels(&self.correlation, self.multiplier, x, &self.weights, scratch, y);
    }
}

/// The adjoint in the input, prepared for one set of weights.
#[derive(Debug, Clone)]
pub struct InputGradient {
    correlation: Correlation,
    weights: Vec<f32>,
}

impl InputGradient {
    /// Prepares `w`. The shape [is covered](covers) and has a result that is not empty.
    pub fn new(shape: &ConvShape, w: &[f32]) -> Self {
        let multiplier = shape.out_channels / shape.in_channels;
        let taps = shape.kernel_height * shape.kernel_width;
        let correlation = Correlation::new(output_plane(shape), multiplier);
        let turned: Vec<f32> = w.chunks_exact(taps).flat_map(|kernel| kernel.iter().rev().copied()).collect();
        let kernels = turned.chunks_exact(multiplier * taps);
        Self { weights: kernels.flat_map(|kernels| correlation.pack(kernels)).collect(), correlation }
    }

    /// Floats of scratch for [`InputGradient::image`]: the padded channels of `dy` that meet one channel of the input.
    pub fn scratch_len(&self) -> usize {
        self.correlation.planes * self.correlation.plane.buffer_len()
    }

    /// `dx` of one image, on the calling thread. Scratch and `dx` may hold anything before.
    pub fn image(&self, dy: &[f32], scratch: &mut [f32], dx: &mut [f32]) {
        channels(&self.correlation, 1, dy, &self.weights, scratch, dx);
    }
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
