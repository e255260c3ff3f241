//! The parts of a batch whose sums are kept apart: a function of the batch alone, so that sums do not depend on threads.

use std::ops::Range;

use rayon::prelude::*;

use crate::exec::kernels::Real;
use crate::exec::kernels::elementwise::accumulate;

/// Most pieces of a batch: bounds the memory of partial sums.
pub const MOST_PIECES: usize = 16;

/// Fewest images of a piece but the last: keeps the cost of adding partial sums small.
pub const FEWEST_IMAGES: usize = 4;

/// Images of a piece but the last.
pub fn images_of_a_piece(batch: usize) -> usize {
    batch.div_ceil(MOST_PIECES).max(FEWEST_IMAGES)
}

/// The images of each piece, in parallel.
pub fn pieces(batch: usize) -> impl IndexedParallelIterator<Item = Range<usize>> {
    let images = images_of_a_piece(batch);
    (0..batch.div_ceil(images)).into_par_iter().map(move |piece| piece * images..((piece + 1) * images).min(batch))
}

/// `sum = Σ partials`, in their order; a partial sum may be longer than the sum.
pub fn add_in_order<T: Real>(partials: &[impl AsRef<[T]> + Sync], sum: &mut [T]) {
    /// Elements that one thread adds at a time.
    const LENGTH: usize = 4096;
    sum.par_chunks_mut(LENGTH).enumerate().for_each(|(chunk, sum)| {
        sum.fill(T::ZERO);
        for partial in partials {
            accumulate(&partial.as_ref()[chunk * LENGTH..][..sum.len()], sum);
        }
    });
}
