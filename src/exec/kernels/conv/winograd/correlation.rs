//! The correlation of stride 1 with 3 × 3 kernels that the forward pass and the input gradient both are.
//!
//! ```text
//! products[j, o, band, x] = Σ_{c,kx} (G w)[j, o, c, kx] · (Bᵀ source)[j, c, band, x + kx]        y = Aᵀ products
//! ```
//!
//! Each product `j` is a correlation with `3 · channels` terms by the inner loops of the direct path.

use super::super::correlate::{BLOCK, GRAIN, correlate};
use super::super::pixels::{self, Window, pixels};
use super::super::planes::Place;
use super::super::transpose::{GROUP, separate_channels};
use super::bands::{Bands, transform};
use super::gather::{self, Channels, Columns};
use super::transform::{OUTPUTS, PRODUCTS, TAPS, filter};

/// Floats of transformed inputs and products that are worked on at a time: they may leave the second-level cache, since
/// short runs of the inner loop cost more than the third-level cache (measured).
const MOST_FLOATS: usize = 512 << 10;

/// `target[o, y, x] = Σ_{c,ky,kx} w[o, c, ky, kx] · source[c, y + ky − lead, x + kx − lead]`, prepared.
#[derive(Debug, Clone)]
pub struct Correlation {
    bands: Bands,
    outputs: usize,
    /// Rows and columns of the target.
    size: [usize; 2],
    offsets: Vec<usize>,
    lanes: Lanes,
}

/// What stands side by side in a vector, with the weights in this order.
#[derive(Debug, Clone)]
enum Lanes {
    /// Neighbouring columns.
    Columns([Vec<[f32; BLOCK]>; PRODUCTS]),
    /// Output channels, better for maps of a few columns.
    Channels([Vec<[f32; GROUP]>; PRODUCTS]),
}

impl Correlation {
    /// From `channels` × `source` to `outputs` × `size`; `tap(o, c, [ky, kx])` gives the weights.
    pub fn new(
        [channels, outputs]: [usize; 2],
        source: [usize; 2],
        size: [usize; 2],
        lead: [isize; 2],
        tap: impl Fn(usize, usize, [usize; 2]) -> f32,
    ) -> Self {
        let all = size[0].div_ceil(OUTPUTS);
        let layout = |parts: usize| Bands::new(channels, source, lead, size[1], all.div_ceil(parts));
        let floats = |bands: &Bands| {
            PRODUCTS * (bands.product_len() + outputs.next_multiple_of(GROUP) * bands.length(bands.most()))
        };
        let parts = (1..all).find(|&parts| floats(&layout(parts)) <= MOST_FLOATS).unwrap_or(all);
        let bands = layout(parts);
        let terms = PRODUCTS * TAPS * channels;
        // A vector alone waits for its own sums.
        let vectors = bands.length(bands.most()).div_ceil(GRAIN).max(2);
        let by_columns = terms * outputs.next_multiple_of(BLOCK) * vectors;
        let by_channels = pixels::cost(outputs, terms, [bands.most(), size[1]]);
        Self::with(bands, outputs, size, by_columns <= by_channels, tap)
    }

    /// With this layout, columns or channels as lanes.
    fn with(
        bands: Bands,
        outputs: usize,
        size: [usize; 2],
        columns: bool,
        tap: impl Fn(usize, usize, [usize; 2]) -> f32,
    ) -> Self {
        let offsets = bands.offsets();
        let lanes = match columns {
            true => Lanes::Columns(pack(outputs, offsets.len() / TAPS, tap)),
            false => Lanes::Channels(pack(outputs, offsets.len() / TAPS, tap)),
        };
        Self { bands, outputs, size, offsets, lanes }
    }

    /// Scratch for single rows, for transformed inputs, for products, for results in groups of channels.
    fn parts(&self) -> [usize; 4] {
        let (most, width) = (self.bands.most(), self.size[1]);
        let (products, grouped) = match self.lanes {
            Lanes::Columns(_) => {
                let step = self.bands.length(most).next_multiple_of(GRAIN);
                (PRODUCTS * self.outputs.next_multiple_of(BLOCK) * step + GRAIN, 0)
            }
            Lanes::Channels(_) => {
                let band = self.outputs.next_multiple_of(GROUP) * width;
                (PRODUCTS * band * most, band * self.size[0])
            }
        };
        [self.bands.rows_len(), PRODUCTS * self.bands.product_len(), products, grouped]
    }

    /// Floats of scratch that [`Correlation::image`] needs.
    pub fn scratch_len(&self) -> usize {
        self.parts().iter().sum()
    }

    /// One image; `scratch` and `target` hold arbitrary numbers before.
    pub fn image(&self, source: &[f32], scratch: &mut [f32], target: &mut [f32]) {
        let parts = self.parts();
        let (rows, scratch) = scratch.split_at_mut(parts[0]);
        let (transformed, scratch) = scratch.split_at_mut(parts[1]);
        let (products, scratch) = scratch.split_at_mut(parts[2]);
        let grouped = &mut scratch[..parts[3]];
        let all = self.size[0].div_ceil(OUTPUTS);
        for first in (0..all).step_by(self.bands.most()) {
            let bands = [first, self.bands.most().min(all - first)];
            transform(&self.bands, source, bands, rows, transformed);
            match &self.lanes {
                Lanes::Columns(weights) => self.by_columns(weights, bands, transformed, products, target),
                Lanes::Channels(weights) => {
                    let (products, grouped) = (products.as_chunks_mut().0, grouped.as_chunks_mut().0);
                    self.by_channels(weights, bands, transformed, products, grouped);
                }
            }
        }
        if let Lanes::Channels(_) = &self.lanes {
            separate_channels(grouped.as_chunks().0, self.size[0] * self.size[1], target);
        }
    }

    /// The rest for some bands, columns as lanes.
    fn by_columns(
        &self,
        weights: &[Vec<[f32; BLOCK]>; PRODUCTS],
        bands: [usize; 2],
        transformed: &[f32],
        products: &mut [f32],
        target: &mut [f32],
    ) {
        let length = self.bands.length(bands[1]);
        let step = length.next_multiple_of(GRAIN);
        let one = self.outputs.next_multiple_of(BLOCK) * step;
        let sources = transformed.chunks_exact(self.bands.product_len());
        for ((weights, source), products) in weights.iter().zip(sources).zip(products.chunks_exact_mut(one)) {
            correlate(source, &self.offsets, weights, length, products);
        }
        let steps = [one, step, self.bands.pitch()];
        gather::columns(&Columns { outputs: self.outputs, size: self.size, steps, bands }, products, target);
    }

    /// The rest for some bands, channels as lanes.
    fn by_channels(
        &self,
        weights: &[Vec<[f32; GROUP]>; PRODUCTS],
        [first, bands]: [usize; 2],
        transformed: &[f32],
        products: &mut [[f32; GROUP]],
        grouped: &mut [[f32; GROUP]],
    ) {
        let width = self.size[1];
        let groups = self.outputs.div_ceil(GROUP);
        let one = groups * bands * width;
        let window = Window {
            size: [bands, width],
            row_step: self.bands.pitch(),
            step: 1,
            place: Place { first: 0, steps: [width, 1], channel: bands * width },
        };
        let sources = transformed.chunks_exact(self.bands.product_len());
        for ((weights, source), products) in weights.iter().zip(sources).zip(products.chunks_exact_mut(one)) {
            pixels(source, &self.offsets, weights, &window, products);
        }
        let plan = Channels { size: self.size, bands: [first, bands] };
        gather::channels(&plan, &products[..PRODUCTS * one], grouped);
    }
}

/// Transformed weights in groups of `L` output channels, `[product][group][channel, kx][L]`, zero where there is none.
fn pack<const L: usize>(
    outputs: usize,
    channels: usize,
    tap: impl Fn(usize, usize, [usize; 2]) -> f32,
) -> [Vec<[f32; L]>; PRODUCTS] {
    let rows = channels * TAPS;
    let mut packed = std::array::from_fn(|_| vec![[0.0; L]; outputs.div_ceil(L) * rows]);
    for output in 0..outputs {
        for channel in 0..channels {
            for kx in 0..TAPS {
                let column = std::array::from_fn(|ky| tap(output, channel, [ky, kx]));
                let row = output / L * rows + channel * TAPS + kx;
                for (product, packed) in packed.iter_mut().enumerate() {
                    packed[row][output % L] = filter(product, column);
                }
            }
        }
    }
    packed
}

#[cfg(test)]
#[path = "correlation_tests.rs"]
mod tests;
