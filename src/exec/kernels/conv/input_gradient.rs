//! The adjoint of the direct convolution in its input, single precision, one group.
//!
//! ```text
//! dx[c, iy, ix] = Σ_{o,ky,kx} w[o,c,ky,kx] · dy[o, (iy + p − ky)/s, (ix + p − kx)/s]      where both divide exactly
//! ```
//!
//! With `iy = first + s·j`, `first < s`, the taps that divide exactly depend on `first` alone, and the row of `dy` is
//! `j + shift`, `shift = (first + p − ky)/s`. So `dx` falls into `s²` phases, each a correlation of stride 1 over the
//! padded `dy` with some of the taps. Images are independent: the bits do not depend on the number of threads.

use rayon::prelude::*;

use super::ConvShape;
use super::correlate::{BLOCK, GRAIN, correlate, pack};
use super::planes::Planes;

/// One axis of one phase.
struct Axis {
    /// First coordinate of the input.
    first: usize,
    /// Coordinates at distance `stride`, the first included.
    count: usize,
    /// Kernel index, and the shift to the output it meets.
    taps: Vec<(usize, isize)>,
}

/// The phases of one axis.
fn axis(extent: usize, kernel: usize, stride: usize, padding: usize) -> Vec<Axis> {
    let phase = |first: usize| {
        let distance = |tap: usize| (first + padding) as isize - tap as isize;
        let taps = (0..kernel).filter(|&tap| distance(tap) % stride as isize == 0);
        let taps = taps.map(|tap| (tap, distance(tap) / stride as isize)).collect();
        Axis { first, count: (extent - first).div_ceil(stride), taps }
    };
    (0..stride.min(extent)).map(phase).collect()
}

/// The zeros before `dy` and the padded coordinates that the phases of one axis read.
fn lead_and_reach(axes: &[Axis]) -> (usize, usize) {
    let shifts = || axes.iter().flat_map(|axis| axis.taps.iter().map(|&(_, shift)| (axis.count as isize, shift)));
    let lead = shifts().map(|(_, shift)| -shift).max().unwrap_or(0).max(0);
    let reach = shifts().map(|(count, shift)| count + shift + lead).max().unwrap_or(0).max(0);
    (lead as usize, reach as usize)
}

/// One phase that has at least one tap.
struct Phase {
    first: [usize; 2],
    count: [usize; 2],
    offsets: Vec<usize>,
    weights: Vec<[f32; BLOCK]>,
}

impl Phase {
    fn new(shape: &ConvShape, rows: &Axis, columns: &Axis, planes: &Planes, lead: [usize; 2], w: &[f32]) -> Self {
        let taps = || rows.taps.iter().flat_map(|row| columns.taps.iter().map(move |column| (row, column)));
        // `lead` was chosen so that no shift reaches further left.
        let at = |shift: isize, lead: usize| shift.saturating_add_unsigned(lead).unsigned_abs();
        let offsets: Vec<usize> = (0..shape.out_channels)
            .flat_map(|o| taps().map(move |(row, column)| (o, [at(row.1, lead[0]), at(column.1, lead[1])])))
            .map(|(o, tap)| planes.offset(o, tap))
            .collect();
        let kernel = shape.kernel_height * shape.kernel_width;
        let entries: Vec<usize> = (0..shape.out_channels)
            .flat_map(|o| taps().map(move |(row, column)| (o, row.0 * shape.kernel_width + column.0)))
            .map(|(o, tap)| o * shape.in_channels * kernel + tap)
            .collect();
        let weights = pack(shape.in_channels, entries.len(), |c, r| w[entries[r] + c * kernel]);
        Self { first: [rows.first, columns.first], count: [rows.count, columns.count], offsets, weights }
    }

    /// Outputs in the pitch of the planes.
    fn length(&self, planes: &Planes) -> usize {
        (self.count[0] - 1) * planes.pitch() + self.count[1]
    }
}

/// `dx`, the adjoint of the convolution in `x` applied to `dy`; the shape has one group and no empty slice.
pub fn input_gradient(shape: &ConvShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    let [height, width] = [shape.in_height, shape.in_width];
    let rows = axis(height, shape.kernel_height, shape.stride[0], shape.padding[0]);
    let columns = axis(width, shape.kernel_width, shape.stride[1], shape.padding[1]);
    let ((top, bottom), (left, right)) = (lead_and_reach(&rows), lead_and_reach(&columns));
    let size = [shape.out_height(), shape.out_width()];
    let planes = Planes::new(shape.out_channels, size, [1, 1], [top, left], [bottom, right], [1, 1]);

    let pairs = || rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
    let with_taps = pairs().filter(|(row, column)| !row.taps.is_empty() && !column.taps.is_empty());
    let phases: Vec<Phase> =
        with_taps.map(|(row, column)| Phase::new(shape, row, column, &planes, [top, left], w)).collect();
    let covered = phases.len() == rows.len() * columns.len();
    let longest = phases.iter().map(|phase| phase.length(&planes)).max().unwrap_or(0).next_multiple_of(GRAIN);
    let scratch = || (vec![0.0; planes.buffer_len()], vec![0.0; shape.in_channels.next_multiple_of(BLOCK) * longest]);

    let images =
        dx.par_chunks_mut(shape.input_len() / shape.batch).zip(dy.par_chunks(shape.output_len() / shape.batch));
    images.for_each_init(scratch, |(padded, sums), (dx, dy)| {
        planes.fill(dy, padded);
        if !covered {
            dx.fill(0.0);
        }
        for phase in &phases {
            let length = phase.length(&planes);
            correlate(padded, &phase.offsets, &phase.weights, length, sums);
            let [stride_y, stride_x] = shape.stride;
            let [first_y, first_x] = phase.first;
            for (dx, sums) in dx.chunks_exact_mut(height * width).zip(sums.chunks(length.next_multiple_of(GRAIN))) {
                let rows = dx.chunks_exact_mut(width).skip(first_y).step_by(stride_y);
                for (row, dx) in rows.enumerate() {
                    let sums = &sums[row * planes.pitch()..][..phase.count[1]];
                    if stride_x == 1 {
                        dx.copy_from_slice(sums);
                    } else {
                        dx[first_x..].iter_mut().step_by(stride_x).zip(sums).for_each(|(dx, &sum)| *dx = sum);
                    }
                }
            }
        }
    });
}
