//! Dense layers over vectors, in single precision: `y[n, o] = Σ_i x[n, i] · w[o, i]`, and the two adjoints.
//!
//! ```text
//! y[n, :] = Σ_i x[n, i] · wᵀ[i, :]      dx[n, :] = Σ_o dy[n, o] · w[o, :]      dw[o, :] += Σ_n dy[n, o] · x[n, :]
//! ```
//!
//! Each is a sum of multiples of rows. Lanes are the columns of these rows, which stand in panels of 32 columns,
//! `[panel][row][column]`; the factors are read where they are. A tile keeps some rows of the result in registers, and
//! the sums are added in order. Work: `2 · vectors · inputs · outputs` operations for each of the three.
//!
//! An image is any number of vectors; the weight gradient reads and writes all its sums once per image, so that images
//! of few vectors are better run together.

use multiversion::multiversion;
use multiversion::target::match_target;

use super::vector::{self, Plain, Vector};

/// Columns of a panel.
const PANEL: usize = 32;

/// Where the factors of a result are: that of result `m` and row `k` is `data[m·step + k]`, or `data[k·step + m]` if the
/// product has `ACROSS`.
#[derive(Clone, Copy)]
struct Factors<'a> {
    data: &'a [f32],
    step: usize,
}

/// `P` results from `first` on × `H` vectors of columns: `out[p·out_step + column] (+)= Σ_k factor · panel[k]`.
#[inline(always)]
fn tile<V: Vector, const H: usize, const P: usize, const ACROSS: bool>(
    factors: Factors<'_>,
    first: usize,
    panel: &[[f32; PANEL]],
    lane: usize,
    sums: &mut [[f32; PANEL]; P],
) {
    let mut tile = [[V::splat(0.0); H]; P];
    for (tile, sums) in tile.iter_mut().zip(&*sums) {
        tile.iter_mut().zip(V::chunks(&sums[lane..])).for_each(|(sum, values)| *sum = V::load(values));
    }
    // Empty where it is not used.
    let along: [&[f32]; P] = std::array::from_fn(|p| match ACROSS {
        true => &factors.data[..0],
        false => &factors.data[(first + p) * factors.step..][..panel.len()],
    });
    for (k, row) in panel.iter().enumerate() {
        let parts = V::chunks(&row[lane..]);
        let values: [V; H] = std::array::from_fn(|h| V::load(&parts[h]));
        let across = if ACROSS { &factors.data[k * factors.step + first..][..P] } else { &[] };
        for p in 0..P {
            let factor = V::splat(if ACROSS { across[p] } else { along[p][k] });
            for h in 0..H {
                tile[p][h] = tile[p][h].add_product(factor, values[h]);
            }
        }
    }
    for (tile, sums) in tile.iter().zip(sums) {
        tile.iter().zip(V::chunks_mut(&mut sums[lane..])).for_each(|(sum, target)| sum.store(target));
    }
}

/// A result in which rows of at most [`PANEL`] columns stand `step` apart.
struct Target<'a> {
    data: &'a mut [f32],
    step: usize,
    columns: usize,
    /// Whether the sums are added to what is there.
    accumulate: bool,
}

/// `P` results, all columns of a panel.
#[inline(always)]
fn results<V: Vector, const H: usize, const P: usize, const ACROSS: bool>(
    factors: Factors<'_>,
    first: usize,
    panel: &[[f32; PANEL]],
    target: &mut Target<'_>,
) {
    let mut sums = [[0.0; PANEL]; P];
    let rows = target.data[first * target.step..].chunks_mut(target.step);
    if target.accumulate {
        for (sums, row) in sums.iter_mut().zip(rows) {
            sums[..target.columns].copy_from_slice(&row[..target.columns]);
        }
    }
    for lane in (0..PANEL).step_by(H * V::LANES) {
        tile::<V, H, P, ACROSS>(factors, first, panel, lane, &mut sums);
    }
    let rows = target.data[first * target.step..].chunks_mut(target.step);
    for (sums, row) in sums.iter().zip(rows) {
        match row.first_chunk_mut() {
            Some(row) if target.columns == PANEL => *row = *sums,
            _ => row[..target.columns].copy_from_slice(&sums[..target.columns]),
        }
    }
}

/// All `count` results of a panel, at most `most` at a time.
#[inline(always)]
fn sweep<V: Vector, const H: usize, const ACROSS: bool>(
    most: usize,
    factors: Factors<'_>,
    count: usize,
    panel: &[[f32; PANEL]],
    target: &mut Target<'_>,
) {
    let mut first = 0;
    while first < count {
        let take = (count - first).min(most);
        first += match take {
            8.. => {
                results::<V, H, 8, ACROSS>(factors, first, panel, target);
                8
            }
            4.. => {
                results::<V, H, 4, ACROSS>(factors, first, panel, target);
                4
            }
            _ => {
                results::<V, H, 1, ACROSS>(factors, first, panel, target);
                1
            }
        };
    }
}

/// One panel of columns, with the factors of a result behind one another.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn along(factors: Factors<'_>, count: usize, panel: &[[f32; PANEL]], target: &mut Target<'_>) {
    match_target! {
        "x86_64+avx512f+avx512dq+avx512vl+avx512bw" => sweep::<vector::Avx512, 2, false>(8, factors, count, panel, target),
        "x86_64+avx2+fma" => sweep::<vector::Avx2, 2, false>(4, factors, count, panel, target),
        "aarch64+neon" => sweep::<Plain<4, true>, 2, false>(4, factors, count, panel, target),
        _ => sweep::<Plain<4, false>, 2, false>(4, factors, count, panel, target),
    }
}

/// One panel of columns, with the factors of a row behind one another.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn across(factors: Factors<'_>, count: usize, panel: &[[f32; PANEL]], target: &mut Target<'_>) {
    match_target! {
        "x86_64+avx512f+avx512dq+avx512vl+avx512bw" => sweep::<vector::Avx512, 2, true>(8, factors, count, panel, target),
        "x86_64+avx2+fma" => sweep::<vector::Avx2, 2, true>(4, factors, count, panel, target),
        "aarch64+neon" => sweep::<Plain<4, true>, 2, true>(4, factors, count, panel, target),
        _ => sweep::<Plain<4, false>, 2, true>(4, factors, count, panel, target),
    }
}

/// Panels of a `rows` × `columns` matrix, zero where there is no column. `value(row, column)` is asked row by row.
fn pack(rows: usize, columns: usize, value: impl Fn(usize, usize) -> f32) -> Vec<[f32; PANEL]> {
    let mut panels = vec![[0.0; PANEL]; columns.div_ceil(PANEL) * rows];
    for row in 0..rows {
        for column in 0..columns {
            panels[column / PANEL * rows + row][column % PANEL] = value(row, column);
        }
    }
    panels
}

/// `target[n, :] = Σ_k source[n, k] · rows[k, :]` for the vectors `n` of an image; `depth` rows of `width` columns.
fn multiply(source: &[f32], depth: usize, panels: &[[f32; PANEL]], width: usize, target: &mut [f32]) {
    for (number, panel) in panels.chunks_exact(depth).enumerate() {
        let first = number * PANEL;
        let data = &mut target[first..];
        let columns = PANEL.min(width - first);
        let mut target = Target { data, step: width, columns, accumulate: false };
        along(Factors { data: source, step: depth }, source.len() / depth, panel, &mut target);
    }
}

/// The forward map, prepared for one set of weights.
#[derive(Debug, Clone)]
pub struct Forward {
    inputs: usize,
    outputs: usize,
    panels: Vec<[f32; PANEL]>,
}

impl Forward {
    /// Packs `w`, `[outputs, inputs]`, neither of them zero.
    pub fn new(inputs: usize, outputs: usize, w: &[f32]) -> Self {
        Self { inputs, outputs, panels: pack(inputs, outputs, |i, o| w[o * inputs + i]) }
    }

    /// `y` `[vectors, outputs]` of `x` `[vectors, inputs]`, on the calling thread. `y` may hold anything before.
    pub fn image(&self, x: &[f32], y: &mut [f32]) {
        multiply(x, self.inputs, &self.panels, self.outputs, y);
    }
}

/// The adjoint in the input, prepared for one set of weights.
#[derive(Debug, Clone)]
pub struct InputGradient {
    inputs: usize,
    outputs: usize,
    panels: Vec<[f32; PANEL]>,
}

impl InputGradient {
    /// Packs `w`, `[outputs, inputs]`, neither of them zero.
    pub fn new(inputs: usize, outputs: usize, w: &[f32]) -> Self {
        Self { inputs, outputs, panels: pack(outputs, inputs, |o, i| w[o * inputs + i]) }
    }

    /// `dx` `[vectors, inputs]` of `dy` `[vectors, outputs]`, on the calling thread. `dx` may hold anything before.
    pub fn image(&self, dy: &[f32], dx: &mut [f32]) {
        multiply(dy, self.outputs, &self.panels, self.inputs, dx);
    }
}

/// The adjoint in the weights.
#[derive(Debug, Clone)]
pub struct WeightGradient {
    inputs: usize,
    outputs: usize,
}

impl WeightGradient {
    /// For weights `[outputs, inputs]`, neither of them zero.
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs }
    }

    /// Floats of scratch for an image of this many vectors.
    pub fn scratch_len(&self, vectors: usize) -> usize {
        vectors * PANEL
    }

    /// Floats of the running sums, `[panel of inputs][output][input]`.
    pub fn sums_len(&self) -> usize {
        self.inputs.div_ceil(PANEL) * self.outputs * PANEL
    }

    /// Adds one image, `x` `[vectors, inputs]` and `dy` `[vectors, outputs]`. The scratch may hold anything before.
    pub fn image(&self, x: &[f32], dy: &[f32], scratch: &mut [f32], sums: &mut [f32]) {
        let (panel, _) = scratch[..self.scratch_len(x.len() / self.inputs)].as_chunks_mut();
        for (number, sums) in sums.chunks_exact_mut(self.outputs * PANEL).enumerate() {
            for (row, x) in panel.iter_mut().zip(x.chunks_exact(self.inputs)) {
                let x = &x[number * PANEL..];
                match x.first_chunk::<PANEL>() {
                    Some(x) => *row = *x,
                    None => {
                        *row = [0.0; PANEL];
                        row[..x.len()].copy_from_slice(x);
                    }
                }
            }
            let mut target = Target { data: sums, step: PANEL, columns: PANEL, accumulate: true };
            across(Factors { data: dy, step: self.outputs }, self.outputs, panel, &mut target);
        }
    }

    /// `dw`, `[outputs, inputs]`, from the sums over all images.
    pub fn finish(&self, sums: &[f32], dw: &mut [f32]) {
        for (output, dw) in dw.chunks_exact_mut(self.inputs).enumerate() {
            for (panel, dw) in dw.chunks_mut(PANEL).enumerate() {
                dw.copy_from_slice(&sums[(panel * self.outputs + output) * PANEL..][..dw.len()]);
            }
        }
    }
}

#[cfg(test)]
#[path = "dense_tests.rs"]
mod tests;
