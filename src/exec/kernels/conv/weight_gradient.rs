//! The adjoint of the direct convolution in its weights, single precision, one group.
//!
//! ```text
//! dw[o, r] = Σ_images Σ_q dy[o, q] · x[offsets[r] + q]        r = (channel, ky, kx), q = (oy, ox)
//! ```
//!
//! Lanes are output channels: `dy` is transposed to groups of 16, `[group][q][16]`, and `x` stays in padded planes and
//! gives one scalar for each of `T` rows `r`. So neither the size of the map nor the number of input channels need be a
//! multiple of anything. A sum runs over bands of output rows, then images, in order. Scratch: one padded image
//! and one transposed `dy`.

use std::ops::Range;

use multiversion::multiversion;
use multiversion::target::match_target;

use super::ConvShape;
use super::direct::{input_offsets, input_planes};
use super::lanes::Lanes;
use super::planes::Planes;
use super::transpose::{GROUP, group_channels};

/// Output pixels of a band, about: their gradients of two groups stay in the first-level cache.
const BAND_PIXELS: usize = 256;

/// What the sums over one image need to know.
#[derive(Debug)]
struct Plan {
    /// Output rows and columns.
    height: usize,
    width: usize,
    /// Distance of output rows in the padded image.
    pitch: usize,
    /// Where output (0, 0) meets each row `r`.
    offsets: Vec<usize>,
}

/// Adds one tile: `T` rows from `first` on × `S` groups × `P` vectors of `N` channels from lane `lane` on, over one band
/// of output rows. `gradients` and `sums` start at the first group.
#[inline(always)]
fn tile<const N: usize, const S: usize, const P: usize, const T: usize, const FUSED: bool>(
    plan: &Plan,
    padded: &[f32],
    gradients: &[[f32; GROUP]],
    [first, lane]: [usize; 2],
    band: &Range<usize>,
    sums: &mut [[f32; GROUP]],
) {
    let rows = plan.offsets.len();
    // A tile past the last row repeats it, and drops what it gives.
    let offsets: [usize; T] = std::array::from_fn(|t| plan.offsets[(first + t).min(rows - 1)]);
    let mut tile = [[[Lanes::<N>::ZERO; P]; S]; T];
    for y in band.clone() {
        let taps: [&[f32]; T] = std::array::from_fn(|t| &padded[offsets[t] + y * plan.pitch..][..plan.width]);
        let start = |s| s * plan.height * plan.width + y * plan.width;
        let groups: [&[[f32; GROUP]]; S] = std::array::from_fn(|s| &gradients[start(s)..][..plan.width]);
        for x in 0..plan.width {
            let values: [[Lanes<N>; P]; S] = std::array::from_fn(|s| {
                let (parts, _) = groups[s][x][lane..].as_chunks::<N>();
                std::array::from_fn(|p| Lanes::load(&parts[p]))
            });
            for t in 0..T {
                let factor = Lanes::splat(taps[t][x]);
                for s in 0..S {
                    for p in 0..P {
                        tile[t][s][p] = tile[t][s][p].add_product::<FUSED>(factor, values[s][p]);
                    }
                }
            }
        }
    }
    for (t, tile) in tile.iter().enumerate().take(rows - first) {
        for (s, tile) in tile.iter().enumerate() {
            let (parts, _) = sums[s * rows + first + t][lane..].as_chunks_mut::<N>();
            tile.iter().zip(parts).for_each(|(sum, target)| sum.add_to(target));
        }
    }
}

/// All rows and bands of `S` groups, in steps of `P·N` channels.
#[inline(always)]
fn groups<const N: usize, const S: usize, const P: usize, const T: usize, const FUSED: bool>(
    plan: &Plan,
    padded: &[f32],
    gradients: &[[f32; GROUP]],
    sums: &mut [[f32; GROUP]],
) {
    let band = BAND_PIXELS.div_ceil(plan.width);
    for start in (0..plan.height).step_by(band) {
        let band = start..(start + band).min(plan.height);
        for first in (0..plan.offsets.len()).step_by(T) {
            for lane in (0..GROUP).step_by(P * N) {
                tile::<N, S, P, T, FUSED>(plan, padded, gradients, [first, lane], &band, sums);
            }
        }
    }
}

/// Adds the sums over one image. `gradients` is room for the transposed `dy`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn add_image(plan: &Plan, padded: &[f32], dy: &[f32], gradients: &mut [[f32; GROUP]], sums: &mut [[f32; GROUP]]) {
    let (pixels, rows) = (plan.height * plan.width, plan.offsets.len());
    group_channels(dy, pixels, gradients);
    for (gradients, sums) in gradients.chunks(2 * pixels).zip(sums.chunks_mut(2 * rows)) {
        match_target! {
            "x86_64+avx512f+avx512dq+avx512vl+avx512bw" => match gradients.len() / pixels {
                1 => groups::<16, 1, 1, 9, true>(plan, padded, gradients, sums),
                _ => groups::<16, 2, 1, 9, true>(plan, padded, gradients, sums),
            },
            "x86_64+avx2+fma" => for (gradients, sums) in gradients.chunks(pixels).zip(sums.chunks_mut(rows)) {
                groups::<8, 1, 2, 6, true>(plan, padded, gradients, sums);
            },
            "aarch64+neon" => for (gradients, sums) in gradients.chunks(pixels).zip(sums.chunks_mut(rows)) {
                groups::<4, 1, 2, 4, true>(plan, padded, gradients, sums);
            },
            _ => for (gradients, sums) in gradients.chunks(pixels).zip(sums.chunks_mut(rows)) {
                groups::<4, 1, 2, 4, false>(plan, padded, gradients, sums);
            },
        }
    }
}

/// The adjoint in the weights of one shape, image by image.
#[derive(Debug)]
pub struct WeightGradient {
    planes: Planes,
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
        let planes = input_planes(shape);
        let offsets = input_offsets(shape, &planes);
        let plan = Plan { height: shape.out_height(), width: shape.out_width(), pitch: planes.pitch(), offsets };
        Self { planes, plan, groups: shape.out_channels.div_ceil(GROUP) }
    }

    /// Numbers of scratch that [`WeightGradient::image`] needs.
    pub fn scratch_len(&self) -> usize {
        self.planes.buffer_len() + self.groups * self.plan.height * self.plan.width * GROUP
    }

    /// Numbers of the running sums, `[group][r][16]`; they start all zero.
    pub fn sums_len(&self) -> usize {
        self.groups * self.plan.offsets.len() * GROUP
    }

    /// Adds one image to the sums; the scratch may hold anything.
    pub fn image(&self, x: &[f32], dy: &[f32], scratch: &mut [f32], sums: &mut [f32]) {
        let (padded, gradients) = scratch.split_at_mut(self.planes.buffer_len());
        let gradients = &mut gradients[..self.groups * self.plan.height * self.plan.width * GROUP];
        self.planes.fill(x, padded);
        add_image(&self.plan, padded, dy, gradients.as_chunks_mut().0, sums.as_chunks_mut().0);
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
mod tests {
    use super::*;

    type Groups = fn(&Plan, &[f32], &[[f32; GROUP]], &mut [[f32; GROUP]]);

    /// The versions of all instruction sets are ordinary code, which any machine can run.
    const VERSIONS: [Groups; 4] = [
        groups::<16, 1, 1, 9, true>,
        groups::<8, 1, 2, 6, true>,
        groups::<4, 1, 2, 4, true>,
        groups::<4, 1, 2, 4, false>,
    ];

    #[test]
    fn the_version_of_every_instruction_set_agrees_with_the_definition() {
        // Small integers: every sum is exact in any order, rounded once or twice.
        let number = |i: usize| (i * 7 % 11) as f32 - 5.0;
        let padded: Vec<f32> = (0..900).map(number).collect();
        for (height, width) in [(1usize, 1usize), (7, 7), (20, 14)] {
            for rows in [1usize, 4, 8, 9, 10, 27] {
                let offsets: Vec<usize> = (0..rows).map(|r| r * 5).collect();
                let plan = Plan { height, width, pitch: width + 1, offsets };
                let pixels = height * width;
                let dy: Vec<f32> = (0..2 * GROUP * pixels).map(|i| number(3 * i + 1)).collect();
                let mut gradients = vec![[0.0; GROUP]; 2 * pixels];
                group_channels(&dy, pixels, &mut gradients);
                // Sums are added to what is there.
                let expected = |o: usize, r: usize| {
                    let product = |q: usize| dy[o * pixels + q] * padded[r * 5 + q / width * (width + 1) + q % width];
                    1.0 + (0..pixels).map(product).sum::<f32>()
                };
                let check = |run: &dyn Fn(&mut [[f32; GROUP]]), groups: usize| {
                    let mut sums = vec![[1.0; GROUP]; groups * rows];
                    run(&mut sums);
                    for (o, r) in (0..groups * GROUP).flat_map(|o| (0..rows).map(move |r| (o, r))) {
                        assert_eq!(sums[o / GROUP * rows + r][o % GROUP], expected(o, r), "{height} {width} {o} {r}");
                    }
                };
                for version in VERSIONS {
                    check(&|sums| version(&plan, &padded, &gradients, sums), 1);
                }
                check(&|sums| groups::<16, 2, 1, 9, true>(&plan, &padded, &gradients, sums), 2);
                check(&|sums| add_image(&plan, &padded, &dy, &mut gradients.clone(), sums), 2);
            }
        }
    }
}
