//! Which algorithm computes a convolution in single precision: a function of the shape alone.
//!
//! | groups                  | algorithm                      |
//! |-------------------------|--------------------------------|
//! | 1                       | [`winograd`] where it [pays](winograd::pays), else [`direct`] |
//! | one channel in each     | [`depthwise`]                  |
//! | several channels in each| [`grouped`]                    |
//!
//! Each is prepared once and then run image by image, on the calling thread. The scratch of an image and its result may
//! hold anything before.

use super::winograd::{self, Operation};
use super::{ConvShape, depthwise, direct, grouped, input_gradient, weight_gradient};

/// The algorithms of this module.
enum Algorithm {
    Direct,
    Winograd,
    Depthwise,
    Grouped,
}

impl Algorithm {
    /// The fastest one, as measured.
    fn of(shape: &ConvShape, operation: Operation) -> Self {
        match shape.groups {
            1 if winograd::pays(shape, operation) => Self::Winograd,
            1 => Self::Direct,
            _ if depthwise::covers(shape) => Self::Depthwise,
            _ => Self::Grouped,
        }
    }
}

/// `match`es the algorithm of `$self` and evaluates `$body` with its state as `$state`.
macro_rules! each {
    ($self:expr, $state:ident => $body:expr) => {
        match $self {
            Self::Direct($state) => $body,
            Self::Winograd($state) => $body,
            Self::Depthwise($state) => $body,
            Self::Grouped($state) => $body,
        }
    };
}

/// `y = conv(x, w)`, prepared for one set of weights.
#[derive(Debug)]
pub enum Forward {
    /// See [`direct`].
    Direct(direct::Forward),
    /// See [`winograd`].
    Winograd(winograd::Forward),
    /// See [`depthwise`].
    Depthwise(depthwise::Forward),
    /// See [`grouped`].
    Grouped(grouped::Forward),
}

impl Forward {
    /// Packs the weights `w`, in the order of the definition; `shape.batch` is not used.
    ///
    /// # Panics
    /// If an image or its result is empty.
    pub fn new(shape: &ConvShape, w: &[f32]) -> Self {
        match Algorithm::of(shape, Operation::Forward) {
            Algorithm::Direct => Self::Direct(direct::Forward::new(shape, w)),
            Algorithm::Winograd => Self::Winograd(winograd::Forward::new(shape, w)),
            Algorithm::Depthwise => Self::Depthwise(depthwise::Forward::new(shape, w)),
            Algorithm::Grouped => Self::Grouped(grouped::Forward::new(shape, w)),
        }
    }

    /// Numbers of scratch that [`Forward::image`] needs.
    pub fn scratch_len(&self) -> usize {
        each!(self, map => map.scratch_len())
    }

    /// `y` of one image `x`.
    pub fn image(&self, x: &[f32], scratch: &mut [f32], y: &mut [f32]) {
        each!(self, map => map.image(x, scratch, y));
    }
}

/// The adjoint of [`Forward`] in `x`, prepared for one set of weights.
#[derive(Debug)]
pub enum InputGradient {
    /// See [`mod@input_gradient`].
    Direct(input_gradient::InputGradient),
    /// See [`winograd`].
    Winograd(winograd::InputGradient),
    /// See [`depthwise`].
    Depthwise(depthwise::InputGradient),
    /// See [`grouped`].
    Grouped(grouped::InputGradient),
}

impl InputGradient {
    /// As [`Forward::new`].
    ///
    /// # Panics
    /// If an image or its result is empty.
    pub fn new(shape: &ConvShape, w: &[f32]) -> Self {
        match Algorithm::of(shape, Operation::InputGradient) {
            Algorithm::Direct => Self::Direct(input_gradient::InputGradient::new(shape, w)),
            Algorithm::Winograd => Self::Winograd(winograd::InputGradient::new(shape, w)),
            Algorithm::Depthwise => Self::Depthwise(depthwise::InputGradient::new(shape, w)),
            Algorithm::Grouped => Self::Grouped(grouped::InputGradient::new(shape, w)),
        }
    }

    /// Numbers of scratch that [`InputGradient::image`] needs.
    pub fn scratch_len(&self) -> usize {
        each!(self, map => map.scratch_len())
    }

    /// `dx` of one image from its `dy`.
    pub fn image(&self, dy: &[f32], scratch: &mut [f32], dx: &mut [f32]) {
        each!(self, map => map.image(dy, scratch, dx));
    }
}

/// The adjoint of [`Forward`] in `w`.
#[derive(Debug)]
pub enum WeightGradient {
    /// See [`mod@weight_gradient`].
    Direct(weight_gradient::WeightGradient),
    /// See [`winograd`].
    Winograd(winograd::WeightGradient),
    /// See [`depthwise`].
    Depthwise(depthwise::WeightGradient),
    /// See [`grouped`].
    Grouped(grouped::WeightGradient),
}

impl WeightGradient {
    /// A plan for images of this shape; `shape.batch` is not used.
    ///
    /// # Panics
    /// If an image or its result is empty.
    pub fn new(shape: &ConvShape) -> Self {
        match Algorithm::of(shape, Operation::WeightGradient) {
            Algorithm::Direct => Self::Direct(weight_gradient::WeightGradient::new(shape)),
            Algorithm::Winograd => Self::Winograd(winograd::WeightGradient::new(shape)),
            Algorithm::Depthwise => Self::Depthwise(depthwise::WeightGradient::new(shape)),
            Algorithm::Grouped => Self::Grouped(grouped::WeightGradient::new(shape)),
        }
    }

    /// Numbers of scratch that [`WeightGradient::image`] needs.
    pub fn scratch_len(&self) -> usize {
        each!(self, map => map.scratch_len())
    }

    /// Numbers of the running sums; they start all zero.
    pub fn sums_len(&self) -> usize {
        each!(self, map => map.sums_len())
    }

    /// Adds one image to the sums.
    pub fn image(&self, x: &[f32], dy: &[f32], scratch: &mut [f32], sums: &mut [f32]) {
        each!(self, map => map.image(x, dy, scratch, sums));
    }

    /// The sums in the order of the weights.
    pub fn finish(&self, sums: &[f32], dw: &mut [f32]) {
        each!(self, map => map.finish(sums, dw));
    }
}

#[cfg(test)]
#[path = "algorithms_tests.rs"]
mod tests;
