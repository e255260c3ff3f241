//! Correlations with outputs as lanes, copied from the pitch of the source to their place.

use super::correlate::{BLOCK, GRAIN, correlate};
use super::planes::{Place, copy_rows};

/// The rows of one result.
#[derive(Debug)]
pub struct Rows {
    /// Output channels.
    pub channels: usize,
    /// Output rows and columns.
    pub size: [usize; 2],
    /// Distance of output rows in the source.
    pub pitch: usize,
    /// Where the outputs stand.
    pub place: Place,
}

impl Rows {
    /// Outputs of a channel in the pitch of the source.
    fn length(&self) -> usize {
        (self.size[0] - 1) * self.pitch + self.size[1]
    }

    /// Numbers of room for sums.
    pub fn scratch_len(&self) -> usize {
        self.channels.next_multiple_of(BLOCK) * self.length().next_multiple_of(GRAIN)
    }

    /// About the time of one image in products of a vector of 16 lanes; each output is the sum of `products`.
    pub fn cost(&self, products: usize) -> usize {
        let [height, width] = self.size;
        // A row is copied to its place in about the time of eight products, a number by itself in that of two.
        let copy = self.channels * height * if self.place.steps[1] == 1 { 8 } else { 2 * width };
        products * self.scratch_len() / GRAIN + copy
    }

    /// The result of one image, as [`correlate`] defines it.
    pub fn correlate(
        &self,
        source: &[f32],
        offsets: &[usize],
        weights: &[[f32; BLOCK]],
        sums: &mut [f32],
        target: &mut [f32],
    ) {
        correlate(source, offsets, weights, self.length(), sums);
        copy_rows(sums, [self.length().next_multiple_of(GRAIN), self.pitch], self.size, target, &self.place);
    }
}
