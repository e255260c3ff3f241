//! Batch norm on `[batch, channels, positions]`, with the ReLU behind it (Ioffe and Szegedy 2015, arXiv 1502.03167).
//!
//! ```text
//! μ_c = mean x,  v_c = mean (x − μ_c)²,  i_c = 1/√(v_c + ε)         over batch and positions; given in evaluation
//! y   = γ_c i_c (x − μ_c) + β_c = a_c x + b_c
//! ∂L/∂x = γ_c i_c (g − S1/n − x̂ S2/n),   S1 = Σ g = ∂L/∂β_c,   S2 = Σ g x̂ = ∂L/∂γ_c,   x̂ = i_c (x − μ_c)
//! ```
//!
//! Every sum runs over one channel in a fixed order (16 running sums in `T` within an image, f64 over images), so the
//! result has the same bits at any number of threads. Memory-bound: three passes over `x` forward, two backward.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::exec::kernels::Real;
use crate::exec::kernels::elementwise::{clip, inside};

/// Extents of a tensor `[batch, channels, positions]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelMap {
    /// Samples.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Height times width; 1 for vectors.
    pub positions: usize,
}

/// Running sums of one pass: enough for the widest vector unit, and the same on every machine.
const LANES: usize = 16;

/// Two vectors of running sums, so that an addition need not wait for the one before.
const WIDE: usize = 2 * LANES;

/// A sum of lanes in f64, by halves: few steps that wait for one another.
#[inline(always)]
fn total<T: Real>(lanes: &[T; WIDE]) -> f64 {
    let mut wide: [f64; WIDE] = std::array::from_fn(|lane| lanes[lane].to_f64());
    for half in [16, 8, 4, 2, 1] {
        for lane in 0..half {
            wide[lane] += wide[lane + half];
        }
    }
    wide[0]
}

impl ChannelMap {
    fn rows<'a, T>(&self, x: &'a [T], channel: usize) -> impl Iterator<Item = &'a [T]> + use<'a, T> {
        let (positions, stride) = (self.positions, self.channels * self.positions);
        (0..self.batch).map(move |b| &x[b * stride + channel * positions..][..positions])
    }

    fn count(&self) -> f64 {
        (self.batch * self.positions) as f64
    }

    /// Mean and (biased) variance of each channel.
    pub fn statistics<T: Real>(&self, x: &[T]) -> (Vec<f64>, Vec<f64>) {
        let of_channel = |channel| {
            let mean = self.rows(x, channel).map(|row| sum(row)).sum::<f64>() / self.count();
            let centre = T::from_f64(mean);
            let variance = self.rows(x, channel).map(|row| centred_square_sum(row, centre)).sum::<f64>() / self.count();
            (mean, variance)
        };
        (0..self.channels).into_par_iter().map(of_channel).unzip()
    }

    /// `y = a_c x + b_c`, clipped at zero if `relu`.
    pub fn affine<T: Real>(&self, x: &[T], a: &[T], b: &[T], relu: bool, y: &mut [T]) {
        let image = self.channels * self.positions;
        y.par_chunks_mut(image).zip(x.par_chunks(image)).for_each(|(y, x)| {
            affine(x, [a, b], self.positions, relu.then_some([T::ZERO, T::INFINITY]), y);
        });
    }

    /// `y += b_c`: the bias of a layer.
    pub fn shift<T: Real>(&self, b: &[T], y: &mut [T]) {
        y.par_chunks_mut(self.channels * self.positions).for_each(|y| self.shift_image(b, y));
    }

    /// [`ChannelMap::shift`] of one sample, or of a few behind one another.
    pub fn shift_image<T: Real>(&self, b: &[T], y: &mut [T]) {
        for (row, &b) in y.chunks_exact_mut(self.positions).zip(b.iter().cycle()) {
            row.iter_mut().for_each(|y| *y += b);
        }
    }

    /// `Σ g` of each channel: the adjoint of [`ChannelMap::shift`] in `b`.
    pub fn sums<T: Real>(&self, g: &[T]) -> Vec<f64> {
        (0..self.channels).into_par_iter().map(|c| self.rows(g, c).map(|row| sum(row)).sum()).collect()
    }

    /// [`ChannelMap::sums`] on the calling thread.
    pub fn sums_image<T: Real>(&self, g: &[T]) -> Vec<f64> {
        (0..self.channels).map(|c| self.rows(g, c).map(|row| sum(row)).sum()).collect()
    }

    /// `S1_c = Σ g` and `S2_c = Σ g x̂`.
    pub fn gradient_sums<T: Real>(&self, x: &[T], g: &[T], mean: &[f64], inverse: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let of_channel = |c: usize| {
            let centre = T::from_f64(mean[c]);
            let rows = self.rows(x, c).zip(self.rows(g, c));
            let (s1, s2) = rows.fold((0.0, 0.0), |(s1, s2), (x, g)| {
                let (r1, r2) = sums_with_centred(x, g, centre);
                (s1 + r1, s2 + r2)
            });
            (s1, s2 * inverse[c])
        };
        (0..self.channels).into_par_iter().map(of_channel).unzip()
    }

    /// `dx = p_c g + q_c x + r_c`: the gradient through batch statistics, as an affine form.
    pub fn combine<T: Real>(&self, x: &[T], g: &[T], [p, q, r]: [&[T]; 3], dx: &mut [T]) {
        let image = self.channels * self.positions;
        let images = dx.par_chunks_mut(image).zip(x.par_chunks(image)).zip(g.par_chunks(image));
        images.for_each(|((dx, x), g)| combine(x, g, [p, q, r], self.positions, dx));
    }
}

/// Mean of a row and `Σ (x − mean)²`, in one reading as a rule: sums about the first value, which is seldom far from the
/// mean.
pub fn moments<T: Real>(row: &[T]) -> [f64; 2] {
    let Some(&first) = row.first() else { return [0.0; 2] };
    let (s1, s2) = shifted_sums(row, first);
    let shift = s1 / row.len() as f64;
    let (mean, squares) = (first.to_f64() + shift, s2 - s1 * shift);
    // Far from the mean the squares cancel: read again, about the mean.
    [mean, if squares < 0.01 * s2 { centred_square_sum(row, T::from_f64(mean)) } else { squares }]
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn shifted_sums<T: Real>(row: &[T], centre: T) -> (f64, f64) {
    let mut sums = [[T::ZERO; WIDE]; 2];
    let (blocks, rest) = row.as_chunks::<WIDE>();
    for block in blocks {
        for lane in 0..WIDE {
            let d = block[lane] - centre;
            sums[0][lane] += d;
            sums[1][lane] += d * d;
        }
    }
    for (lane, &value) in rest.iter().enumerate() {
        let d = value - centre;
        sums[0][lane] += d;
        sums[1][lane] += d * d;
    }
    (total(&sums[0]), total(&sums[1]))
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn sum<T: Real>(row: &[T]) -> f64 {
    let mut lanes = [T::ZERO; LANES];
    let blocks = row.chunks_exact(LANES);
    let rest = blocks.remainder();
    for block in blocks {
        for lane in 0..LANES {
            lanes[lane] += block[lane];
        }
    }
    lanes.iter().chain(rest).map(|v| v.to_f64()).sum()
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn centred_square_sum<T: Real>(row: &[T], centre: T) -> f64 {
    let mut lanes = [T::ZERO; LANES];
    let blocks = row.chunks_exact(LANES);
    let rest = blocks.remainder();
    for block in blocks {
        for lane in 0..LANES {
            let d = block[lane] - centre;
            lanes[lane] += d * d;
        }
    }
    let tail = rest.iter().map(|&v| ((v - centre) * (v - centre)).to_f64());
    lanes.iter().map(|v| v.to_f64()).chain(tail).sum()
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn sums_with_centred<T: Real>(x: &[T], g: &[T], centre: T) -> (f64, f64) {
    let (mut plain, mut centred) = ([T::ZERO; LANES], [T::ZERO; LANES]);
    let whole = x.len() / LANES * LANES;
    for (x, g) in x[..whole].chunks_exact(LANES).zip(g[..whole].chunks_exact(LANES)) {
        for lane in 0..LANES {
            plain[lane] += g[lane];
            centred[lane] += g[lane] * (x[lane] - centre);
        }
    }
    for (&x, &g) in x[whole..].iter().zip(&g[whole..]) {
        plain[0] += g;
        centred[0] += g * (x - centre);
    }
    (plain.iter().map(|v| v.to_f64()).sum(), centred.iter().map(|v| v.to_f64()).sum())
}

/// `y = a_c x + b_c` of one image, clipped to the bounds if there are any.
pub fn affine<T: Real>(x: &[T], [a, b]: [&[T]; 2], positions: usize, bounds: Option<[T; 2]>, y: &mut [T]) {
    match bounds {
        Some(bounds) => affine_image::<T, true>(x, [a, b], bounds, positions, y),
        None => affine_image::<T, false>(x, [a, b], [T::ZERO; 2], positions, y),
    }
}

/// `out = g` where `a x + b` is inside the bounds, else 0 (everywhere if there are none); `Σ out` and
/// `Σ out (x − centre)` of one row. `clip`: `[a, b]` and the bounds.
pub fn masked_sums<T: Real>(x: &[T], g: &[T], clip: Option<[[T; 2]; 2]>, centre: T, out: &mut [T]) -> (f64, f64) {
    match clip {
        Some(clip) => masked_row::<T, true>(x, g, clip, centre, out),
        None => masked_row::<T, false>(x, g, [[T::ZERO; 2]; 2], centre, out),
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn masked_row<T: Real, const CLIP: bool>(
    x: &[T],
    g: &[T],
    [[a, b], bounds]: [[T; 2]; 2],
    centre: T,
    out: &mut [T],
) -> (f64, f64) {
    let mut sums = [[T::ZERO; WIDE]; 2];
    let pass = |x: T, g: T| if !CLIP || inside(a * x + b, bounds) { g } else { T::ZERO };
    let ((x_blocks, x_rest), (g_blocks, g_rest)) = (x.as_chunks::<WIDE>(), g.as_chunks::<WIDE>());
    let (out_blocks, out_rest) = out.as_chunks_mut::<WIDE>();
    for ((x, g), out) in x_blocks.iter().zip(g_blocks).zip(out_blocks) {
        for lane in 0..WIDE {
            let g = pass(x[lane], g[lane]);
            out[lane] = g;
            sums[0][lane] += g;
            sums[1][lane] += g * (x[lane] - centre);
        }
    }
    for (lane, ((&x, &g), out)) in x_rest.iter().zip(g_rest).zip(out_rest).enumerate() {
        *out = pass(x, g);
        sums[0][lane] += *out;
        sums[1][lane] += *out * (x - centre);
    }
    (total(&sums[0]), total(&sums[1]))
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn affine_image<T: Real, const CLIP: bool>(x: &[T], [a, b]: [&[T]; 2], bounds: [T; 2], positions: usize, y: &mut [T]) {
    let channels = x.chunks_exact(positions).zip(y.chunks_exact_mut(positions)).zip(a.iter().zip(b));
    for ((x, y), (&a, &b)) in channels {
        for (x, y) in x.iter().zip(y) {
            let value = a * *x + b;
            *y = if CLIP { clip(value, bounds) } else { value };
        }
    }
}

/// `dx = p_c g + q_c x + r_c` of one image.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn combine<T: Real>(x: &[T], g: &[T], [p, q, r]: [&[T]; 3], positions: usize, dx: &mut [T]) {
    let rows = dx.chunks_exact_mut(positions).zip(x.chunks_exact(positions)).zip(g.chunks_exact(positions));
    for (((dx, x), g), c) in rows.zip(0..p.len()) {
        let (p, q, r) = (p[c], q[c], r[c]);
        for ((dx, &x), &g) in dx.iter_mut().zip(x).zip(g) {
            *dx = p * g + q * x + r;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: ChannelMap = ChannelMap { batch: 3, channels: 2, positions: 35 };

    fn wave(n: usize, shift: f64) -> Vec<f64> {
        (0..n).map(|i| 2.0 * (i as f64 * 0.731 + shift).sin() + 0.3).collect()
    }

    #[test]
    fn statistics_match_the_definition() {
        let x = wave(3 * 2 * 35, 0.0);
        let (mean, variance) = MAP.statistics(&x);
        for c in 0..2 {
            let all: Vec<f64> = (0..3).flat_map(|b| x[(b * 2 + c) * 35..][..35].to_vec()).collect();
            let expected = all.iter().sum::<f64>() / 105.0;
            assert!((mean[c] - expected).abs() < 1e-13);
            let expected = all.iter().map(|v| (v - expected).powi(2)).sum::<f64>() / 105.0;
            assert!((variance[c] - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn moments_of_a_row_match_the_definition_far_from_zero_too() {
        for (offset, n) in [(0.0, 1), (0.0, 35), (3.0, 16), (-500.0, 784)] {
            let row: Vec<f32> = wave(n, 0.4).iter().map(|v| (v + offset) as f32).collect();
            let mean = row.iter().map(|&v| f64::from(v)).sum::<f64>() / n as f64;
            let squares: f64 = row.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum();
            let [found, spread] = moments(&row);
            assert!((found - mean).abs() < 1e-6 * (1.0 + mean.abs()), "{found} {mean}");
            assert!((spread - squares).abs() <= 1e-4 * squares + 1e-12, "{spread} {squares}");
        }
        assert_eq!(moments(&[7.5f32; 40]), [7.5, 0.0]);
        // One value apart, and it is the first: 1/n − 1/n² of its square.
        let mut row = vec![0f32; 50_176];
        row[0] = 1.3;
        let squares = 1.69 * (1.0 - 1.0 / 50_176.0);
        assert!((moments(&row)[1] - squares).abs() < 1e-4 * squares, "{:?}", moments(&row));
        assert!(moments(&[1.0, f32::NAN, 2.0])[0].is_nan(), "a diverged network is seen");
    }

    #[test]
    fn a_shift_is_per_channel_and_its_adjoint_sums_over_batch_and_positions() {
        for map in [MAP, ChannelMap { batch: 5, channels: 3, positions: 1 }] {
            let n = map.batch * map.channels * map.positions;
            let channel = |i: usize| i / map.positions % map.channels;
            let (x, b) = (wave(n, 0.0), wave(map.channels, 1.0));
            let mut y = x.clone();
            map.shift(&b, &mut y);
            assert!((0..n).all(|i| y[i] == x[i] + b[channel(i)]));
            let mut expected = vec![0.0; map.channels];
            (0..n).for_each(|i| expected[channel(i)] += x[i]);
            assert!(map.sums(&x).iter().zip(&expected).all(|(s, e)| (s - e).abs() < 1e-12));
        }
    }

    #[test]
    fn sums_combination_and_affine_form_match_plain_loops() {
        let (x, g) = (wave(210, 0.0), wave(210, 1.0));
        let (mean, inverse) = ([0.25, -0.5], [2.0, 0.5]);
        let (s1, s2) = MAP.gradient_sums(&x, &g, &mean, &inverse);
        let (mut y, mut dx) = (vec![0.0; 210], vec![0.0; 210]);
        MAP.affine(&x, &[2.0, -1.0], &[0.5, 0.0], true, &mut y);
        MAP.combine(&x, &g, [&[1.0, 2.0], &[0.5, 0.25], &[0.0, 3.0]], &mut dx);
        let mut expected = [[0.0; 2]; 2];
        for i in 0..210 {
            let c = i / 35 % 2;
            expected[0][c] += g[i];
            expected[1][c] += g[i] * (x[i] - mean[c]) * inverse[c];
            assert!((y[i] - ([2.0, -1.0][c] * x[i] + [0.5, 0.0][c]).max(0.0)).abs() < 1e-15);
            assert!((dx[i] - ([1.0, 2.0][c] * g[i] + [0.5, 0.25][c] * x[i] + [0.0, 3.0][c])).abs() < 1e-14);
        }
        for c in 0..2 {
            assert!((s1[c] - expected[0][c]).abs() < 1e-11 && (s2[c] - expected[1][c]).abs() < 1e-11);
        }
    }
}
