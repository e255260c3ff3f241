//! An image with its zero padding written out, laid so that one tap of a kernel is one constant offset.
//!
//! With stride `s` and `lead` zeros before the image, coordinate `x` stands at `u = x + lead`, in phase `u mod s` at
//! index `u / s`. Tap `k` of output `o` reads `u = s·o + k`: phase `k mod s`, index `o + k / s`. Within a phase the
//! outputs of a row are therefore consecutive, and with a common row pitch so are the rows:
//!
//! ```text
//! source[c, s·oy + ky, s·ox + kx] = buffer[offset(c, ky, kx) + oy·pitch + ox]
//! ```
//!
//! The zeros right of a row are those left of the next one wherever they suffice, which saves `padding` columns in
//! each row (13 % of the work on a 7 × 7 map).

/// Room behind the last plane, so that a tile of vectors may read past the last output.
const SLACK: usize = 64;

/// Copies `N` numbers if both have them.
#[inline(always)]
fn copy_block<const N: usize>(source: &[f32], target: &mut [f32]) -> bool {
    match (source.first_chunk::<N>(), target.first_chunk_mut::<N>()) {
        (Some(source), Some(target)) => {
            *target = *source;
            true
        }
        _ => false,
    }
}

/// Copies `length` numbers, and perhaps some more: a short copy of fixed length takes a third of the time of a call.
#[inline(always)]
fn copy(length: usize, source: &[f32], target: &mut [f32]) {
    let done = match length {
        0..=8 => copy_block::<8>(source, target),
        9..=16 => copy_block::<16>(source, target),
        17..=32 => copy_block::<32>(source, target),
        _ => false,
    };
    if !done {
        target[..length].copy_from_slice(&source[..length]);
    }
}

/// Where a result stands in an image.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Index of number (0, 0) in its channel.
    pub first: usize,
    /// Distances of rows and columns.
    pub steps: [usize; 2],
    /// Numbers of a channel.
    pub channel: usize,
}

/// Copies `height` rows of `width` numbers of each channel to their place; those of `source` are `[channel, row]` apart.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn copy_rows(
    source: &[f32],
    [channel, row]: [usize; 2],
    [height, width]: [usize; 2],
    target: &mut [f32],
    place: &Place,
) {
    let [row_step, column_step] = place.steps;
    for (number, source) in source.chunks(channel).take(target.len() / place.channel).enumerate() {
        for y in 0..height {
            let source = &source[y * row..];
            let target = &mut target[number * place.channel + place.first + y * row_step..];
            if column_step > 1 {
                target.iter_mut().step_by(column_step).zip(&source[..width]).for_each(|(target, &sum)| *target = sum);
            } else if row_step > width {
                target[..width].copy_from_slice(&source[..width]);
            } else {
                // What is written too far is overwritten by the next row.
                copy(width, source, target);
            }
        }
    }
}

/// Writes `length` zeros, and perhaps some more.
#[inline(always)]
fn zero(length: usize, target: &mut [f32]) {
    match target.first_chunk_mut::<8>() {
        Some(target) if length <= 8 => *target = [0.0; 8],
        _ => target[..length].fill(0.0),
    }
}

/// `target[i] = source[stride·i]`, stride at least 2.
fn every(stride: usize, source: &[f32], target: &mut [f32]) {
    match stride {
        2 => {
            // Whole pairs are vectorised; the last value may stand alone.
            let (pairs, _) = source.as_chunks::<2>();
            target.iter_mut().zip(pairs).for_each(|(target, pair)| *target = pair[0]);
            if let Some(last) = target.get_mut(pairs.len()) {
                *last = source[2 * pairs.len()];
            }
        }
        _ => target.iter_mut().zip(source.iter().step_by(stride)).for_each(|(target, &value)| *target = value),
    }
}

/// The columns of an image that fall into one phase.
#[derive(Debug, Clone, Copy)]
struct Columns {
    /// First column of the image in this phase.
    first: usize,
    /// Its index in the phase.
    index: usize,
    /// How many columns follow at distance `stride`, the first included.
    count: usize,
}

/// The layout of one padded image.
#[derive(Debug, Clone)]
pub struct Planes {
    channels: usize,
    size: [usize; 2],
    stride: [usize; 2],
    lead: [usize; 2],
    reach: [usize; 2],
    columns: Vec<Columns>,
    pitch: usize,
    plane: usize,
    row_phases: usize,
}

impl Planes {
    /// A layout for images of `channels` × `size`, read at padded coordinates below `reach` with kernels of extent
    /// `kernel`. `[rows, columns]` throughout.
    pub fn new(
        channels: usize,
        size: [usize; 2],
        stride: [usize; 2],
        lead: [usize; 2],
        reach: [usize; 2],
        kernel: [usize; 2],
    ) -> Self {
        let (step, lead_x) = (stride[1], lead[1]);
        // Content past the reach is never read and not stored; a phase without a tap has no plane.
        let width = size[1].min(reach[1].saturating_sub(lead_x));
        let (mut pitch, mut widest) = (1, 1);
        let columns: Vec<Columns> = (0..step.min(kernel[1]))
            .map(|phase| {
                let first = (phase + step - lead_x % step) % step;
                let count = width.saturating_sub(first).div_ceil(step);
                let index = (first + lead_x) / step;
                let read = reach[1].saturating_sub(phase).div_ceil(step);
                pitch = pitch.max(index + count).max(read.saturating_sub(index));
                widest = widest.max(read);
                Columns { first, index, count }
            })
            .collect();
        let rows = reach[0].div_ceil(stride[0]);
        // Nothing is read of a phase of an adjoint without a tap; a plane of one zero spares the special case.
        let plane = (rows * pitch + widest.saturating_sub(pitch)).max(1);
        Self { channels, size, stride, lead, reach, columns, pitch, plane, row_phases: stride[0].min(kernel[0]) }
    }

    /// Distance between rows.
    pub fn pitch(&self) -> usize {
        self.pitch
    }

    /// Distance between channels.
    fn channel(&self) -> usize {
        self.row_phases * self.columns.len() * self.plane
    }

    /// Length of the buffer.
    pub fn buffer_len(&self) -> usize {
        self.channels * self.channel() + SLACK
    }

    /// Where output (0, 0) finds channel `channel` at padded coordinate `tap`.
    pub fn offset(&self, channel: usize, tap: [usize; 2]) -> usize {
        let phase = (tap[0] % self.stride[0]) * self.columns.len() + tap[1] % self.stride[1];
        channel * self.channel() + phase * self.plane + tap[0] / self.stride[0] * self.pitch + tap[1] / self.stride[1]
    }

    /// Writes one image and the zeros around it into a buffer that holds anything.
    pub fn fill(&self, image: &[f32], buffer: &mut [f32]) {
        fill(self, image, buffer);
    }
}

/// [`Planes::fill`]. In the order of addresses, so that what is written too far is overwritten.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn fill(planes: &Planes, image: &[f32], buffer: &mut [f32]) {
    let ([height, width], stride) = (planes.size, planes.stride);
    let rows = height.min(planes.reach[0].saturating_sub(planes.lead[0]));
    for channel in 0..planes.channels {
        for number in 0..planes.row_phases * planes.columns.len() {
            let (phase, columns) = (number / planes.columns.len(), planes.columns[number % planes.columns.len()]);
            // Rows of the image in this phase, as the columns in theirs.
            let first = (phase + stride[0] - planes.lead[0] % stride[0]) % stride[0];
            let top = (first + planes.lead[0]) / stride[0];
            let plane = &mut buffer[channel * planes.channel() + number * planes.plane..];
            let mut done = 0;
            for (index, y) in (first..rows).step_by(stride[0]).enumerate() {
                let start = (top + index) * planes.pitch + columns.index;
                zero(start - done, &mut plane[done..]);
                done = start + columns.count;
                let row = &image[(channel * height + y) * width + columns.first.min(width)..];
                match stride[1] {
                    1 => copy(columns.count, row, &mut plane[start..]),
                    step => every(step, row, &mut plane[start..done]),
                }
            }
            zero(planes.plane - done, &mut plane[done..]);
        }
    }
    buffer[planes.channels * planes.channel()..].fill(0.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads every tap of every output through the layout and compares with the definition.
    fn agrees_with_the_definition(
        size: [usize; 2],
        kernel: [usize; 2],
        stride: [usize; 2],
        lead: [usize; 2],
        tail: [usize; 2],
    ) {
        let out = [0, 1].map(|a| (lead[a] + size[a] + tail[a] - kernel[a]) / stride[a] + 1);
        let reach = [0, 1].map(|a| (out[a] - 1) * stride[a] + kernel[a]);
        let planes = Planes::new(2, size, stride, lead, reach, kernel);
        let image: Vec<f32> = (0..2 * size[0] * size[1]).map(|i| 1.0 + i as f32).collect();
        let mut buffer = vec![f32::NAN; planes.buffer_len()];
        planes.fill(&image, &mut buffer);
        for channel in 0..2 {
            for tap in (0..kernel[0]).flat_map(|ky| (0..kernel[1]).map(move |kx| [ky, kx])) {
                for o in (0..out[0]).flat_map(|oy| (0..out[1]).map(move |ox| [oy, ox])) {
                    let at = [0, 1].map(|a| (o[a] * stride[a] + tap[a]).checked_sub(lead[a]).filter(|&u| u < size[a]));
                    let expected = match at {
                        [Some(y), Some(x)] => image[(channel * size[0] + y) * size[1] + x],
                        _ => 0.0,
                    };
                    let found = buffer[planes.offset(channel, tap) + o[0] * planes.pitch() + o[1]];
                    assert_eq!(
                        found, expected,
                        "{size:?} {kernel:?} {stride:?} {lead:?} {tail:?} {channel} {tap:?} {o:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_tap_is_a_constant_offset() {
        for size in [[1, 1], [7, 7], [8, 5], [5, 14]] {
            for kernel in [[1, 1], [3, 3], [5, 5], [2, 3], [1, 4]] {
                for stride in [[1, 1], [2, 2], [3, 2], [1, 3]] {
                    for lead in [[0, 0], [1, 1], [2, 2], [0, 3], [4, 1]] {
                        for tail in [lead, [0, 0], [1, 1], [3, 0], [1, 6]] {
                            if (0..2).all(|a| lead[a] + size[a] + tail[a] >= kernel[a]) {
                                agrees_with_the_definition(size, kernel, stride, lead, tail);
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn neighbouring_rows_share_their_padding() {
        let planes = Planes::new(1, [7, 7], [1, 1], [1, 1], [9, 9], [3, 3]);
        assert_eq!(planes.pitch(), 8);
    }
}
