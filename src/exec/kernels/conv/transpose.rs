//! Channels beside one another: `[channel][pixel]` to groups of 16 channels, `[group][pixel][16]`.
//!
//! Squares of 4 × 4 go through registers. The compiler does not find the shuffles by itself (measured: a plain loop
//! makes the whole weight gradient of a 16-channel layer 15 % slower), so x86-64 names those of its baseline, SSE.

/// Channels of a group.
pub const GROUP: usize = 16;

/// Edge of a square.
const SQUARE: usize = 4;

/// `target[group][q][lane] = source[group·16 + lane][q]`, `pixels` values per channel. Lanes past the last channel stay
/// as they are.
#[inline(always)]
pub fn group_channels(source: &[f32], pixels: usize, target: &mut [[f32; GROUP]]) {
    let whole = pixels - pixels % SQUARE;
    for (channels, target) in source.chunks(GROUP * pixels).zip(target.chunks_exact_mut(pixels)) {
        for (part, channels) in channels.chunks(SQUARE * pixels).enumerate() {
            let lane = SQUARE * part;
            let mut done = 0;
            if channels.len() == SQUARE * pixels {
                let rows: [&[[f32; SQUARE]]; SQUARE] =
                    std::array::from_fn(|i| channels[i * pixels..][..pixels].as_chunks().0);
                for (number, target) in target.as_chunks_mut::<SQUARE>().0.iter_mut().enumerate() {
                    let columns = transposed(std::array::from_fn(|i| rows[i][number]));
                    for (target, column) in target.iter_mut().zip(columns) {
                        target[lane..lane + SQUARE].copy_from_slice(&column);
                    }
                }
                done = whole;
            }
            for (i, channel) in channels.chunks_exact(pixels).enumerate() {
                for (target, &value) in target[done..].iter_mut().zip(&channel[done..]) {
                    target[lane + i] = value;
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
    fn every_value_finds_its_place() {
        for pixels in [1usize, 3, 4, 5, 49, 64] {
            for channels in [1usize, 3, 4, 15, 16, 18, 32, 37] {
                let source: Vec<f32> = (0..channels * pixels).map(|i| 1.0 + i as f32).collect();
                let mut target = vec![[0.0; GROUP]; channels.div_ceil(GROUP) * pixels];
                group_channels(&source, pixels, &mut target);
                for (at, found) in target.iter().enumerate() {
                    for (lane, &found) in found.iter().enumerate() {
                        let (channel, q) = (at / pixels * GROUP + lane, at % pixels);
                        let expected = if channel < channels { source[channel * pixels + q] } else { 0.0 };
                        assert_eq!(found, expected, "{pixels} {channels}: channel {channel}, pixel {q}");
                    }
                }
            }
        }
    }
}
