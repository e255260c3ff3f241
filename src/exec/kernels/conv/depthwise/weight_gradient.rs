//! The adjoint of depthwise convolution in its weights.
//!
//! ```text
//! dw[c·m + j, ky, kx] = Σ_images Σ_{oy,ox} dy[c·m + j, oy, ox] · x[c, s·oy + ky − p, s·ox + kx − p]
//! ```
//!
//! A channel of `dy` gets zeros up to whole tiles, so that what a tile reads past the map does not count. A weight's
//! running sum grows by one number per image.

use multiversion::multiversion;
use multiversion::target::match_target;

use super::super::ConvShape;
use super::super::vector::{self, Plain, Vector};
use super::correlate::{Correlation, ROWS, load};
use super::input_plane;
use super::plane::{Axis, CHUNK, Plane};

/// The adjoint in the weights; see [`Forward`](super::Forward).
#[derive(Debug, Clone)]
pub struct WeightGradient {
    inputs: Correlation,
    gradients: Plane,
    in_channels: usize,
    multiplier: usize,
}

impl WeightGradient {
    /// Prepares a shape that [is covered](super::covers) and has no empty slice.
    pub fn new(shape: &ConvShape) -> Self {
        let axis = |extent: usize, outputs| Axis { extent, dilation: 1, lead: 0, stride: 1, kernel: 1, outputs };
        let rows = shape.out_height().next_multiple_of(ROWS);
        Self {
            inputs: Correlation::new(input_plane(shape, rows), 1),
            gradients: Plane::new(axis(shape.out_height(), rows), axis(shape.out_width(), shape.out_width())),
            in_channels: shape.in_channels,
            multiplier: shape.out_channels / shape.in_channels,
        }
    }

    /// Floats of scratch for [`WeightGradient::image`]: one padded channel of `x` and one of `dy`.
    pub fn scratch_len(&self) -> usize {
        self.inputs.plane.buffer_len() + self.gradients.buffer_len()
    }

    fn taps(&self) -> usize {
        self.inputs.plane.kernel().iter().product()
    }

    /// Floats of the running sums.
    pub fn sums_len(&self) -> usize {
        self.in_channels * self.multiplier * self.taps()
    }

    /// Adds one image, on the calling thread. Scratch may hold anything before.
    pub fn image(&self, x: &[f32], dy: &[f32], scratch: &mut [f32], sums: &mut [f32]) {
        add_image(self, x, dy, scratch, sums);
    }

    /// `dw`, from the sums over all images.
    pub fn finish(&self, sums: &[f32], dw: &mut [f32]) {
        let order = self.inputs.pack(&(0..self.taps()).collect::<Vec<usize>>());
        for (dw, sums) in dw.chunks_exact_mut(order.len()).zip(sums.chunks_exact(order.len())) {
            order.iter().zip(sums).for_each(|(&tap, &sum)| dw[tap] = sum);
        }
    }

    /// See [`WeightGradient::image`].
    #[inline(always)]
    pub(super) fn add<V: Vector>(&self, x: &[f32], dy: &[f32], scratch: &mut [f32], sums: &mut [f32]) {
        let scratch = &mut scratch[..self.scratch_len()];
        scratch.fill(0.0);
        let (inputs, gradients) = scratch.split_at_mut(self.inputs.plane.buffer_len());
        for (channel, sums) in sums.chunks_exact_mut(self.taps()).enumerate() {
            if channel % self.multiplier == 0 {
                self.inputs.plane.fill(&x[channel / self.multiplier * self.inputs.plane.extent()..], inputs);
            }
            self.gradients.fill(&dy[channel * self.gradients.extent()..], gradients);
            self.channel::<V>(inputs, gradients, sums);
        }
    }

    /// One channel, with the tile that fits the kernel.
    #[inline(always)]
    fn channel<V: Vector>(&self, inputs: &[f32], gradients: &[f32], sums: &mut [f32]) {
        let plane = &self.inputs.plane;
        match (self.inputs.by_column, plane.kernel()[0], plane.row_step() / plane.pitch()) {
            (true, 3, 1) => self.sweep::<V, 4, 3, 1, 3, 6>(inputs, gradients, sums),
            (true, 3, _) => self.sweep::<V, 4, 3, 2, 3, 9>(inputs, gradients, sums),
            (true, _, 1) if V::LANES == CHUNK => self.sweep::<V, 2, 5, 1, 5, 6>(inputs, gradients, sums),
            (true, _, 1) => self.sweep::<V, 2, 5, 1, 2, 6>(inputs, gradients, sums),
            (true, _, _) if V::LANES == CHUNK => self.sweep::<V, 2, 5, 2, 5, 7>(inputs, gradients, sums),
            (true, _, _) => self.sweep::<V, 2, 5, 2, 2, 7>(inputs, gradients, sums),
            (false, _, _) => self.sweep::<V, 1, 1, 1, 8, 1>(inputs, gradients, sums),
        }
    }

    /// The dot products of `C` offsets × `K` rows of the kernel at a time over one channel; `M = (R − 1)·S + K`.
    #[inline(always)]
    fn sweep<V: Vector, const R: usize, const K: usize, const S: usize, const C: usize, const M: usize>(
        &self,
        inputs: &[f32],
        gradients: &[f32],
        sums: &mut [f32],
    ) {
        const { assert!(M == (R - 1) * S + K) };
        let [_, width] = self.gradients.outputs();
        let (row_step, pitch) = (self.inputs.plane.row_step(), self.gradients.pitch());
        let step = row_step / S;
        let span = self.inputs.span - CHUNK + width.next_multiple_of(V::LANES);
        for (offsets, sums) in self.inputs.offsets.chunks(C).zip(sums.chunks_mut(C * K)) {
            // Offsets past the last repeat it; what they give is dropped.
            let offsets: [usize; C] = std::array::from_fn(|c| offsets[c.min(offsets.len() - 1)]);
            let mut dots = [[V::splat(0.0); K]; C];
            for (tile, gradients) in gradients.chunks_exact(R * pitch).enumerate() {
                // Of one length, so that one check of an offset does for all rows.
                let inputs = &inputs[tile * R * row_step..];
                let inputs: [&[f32]; M] = std::array::from_fn(|u| &inputs[u * step..][..span]);
                let gradients: [&[f32]; R] = std::array::from_fn(|r| &gradients[r * pitch..][..pitch]);
                for x in (0..width).step_by(V::LANES) {
                    let gradients: [V; R] = std::array::from_fn(|r| load(&gradients[r][x..]));
                    for c in 0..C {
                        let values: [V; M] = std::array::from_fn(|u| load(&inputs[u][offsets[c] + x..]));
                        for ky in 0..K {
                            for r in 0..R {
                                dots[c][ky] = dots[c][ky].add_product(values[r * S + ky], gradients[r]);
                            }
                        }
                    }
                }
            }
            for (dot, sum) in dots.as_flattened().iter().zip(sums) {
                *sum += total(*dot);
            }
        }
    }
}

/// The sum of the lanes.
#[inline(always)]
fn total<V: Vector>(lanes: V) -> f32 {
    let mut values = [0.0; CHUNK];
    lanes.store(&mut V::chunks_mut(&mut values)[0]);
    let mut half = V::LANES / 2;
    while half > 0 {
        for lane in 0..half {
            values[lane] += values[lane + half];
        }
        half /= 2;
    }
    values[0]
}

/// See [`WeightGradient::image`].
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub(super) fn add_image(plan: &WeightGradient, x: &[f32], dy: &[f32], scratch: &mut [f32], sums: &mut [f32]) {
    match_target! {
        "x86_64+avx512f+avx512dq+avx512vl+avx512bw" => plan.add::<vector::Avx512>(x, dy, scratch, sums),
        "x86_64+avx2+fma" => plan.add::<vector::Avx2>(x, dy, scratch, sums),
        "aarch64+neon" => plan.add::<Plain<4, true>>(x, dy, scratch, sums),
        _ => plan.add::<Plain<4, false>>(x, dy, scratch, sums),
    }
}
