//! The adjoint in the input: the same correlation with kernels turned by 180° and channels exchanged.
//!
//! ```text
//! dx[c, iy, ix] = Σ_{o,ky,kx} w[o, c, 2 − ky, 2 − kx] · dy[o, iy + ky − (2 − p), ix + kx − (2 − p)]
//! ```

use super::super::ConvShape;
use super::correlation::Correlation;

/// `dx`, the adjoint of the convolution in `x` applied to `dy`, for one group, a 3 × 3 kernel and stride 1.
#[derive(Debug, Clone)]
pub struct InputGradient(Correlation);

impl InputGradient {
    /// Transforms and packs the weights.
    ///
    /// # Panics
    /// If [`super::applies`] is false, or `w` has another length than the shape says.
    pub fn new(shape: &ConvShape, w: &[f32]) -> Self {
        super::check(shape);
        assert_eq!(w.len(), shape.weight_len(), "length of w");
        let channels = [shape.out_channels, shape.in_channels];
        let source = [shape.out_height(), shape.out_width()];
        let size = [shape.in_height, shape.in_width];
        let tap = |c, o, [ky, kx]: [usize; 2]| w[((o * shape.in_channels + c) * 3 + 2 - ky) * 3 + 2 - kx];
        Self(Correlation::new(channels, source, size, shape.padding.map(|p| 2 - p as isize), tap))
    }

    /// Floats of scratch that [`InputGradient::image`] needs.
    pub fn scratch_len(&self) -> usize {
        self.0.scratch_len()
    }

    /// One image; `scratch` and `dx` hold arbitrary numbers before.
    pub fn image(&self, dy: &[f32], scratch: &mut [f32], dx: &mut [f32]) {
        self.0.image(dy, scratch, dx);
    }
}
