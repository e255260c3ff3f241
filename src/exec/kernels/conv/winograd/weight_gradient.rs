//! The adjoint in the weights.
//!
//! ```text
//! sums[j, o, c, kx] = Σ_images Σ_{band,x} (A dy)[j, o, band, x] · (Bᵀ x)[j, c, band, x + kx]
//! dw[o, c, ky, kx]  = Σ_j G[j, ky] · sums[j, o, c, kx]
//! ```
//!
//! Six products for four rows and three taps `ky` instead of twelve; lanes are output channels as in the direct path.
//! The sums run over bands, then images, in order.

use multiversion::multiversion;
use multiversion::target::match_target;

use super::super::ConvShape;
use super::super::transpose::{GROUP, group_channels};
use super::super::weight_gradient::{Plan, add_grouped};
use super::bands::{Bands, transform};
use super::transform::{OUTPUTS, PRODUCTS, TAPS, filter_adjoint, lanes, outputs_adjoint};

/// Columns of all bands that are worked on at a time, about: their gradients of two groups stay in the first-level
/// cache.
const POSITIONS: usize = 256;

/// The weight gradient of a convolution with one group, 3 × 3 kernels and stride 1, image by image.
#[derive(Debug)]
pub struct WeightGradient {
    bands: Bands,
    /// Output rows and columns.
    size: [usize; 2],
    /// Groups of output channels.
    groups: usize,
    /// For most bands at a time, and for those that are left at the end.
    plans: [Plan; 2],
}

impl WeightGradient {
    /// A plan for images of this shape; `shape.batch` is not used.
    ///
    /// # Panics
    /// If [`super::applies`] is false.
    pub fn new(shape: &ConvShape) -> Self {
        super::check(shape);
        let size = [shape.out_height(), shape.out_width()];
        let (source, lead) = ([shape.in_height, shape.in_width], shape.padding.map(|p| p as isize));
        let all = size[0].div_ceil(OUTPUTS);
        let most = all.div_ceil((all * size[1]).div_ceil(POSITIONS).min(all));
        let bands = Bands::new(shape.in_channels, source, lead, size[1], most);
        let plan = |height| {
            let (pitch, offsets) = (bands.pitch(), bands.offsets());
            Plan { height, width: size[1], band: height, pitch, step: 1, run: TAPS, offsets }
        };
        let plans = [plan(most), plan(all % most)];
        Self { bands, size, groups: shape.out_channels.div_ceil(GROUP), plans }
    }

    /// Scratch for single rows, for transformed inputs, for `dy` in groups of channels, for its transforms.
    fn parts(&self) -> [usize; 4] {
        let band = self.groups * GROUP * self.size[1];
        let most = self.bands.most();
        let transformed = PRODUCTS * self.bands.product_len();
        [self.bands.rows_len(), transformed, OUTPUTS * band * most, PRODUCTS * band * most]
    }

    /// Floats of scratch that [`WeightGradient::image`] needs.
    pub fn scratch_len(&self) -> usize {
        self.parts().iter().sum()
    }

    /// Floats of the running sums, `[product][group][channel, kx][16]`; they start all zero.
    pub fn sums_len(&self) -> usize {
        PRODUCTS * self.groups * self.plans[0].offsets.len() * GROUP
    }

    /// Adds one image to the sums; `scratch` holds arbitrary numbers before.
    pub fn image(&self, x: &[f32], dy: &[f32], scratch: &mut [f32], sums: &mut [f32]) {
        let parts = self.parts();
        let (rows, scratch) = scratch.split_at_mut(parts[0]);
        let (transformed, scratch) = scratch.split_at_mut(parts[1]);
        let (grouped, scratch) = scratch.split_at_mut(parts[2]);
        let (grouped, gradients) = (grouped.as_chunks_mut().0, scratch[..parts[3]].as_chunks_mut().0);
        let [most, all] = [self.bands.most(), self.size[0].div_ceil(OUTPUTS)];
        for first in (0..all).step_by(most) {
            let bands = most.min(all - first);
            let one = self.groups * bands * self.size[1];
            let (grouped, gradients) = (&mut grouped[..OUTPUTS * one], &mut gradients[..PRODUCTS * one]);
            transform(&self.bands, x, [first, bands], rows, transformed);
            self.group(dy, first, grouped);
            transform_gradients(grouped, self.size[1], gradients);
            let plan = &self.plans[usize::from(bands < most)];
            let sources = transformed.chunks_exact(self.bands.product_len()).zip(gradients.chunks_exact(one));
            for ((source, gradients), sums) in sources.zip(sums.chunks_exact_mut(self.sums_len() / PRODUCTS)) {
                add_grouped(plan, source, gradients, sums.as_chunks_mut().0);
            }
        }
    }

    /// The rows of some bands from `first` on in groups of channels, zero below the last row:
    /// `[group][row][column][16]`.
    fn group(&self, dy: &[f32], first: usize, grouped: &mut [[f32; GROUP]]) {
        let [height, width] = self.size;
        let (start, pixels) = (OUTPUTS * first * width, height * width);
        let room = grouped.len() / self.groups;
        let known = room.min(pixels - start);
        for (dy, grouped) in dy.chunks(GROUP * pixels).zip(grouped.chunks_exact_mut(room)) {
            group(&dy[start..], pixels, known, &mut grouped[..known]);
            grouped[known..].fill([0.0; GROUP]);
        }
    }

    /// The sums in the order of the weights.
    pub fn finish(&self, sums: &[f32], dw: &mut [f32]) {
        let rows = self.plans[0].offsets.len();
        for (channel, dw) in dw.chunks_exact_mut(rows * TAPS).enumerate() {
            let start = channel / GROUP * rows * GROUP + channel % GROUP;
            for (input, dw) in dw.chunks_exact_mut(TAPS * TAPS).enumerate() {
                for kx in 0..TAPS {
                    let at = start + (input * TAPS + kx) * GROUP;
                    let products = std::array::from_fn(|j| sums[j * self.groups * rows * GROUP + at]);
                    for ky in 0..TAPS {
                        dw[ky * TAPS + kx] = filter_adjoint(ky, products);
                    }
                }
            }
        }
    }
}

/// [`group_channels`] for each instruction set.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn group(source: &[f32], step: usize, pixels: usize, target: &mut [[f32; GROUP]]) {
    group_channels(source, step, pixels, target);
}

/// [`transform_gradients`] with `N` lanes.
#[inline(always)]
fn sweep<const N: usize, const FUSED: bool>(grouped: &[[f32; GROUP]], width: usize, gradients: &mut [[f32; GROUP]]) {
    let mut parts = gradients.chunks_exact_mut(gradients.len() / PRODUCTS);
    // There are as many parts as products.
    let targets: [&mut [[f32; GROUP]]; PRODUCTS] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    for (band, source) in grouped.chunks_exact(OUTPUTS * width).enumerate() {
        let rows: [&[[f32; GROUP]]; OUTPUTS] = std::array::from_fn(|i| &source[i * width..][..width]);
        for x in 0..width {
            for lane in (0..GROUP).step_by(N) {
                let source: [&[f32; N]; OUTPUTS] = std::array::from_fn(|i| &rows[i][x][lane..].as_chunks().0[0]);
                let values = lanes::<N, _, _>(|i, lane| source[i][lane], outputs_adjoint::<FUSED>);
                for j in 0..PRODUCTS {
                    targets[j][band * width + x][lane..lane + N].copy_from_slice(&values[j]);
                }
            }
        }
    }
}

/// `A dy`: `grouped[group][band][i][x][16]` to `gradients[product][group][band][x][16]`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn transform_gradients(grouped: &[[f32; GROUP]], width: usize, gradients: &mut [[f32; GROUP]]) {
    match_target! {
        "x86_64+avx512f+avx512dq+avx512vl+avx512bw" => sweep::<16, true>(grouped, width, gradients),
        "x86_64+avx2+fma" => sweep::<8, true>(grouped, width, gradients),
        "aarch64+neon" => sweep::<4, true>(grouped, width, gradients),
        _ => sweep::<4, false>(grouped, width, gradients),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Sweep = fn(&[[f32; GROUP]], usize, &mut [[f32; GROUP]]);

    /// The versions of all instruction sets are ordinary code, which any machine can run.
    const VERSIONS: [Sweep; 5] =
        [sweep::<16, true>, sweep::<8, true>, sweep::<4, true>, sweep::<4, false>, transform_gradients];

    #[test]
    fn the_version_of_every_instruction_set_transforms_the_gradients() {
        let (bands, width) = (3, 5);
        let number = |at: usize, lane: usize| ((at * GROUP + lane) * 7 % 11) as f32 - 5.0;
        let grouped: Vec<[f32; GROUP]> =
            (0..bands * OUTPUTS * width).map(|at| std::array::from_fn(|lane| number(at, lane))).collect();
        for version in VERSIONS {
            let mut found = vec![[f32::NAN; GROUP]; PRODUCTS * bands * width];
            version(&grouped, width, &mut found);
            for (q, lane) in (0..bands * width).flat_map(|q| (0..GROUP).map(move |lane| (q, lane))) {
                let row = |i| number((q / width * OUTPUTS + i) * width + q % width, lane);
                let expected = outputs_adjoint::<true>(std::array::from_fn(row));
                let found: [f32; PRODUCTS] = std::array::from_fn(|j| found[j * bands * width + q][lane]);
                assert_eq!(found, expected, "{q} {lane}");
            }
        }
    }
}
