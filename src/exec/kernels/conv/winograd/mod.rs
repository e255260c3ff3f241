//! Convolutions with 3 × 3 kernels and stride 1, single precision, one group, with half of the multiplications.
//!
//! Winograd's F(4, 3) along the columns: four rows of the result are made from six rows of sums with three taps each,
//! 18 products for four outputs instead of 36. Along the columns every transform combines whole rows, which are
//! contiguous. The root mean square error is 1.2 to 1.5 times that of the direct path from 16 channels on, up to 2.5
//! times for a single channel and for the long sums of weight gradients (measured against f64, random operands):
//!
//! ```text
//!                     y                   dx                  dw              direct | this, relative
//! 1 → 16, 28 × 28     5.6e-8 | 1.4e-7     1.9e-7 | 2.7e-7     2.7e-7 | 6.2e-7
//! 16 → 16, 28 × 28    2.1e-7 | 3.0e-7     2.2e-7 | 3.0e-7     2.8e-7 | 5.6e-7
//! 64 → 70, 8 × 8      4.0e-7 | 5.6e-7     4.2e-7 | 5.9e-7     1.4e-7 | 2.1e-7
//! ```
//!
//! Two dimensions at once were not tried. F(2 × 2, 3 × 3) has 16 products for 4 outputs, hardly fewer than here. F(4 ×
//! 4, 3 × 3) has 36 for 16, half of here; but both of its transforms also work along the rows, on strided columns, its
//! 4 to 49 tiles of a map of 8 × 8 to 28 × 28 share each weight among few products, and it amplifies rounding errors
//! twice.

use super::ConvShape;

mod bands;
mod correlation;
pub mod forward;
mod gather;
pub mod input_gradient;
mod transform;
pub mod weight_gradient;

use super::transpose::GROUP;
pub use forward::Forward;
pub use input_gradient::InputGradient;
use transform::{OUTPUTS, TAPS};
pub use weight_gradient::WeightGradient;

/// A convolution or one of its adjoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The convolution.
    Forward,
    /// Its adjoint in the input.
    InputGradient,
    /// Its adjoint in the weights.
    WeightGradient,
}

/// Whether this path can compute the convolution: one group, 3 × 3 kernels, stride 1, nothing empty.
pub fn applies(shape: &ConvShape) -> bool {
    let kernel = [shape.kernel_height, shape.kernel_width];
    let image = ConvShape { batch: 1, ..*shape };
    shape.groups == 1 && shape.stride == [1, 1] && kernel == [TAPS, TAPS] && !image.is_empty()
}

/// Whether this path is faster than the direct one, by at least 5 to 10 % of an estimate in multiplications. Its
/// constants are fitted to the times of 150 shapes on one processor with AVX-512.
pub fn pays(shape: &ConvShape, operation: Operation) -> bool {
    /// A vector of one row of transformed inputs, all six.
    const INPUT: usize = 832;
    /// One column of a band of transformed outputs.
    const OUTPUT: usize = 26;
    /// One column of a band of transformed gradients, and one of a row in the direct path, for each channel.
    const GRADIENT: [usize; 2] = [140, 40];
    /// Adding one sum of an image to the running sums.
    const SUM: usize = 4;
    if !applies(shape) {
        return false;
    }
    let (inputs, outputs) = (shape.in_channels, shape.out_channels);
    let (source, target) = ([shape.in_height, shape.in_width], [shape.out_height(), shape.out_width()]);
    let ([inputs, outputs], [height, width]) = match operation {
        Operation::InputGradient => ([outputs, inputs], source),
        _ => ([inputs, outputs], target),
    };
    let bands = height.div_ceil(OUTPUTS);
    let transforms = INPUT * bands * (width + TAPS - 1).div_ceil(16) * inputs;
    if operation == Operation::WeightGradient {
        // The inner loop takes three input channels and 16 output channels at a time.
        let (channels, pixels) = (inputs.next_multiple_of(3), bands * width);
        let lanes = outputs.next_multiple_of(GROUP);
        let here = lanes * (18 * channels * (pixels + SUM) + GRADIENT[0] * pixels) + transforms;
        let direct = lanes * (9 * inputs * (height * width + SUM) + GRADIENT[1] * height * width);
        return 20 * direct >= 21 * here;
    }
    let here = bands * width * outputs * (18 * inputs + OUTPUT) + transforms;
    10 * (9 * height * width * inputs * outputs) >= 11 * here
}

/// # Panics
/// If the shape is none for this path: a fault of the caller.
fn check(shape: &ConvShape) {
    assert!(applies(shape), "one group, 3 × 3 kernels, stride 1, nothing empty");
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
