//! The scale of a row of weights, an output channel or a group, that minimises the squared error of their Double-Rounding form.
//!
//! ```text
//! E(s) = ‖w − ρ s q(w/s)‖² = ‖w‖² − 2ρ A s + ρ² B s²,   A = Σ|q||w|,  B = Σq²,  ρ = 2^Δ
//! ```
//!
//! `s = s_h`; the codes `q` are constant between breakpoints, so `E` is piecewise quadratic with many local minima. For
//! `n` weights, 12/√180 · 1/√n of `E` is noise of the rounding (3 % for 900 weights), and the best of it is what a fine
//! search gains over a coarse one.
//!
//! 1. `E` on a geometric grid. At a stationary scale `Σ|q|(|w| − |q|ρs) = 0`; with residuals below a step inside the range
//!    it cannot be below half the mean magnitude, `2^(h−1) s ≥ ½ mean|w|`, and `ρ s = A/B ≤ max|w|`.
//! 2. In the range of the scales whose `E` is within the noise of the best, `E` on a fine grid, uniform in `t = 1/s`: a weight
//!    reaches its next code at `t = τ/|w|`, so one pass over those events and a running sum give `A` and `B` at all of it.
//!    Rows of few weights skip the grids: all their pieces are looked at, between breakpoints in order.
//! 3. Around the best few, every piece: its parabola has its minimum at `ρ s = A/B`. What is compared in the end is `E` with
//!    the codes of the deployed quantiser. (After a second rounding, or towards −∞, codes are not the nearest and `E` jumps
//!    at breakpoints: the least may be at the edge of a piece.)
//!
//! The three-sigma scale is kept unless the search is better by more than rounding. Within 0.1 % of the best scale for short
//! rows, 1 % for long ones (tests). Cost: about 40 ns a weight and width on one core, more for short rows, whose
//! breakpoints are all sorted. Rows are independent: the same bits at any number of threads.

use multiversion::multiversion;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::quant::Rounding;
use crate::quant::activations::clip;
use crate::quant::weights::{WeightQuantizer, signed_range};

/// How the scales of weights are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightScale {
    /// The one that training starts from.
    ThreeSigma,
    /// Of least squared error, for each width on its own. (A stored master has one scale for all its widths.) Never the
    /// default: at 2 bits, where the range is [−2, 1], it clips positive weights more than negative ones, and the measured
    /// loss of single layers rises although `‖ΔW‖²` falls (docs/decisions/0006-traces.md).
    Searched,
    /// Of least squared error at the width of the master, for all its widths: what a stored network that is not trained
    /// has.
    Master,
}

/// Ratio of neighbouring scales of the first grid.
const COARSE_RATIO: f64 = 1.1;

/// Rows up to this length are searched piece by piece over all scales: their noise is as large as the error itself.
const SHORT_ROW: usize = 160;

/// The second grid goes on while `E` is below `1 + NOISE/√n` of the best.
const NOISE: f64 = 4.0;

/// Points of the second grid while the largest weight moves by one step of the target: this over √n, as the noise; and at
/// least so many.
const POINTS_PER_STEP: (f64, f64) = (128.0, 4.0);

/// Bounds on the points of the second grid.
const POINTS: (f64, f64) = (64.0, 4096.0);

/// Local minima that are looked at more closely.
const STARTS: usize = 3;

/// Relative distance to the sides of a breakpoint: a few units in the last place.
const ASIDE: f32 = 5e-7;

/// Relative rounding of the sums over a row.
const ROUNDING: f64 = 1e-5;

/// A breakpoint or a point of the grid: `t`, and by how much `A` and `B` grow there.
type Point = (f64, f64, f64);

/// The quantiser at one width, with what the search looks up.
struct Target {
    rounding: Rounding,
    master_range: (f32, f32),
    range: (f32, f32),
    /// `ρ`.
    ratio: f64,
    /// For weights of either sign (`[+, −]`), ascending `τ_j`: from `|w|/s ≥ τ_j` on, `|q| ≥ j + 1`.
    thresholds: [Vec<f64>; 2],
    /// How many of them are at or below `i/2`.
    reached: [Vec<u8>; 2],
    /// `2^(h−1)`.
    master_reach: f64,
}

impl WeightQuantizer {
    /// Scale `s_h` of each of `rows` rows that minimises `‖Ŵ_b − W‖²` at `bits`; never worse than the three-sigma scale. Zero
    /// error where all weights of a row are 0 or of one magnitude.
    pub fn searched_scale(&self, weights: &[f32], rows: usize, bits: u32) -> Vec<f32> {
        let target = Target::new(self, bits);
        let initial = self.initial_scale(weights, rows);
        let rows = weights.par_chunks_exact(weights.len() / rows).zip(&initial);
        rows.map(|(row, &initial)| target.search(row, initial)).collect()
    }

    /// The scale of each of `rows` rows by the given method.
    pub fn scale_by(&self, method: WeightScale, weights: &[f32], rows: usize, bits: u32) -> Vec<f32> {
        match method {
            WeightScale::Searched => self.searched_scale(weights, rows, bits),
            WeightScale::Master => self.searched_scale(weights, rows, self.master_bits),
            WeightScale::ThreeSigma => self.initial_scale(weights, rows),
        }
    }
}

impl Target {
    fn new(quantizer: &WeightQuantizer, bits: u32) -> Self {
        let (master_low, master_high) = signed_range(quantizer.master_bits);
        let (low, high) = signed_range(bits);
        let shift = quantizer.master_bits - bits;
        let code = |master: i32| quantizer.rounding.shift_right(master, shift).clamp(low, high);
        // A value rounds to the master code ±m or beyond from |u| = m − this on.
        let [before_positive, before_negative] = match quantizer.rounding {
            Rounding::Floor => [0.0, 1.0],
            _ => [0.5, 0.5],
        };
        let first = |sign: i32, last: i32, of: i32, before: f64| {
            (1..=of)
                .filter_map(move |j| (0..=last).find(|m| sign * code(sign * m) >= j))
                .map(move |m| f64::from(m) - before)
        };
        let thresholds: [Vec<f64>; 2] = [
            first(1, master_high, high, before_positive).collect(),
            first(-1, -master_low, -low, before_negative).collect(),
        ];
        let count = |side: &Vec<f64>| {
            (0..=2 * -master_low).map(|i| side.iter().filter(|&&t| t <= f64::from(i) / 2.0).count() as u8).collect()
        };
        Self {
            rounding: quantizer.rounding,
            master_range: (master_low as f32, master_high as f32),
            range: (low as f32, high as f32),
            ratio: f64::from(1u32 << shift),
            reached: [count(&thresholds[0]), count(&thresholds[1])],
            thresholds,
            master_reach: f64::from(-master_low),
        }
    }

    fn search(&self, row: &[f32], initial: f32) -> f32 {
        let magnitudes = || row.iter().map(|w| f64::from(w.abs())).filter(|&w| w > 0.0);
        let (count, sum, largest) = magnitudes().fold((0, 0.0, 0f64), |(n, sum, m), w| (n + 1, sum + w, m.max(w)));
        if count == 0 {
            return initial;
        }
        if magnitudes().all(|w| w == largest) {
            // The step itself is the magnitude: codes 0 and ±1, no error.
            return ((largest / self.ratio) as f32).max(f32::MIN_POSITIVE);
        }
        let mean = sum / f64::from(count);
        let widest = largest / self.ratio;
        let high = if row.len() <= SHORT_ROW { widest } else { widest.min(2.0 * largest / self.master_reach) };
        let (low, high) = self.plausible(row, 0.5 * mean / self.master_reach, high);
        let mut best = (self.error(row, initial), initial);
        let limit = best.0 * (1.0 - ROUNDING);
        let (first, last) = (1.0 / high, 1.0 / low);
        let (windows, tries) = match row.len() <= SHORT_ROW {
            true => (vec![(first, last)], STARTS),
            false => (self.promising(row, largest, first, last), 1),
        };
        for (first, last) in windows {
            for (_, scale, _) in self.minima(row, &self.pieces(row, first, last), last).into_iter().take(tries) {
                // A breakpoint in f32, and the quotient there, may be on its other side.
                let scale = scale as f32;
                for scale in [scale, scale * (1.0 - ASIDE), scale * (1.0 + ASIDE)] {
                    let error = self.error(row, scale);
                    if error < best.0.min(limit) {
                        best = (error, scale);
                    }
                }
            }
        }
        best.1
    }

    /// The part of `[low, high]` in which the best scale can lie, by the first grid.
    fn plausible(&self, row: &[f32], low: f64, high: f64) -> (f64, f64) {
        if row.len() <= SHORT_ROW {
            return (low, high);
        }
        let count = ((high / low).ln() / COARSE_RATIO.ln()).ceil().max(1.0) as i32;
        let scale = |i: i32| low * (high / low).powf(f64::from(i) / f64::from(count));
        let errors: Vec<f64> = (0..=count).map(|i| self.error(row, scale(i) as f32)).collect();
        let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
        let near = |e: &f64| *e <= least * (1.0 + NOISE / (row.len() as f64).sqrt());
        let first = errors.iter().position(near).unwrap_or(0) as i32;
        let last = errors.iter().rposition(near).unwrap_or(0) as i32;
        (scale((first - 1).max(0)), scale((last + 1).min(count)))
    }

    /// The parts of `[first, last]` around the lowest local minima on the second grid.
    fn promising(&self, row: &[f32], largest: f64, first: f64, last: f64) -> Vec<(f64, f64)> {
        let steps = (last - first) * largest / self.ratio;
        let per_step = (POINTS_PER_STEP.0 / (row.len() as f64).sqrt()).max(POINTS_PER_STEP.1);
        let count = (per_step * steps).clamp(POINTS.0, POINTS.1) as usize;
        let width = (last - first) / count as f64;
        let per_width = 1.0 / width;
        let mut points: Vec<Point> = (0..=count).map(|i| (first + i as f64 * width, 0.0, 0.0)).collect();
        self.events(row, first, last, |t, a, b| {
            let point = &mut points[(((t - first) * per_width) as usize + 1).min(count)];
            point.1 += a;
            point.2 += b;
        });
        let around = |&(_, _, i): &(f64, f64, usize)| (points[i.saturating_sub(1)].0, points[(i + 1).min(count)].0);
        self.minima(row, &points, last).iter().take(STARTS).map(around).collect()
    }

    /// All breakpoints of `[first, last]` in order.
    fn pieces(&self, row: &[f32], first: f64, last: f64) -> Vec<Point> {
        let mut points = vec![(first, 0.0, 0.0)];
        self.events(row, first, last, |t, a, b| points.push((t, a, b)));
        points[1..].sort_unstable_by(|x, y| x.0.total_cmp(&y.0));
        points
    }

    /// Local minima over the points, the lowest first: `E`, its scale and the number of the point. From each point to
    /// the next, the least of the parabola of the point's codes.
    fn minima(&self, row: &[f32], points: &[Point], last: f64) -> Vec<(f64, f64, usize)> {
        let first = points[0].0;
        let (mut a, mut b, mut squares) = (0.0, 0.0, 0.0);
        for &w in row {
            let code = self.code(w, first) as f64;
            let w = f64::from(w.abs());
            (a, b, squares) = (a + code * w, b + code * code, squares + w * w);
        }
        let mut all = Vec::with_capacity(points.len());
        for (i, &(t, da, db)) in points.iter().enumerate() {
            (a, b) = (a + da, b + db);
            let next = points.get(i + 1).map_or(last, |p| p.0).max(t);
            let scale = if b > 0.0 { (a / (self.ratio * b)).clamp(1.0 / next, 1.0 / t) } else { 1.0 / t };
            let step = self.ratio * scale;
            all.push((squares - 2.0 * a * step + b * step * step, scale, i));
        }
        let at = |i: usize| all.get(i).map_or(f64::INFINITY, |s| s.0);
        let is_minimum = |i: &usize| at(*i) <= at(i.wrapping_sub(1)) && at(*i) <= at(i + 1);
        let mut minima: Vec<_> = (0..all.len()).filter(is_minimum).map(|i| all[i]).collect();
        minima.sort_unstable_by(|x, y| x.0.total_cmp(&y.0).then(x.2.cmp(&y.2)));
        minima
    }

    /// `|q|` of a weight at `t = 1/s`.
    #[inline(always)]
    fn code(&self, weight: f32, t: f64) -> usize {
        let reached = &self.reached[usize::from(weight < 0.0)];
        usize::from(reached[((2.0 * f64::from(weight.abs()) * t) as usize).min(reached.len() - 1)])
    }

    /// Calls `visit(t, ΔA, ΔB)` wherever a weight reaches its next code in `first < t ≤ last`.
    #[inline(always)]
    fn events(&self, row: &[f32], first: f64, last: f64, mut visit: impl FnMut(f64, f64, f64)) {
        for &weight in row {
            let (thresholds, code) = (&self.thresholds[usize::from(weight < 0.0)], self.code(weight, first));
            let w = f64::from(weight.abs());
            let (end, inverse) = (w * last, 1.0 / w);
            for (j, &threshold) in thresholds.iter().enumerate().skip(code).take_while(|(_, t)| **t <= end) {
                visit(threshold * inverse, w, (2 * j + 1) as f64);
            }
        }
    }

    /// `E` with the codes of the deployed quantiser, to [`ROUNDING`].
    fn error(&self, row: &[f32], scale: f32) -> f64 {
        let chunk = match self.rounding {
            Rounding::HalfEven => chunk_error::<0>,
            Rounding::HalfAway => chunk_error::<1>,
            Rounding::HalfUp => chunk_error::<2>,
            Rounding::Floor => chunk_error::<3>,
        };
        let ratio = self.ratio as f32;
        row.chunks(CHUNK).map(|part| f64::from(chunk(part, scale, ratio, self.master_range, self.range))).sum()
    }
}

/// Weights that are added up in single precision.
const CHUNK: usize = 512;

/// Lanes of the running sums, the same on every machine.
const LANES: usize = 16;

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn chunk_error<const MODE: u8>(row: &[f32], scale: f32, ratio: f32, master: (f32, f32), range: (f32, f32)) -> f32 {
    let rounding = Rounding::ALL[MODE as usize];
    let (step, inverse) = (scale * ratio, 1.0 / ratio);
    let mut lanes = [0f32; LANES];
    let square = |w: f32| {
        let code =
            clip(rounding.round(clip(rounding.round(w / scale), master.0, master.1) * inverse), range.0, range.1);
        let residual = code * step - w;
        residual * residual
    };
    let blocks = row.chunks_exact(LANES);
    let rest = blocks.remainder();
    for block in blocks {
        for lane in 0..LANES {
            lanes[lane] += square(block[lane]);
        }
    }
    rest.iter().zip(&mut lanes).for_each(|(&w, lane)| *lane += square(w));
    lanes.iter().sum()
}

#[cfg(test)]
#[path = "scale_search_tests.rs"]
mod tests;
