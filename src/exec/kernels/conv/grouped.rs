//! Convolution in groups of several channels, in single precision: the direct convolution of each group.
//!
//! Channels of a group stand behind one another in an image and in the weights, so that a group is a convolution of its
//! own on parts of the slices. Scratch: that of one group.

use super::{ConvShape, direct, input_gradient, weight_gradient};

/// The shape of one group.
fn group(shape: &ConvShape) -> ConvShape {
    ConvShape {
        batch: 1,
        in_channels: shape.in_channels / shape.groups,
        out_channels: shape.out_channels / shape.groups,
        groups: 1,
        ..*shape
    }
}

/// The forward map, prepared for one set of weights.
#[derive(Debug)]
pub struct Forward {
    shape: ConvShape,
    groups: Vec<direct::Forward>,
}

impl Forward {
    /// Packs the weights of every group.
    ///
    /// # Panics
    /// If an image or its result is empty.
    pub fn new(shape: &ConvShape, w: &[f32]) -> Self {
        let shape = group(shape);
        let groups = w.chunks_exact(shape.weight_len()).map(|w| direct::Forward::new(&shape, w)).collect();
        Self { shape, groups }
    }

    /// Numbers of scratch that [`Forward::image`] needs.
    pub fn scratch_len(&self) -> usize {
        self.groups.first().map_or(0, direct::Forward::scratch_len)
    }

    /// `y` of one image `x`; the scratch may hold anything.
    pub fn image(&self, x: &[f32], scratch: &mut [f32], y: &mut [f32]) {
        let channels = x.chunks_exact(self.shape.input_len()).zip(y.chunks_exact_mut(self.shape.output_len()));
        for (group, (x, y)) in self.groups.iter().zip(channels) {
            group.image(x, scratch, y);
        }
    }
}

/// The adjoint in the input, prepared for one set of weights.
#[derive(Debug)]
pub struct InputGradient {
    shape: ConvShape,
    groups: Vec<input_gradient::InputGradient>,
}

impl InputGradient {
    /// Packs the weights of every group.
    ///
    /// # Panics
    /// If an image or its result is empty.
    pub fn new(shape: &ConvShape, w: &[f32]) -> Self {
        let shape = group(shape);
        let groups =
            w.chunks_exact(shape.weight_len()).map(|w| input_gradient::InputGradient::new(&shape, w)).collect();
        Self { shape, groups }
    }

    /// Numbers of scratch that [`InputGradient::image`] needs.
    pub fn scratch_len(&self) -> usize {
        self.groups.first().map_or(0, input_gradient::InputGradient::scratch_len)
    }

    /// `dx` of one image from its `dy`; the scratch may hold anything.
    pub fn image(&self, dy: &[f32], scratch: &mut [f32], dx: &mut [f32]) {
        let channels = dy.chunks_exact(self.shape.output_len()).zip(dx.chunks_exact_mut(self.shape.input_len()));
        for (group, (dy, dx)) in self.groups.iter().zip(channels) {
            group.image(dy, scratch, dx);
        }
    }
}

/// The adjoint in the weights.
#[derive(Debug)]
pub struct WeightGradient {
    shape: ConvShape,
    groups: usize,
    /// That of any group.
    group: weight_gradient::WeightGradient,
}

impl WeightGradient {
    /// A plan for images of this shape.
    ///
    /// # Panics
    /// If an image or its result is empty.
    pub fn new(shape: &ConvShape) -> Self {
        let one = group(shape);
        Self { shape: one, groups: shape.groups, group: weight_gradient::WeightGradient::new(&one) }
    }

    /// Numbers of scratch that [`WeightGradient::image`] needs.
    pub fn scratch_len(&self) -> usize {
        self.group.scratch_len()
    }

    /// Numbers of the running sums; they start all zero.
    pub fn sums_len(&self) -> usize {
        self.groups * self.group.sums_len()
    }

    /// Adds one image to the sums; the scratch may hold anything.
    pub fn image(&self, x: &[f32], dy: &[f32], scratch: &mut [f32], sums: &mut [f32]) {
        let channels = x.chunks_exact(self.shape.input_len()).zip(dy.chunks_exact(self.shape.output_len()));
        for ((x, dy), sums) in channels.zip(sums.chunks_exact_mut(self.group.sums_len())) {
            self.group.image(x, dy, scratch, sums);
        }
    }

    /// The sums in the order of the weights.
    pub fn finish(&self, sums: &[f32], dw: &mut [f32]) {
        let groups = sums.chunks_exact(self.group.sums_len()).zip(dw.chunks_exact_mut(self.shape.weight_len()));
        groups.for_each(|(sums, dw)| self.group.finish(sums, dw));
    }
}
