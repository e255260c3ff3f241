//! The rows of an image in bands of four outputs, transformed.
//!
//! ```text
//! transformed[j][channel][band·pitch + u] = Σ_i Bᵀ[j, i] · padded[channel][4·band + i, u]        i in 0..6
//! ```
//!
//! `u` counts padded columns, so the three taps of a row are three neighbouring offsets. Whole rows are combined, whole
//! vectors are written, and what is written past a row is overwritten by the next one.

use multiversion::multiversion;
use multiversion::target::match_target;

use super::transform::{OUTPUTS, PRODUCTS, TAPS, inputs, lanes};

/// Rows are worked on in vectors of this many columns or fewer.
const GRAIN: usize = 16;

/// Room behind the planes of one product, so that a tile of vectors may read past the last output.
const SLACK: usize = 64;

/// The layout of some bands of one image for a correlation of stride 1 with 3 × 3 kernels.
#[derive(Debug, Clone)]
pub struct Bands {
    channels: usize,
    source: [usize; 2],
    lead: [isize; 2],
    /// Columns of a result.
    width: usize,
    /// Distance between bands.
    pitch: usize,
    most: usize,
    /// All bits where a padded column is one of the source, none where it is padding; whole vectors.
    masks: Vec<u32>,
}

impl Bands {
    /// At most `most` bands at a time of images `channels` × `source`, with `lead` zeros before them (or rows and
    /// columns cut off, if negative), read by results `width` wide.
    pub fn new(channels: usize, source: [usize; 2], lead: [isize; 2], width: usize, most: usize) -> Self {
        let read = width + TAPS - 1;
        // The zeros behind a row are those before the next one, wherever they suffice.
        let before = lead[1].max(0) as usize;
        let last = (lead[1] + source[1] as isize).clamp(0, read as isize) as usize;
        let pitch = last.max(read.saturating_sub(before));
        let mask = |u: usize| if ((u as isize - lead[1]) as usize) < source[1] { u32::MAX } else { 0 };
        let masks = (0..read.next_multiple_of(GRAIN)).map(mask).collect();
        Self { channels, source, lead, width, pitch, most, masks }
    }

    /// Distance between bands.
    pub fn pitch(&self) -> usize {
        self.pitch
    }

    /// Most bands at a time.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Results of `bands` bands, in this pitch.
    pub fn length(&self, bands: usize) -> usize {
        (bands - 1) * self.pitch + self.width
    }

    /// Distance between channels: an odd number of cache lines, so that channels do not compete for the same ones.
    fn plane(&self) -> usize {
        let lines = ((self.most - 1) * self.pitch + self.masks.len()).div_ceil(GRAIN);
        (lines | 1) * GRAIN
    }

    /// Length of the transformed values of one product.
    pub fn product_len(&self) -> usize {
        self.channels * self.plane() + SLACK
    }

    /// Where result (0, 0) finds its input of each channel and tap, `[channel][tap]`.
    pub fn offsets(&self) -> Vec<usize> {
        (0..self.channels).flat_map(|channel| (0..TAPS).map(move |tap| channel * self.plane() + tap)).collect()
    }

    /// Length of the buffer for a row of zeros and rows at the ends of an image.
    pub fn rows_len(&self) -> usize {
        (PRODUCTS + 1) * self.masks.len()
    }

    /// [`transform`] with `N` lanes.
    #[inline(always)]
    fn sweep<const N: usize, const FUSED: bool>(
        &self,
        image: &[f32],
        [first, bands]: [usize; 2],
        rows: &mut [f32],
        transformed: &mut [f32],
    ) {
        let ([height, width], plane, reach) = (self.source, self.plane(), self.masks.len());
        let (zeros, ends) = rows.split_at_mut(reach);
        zeros.fill(0.0);
        let mut parts = transformed.chunks_exact_mut(self.product_len());
        // There are as many parts as products.
        let targets: [&mut [f32]; PRODUCTS] = std::array::from_fn(|_| parts.next().unwrap_or_default());
        for (channel, band) in (0..self.channels).flat_map(|channel| (0..bands).map(move |band| (channel, band))) {
            let top = ((first + band) * OUTPUTS) as isize - self.lead[0];
            let base = (channel * height * width) as isize - self.lead[1];
            let row = |i: isize| {
                // A negative number is a large one.
                if (top + i) as usize >= height {
                    return Some(&*zeros);
                }
                let from = (base + (top + i) * width as isize) as usize;
                image.get(from..from.wrapping_add(reach))
            };
            let rows = match (row(0), row(1), row(2), row(3), row(4), row(5)) {
                (Some(a), Some(b), Some(c), Some(d), Some(e), Some(f)) => [a, b, c, d, e, f],
                _ => {
                    self.ends(&image[channel * height * width..][..height * width], top, ends);
                    let mut rows = ends.chunks_exact(reach);
                    std::array::from_fn(|_| rows.next().unwrap_or_default())
                }
            };
            // Slices of one length need one check.
            let (rows, masks): ([&[f32]; PRODUCTS], _) =
                (std::array::from_fn(|i| &rows[i][..reach]), &self.masks[..reach]);
            let start = channel * plane + band * self.pitch;
            for column in (0..reach).step_by(N) {
                let mask = &masks[column..].as_chunks::<N>().0[0];
                let source: [&[f32; N]; PRODUCTS] = std::array::from_fn(|i| &rows[i][column..].as_chunks().0[0]);
                let value = |i: usize, lane: usize| f32::from_bits(source[i][lane].to_bits() & mask[lane]);
                let values = lanes::<N, _, _>(value, inputs::<FUSED>);
                for j in 0..PRODUCTS {
                    targets[j][start + column..][..N].copy_from_slice(&values[j]);
                }
            }
        }
    }

    /// Copies the rows from `top` on, where some cannot be read with what stands before and behind them.
    #[inline(never)]
    fn ends(&self, channel: &[f32], top: isize, target: &mut [f32]) {
        for (i, target) in target.chunks_exact_mut(self.masks.len()).enumerate() {
            let row = channel.chunks_exact(self.source[1]).nth((top + i as isize) as usize).unwrap_or_default();
            for (u, target) in target.iter_mut().enumerate() {
                *target = row.get((u as isize - self.lead[1]) as usize).copied().unwrap_or(0.0);
            }
        }
    }
}

/// Transforms the bands `group = [first, number]` of one image. `rows` and `transformed` hold arbitrary numbers before.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn transform(bands: &Bands, image: &[f32], group: [usize; 2], rows: &mut [f32], transformed: &mut [f32]) {
    match_target! {
        "x86_64+avx512f+avx512dq+avx512vl+avx512bw" => bands.sweep::<16, true>(image, group, rows, transformed),
        "x86_64+avx2+fma" => bands.sweep::<8, true>(image, group, rows, transformed),
        "aarch64+neon" => bands.sweep::<4, true>(image, group, rows, transformed),
        _ => bands.sweep::<4, false>(image, group, rows, transformed),
    }
}

#[cfg(test)]
#[path = "bands_tests.rs"]
mod tests;
