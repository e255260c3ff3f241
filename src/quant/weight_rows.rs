//! The loops of Double Rounding over one output channel, compiled for each instruction set: without one, rounding is a
//! library call per weight (measured: 7 ns instead of 0.3).

use multiversion::multiversion;

use crate::quant::Rounding;
use crate::quant::activations::{clip, round};

/// How one channel is quantised at one precision. All codes are float integers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Range of the master.
    pub master: [f32; 2],
    /// Range at the precision.
    pub range: [f32; 2],
    /// `2^Δ`.
    pub ratio: f32,
    /// `s_h`.
    pub scale: f32,
}

impl Row {
    #[inline(always)]
    fn code<const MODE: u8>(&self, weight: f32) -> f32 {
        let master = clip(round::<MODE>(weight / self.scale), self.master[0], self.master[1]);
        clip(round::<MODE>(master / self.ratio), self.range[0], self.range[1])
    }

    /// `Ŵ_b`.
    pub fn quantize(&self, rounding: Rounding, weights: &[f32], out: &mut [f32]) {
        match rounding as u8 {
            0 => quantize::<0>(self, weights, out),
            1 => quantize::<1>(self, weights, out),
            2 => quantize::<2>(self, weights, out),
            _ => quantize::<3>(self, weights, out),
        }
    }

    /// `∂L/∂W` into `out`; `Σ g · slope` as the result.
    pub fn backward(&self, rounding: Rounding, weights: &[f32], upstream: &[f32], out: &mut [f32]) -> f64 {
        match rounding as u8 {
            0 => backward::<0>(self, weights, upstream, out),
            1 => backward::<1>(self, weights, upstream, out),
            2 => backward::<2>(self, weights, upstream, out),
            _ => backward::<3>(self, weights, upstream, out),
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn quantize<const MODE: u8>(row: &Row, weights: &[f32], out: &mut [f32]) {
    let scale = row.scale * row.ratio;
    for (out, &weight) in out.iter_mut().zip(weights) {
        *out = row.code::<MODE>(weight) * scale;
    }
}

/// Running sums: the same on every machine.
const LANES: usize = 8;

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn backward<const MODE: u8>(row: &Row, weights: &[f32], upstream: &[f32], out: &mut [f32]) -> f64 {
    let scale = row.scale * row.ratio;
    let mut lanes = [0f64; LANES];
    let step = |weight: f32, g: f32, out: &mut f32, sum: &mut f64| {
        let u = weight / scale;
        let clipped = clip(u, row.range[0], row.range[1]);
        let inside = u == clipped;
        *out = if inside { g } else { 0.0 };
        let slope = if inside { row.code::<MODE>(weight) - u } else { clipped };
        *sum += f64::from(g) * f64::from(slope);
    };
    let whole = weights.len() / LANES * LANES;
    let blocks = weights[..whole].chunks_exact(LANES).zip(upstream[..whole].chunks_exact(LANES));
    for ((weights, upstream), out) in blocks.zip(out[..whole].chunks_exact_mut(LANES)) {
        for lane in 0..LANES {
            step(weights[lane], upstream[lane], &mut out[lane], &mut lanes[lane]);
        }
    }
    for ((&weight, &g), out) in weights[whole..].iter().zip(&upstream[whole..]).zip(&mut out[whole..]) {
        step(weight, g, out, &mut lanes[0]);
    }
    lanes.iter().sum()
}
