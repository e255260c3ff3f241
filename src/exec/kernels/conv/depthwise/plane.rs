//! One channel with its zero padding written out, so that a tap of a kernel is one constant offset within a row.
//!
//! Value `i` of an axis stands at the padded coordinate `u = dilation·i + lead`; tap `k` of output `o` reads
//! `u = stride·o + k`. The columns of a row are sorted by `u mod stride`, so that the outputs of a row read consecutive
//! values:
//!
//! ```text
//! padded[uy, stride·i + phase] = buffer[uy·pitch + phase·segment + i]
//! ```
//!
//! A convolution has dilation 1 and its own stride; its adjoint in the input has stride 1, and its stride becomes the
//! dilation. All channels of an image go through the same buffer: the zeros are written once.

use std::ops::Range;

/// Values that are copied at a time; rows have room for whole chunks.
pub const CHUNK: usize = 16;

/// One axis of a plane.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    /// Values of the map.
    pub extent: usize,
    /// Distance between neighbouring values.
    pub dilation: usize,
    /// Coordinate of the first value; values at negative coordinates are never read.
    pub lead: isize,
    /// Distance between the windows of neighbouring outputs.
    pub stride: usize,
    /// Taps.
    pub kernel: usize,
    /// Outputs, at least one.
    pub outputs: usize,
}

impl Axis {
    /// Padded coordinates that outputs read.
    fn reach(&self) -> usize {
        (self.outputs - 1) * self.stride + self.kernel
    }

    /// The values that lie inside the reach.
    fn kept(&self) -> Range<usize> {
        let before = (-self.lead).max(0) as usize;
        let room = (self.reach() as isize - self.lead).max(0) as usize;
        let end = room.div_ceil(self.dilation).min(self.extent);
        before.div_ceil(self.dilation).min(end)..end
    }

    /// Coordinate of value `index`, one of [`Axis::kept`].
    fn coordinate(&self, index: usize) -> usize {
        (index * self.dilation).saturating_add_signed(self.lead)
    }
}

/// How a row is written.
#[derive(Debug, Clone, Copy)]
enum Copying {
    /// Neighbours stay neighbours.
    Plain,
    /// Stride 2: neighbours go to different phases.
    Split,
    /// Dilation 2: zeros between neighbours.
    Spread,
    /// Anything else, value by value.
    Single,
}

/// The layout of a padded channel.
#[derive(Debug, Clone)]
pub struct Plane {
    rows: Axis,
    columns: Axis,
    copying: Copying,
    segment: usize,
    /// The part of the channel that is read.
    kept: [Range<usize>; 2],
    /// Padded coordinates of its first row and column.
    start: [usize; 2],
}

/// Masks: [`CHUNK`] lanes to keep, [`CHUNK`] lanes to clear.
static KEEP: [u32; 2 * CHUNK] = {
    let mut masks = [0; 2 * CHUNK];
    let mut lane = 0;
    while lane < CHUNK {
        masks[lane] = u32::MAX;
        lane += 1;
    }
    masks
};

/// The masks that keep `valid` lanes.
#[inline(always)]
fn keep(valid: usize) -> &'static [u32; CHUNK] {
    &KEEP[CHUNK - valid.min(CHUNK)..].as_chunks().0[0]
}

/// `target` is the first values of `source`, then zeros. A comparison per lane would become a branch per lane; a mask
/// does not.
#[inline(always)]
fn copy_masked(source: &[f32], mask: &[u32; CHUNK], target: &mut [f32; CHUNK]) {
    match source.first_chunk::<CHUNK>() {
        Some(source) => {
            for lane in 0..CHUNK {
                target[lane] = f32::from_bits(source[lane].to_bits() & mask[lane]);
            }
        }
        None => copy_short(source, mask, target),
    }
}

/// As [`copy_masked`], at the end of the last channel.
#[cold]
#[inline(never)]
fn copy_short<const N: usize>(source: &[f32], mask: &[u32], target: &mut [f32; N]) {
    *target = [0.0; N];
    for ((target, source), mask) in target.iter_mut().zip(source).zip(mask) {
        *target = f32::from_bits(source.to_bits() & mask);
    }
}

impl Plane {
    /// The layout for these axes.
    pub fn new(rows: Axis, columns: Axis) -> Self {
        let kept = [rows.kept(), columns.kept()];
        let start = [rows.coordinate(kept[0].start), columns.coordinate(kept[1].start)];
        let (first, count) = (start[1], kept[1].len());
        let (copying, written) = match (columns.dilation, columns.stride) {
            (1, 1) => (Copying::Plain, first + count.next_multiple_of(CHUNK)),
            (1, 2) => (Copying::Split, first.div_ceil(2) + count.div_ceil(2).next_multiple_of(CHUNK)),
            (2, 1) => (Copying::Spread, first + 2 * count.next_multiple_of(CHUNK)),
            (_, stride) => (Copying::Single, columns.reach().div_ceil(stride)),
        };
        let read = (columns.kernel - 1) / columns.stride + columns.outputs.next_multiple_of(CHUNK);
        Self { rows, columns, copying, segment: written.max(read), kept, start }
    }

    /// Rows and columns of the output.
    pub fn outputs(&self) -> [usize; 2] {
        [self.rows.outputs, self.columns.outputs]
    }

    /// Rows and columns of the kernel.
    pub fn kernel(&self) -> [usize; 2] {
        [self.rows.kernel, self.columns.kernel]
    }

    /// Values of one channel.
    pub fn extent(&self) -> usize {
        self.rows.extent * self.columns.extent
    }

    /// Distance between padded rows.
    pub fn pitch(&self) -> usize {
        self.columns.stride * self.segment
    }

    /// Distance between the rows that neighbouring rows of the output start at.
    pub fn row_step(&self) -> usize {
        self.rows.stride * self.pitch()
    }

    /// Length of the buffer; it must be zero before the first [`Plane::fill`]. An output may be read together with the
    /// columns behind it, up to a multiple of [`CHUNK`] columns.
    pub fn buffer_len(&self) -> usize {
        self.rows.reach() * self.pitch()
    }

    /// Where output (0, 0) finds a tap of the kernel.
    pub fn offset(&self, [ky, kx]: [usize; 2]) -> usize {
        ky * self.pitch() + kx % self.columns.stride * self.segment + kx / self.columns.stride
    }

    /// Writes a channel, the first of `image`, into a buffer that is zero or holds an earlier channel.
    // The loops over rows are written out: a closure that is not inlined would run without the vector instructions.
    #[inline(always)]
    pub fn fill(&self, image: &[f32], buffer: &mut [f32]) {
        let [rows, columns] = &self.kept;
        if rows.is_empty() || columns.is_empty() {
            return;
        }
        let (start, count, extent) = (self.start[1], columns.len(), self.columns.extent);
        let image = &image[rows.start * extent + columns.start..];
        fetch(&image[..(rows.len() - 1) * extent + count]);
        let buffer = &mut buffer[self.start[0] * self.pitch()..];
        let rows = rows.clone().zip(buffer.chunks_mut(self.rows.dilation * self.pitch()));
        let tail = keep(count % CHUNK);
        match self.copying {
            Copying::Plain => {
                for (y, (_, target)) in rows.enumerate() {
                    plain(&image[y * extent..], count, tail, &mut target[start..]);
                }
            }
            Copying::Split => {
                for (y, (_, target)) in rows.enumerate() {
                    let (even, odd) = target.split_at_mut(self.segment);
                    match start % 2 {
                        0 => split(&image[y * extent..], count, &mut even[start / 2..], &mut odd[start / 2..]),
                        _ => split(&image[y * extent..], count, &mut odd[start / 2..], &mut even[start / 2 + 1..]),
                    }
                }
            }
            Copying::Spread => {
                for (y, (_, target)) in rows.enumerate() {
                    spread(&image[y * extent..], count, tail, &mut target[start..]);
                }
            }
            Copying::Single => {
                for (y, (_, target)) in rows.enumerate() {
                    for (number, &value) in image[y * extent..][..count].iter().enumerate() {
                        let u = start + number * self.columns.dilation;
                        target[u % self.columns.stride * self.segment + u / self.columns.stride] = value;
                    }
                }
            }
        }
    }
}

/// Reads one value of every cache line, all at once: with the work of the rows between its reads, the processor does
/// not fetch far enough ahead (measured: half the speed on large images at stride 2).
#[inline(always)]
fn fetch(channel: &[f32]) {
    let lines = channel.iter().step_by(CHUNK);
    std::hint::black_box(lines.fold(0, |bits, value| bits ^ value.to_bits()));
}

/// Writes `count` values, then zeros up to a whole chunk; `tail` is the mask of the last chunk.
#[inline(always)]
fn plain(source: &[f32], count: usize, tail: &[u32; CHUNK], target: &mut [f32]) {
    let (source, last) = source.split_at(count - count % CHUNK);
    let (target, rest) = target.split_at_mut(source.len());
    for (target, source) in target.as_chunks_mut::<CHUNK>().0.iter_mut().zip(source.as_chunks().0) {
        *target = *source;
    }
    if !count.is_multiple_of(CHUNK)
        && let Some(target) = rest.first_chunk_mut()
    {
        copy_masked(last, tail, target);
    }
}

/// As [`plain`], with zeros between the values.
#[inline(always)]
fn spread(source: &[f32], count: usize, tail: &[u32; CHUNK], target: &mut [f32]) {
    let (source, last) = source.split_at(count - count % CHUNK);
    let (target, rest) = target.split_at_mut(2 * source.len());
    let pairs = target.as_chunks_mut::<2>().0.as_chunks_mut::<CHUNK>().0;
    for (target, source) in pairs.iter_mut().zip(source.as_chunks().0) {
        spread_chunk(source, target);
    }
    if !count.is_multiple_of(CHUNK)
        && let Some(target) = rest.as_chunks_mut::<2>().0.first_chunk_mut()
    {
        let mut values = [0.0; CHUNK];
        copy_masked(last, tail, &mut values);
        spread_chunk(&values, target);
    }
}

#[inline(always)]
fn spread_chunk(source: &[f32; CHUNK], target: &mut [[f32; 2]; CHUNK]) {
    for (target, &value) in target.iter_mut().zip(source) {
        *target = [value, 0.0];
    }
}

/// Writes `count` values, the first and then every other one to `near`, the rest to `far`.
#[inline(always)]
fn split(source: &[f32], count: usize, near: &mut [f32], far: &mut [f32]) {
    let (near, far) = (near.as_chunks_mut::<CHUNK>().0, far.as_chunks_mut::<CHUNK>().0);
    for ((done, near), far) in (0..count).step_by(2 * CHUNK).zip(near).zip(far) {
        let (source, left) = (&source[done..], count - done);
        match source.first_chunk() {
            Some(values) => halve(values, left, near, far),
            None => {
                let mut values = [0.0; 2 * CHUNK];
                copy_short(source, &[u32::MAX; 2 * CHUNK], &mut values);
                halve(&values, left, near, far);
            }
        }
    }
}

/// The first `valid` values, every other one.
#[inline(always)]
fn halve(values: &[f32; 2 * CHUNK], valid: usize, near: &mut [f32; CHUNK], far: &mut [f32; CHUNK]) {
    // As pairs in one number each, which both instruction sets take apart by whole vectors.
    let mut pairs = [0; CHUNK];
    for lane in 0..CHUNK {
        pairs[lane] = u64::from(values[2 * lane + 1].to_bits()) << 32 | u64::from(values[2 * lane].to_bits());
    }
    for (lane, mask) in keep(valid.div_ceil(2)).iter().enumerate() {
        near[lane] = f32::from_bits(pairs[lane] as u32 & mask);
    }
    for (lane, mask) in keep(valid / 2).iter().enumerate() {
        far[lane] = f32::from_bits((pairs[lane] >> 32) as u32 & mask);
    }
}
