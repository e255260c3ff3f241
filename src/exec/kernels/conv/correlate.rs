//! The inner loop of the direct convolution: sums of shifted copies of one buffer.
//!
//! ```text
//! out[o, q] = Σ_r weights[o, r] · source[offsets[r] + q]        q in 0..length
//! ```
//!
//! `r` runs over channels and taps, `q` over outputs in the row pitch of [`Planes`](super::planes::Planes). A tile
//! keeps four output channels × `V` vectors of `q` in registers. The sums of one `q` are added in the order of `r`.

use multiversion::multiversion;
use multiversion::target::match_target;

use super::lanes::Lanes;

/// Output channels of a tile.
pub const BLOCK: usize = 4;

/// Outputs per channel are computed in multiples of this many.
pub const GRAIN: usize = 16;

/// Weights in blocks of `L` output channels, `[block][r][channel in block]`, zero where there is no channel. `weight(o, r)`
/// is asked in the order of storage.
pub fn pack<const L: usize>(outputs: usize, rows: usize, weight: impl Fn(usize, usize) -> f32) -> Vec<[f32; L]> {
    let mut packed = vec![[0.0; L]; outputs.div_ceil(L) * rows];
    for output in 0..outputs {
        let block = &mut packed[output / L * rows..][..rows];
        for (row, entry) in block.iter_mut().enumerate() {
            entry[output % L] = weight(output, row);
        }
    }
    packed
}

/// One tile: four output channels × `V·N` outputs.
#[inline(always)]
fn tile<const N: usize, const V: usize, const FUSED: bool>(
    source: &[f32],
    offsets: &[usize],
    weights: &[[f32; BLOCK]],
    out: &mut [f32],
    out_step: usize,
) {
    let mut sums = [[Lanes::<N>::ZERO; V]; BLOCK];
    for (&offset, weight) in offsets.iter().zip(weights) {
        let (window, _) = source[offset..offset + V * N].as_chunks::<N>();
        let values: [Lanes<N>; V] = std::array::from_fn(|v| Lanes::load(&window[v]));
        for c in 0..BLOCK {
            let factor = Lanes::splat(weight[c]);
            for v in 0..V {
                sums[c][v] = sums[c][v].add_product::<FUSED>(factor, values[v]);
            }
        }
    }
    for (c, sums) in sums.iter().enumerate() {
        let (row, _) = out[c * out_step..c * out_step + V * N].as_chunks_mut::<N>();
        for (sum, target) in sums.iter().zip(row) {
            sum.store(target);
        }
    }
}

/// All tiles, `most` vectors wide or less, the outputs outermost: the window of the source that a tile reads stays in the
/// first-level cache while the weights stream through.
#[inline(always)]
fn sweep<const N: usize, const FUSED: bool>(
    most: usize,
    source: &[f32],
    offsets: &[usize],
    weights: &[[f32; BLOCK]],
    length: usize,
    out: &mut [f32],
) {
    let out_step = length.next_multiple_of(GRAIN);
    let vectors = length.div_ceil(N);
    let mut done = 0;
    while done < vectors {
        // As few tiles as possible, of about the same width: a narrow tile waits for its own sums.
        let left = vectors - done;
        let take = left.div_ceil(left.div_ceil(most));
        let source = &source[done * N..];
        for (block, weights) in weights.chunks_exact(offsets.len()).enumerate() {
            let out = &mut out[block * BLOCK * out_step + done * N..];
            match take {
                1 => tile::<N, 1, FUSED>(source, offsets, weights, out, out_step),
                2 => tile::<N, 2, FUSED>(source, offsets, weights, out, out_step),
                3 => tile::<N, 3, FUSED>(source, offsets, weights, out, out_step),
                _ => tile::<N, 4, FUSED>(source, offsets, weights, out, out_step),
            }
        }
        done += take;
    }
}

/// `out[o, q]` for all `o` and `q`; rows of `out` are `length` rounded up to [`GRAIN`] apart. `weights` is from [`pack`]
/// with `offsets.len()` rows, at least one.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn correlate(source: &[f32], offsets: &[usize], weights: &[[f32; BLOCK]], length: usize, out: &mut [f32]) {
    match_target! {
        "x86_64+avx512f+avx512dq+avx512vl+avx512bw" => sweep::<16, true>(4, source, offsets, weights, length, out),
        "x86_64+avx2+fma" => sweep::<8, true>(2, source, offsets, weights, length, out),
        "aarch64+neon" => sweep::<4, true>(2, source, offsets, weights, length, out),
        _ => sweep::<4, false>(2, source, offsets, weights, length, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Sweep = fn(usize, &[f32], &[usize], &[[f32; BLOCK]], usize, &mut [f32]);

    /// The versions of all instruction sets are ordinary code, which any machine can run.
    const VERSIONS: [(Sweep, usize); 4] =
        [(sweep::<16, true>, 4), (sweep::<8, true>, 2), (sweep::<4, true>, 2), (sweep::<4, false>, 2)];

    #[test]
    fn the_version_of_every_instruction_set_agrees_with_the_definition() {
        // Small integers: every sum is exact in any order, rounded once or twice.
        let source: Vec<f32> = (0..400).map(|i| f32::from((i * 7 % 11) as i8 - 5)).collect();
        let offsets = [0, 1, 17, 40, 100];
        for length in [1usize, 3, 4, 15, 16, 17, 33, 48, 64, 65, 100, 224] {
            for outputs in [1usize, 4, 7, 8] {
                let weight = |o: usize, r: usize| ((o * 5 + r * 3) % 7) as f32 - 3.0;
                let packed = pack(outputs, offsets.len(), weight);
                let step = length.next_multiple_of(GRAIN);
                let expected: Vec<f32> = (0..outputs)
                    .flat_map(|o| (0..length).map(move |q| (o, q)))
                    .map(|(o, q)| offsets.iter().enumerate().map(|(r, &at)| weight(o, r) * source[at + q]).sum())
                    .collect();
                let check = |run: &dyn Fn(&mut [f32])| {
                    let mut out = vec![f32::NAN; outputs.next_multiple_of(BLOCK) * step];
                    run(&mut out);
                    let found: Vec<f32> = out.chunks(step).take(outputs).flat_map(|o| o[..length].to_vec()).collect();
                    assert_eq!(found, expected, "{length} {outputs}");
                };
                for (version, most) in VERSIONS {
                    check(&|out| version(most, &source, &offsets, &packed, length, out));
                }
                check(&|out| correlate(&source, &offsets, &packed, length, out));
            }
        }
    }
}
