//! The inner loop of the direct convolution with output channels as lanes.
//!
//! ```text
//! out[g, (oy, ox), i] = Σ_r weights[g, r, i] · source[offsets[r] + oy·row_step + ox·S]        channel 16·g + i
//! ```
//!
//! A tile keeps `P` neighbouring pixels of one row × some vectors of channels in registers: nothing of it is wasted on
//! small maps, and a stride costs nothing. The sums of one pixel are added in the order of `r`.

use multiversion::multiversion;
use multiversion::target::match_target;

use super::planes::Place;
use super::transpose::GROUP;
use super::vector::{Plain, Vector};

/// Where the outputs are read and written.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Output rows and columns.
    pub size: [usize; 2],
    /// Distance of the source between output rows.
    pub row_step: usize,
    /// Distance of the source between output columns, 1 or 2.
    pub step: usize,
    /// Where the outputs stand in a group of the target.
    pub place: Place,
}

/// `P` pixels × `G` groups × `H` vectors from lane `lane` on; `target` starts at the first pixel, `take` are kept.
#[inline(always)]
fn tile<V: Vector, const G: usize, const H: usize, const P: usize, const S: usize>(
    source: &[f32],
    offsets: &[usize],
    weights: &[[f32; GROUP]],
    lane: usize,
    window: &Window,
    take: usize,
    target: &mut [[f32; GROUP]],
) {
    let groups: [&[[f32; GROUP]]; G] = std::array::from_fn(|g| &weights[g * offsets.len()..][..offsets.len()]);
    let mut sums = [[[V::splat(0.0); P]; H]; G];
    for (r, &offset) in offsets.iter().enumerate() {
        let values = &source[offset..offset + (P - 1) * S + 1];
        let weights: [[V; H]; G] = std::array::from_fn(|g| {
            let parts = V::chunks(&groups[g][r][lane..]);
            std::array::from_fn(|h| V::load(&parts[h]))
        });
        for p in 0..P {
            let factor = V::splat(values[p * S]);
            for g in 0..G {
                for h in 0..H {
                    sums[g][h][p] = sums[g][h][p].add_product(factor, weights[g][h]);
                }
            }
        }
    }
    for g in 0..G {
        for p in 0..P {
            if p == take {
                break;
            }
            let target = &mut target[g * window.place.channel + p * window.place.steps[1]];
            let parts = V::chunks_mut(&mut target[lane..]);
            for h in 0..H {
                sums[g][h][p].store(&mut parts[h]);
            }
        }
    }
}

/// All pixels of `G` groups in tiles of `P` pixels. The last tile of a row ends with the row, and so may repeat pixels
/// of the tile before.
#[inline(always)]
fn tiles<V: Vector, const G: usize, const H: usize, const P: usize, const S: usize>(
    source: &[f32],
    offsets: &[usize],
    weights: &[[f32; GROUP]],
    window: &Window,
    target: &mut [[f32; GROUP]],
) {
    let [height, width] = window.size;
    for y in 0..height {
        for x in (0..width).step_by(P) {
            let x = x.min(width.saturating_sub(P));
            let source = &source[y * window.row_step + x * S..];
            let at = window.place.first + y * window.place.steps[0] + x * window.place.steps[1];
            for lane in (0..GROUP).step_by(H * V::LANES) {
                tile::<V, G, H, P, S>(source, offsets, weights, lane, window, width, &mut target[at..]);
            }
        }
    }
}

/// The width of a tile among some: the least work for a row, then the widest.
pub fn best<const L: usize>(widths: [usize; L], width: usize) -> usize {
    widths.into_iter().min_by_key(|&p| (width.div_ceil(p) * p, usize::MAX - p)).unwrap_or(1)
}

/// Widths of tiles of one group and of two groups with AVX-512. Wider ones of two groups do not fit the registers.
const ONE: [usize; 5] = [4, 7, 8, 14, 16];
const TWO: [usize; 4] = [4, 6, 7, 8];

/// Widths of tiles of one group in registers of fewer lanes.
const NARROW: [usize; 3] = [4, 5, 6];

/// Whether no tile reads past a row of this width, on any machine.
pub fn within_row(width: usize) -> bool {
    best(ONE, width).max(best(TWO, width)).max(best(NARROW, width)) <= width
}

/// About the time of one image in products of a vector of 16 lanes, to compare with
/// [`Rows::cost`](super::rows::Rows::cost).
pub fn cost(channels: usize, rows: usize, [height, width]: [usize; 2]) -> usize {
    let groups = channels.div_ceil(GROUP);
    let row = |widths: usize| height * width.div_ceil(widths) * widths;
    // A group alone loads one number for each product, and takes a fifth longer.
    let pairs = groups / 2 * 2 * row(best(TWO, width));
    let single = groups % 2 * row(best(ONE, width)) * 6 / 5;
    // Separating the channels takes about as long as ten products.
    rows * (pairs + single) + 10 * groups * height * width
}

/// [`tiles`] with AVX-512, a function by itself: among others in one function the compiler spills the sums.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
#[inline(never)]
fn tiles_avx512<const G: usize, const P: usize, const S: usize>(
    source: &[f32],
    offsets: &[usize],
    weights: &[[f32; GROUP]],
    window: &Window,
    target: &mut [[f32; GROUP]],
) {
    tiles::<super::vector::Avx512, G, 1, P, S>(source, offsets, weights, window, target);
}

/// All groups, two at a time, with AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
fn wide<const S: usize>(
    source: &[f32],
    offsets: &[usize],
    weights: &[[f32; GROUP]],
    window: &Window,
    target: &mut [[f32; GROUP]],
) {
    let width = window.size[1];
    let targets = target.chunks_mut(2 * window.place.channel);
    for (weights, target) in weights.chunks(2 * offsets.len()).zip(targets) {
        if weights.len() == offsets.len() {
            match best(ONE, width) {
                4 => tiles_avx512::<1, 4, S>(source, offsets, weights, window, target),
                7 => tiles_avx512::<1, 7, S>(source, offsets, weights, window, target),
                8 => tiles_avx512::<1, 8, S>(source, offsets, weights, window, target),
                14 => tiles_avx512::<1, 14, S>(source, offsets, weights, window, target),
                _ => tiles_avx512::<1, 16, S>(source, offsets, weights, window, target),
            }
        } else {
            match best(TWO, width) {
                4 => tiles_avx512::<2, 4, S>(source, offsets, weights, window, target),
                6 => tiles_avx512::<2, 6, S>(source, offsets, weights, window, target),
                7 => tiles_avx512::<2, 7, S>(source, offsets, weights, window, target),
                _ => tiles_avx512::<2, 8, S>(source, offsets, weights, window, target),
            }
        }
    }
}

/// All groups, one at a time, in registers of fewer than 16 lanes.
#[inline(always)]
fn narrow<V: Vector, const S: usize>(
    source: &[f32],
    offsets: &[usize],
    weights: &[[f32; GROUP]],
    window: &Window,
    target: &mut [[f32; GROUP]],
) {
    let targets = target.chunks_mut(window.place.channel);
    for (weights, target) in weights.chunks(offsets.len()).zip(targets) {
        match best(NARROW, window.size[1]) {
            4 => tiles::<V, 1, 2, 4, S>(source, offsets, weights, window, target),
            5 => tiles::<V, 1, 2, 5, S>(source, offsets, weights, window, target),
            _ => tiles::<V, 1, 2, 6, S>(source, offsets, weights, window, target),
        }
    }
}

/// `out` for all groups; `weights` is from [`pack`] with `offsets.len()` rows.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn pixels(
    source: &[f32],
    offsets: &[usize],
    weights: &[[f32; GROUP]],
    window: &Window,
    target: &mut [[f32; GROUP]],
) {
    match_target! {
        "x86_64+avx512f+avx512dq+avx512vl+avx512bw" => match window.step {
            1 => wide::<1>(source, offsets, weights, window, target),
            _ => wide::<2>(source, offsets, weights, window, target),
        },
        "x86_64+avx2+fma" => match window.step {
            1 => narrow::<super::vector::Avx2, 1>(source, offsets, weights, window, target),
            _ => narrow::<super::vector::Avx2, 2>(source, offsets, weights, window, target),
        },
        "aarch64+neon" => match window.step {
            1 => narrow::<Plain<4, true>, 1>(source, offsets, weights, window, target),
            _ => narrow::<Plain<4, true>, 2>(source, offsets, weights, window, target),
        },
        _ => match window.step {
            1 => narrow::<Plain<4, false>, 1>(source, offsets, weights, window, target),
            _ => narrow::<Plain<4, false>, 2>(source, offsets, weights, window, target),
        },
    }
}

#[cfg(test)]
#[path = "pixels_tests.rs"]
mod tests;
