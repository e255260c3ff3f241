//! From the products back to rows of the result: `Aᵀ`, for either order of the products.

use multiversion::multiversion;
use multiversion::target::match_target;

use super::super::transpose::GROUP;
use super::transform::{OUTPUTS, PRODUCTS, lanes, outputs};

/// Products with neighbouring columns as lanes, and where they go.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// Outputs.
    pub outputs: usize,
    /// Rows and columns of the result.
    pub size: [usize; 2],
    /// Distances of the products between products, outputs and bands.
    pub steps: [usize; 3],
    /// First band and number of bands.
    pub bands: [usize; 2],
}

/// Where vectors of `N` cover `count` values: they overlap rather than reach past the end, but for a single one.
#[inline(always)]
fn starts<const N: usize>(count: usize) -> impl Iterator<Item = usize> {
    (0..count).step_by(N).map(move |start| start.min(count.saturating_sub(N)))
}

impl Columns {
    /// [`columns`] with `N` lanes.
    #[inline(always)]
    fn sweep<const N: usize, const FUSED: bool>(&self, products: &[f32], target: &mut [f32]) {
        let ([height, width], [first, bands], whole) = (self.size, self.bands, self.size[1].max(N));
        // A row narrower than a vector is written with what follows, which the next row or output overwrites, unless
        // that output was there before.
        let all = bands == height.div_ceil(OUTPUTS);
        for (output, band) in (0..self.outputs).flat_map(|output| (0..bands).map(move |band| (output, band))) {
            let start = output * self.steps[1] + band * self.steps[2];
            let sums: [&[f32]; PRODUCTS] = std::array::from_fn(|j| &products[j * self.steps[0] + start..][..whole]);
            let values = |start: usize| {
                let source: [&[f32; N]; PRODUCTS] = std::array::from_fn(|j| &sums[j][start..].as_chunks().0[0]);
                lanes::<N, _, _>(|j, lane| source[j][lane], outputs::<FUSED>)
            };
            let row = (first + band) * OUTPUTS;
            let end = if all { target.len() } else { (output + 1) * height * width };
            let target = &mut target[(output * height + row) * width..end];
            if row + OUTPUTS <= height && target.len() >= (OUTPUTS - 1) * width + whole {
                for start in starts::<N>(width) {
                    let values = values(start);
                    for i in 0..OUTPUTS {
                        target[i * width + start..][..N].copy_from_slice(&values[i]);
                    }
                }
            } else {
                for start in starts::<N>(width) {
                    let count = (width - start).min(N);
                    for (values, target) in values(start).iter().zip(target.chunks_mut(width)).take(height - row) {
                        target[start..start + count].copy_from_slice(&values[..count]);
                    }
                }
            }
        }
    }
}

/// `Aᵀ` of `products[j][output][band][column]`, to the rows of these bands of `target[output][row][column]`. The
/// products go on for a vector behind the last one.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn columns(plan: &Columns, products: &[f32], target: &mut [f32]) {
    match_target! {
        "x86_64+avx512f+avx512dq+avx512vl+avx512bw" => plan.sweep::<16, true>(products, target),
        "x86_64+avx2+fma" => plan.sweep::<8, true>(products, target),
        "aarch64+neon" => plan.sweep::<4, true>(products, target),
        _ => plan.sweep::<4, false>(products, target),
    }
}

/// Products with channels as lanes, and where they go.
#[derive(Debug, Clone, Copy)]
pub struct Channels {
    /// Rows and columns of the result.
    pub size: [usize; 2],
    /// First band and number of bands.
    pub bands: [usize; 2],
}

impl Channels {
    /// [`channels`] with `N` lanes.
    #[inline(always)]
    fn sweep<const N: usize, const FUSED: bool>(&self, products: &[[f32; GROUP]], target: &mut [[f32; GROUP]]) {
        let ([height, width], [first, bands], one) = (self.size, self.bands, products.len() / PRODUCTS);
        for (group, target) in target.chunks_exact_mut(height * width).enumerate() {
            for band in 0..bands {
                let start = (group * bands + band) * width;
                let sums: [&[[f32; GROUP]]; PRODUCTS] = std::array::from_fn(|j| &products[j * one + start..][..width]);
                let values = |x: usize, lane: usize| {
                    let source: [&[f32; N]; PRODUCTS] = std::array::from_fn(|j| &sums[j][x][lane..].as_chunks().0[0]);
                    lanes::<N, _, _>(|j, lane| source[j][lane], outputs::<FUSED>)
                };
                let row = (first + band) * OUTPUTS;
                let target = &mut target[row * width..];
                let places = (0..width).flat_map(|x| (0..GROUP).step_by(N).map(move |lane| (x, lane)));
                if row + OUTPUTS <= height {
                    for (x, lane) in places {
                        let values = values(x, lane);
                        for i in 0..OUTPUTS {
                            target[i * width + x][lane..lane + N].copy_from_slice(&values[i]);
                        }
                    }
                } else {
                    for (x, lane) in places {
                        for (values, target) in values(x, lane).iter().zip(target.chunks_exact_mut(width)) {
                            target[x][lane..lane + N].copy_from_slice(values);
                        }
                    }
                }
            }
        }
    }
}

/// `Aᵀ` of `products[j][group][band][column][16]`, to the rows of these bands of `target[group][row][column][16]`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn channels(plan: &Channels, products: &[[f32; GROUP]], target: &mut [[f32; GROUP]]) {
    match_target! {
        "x86_64+avx512f+avx512dq+avx512vl+avx512bw" => plan.sweep::<16, true>(products, target),
        "x86_64+avx2+fma" => plan.sweep::<8, true>(products, target),
        "aarch64+neon" => plan.sweep::<4, true>(products, target),
        _ => plan.sweep::<4, false>(products, target),
    }
}

#[cfg(test)]
#[path = "gather_tests.rs"]
mod tests;
