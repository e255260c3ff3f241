//! Channels beside one another: `[channel][pixel]` to groups of 16 channels, `[group][pixel][16]`, and back.
//!
//! Squares of 4 × 4 go through registers. The compiler does not find the shuffles by itself
//! (measured: a plain loop makes the whole weight gradient of a 16-channel layer 15 % slower), so x86-64 names those of its baseline, SSE.

/// Channels of a group.
pub const GROUP: usize = 16;

/// Edge of a square.
const SQUARE: usize = 4;

/// `target[group][q][lane] = source[group·16 + lane][q]` for `pixels` values of each channel; the channels of the source
/// are `step` apart. Lanes past the last channel are 0.
#[inline(always)]
pub fn group_channels(source: &[f32], step: usize, pixels: usize, target: &mut [[f32; GROUP]]) {
    let whole = pixels - pixels % SQUARE;
    for (source, target) in source.chunks(GROUP * step).zip(target.chunks_exact_mut(pixels)) {
        let channels = source.len().div_ceil(step);
        if channels < GROUP {
            target.as_flattened_mut().fill(0.0);
        }
        for lane in (0..channels).step_by(SQUARE) {
            let channel = |i: usize| &source[(lane + i) * step..][..pixels];
            let mut done = 0;
            if lane + SQUARE <= channels {
                let rows: [&[[f32; SQUARE]]; SQUARE] = std::array::from_fn(|i| channel(i).as_chunks().0);
                for (number, target) in target.as_chunks_mut::<SQUARE>().0.iter_mut().enumerate() {
                    let columns = transposed(std::array::from_fn(|i| rows[i][number]));
                    for (target, column) in target.iter_mut().zip(columns) {
                        target[lane..lane + SQUARE].copy_from_slice(&column);
                    }
                }
                done = whole;
            }
            for i in 0..SQUARE.min(channels - lane) {
                target[done..]
                    .iter_mut()
                    .zip(&channel(i)[done..])
                    .for_each(|(target, &value)| target[lane + i] = value);
            }
        }
    }
}

/// The way back: `target[group·16 + lane][q] = source[group][q][lane]`; lanes past the last channel are dropped.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn separate_channels(source: &[[f32; GROUP]], pixels: usize, target: &mut [f32]) {
    for (channels, source) in target.chunks_mut(GROUP * pixels).zip(source.chunks_exact(pixels)) {
        for (part, channels) in channels.chunks_mut(SQUARE * pixels).enumerate() {
            let lane = SQUARE * part;
            let mut done = 0;
            if channels.len() == SQUARE * pixels {
                let (a, b) = channels.split_at_mut(2 * pixels);
                let ((a, b), (c, d)) = (a.split_at_mut(pixels), b.split_at_mut(pixels));
                let squares = source.as_chunks::<SQUARE>().0.iter();
                let rows = a.as_chunks_mut::<SQUARE>().0.iter_mut().zip(b.as_chunks_mut::<SQUARE>().0);
                let rows = rows.zip(c.as_chunks_mut::<SQUARE>().0).zip(d.as_chunks_mut::<SQUARE>().0);
                for (square, (((a, b), c), d)) in squares.zip(rows) {
                    let columns = std::array::from_fn(|q| *square[q][lane..].first_chunk().unwrap_or(&[0.0; SQUARE]));
                    [*a, *b, *c, *d] = transposed(columns);
                }
                done = pixels - pixels % SQUARE;
            }
            for (i, channel) in channels.chunks_exact_mut(pixels).enumerate() {
                for (value, source) in channel[done..].iter_mut().zip(&source[done..]) {
                    *value = source[lane + i];
                }
            }
        }
    }
}

/// The transpose of one square.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transposed(rows: [[f32; SQUARE]; SQUARE]) -> [[f32; SQUARE]; SQUARE] {
    use std::arch::x86_64::{__m128, _MM_TRANSPOSE4_PS};
    // SAFETY: `__m128` is four f32 in order, of which every bit pattern is valid, and SSE is part of x86-64.
    unsafe {
        let [mut a, mut b, mut c, mut d] = rows.map(|row| std::mem::transmute::<[f32; SQUARE], __m128>(row));
        _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
        [a, b, c, d].map(|column| std::mem::transmute::<__m128, [f32; SQUARE]>(column))
    }
}

/// The transpose of one square.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn transposed(rows: [[f32; SQUARE]; SQUARE]) -> [[f32; SQUARE]; SQUARE] {
    std::array::from_fn(|q| std::array::from_fn(|i| rows[i][q]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_finds_its_place_and_back() {
        for pixels in [1usize, 3, 4, 5, 16, 17, 49, 64] {
            for channels in [1usize, 3, 4, 15, 16, 18, 32, 37] {
                let step = pixels + 3;
                let source: Vec<f32> = (0..channels * step).map(|i| 1.0 + i as f32).collect();
                let groups = channels.div_ceil(GROUP);
                let check = |target: &[[f32; GROUP]]| {
                    for (at, found) in target.iter().enumerate() {
                        for (lane, &found) in found.iter().enumerate() {
                            let (channel, q) = (at / pixels * GROUP + lane, at % pixels);
                            let expected = if channel < channels { source[channel * step + q] } else { 0.0 };
                            assert_eq!(found, expected, "{pixels} {channels}: channel {channel}, pixel {q}");
                        }
                    }
                };
                let mut target = vec![[f32::NAN; GROUP]; groups * pixels];
                group_channels(&source, step, pixels, &mut target);
                check(&target);
                let mut found = vec![-1.0; channels * pixels];
                separate_channels(&target, pixels, &mut found);
                for (found, source) in found.chunks(pixels).zip(source.chunks(step)) {
                    assert_eq!(found, &source[..pixels], "{pixels} {channels}");
                }
            }
        }
    }
}
