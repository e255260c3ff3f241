//! The adjoint of the direct convolution in its weights, single precision, one group.
//!
//! ```text
//! dw[o, r] = Σ_images Σ_q dy[o, q] · x[offsets[r] + q]        r = (channel, ky, kx), q = (oy, ox)
//! ```
//!
//! Lanes are output channels: `dy` is transposed to groups of 16, `[group][q][16]`, and `x` stays in padded planes and
//! gives one scalar for each of some rows `r`. So neither the size of the map nor the number of input channels need be a
//! multiple of anything. A sum runs over bands of output rows, then images, in order. Scratch: one padded image
//! and one band of the transposed `dy`.

use std::ops::Range;

use multiversion::multiversion;
use multiversion::target::match_target;

use super::ConvShape;
use super::direct::channel_window;
use super::pixels::best;
use super::planes::Planes;
use super::transpose::{GROUP, group_channels};
use super::vector::{Plain, Vector};

/// Output pixels of a band, about: their gradients of two groups stay in the first-level cache.
const BAND_PIXELS: usize = 256;

/// Most numbers of `U` pixels that one run of taps meets.
const MOST_FACTORS: usize = 8;

/// What the sums over one image need to know.
#[derive(Debug)]
pub(super) struct Plan {
    /// Output rows and columns.
    pub height: usize,
    pub width: usize,
    /// Output rows of a band.
    pub band: usize,
    /// Distances of output rows and columns in the padded image; columns 1 or 2.
    pub pitch: usize,
    pub step: usize,
    /// Neighbouring taps whose numbers are neighbours, too: 3 or 1.
    pub run: usize,
    /// Where output (0, 0) meets each row `r`.
    pub offsets: Vec<usize>,
}

/// Adds one tile: `R` runs of `K` neighbouring taps from run `first` on × `G` groups × `H` vectors of channels from lane
/// `lane` on, over one band of output rows. `gradients` and `sums` start at the first group.
#[inline(always)]
fn tile<V: Vector, const G: usize, const H: usize, const R: usize, const K: usize, const S: usize, const U: usize>(
    plan: &Plan,
    padded: &[f32],
    gradients: &[[f32; GROUP]],
    [first, lane]: [usize; 2],
    band: &Range<usize>,
    sums: &mut [[f32; GROUP]],
) {
    let runs = plan.offsets.len() / K;
    // A tile past the last run repeats it, and drops what it gives.
    let offsets: [usize; R] = std::array::from_fn(|t| plan.offsets[(first + t).min(runs - 1) * K]);
    let pixels = band.len() * plan.width;
    let length = (band.len() - 1) * plan.pitch + (plan.width - 1) * S + K;
    let taps: [&[f32]; R] = std::array::from_fn(|t| &padded[offsets[t] + band.start * plan.pitch..][..length]);
    let groups: [&[[f32; GROUP]]; G] = std::array::from_fn(|g| &gradients[g * pixels..][..pixels]);
    let mut tile = [[[[V::splat(0.0); H]; G]; K]; R];
    // One loop over rows and columns: with two, the compiler moves the sums about between them.
    let (mut x, mut at) = (0, 0);
    for q in (0..pixels).step_by(U) {
        let values: [[[V; H]; G]; U] = std::array::from_fn(|u| {
            std::array::from_fn(|g| {
                let parts = V::chunks(&groups[g][q + u][lane..]);
                std::array::from_fn(|h| V::load(&parts[h]))
            })
        });
        for t in 0..R {
            let numbers = &taps[t][at..at + (U - 1) * S + K];
            // Each number is loaded once for all pixels that meet it.
            let factors: [V; MOST_FACTORS] =
                std::array::from_fn(|i| V::splat(if i < (U - 1) * S + K { numbers[i] } else { 0.0 }));
            for u in 0..U {
                for k in 0..K {
                    for g in 0..G {
                        for h in 0..H {
                            tile[t][k][g][h] = tile[t][k][g][h].add_product(factors[u * S + k], values[u][g][h]);
                        }
                    }
                }
            }
        }
        if x + U < plan.width {
            (x, at) = (x + U, at + U * S);
        } else {
            (x, at) = (0, at + plan.pitch - x * S);
        }
    }
    for (t, tile) in tile.iter().enumerate() {
        if first + t < runs {
            for (k, tile) in tile.iter().enumerate() {
                for (g, tile) in tile.iter().enumerate() {
                    let parts = V::chunks_mut(&mut sums[g * plan.offsets.len() + (first + t) * K + k][lane..]);
                    tile.iter().zip(parts).for_each(|(sum, target)| sum.add(V::load(target)).store(target));
                }
            }
        }
    }
}

/// All runs of `G` groups over one band of rows.
#[inline(always)]
fn groups<V: Vector, const G: usize, const H: usize, const R: usize, const K: usize, const S: usize, const U: usize>(
    plan: &Plan,
    padded: &[f32],
    gradients: &[[f32; GROUP]],
    band: &Range<usize>,
    sums: &mut [[f32; GROUP]],
) {
    for first in (0..plan.offsets.len() / K).step_by(R) {
        for lane in (0..GROUP).step_by(H * V::LANES) {
            tile::<V, G, H, R, K, S, U>(plan, padded, gradients, [first, lane], band, sums);
        }
    }
}

/// [`groups`] with AVX-512, a function by itself: among others in one function the compiler spills the sums.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
#[inline(never)]
fn groups_avx512<const G: usize, const R: usize, const K: usize, const S: usize, const U: usize>(
    plan: &Plan,
    padded: &[f32],
    gradients: &[[f32; GROUP]],
    band: &Range<usize>,
    sums: &mut [[f32; GROUP]],
) {
    groups::<super::vector::Avx512, G, 1, R, K, S, U>(plan, padded, gradients, band, sums);
}

/// With AVX-512: two groups, or the last one alone.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
fn wide(plan: &Plan, padded: &[f32], gradients: &[[f32; GROUP]], band: &Range<usize>, sums: &mut [[f32; GROUP]]) {
    if gradients.len() == band.len() * plan.width {
        // A group alone loads a number for each product unless neighbouring pixels share it.
        match (plan.run, plan.step, best([3, 5], plan.offsets.len() / plan.run), plan.width % 4) {
            (3, 1, 3, 0) => groups_avx512::<1, 3, 3, 1, 4>(plan, padded, gradients, band, sums),
            (3, 1, 3, 2) => groups_avx512::<1, 3, 3, 1, 2>(plan, padded, gradients, band, sums),
            (3, 1, 3, _) => groups_avx512::<1, 3, 3, 1, 1>(plan, padded, gradients, band, sums),
            (3, 1, _, 0) => groups_avx512::<1, 5, 3, 1, 4>(plan, padded, gradients, band, sums),
            (3, 1, _, 2) => groups_avx512::<1, 5, 3, 1, 2>(plan, padded, gradients, band, sums),
            (3, 1, _, _) => groups_avx512::<1, 5, 3, 1, 1>(plan, padded, gradients, band, sums),
            (3, _, _, _) => groups_avx512::<1, 3, 3, 2, 1>(plan, padded, gradients, band, sums),
            (_, 1, _, _) => groups_avx512::<1, 9, 1, 1, 1>(plan, padded, gradients, band, sums),
            (_, _, _, _) => groups_avx512::<1, 9, 1, 2, 1>(plan, padded, gradients, band, sums),
        }
    } else {
        match (plan.run, plan.step) {
            (3, 1) => groups_avx512::<2, 3, 3, 1, 1>(plan, padded, gradients, band, sums),
            (3, _) => groups_avx512::<2, 3, 3, 2, 1>(plan, padded, gradients, band, sums),
            (_, 1) => groups_avx512::<2, 9, 1, 1, 1>(plan, padded, gradients, band, sums),
            (_, _) => groups_avx512::<2, 9, 1, 2, 1>(plan, padded, gradients, band, sums),
        }
    }
}

/// In registers of fewer than 16 lanes: one group at a time.
#[inline(always)]
fn narrow<V: Vector>(
    plan: &Plan,
    padded: &[f32],
    gradients: &[[f32; GROUP]],
    band: &Range<usize>,
    sums: &mut [[f32; GROUP]],
) {
    let (pixels, rows) = (band.len() * plan.width, plan.offsets.len());
    for (gradients, sums) in gradients.chunks(pixels).zip(sums.chunks_mut(rows)) {
        match (plan.run, plan.step) {
            (3, 1) => groups::<V, 1, 2, 2, 3, 1, 1>(plan, padded, gradients, band, sums),
            (3, _) => groups::<V, 1, 2, 2, 3, 2, 1>(plan, padded, gradients, band, sums),
            (_, 1) => groups::<V, 1, 2, 6, 1, 1, 1>(plan, padded, gradients, band, sums),
            (_, _) => groups::<V, 1, 2, 6, 1, 2, 1>(plan, padded, gradients, band, sums),
        }
    }
}

/// Adds the sums over one image. `gradients` is room for the transposed `dy`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn add_image(plan: &Plan, padded: &[f32], dy: &[f32], gradients: &mut [[f32; GROUP]], sums: &mut [[f32; GROUP]]) {
    let pixels = plan.height * plan.width;
    for (dy, sums) in dy.chunks(2 * GROUP * pixels).zip(sums.chunks_mut(2 * plan.offsets.len())) {
        for start in (0..plan.height).step_by(plan.band) {
            let band = &(start..(start + plan.band).min(plan.height));
            let length = band.len() * plan.width;
            let gradients = &mut gradients[..sums.len() / plan.offsets.len() * length];
            group_channels(&dy[start * plan.width..], pixels, length, gradients);
            match_target! {
                "x86_64+avx512f+avx512dq+avx512vl+avx512bw" => wide(plan, padded, gradients, band, sums),
                "x86_64+avx2+fma" => narrow::<super::vector::Avx2>(plan, padded, gradients, band, sums),
                "aarch64+neon" => narrow::<Plain<4, true>>(plan, padded, gradients, band, sums),
                _ => narrow::<Plain<4, false>>(plan, padded, gradients, band, sums),
            }
        }
    }
}

/// Adds the sums over one image whose gradients are in groups of channels, `[group][pixel][16]`, as one band.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub(super) fn add_grouped(plan: &Plan, padded: &[f32], gradients: &[[f32; GROUP]], sums: &mut [[f32; GROUP]]) {
    let (all, pixels) = (&(0..plan.height), plan.height * plan.width);
    for (gradients, sums) in gradients.chunks(2 * pixels).zip(sums.chunks_mut(2 * plan.offsets.len())) {
        match_target! {
            "x86_64+avx512f+avx512dq+avx512vl+avx512bw" => wide(plan, padded, gradients, all, sums),
            "x86_64+avx2+fma" => narrow::<super::vector::Avx2>(plan, padded, gradients, all, sums),
            "aarch64+neon" => narrow::<Plain<4, true>>(plan, padded, gradients, all, sums),
            _ => narrow::<Plain<4, false>>(plan, padded, gradients, all, sums),
        }
    }
}

/// The adjoint in the weights of one shape, image by image.
#[derive(Debug)]
pub struct WeightGradient {
    /// None if the image is read where it is.
    planes: Option<Planes>,
    plan: Plan,
    /// Groups of output channels.
    groups: usize,
}

impl WeightGradient {
    /// A plan for images of this shape; `shape.batch` is not used.
    ///
    /// # Panics
    /// If the shape has more than one group, or an image or its result is empty.
    pub fn new(shape: &ConvShape) -> Self {
        shape.check_direct();
        let (planes, offsets, window) = channel_window(shape);
        let [height, width] = window.size;
        let run = if shape.kernel_width == 3 && shape.stride[1] <= 2 { 3 } else { 1 };
        let band = BAND_PIXELS.div_ceil(width).min(height);
        let plan = Plan { height, width, band, pitch: window.row_step, step: window.step, run, offsets };
        Self { planes, plan, groups: shape.out_channels.div_ceil(GROUP) }
    }

    /// Numbers of the padded image.
    fn padded_len(&self) -> usize {
        self.planes.as_ref().map_or(0, Planes::buffer_len)
    }

    /// Numbers of scratch that [`WeightGradient::image`] needs.
    pub fn scratch_len(&self) -> usize {
        self.padded_len() + self.groups.min(2) * self.plan.band * self.plan.width * GROUP
    }

    /// Numbers of the running sums, `[group][r][16]`; they start all zero.
    pub fn sums_len(&self) -> usize {
        self.groups * self.plan.offsets.len() * GROUP
    }

    /// Adds one image to the sums; the scratch may hold anything.
    pub fn image(&self, x: &[f32], dy: &[f32], scratch: &mut [f32], sums: &mut [f32]) {
        let (padded, gradients) = scratch.split_at_mut(self.padded_len());
        let source = match &self.planes {
            Some(planes) => {
                planes.fill(x, padded);
                padded
            }
            None => x,
        };
        add_image(&self.plan, source, dy, gradients.as_chunks_mut().0, sums.as_chunks_mut().0);
    }

    /// The sums in the order of the weights.
    pub fn finish(&self, sums: &[f32], dw: &mut [f32]) {
        let rows = self.plan.offsets.len();
        for (channel, dw) in dw.chunks_exact_mut(rows).enumerate() {
            let sums = sums[channel / GROUP * rows * GROUP..].iter().skip(channel % GROUP).step_by(GROUP);
            dw.iter_mut().zip(sums).for_each(|(dw, &sum)| *dw = sum);
        }
    }
}

#[cfg(test)]
#[path = "weight_gradient_tests.rs"]
mod tests;
