//! The inner loop of depthwise convolution: one output channel out of one plane, or out of several.
//!
//! ```text
//! out[oy, ox] = Σ_planes Σ_n Σ_ky weights[plane][n][ky] · source[plane][offsets[n] + ky·pitch + oy·row_step + ox]
//! ```
//!
//! `n` runs over the columns of the kernel; for kernels without a tile of their own, over its taps, with a single `ky`. A
//! tile keeps one vector of each of 1, [`ROWS`] or 8 output rows in registers, and loads every source vector once for all of
//! them. A tile at the edge moves back inside and computes some outputs twice; vectors that are wider than the map run over
//! into the next row, which comes later.

use super::plane::{CHUNK, Plane};
use crate::exec::kernels::conv::vector::Vector;

/// Output rows of a tile.
pub const ROWS: usize = 4;

/// What does not change from channel to channel.
#[derive(Debug, Clone)]
pub struct Correlation {
    /// The layout of one source plane; planes stand behind one another.
    pub plane: Plane,
    /// Source planes of one output.
    pub planes: usize,
    /// Where output (0, 0) finds each `n` of a plane, first row.
    pub offsets: Vec<usize>,
    /// Values behind the first one of a row, up to the last one that a vector at any offset reads.
    pub span: usize,
    /// Whether a tile takes a column of the kernel at once.
    pub by_column: bool,
}

impl Correlation {
    /// A correlation that adds up this many planes.
    pub fn new(plane: Plane, planes: usize) -> Self {
        let ([height, width], row_stride) = (plane.kernel(), plane.row_step() / plane.pitch());
        let by_column = height == width && [3, 5].contains(&height) && [1, 2].contains(&row_stride);
        let count = if by_column { width } else { height * width };
        let offsets: Vec<usize> = (0..count).map(|n| plane.offset([n / width, n % width])).collect();
        let span = offsets.iter().max().map_or(0, |most| most + CHUNK);
        Self { plane, planes, offsets, span, by_column }
    }

    /// The weights of one output channel, or anything else in the order `[plane][ky][kx]`, in the order of the tiles.
    pub fn pack<T: Copy>(&self, weights: &[T]) -> Vec<T> {
        let [height, width] = self.plane.kernel();
        if !self.by_column {
            return weights.to_vec();
        }
        let column = |plane: &[T], kx| (0..height).map(|ky| plane[ky * width + kx]).collect::<Vec<T>>();
        let columns = |plane| (0..width).flat_map(move |kx| column(plane, kx));
        weights.chunks_exact(height * width).flat_map(columns).collect()
    }

    /// `R` rows of one vector. `K` rows of the kernel go together, `step` apart; `M = (R − 1)·S + K`.
    #[inline(always)]
    fn tile<V: Vector, const R: usize, const K: usize, const S: usize, const M: usize>(
        &self,
        source: &[f32],
        step: usize,
        weights: &[[f32; K]],
    ) -> [V; R] {
        const { assert!(M == (R - 1) * S + K) };
        let mut sums = [V::splat(0.0); R];
        for (plane, weights) in weights.chunks_exact(self.offsets.len()).enumerate() {
            let source = &source[plane * self.plane.buffer_len()..];
            // Of one length, so that one check of an offset does for all rows.
            let rows: [&[f32]; M] = std::array::from_fn(|u| &source[u * step..][..self.span - CHUNK + V::LANES]);
            for (&offset, weights) in self.offsets.iter().zip(weights) {
                let values: [V; M] = std::array::from_fn(|u| load(&rows[u][offset..]));
                for ky in 0..K {
                    let factor = V::splat(weights[ky]);
                    for r in 0..R {
                        sums[r] = sums[r].add_product(factor, values[r * S + ky]);
                    }
                }
            }
        }
        sums
    }

    /// One output channel, see [`Correlation::channel`], with tiles of `R` rows.
    #[inline(always)]
    fn sweep<V: Vector, const R: usize, const K: usize, const S: usize, const M: usize>(
        &self,
        source: &[f32],
        weights: &[f32],
        out: &mut [f32],
    ) {
        let [height, width] = self.plane.outputs();
        let row_step = self.plane.row_step();
        let (weights, _) = weights.as_chunks::<K>();
        for y in (0..height).step_by(R) {
            let y = y.min(height - R);
            for x in (0..width).step_by(V::LANES) {
                let x = if width < V::LANES { x } else { x.min(width - V::LANES) };
                let tile = self.tile::<V, R, K, S, M>(&source[y * row_step + x..], row_step / S, weights);
                store(tile, width, &mut out[y * width + x..]);
            }
        }
    }

    /// One output channel, written to the front of `out`; what lies behind it may be overwritten. `weights` is from
    /// [`Correlation::pack`].
    #[inline(always)]
    pub fn channel<V: Vector>(&self, source: &[f32], weights: &[f32], out: &mut [f32]) {
        let row_stride = self.plane.row_step() / self.plane.pitch();
        let kernel = if self.by_column { self.plane.kernel()[0] } else { 1 };
        let rows = match self.plane.outputs()[0] {
            8.. if V::LANES == CHUNK && (row_stride == 1 || kernel == 1) => 8,
            4.. => 4,
            _ => 1,
        };
        match (kernel, row_stride, rows) {
            (3, 1, 8) => self.sweep::<V, 8, 3, 1, 10>(source, weights, out),
            (3, 1, 4) => self.sweep::<V, 4, 3, 1, 6>(source, weights, out),
            (3, 1, _) => self.sweep::<V, 1, 3, 1, 3>(source, weights, out),
            (3, _, 4) => self.sweep::<V, 4, 3, 2, 9>(source, weights, out),
            (3, _, _) => self.sweep::<V, 1, 3, 2, 3>(source, weights, out),
            (5, 1, 8) => self.sweep::<V, 8, 5, 1, 12>(source, weights, out),
            (5, 1, 4) => self.sweep::<V, 4, 5, 1, 8>(source, weights, out),
            (5, 1, _) => self.sweep::<V, 1, 5, 1, 5>(source, weights, out),
            (5, _, 4) => self.sweep::<V, 4, 5, 2, 11>(source, weights, out),
            (5, _, _) => self.sweep::<V, 1, 5, 2, 5>(source, weights, out),
            (_, _, 8) => self.sweep::<V, 8, 1, 1, 8>(source, weights, out),
            (_, _, 4) => self.sweep::<V, 4, 1, 1, 4>(source, weights, out),
            (_, _, _) => self.sweep::<V, 1, 1, 1, 1>(source, weights, out),
        }
    }
}

/// The first values, as many as a vector holds.
#[inline(always)]
pub fn load<V: Vector>(source: &[f32]) -> V {
    V::load(&V::chunks(source)[0])
}

/// Writes one vector for each row of `out`, the first rows first; the last one stops where `out` ends.
#[inline(always)]
fn store<V: Vector, const R: usize>(sums: [V; R], width: usize, out: &mut [f32]) {
    for (r, sum) in sums.into_iter().enumerate() {
        let out = &mut out[r * width..];
        match V::chunks_mut(out).first_mut() {
            Some(target) => sum.store(target),
            None => {
                let mut values = [0.0; CHUNK];
                sum.store(&mut V::chunks_mut(&mut values)[0]);
                out.iter_mut().zip(values).for_each(|(out, value)| *out = value);
            }
        }
    }
}
