//! Learned-step quantisation of layer inputs (LSQ, arXiv 1902.08153; method.md §1.1, §1.2).
//!
//! ```text
//! u = x / s,   x̂ = round(clip(u, Qn, Qp)) · s
//! ∂L/∂x = g · 1[Qn ≤ u ≤ Qp]
//! ∂L/∂s = c · Σ g · { Qn if u < Qn;  Qp if u > Qp;  round(u) − u otherwise },   c = 1/√(n · Qp)
//! ```
//!
//! One scale per tensor and precision; `[0, 2^b − 1]` behind a ReLU, two's complement elsewhere. `n` is the number of
//! elements of one sample, so that `c` does not depend on the batch. Element-wise work in f32, sums in f64 over fixed
//! chunks: the same bits at any number of threads. Memory-bound: one pass forward, one backward.

use multiversion::multiversion;
use multiversion::target::match_target;
use rayon::prelude::*;

use crate::quant::Rounding;
use crate::quant::division::Divisor;
use crate::quant::weights::signed_range;

/// Elements a thread takes at a time; fixed, so that sums do not depend on the number of threads.
const CHUNK: usize = 1 << 14;

/// The quantiser of one layer's input at one precision; the scale is passed at each call because it is learned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActivationQuantizer {
    low: f32,
    high: f32,
    rounding: Rounding,
}

impl ActivationQuantizer {
    /// For `bits` in `2..=8`; `unsigned` for inputs that are never negative.
    pub fn new(bits: u32, unsigned: bool, rounding: Rounding) -> Self {
        let (low, high) = if unsigned { (0, (1 << bits) - 1) } else { signed_range(bits) };
        Self { low: low as f32, high: high as f32, rounding }
    }

    /// `[Qn, Qp]`: the smallest and the largest code.
    pub fn range(&self) -> [f32; 2] {
        [self.low, self.high]
    }

    /// How codes are rounded.
    pub fn rounding(&self) -> Rounding {
        self.rounding
    }

    /// LSQ's initial scale, `2·mean|x| / √Qp`; the smallest positive normal number where the input is all zero.
    pub fn initial_scale(&self, x: &[f32]) -> f32 {
        let mean = x.iter().map(|v| f64::from(v.abs())).sum::<f64>() / x.len().max(1) as f64;
        ((2.0 * mean / f64::from(self.high).sqrt()) as f32).max(f32::MIN_POSITIVE)
    }

    /// `x̂`, written to `out` of the same length.
    pub fn forward(&self, x: &[f32], scale: f32, out: &mut [f32]) {
        assert_eq!(x.len(), out.len());
        out.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(out, x)| self.forward_slice(x, scale, out));
    }

    /// [`Self::forward`] on the calling thread.
    pub fn forward_slice(&self, x: &[f32], scale: f32, out: &mut [f32]) {
        match self.rounding as u8 {
            0 => forward_chunk::<0>(x, scale, self.low, self.high, out),
            1 => forward_chunk::<1>(x, scale, self.low, self.high, out),
            2 => forward_chunk::<2>(x, scale, self.low, self.high, out),
            _ => forward_chunk::<3>(x, scale, self.low, self.high, out),
        }
    }

    /// `∂L/∂x` into `dx` and `∂L/∂s` as the result; `samples` is the batch size.
    pub fn backward(&self, x: &[f32], scale: f32, samples: usize, upstream: &[f32], dx: &mut [f32]) -> f32 {
        assert!(x.len() == upstream.len() && x.len() == dx.len());
        let chunks = dx.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).zip(upstream.par_chunks(CHUNK));
        let partial: Vec<f64> = chunks.map(|((dx, x), g)| self.backward_slice(x, scale, g, dx)).collect();
        self.scale_gradient(partial.iter().sum(), x.len() / samples.max(1))
    }

    /// `∂L/∂x` into `dx` on the calling thread; the result is the sum that [`Self::scale_gradient`] takes.
    pub fn backward_slice(&self, x: &[f32], scale: f32, upstream: &[f32], dx: &mut [f32]) -> f64 {
        let chunks = dx.chunks_mut(CHUNK).zip(x.chunks(CHUNK)).zip(upstream.chunks(CHUNK));
        let sum = |((dx, x), g)| match self.rounding as u8 {
            0 => backward_chunk::<0>(x, g, scale, self.low, self.high, dx),
            1 => backward_chunk::<1>(x, g, scale, self.low, self.high, dx),
            2 => backward_chunk::<2>(x, g, scale, self.low, self.high, dx),
            _ => backward_chunk::<3>(x, g, scale, self.low, self.high, dx),
        };
        chunks.map(|chunk| f64::from(sum(chunk))).sum()
    }

    /// `∂L/∂s` from the sum over all samples, each of `per_sample` elements.
    pub fn scale_gradient(&self, sum: f64, per_sample: usize) -> f32 {
        (sum / (per_sample as f64 * f64::from(self.high)).sqrt()) as f32
    }
}

/// The mode as a constant, so that the compiler vectorises the loop for each.
#[inline(always)]
pub(super) fn round<const MODE: u8>(x: f32) -> f32 {
    Rounding::ALL[MODE as usize].round(x)
}

/// As `clamp`, written so that it is vectorised; NaN stays NaN, so that a diverged network is seen.
#[inline(always)]
pub(super) fn clip(u: f32, low: f32, high: f32) -> f32 {
    if u < low {
        low
    } else if u > high {
        high
    } else {
        u
    }
}

/// Runs a loop with the division that is fastest on each instruction set; all give the same bits.
macro_rules! with_division {
    ($scale:expr, $divide:ident => $run:expr) => {{
        let scale = $scale;
        let plain = move |x: f32| x / scale;
        match_target! {
            "x86_64+avx512f+avx512dq+avx512vl+avx512bw" => match Divisor::new(scale) {
                Some(by) => { let $divide = move |x: f32| by.divide(x); $run }
                None => { let $divide = plain; $run }
            },
            "x86_64+avx2+fma" => match Divisor::new(scale) {
                Some(by) => { let $divide = move |x: f32| by.divide(x); $run }
                None => { let $divide = plain; $run }
            },
            _ => { let $divide = plain; $run }
        }
    }};
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn forward_chunk<const MODE: u8>(x: &[f32], scale: f32, low: f32, high: f32, out: &mut [f32]) {
    with_division!(scale, divide => for (out, &x) in out.iter_mut().zip(x) {
        *out = round::<MODE>(clip(divide(x), low, high)) * scale;
    })
}

/// Lanes of the running sum: enough to keep the widest vector unit busy, and the same on every machine.
const LANES: usize = 16;

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn backward_chunk<const MODE: u8>(x: &[f32], g: &[f32], scale: f32, low: f32, high: f32, dx: &mut [f32]) -> f32 {
    with_division!(scale, divide => backward_loop::<MODE>(x, g, divide, [low, high], dx))
}

#[inline(always)]
fn backward_loop<const MODE: u8>(
    x: &[f32],
    g: &[f32],
    divide: impl Fn(f32) -> f32,
    [low, high]: [f32; 2],
    dx: &mut [f32],
) -> f32 {
    let mut lanes = [0f32; LANES];
    let step = |x: f32, g: f32, dx: &mut f32, sum: &mut f32| {
        let u = divide(x);
        let clipped = clip(u, low, high);
        let inside = u == clipped;
        *dx = if inside { g } else { 0.0 };
        *sum += g * (round::<MODE>(clipped) - if inside { u } else { 0.0 });
    };
    let whole = x.len() / LANES * LANES;
    let blocks = x[..whole].chunks_exact(LANES).zip(g[..whole].chunks_exact(LANES));
    for ((x, g), dx) in blocks.zip(dx[..whole].chunks_exact_mut(LANES)) {
        for lane in 0..LANES {
            step(x[lane], g[lane], &mut dx[lane], &mut lanes[lane]);
        }
    }
    for ((&x, &g), dx) in x[whole..].iter().zip(&g[whole..]).zip(&mut dx[whole..]) {
        step(x, g, dx, &mut lanes[0]);
    }
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize) -> Vec<f32> {
        (0..n).map(|i| 2.0 * (i as f32 * 0.731).sin()).collect()
    }

    #[test]
    fn forward_and_gradients_match_hand_computed_values() {
        // 2 bits unsigned: [0, 3]; s = 0.5: u = [−1, 0.5, 1.5, 2.4, 8], codes = [0, 0, 2, 2, 3] (half-even).
        let q = ActivationQuantizer::new(2, true, Rounding::HalfEven);
        let x = [-0.5, 0.25, 0.75, 1.2, 4.0];
        let mut y = [0.0; 5];
        q.forward(&x, 0.5, &mut y);
        assert_eq!(y, [0.0, 0.0, 1.0, 1.0, 1.5]);
        let g = [1.0, 2.0, 4.0, 8.0, 16.0];
        let mut dx = [0.0; 5];
        let ds = q.backward(&x, 0.5, 1, &g, &mut dx);
        assert_eq!(dx, [0.0, 2.0, 4.0, 8.0, 0.0]);
        // slopes: 0 (clipped low), −0.5, 0.5, −0.4, 3 (clipped high); c = 1/√(5·3).
        let expected = (2.0 * -0.5 + 4.0 * 0.5 + 8.0 * -0.4 + 16.0 * 3.0) / 15f32.sqrt();
        assert!((ds - expected).abs() < 1e-4, "{ds} against {expected}");
    }

    #[test]
    fn not_a_number_is_passed_on() {
        let mut y = [0.0; 3];
        ActivationQuantizer::new(4, true, Rounding::HalfEven).forward(&[1.0, f32::NAN, 2.0], 0.5, &mut y);
        assert!(y[0] == 1.0 && y[1].is_nan() && y[2] == 2.0);
    }

    #[test]
    fn signed_range_is_used_where_the_input_may_be_negative() {
        let q = ActivationQuantizer::new(3, false, Rounding::HalfEven);
        let mut y = [0.0; 3];
        q.forward(&[-9.0, 9.0, -1.2], 1.0, &mut y);
        assert_eq!(y, [-4.0, 3.0, -1.0]);
    }

    /// The vectorised loops against the definition written plainly, on a length that leaves a tail and fills chunks.
    #[test]
    fn vectorised_loops_equal_the_plain_definition_in_every_mode() {
        let x = wave(CHUNK + 37);
        let g: Vec<f32> = wave(x.len() + 5)[5..].to_vec();
        for mode in Rounding::ALL {
            for (bits, unsigned) in [(2, true), (4, false), (8, true)] {
                let q = ActivationQuantizer::new(bits, unsigned, mode);
                let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
                q.forward(&x, 0.043, &mut y);
                let ds = q.backward(&x, 0.043, 2, &g, &mut dx);
                let mut sum = 0f64;
                for i in 0..x.len() {
                    let u = x[i] / 0.043;
                    let code = mode.round(u.clamp(q.low, q.high));
                    assert_eq!(y[i], code * 0.043);
                    let inside = q.low <= u && u <= q.high;
                    assert_eq!(dx[i], if inside { g[i] } else { 0.0 });
                    sum += f64::from(g[i]) * f64::from(if inside { code - u } else { code });
                }
                let expected = sum / ((x.len() / 2) as f64 * f64::from(q.high)).sqrt();
                assert!((f64::from(ds) - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{mode:?}: {ds} {expected}");
            }
        }
    }

    #[test]
    fn sums_are_the_same_bits_at_one_and_at_three_threads() {
        let (x, g) = (wave(5 * CHUNK + 3), wave(5 * CHUNK + 3));
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut dx = vec![0.0; x.len()];
            let q = ActivationQuantizer::new(4, false, Rounding::HalfEven);
            pool.install(|| q.backward(&x, 0.1, 1, &g, &mut dx)).to_bits()
        };
        assert_eq!(run(1), run(3));
    }
}
