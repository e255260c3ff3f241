//! The convolution itself.

use super::super::ConvShape;
use super::correlation::Correlation;

/// `y = conv(x, w)` for one group, a 3 × 3 kernel and stride 1, image by image.
#[derive(Debug, Clone)]
pub struct Forward(Correlation);

impl Forward {
    /// Transforms and packs the weights.
    ///
    /// # Panics
    /// If [`super::applies`] is false, or `w` has another length than the shape says.
    pub fn new(shape: &ConvShape, w: &[f32]) -> Self {
        super::check(shape);
        assert_eq!(w.len(), shape.weight_len(), "length of w");
        let channels = [shape.in_channels, shape.out_channels];
        let source = [shape.in_height, shape.in_width];
        let size = [shape.out_height(), shape.out_width()];
        let tap = |o, c, [ky, kx]: [usize; 2]| w[((o * shape.in_channels + c) * 3 + ky) * 3 + kx];
        Self(Correlation::new(channels, source, size, shape.padding.map(|p| p as isize), tap))
    }

    /// Floats of scratch that [`Forward::image`] needs.
    pub fn scratch_len(&self) -> usize {
        self.0.scratch_len()
    }

    /// One image; `scratch` and `y` hold arbitrary numbers before.
    pub fn image(&self, x: &[f32], scratch: &mut [f32], y: &mut [f32]) {
        self.0.image(x, scratch, y);
    }
}
