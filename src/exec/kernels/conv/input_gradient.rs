//! The adjoint of the direct convolution in its input, single precision, one group.
//!
//! ```text
//! dx[c, iy, ix] = Σ_{o,ky,kx} w[o,c,ky,kx] · dy[o, (iy + p − ky)/s, (ix + p − kx)/s]      where both divide exactly
//! ```
//!
//! With `iy = first + s·j`, `first < s`, the taps that divide exactly depend on `first` alone, and the row of `dy` is
//! `j + shift`, `shift = (first + p − ky)/s`. So `dx` falls into `s²` phases, each a correlation of stride 1 over the
//! padded `dy` with some of the taps; what a vector holds is chosen as in [`direct`](mod@super::direct).

use super::ConvShape;
use super::correlate::{self, BLOCK};
use super::pixels::{self, Window, pixels};
use super::planes::{Place, Planes};
use super::rows::Rows;
use super::transpose::{GROUP, separate_channels};

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
#[derive(Debug)]
struct Phase {
    first: [usize; 2],
    count: [usize; 2],
    offsets: Vec<usize>,
    /// Of entry `r` of the offsets, where input channel 0 finds its weight.
    entries: Vec<usize>,
}

impl Phase {
    fn new(shape: &ConvShape, rows: &Axis, columns: &Axis, planes: &Planes, lead: [usize; 2]) -> Self {
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
        Self { first: [rows.first, columns.first], count: [rows.count, columns.count], offsets, entries }
    }
}

/// The adjoint in the input of one shape with one set of weights, image by image.
#[derive(Debug)]
pub struct InputGradient {
    planes: Planes,
    phases: Vec<Phase>,
    lanes: Lanes,
    /// Whether every input meets an output.
    covered: bool,
    /// Input channels, rows and columns.
    size: [usize; 3],
}

/// What stands side by side in a vector, and the weights of each phase.
#[derive(Debug)]
enum Lanes {
    /// Neighbouring inputs of a phase.
    Inputs(Vec<(Vec<[f32; BLOCK]>, Rows)>),
    /// Input channels.
    Channels(Vec<(Vec<[f32; GROUP]>, Window)>),
}

impl InputGradient {
    /// Packs the weights `w`, in the order of the definition; `shape.batch` is not used.
    ///
    /// # Panics
    /// If the shape has more than one group, or an image or its result is empty.
    pub fn new(shape: &ConvShape, w: &[f32]) -> Self {
        shape.check_direct();
        let rows = axis(shape.in_height, shape.kernel_height, shape.stride[0], shape.padding[0]);
        let columns = axis(shape.in_width, shape.kernel_width, shape.stride[1], shape.padding[1]);
        let ((top, bottom), (left, right)) = (lead_and_reach(&rows), lead_and_reach(&columns));
        let size = [shape.out_height(), shape.out_width()];
        let planes = Planes::new(shape.out_channels, size, [1, 1], [top, left], [bottom, right], [1, 1]);
        let pairs = || rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
        let with_taps = pairs().filter(|(row, column)| !row.taps.is_empty() && !column.taps.is_empty());
        let phases: Vec<Phase> =
            with_taps.map(|(row, column)| Phase::new(shape, row, column, &planes, [top, left])).collect();
        let covered = phases.len() == rows.len() * columns.len();
        let channels = shape.in_channels;
        let place = |phase: &Phase| Place {
            first: phase.first[0] * shape.in_width + phase.first[1],
            steps: [shape.stride[0] * shape.in_width, shape.stride[1]],
            channel: shape.in_height * shape.in_width,
        };
        let rows_of = |phase: &Phase| Rows { channels, size: phase.count, pitch: planes.pitch(), place: place(phase) };
        let costs = phases.iter().map(|phase| {
            let products = phase.offsets.len();
            (rows_of(phase).cost(products), pixels::cost(channels, products, phase.count))
        });
        let (inputs, by_channels) = costs.fold((0, 0), |sum, cost| (sum.0 + cost.0, sum.1 + cost.1));
        let kernel = shape.kernel_height * shape.kernel_width;
        let weight = |phase: &Phase, c: usize, r: usize| w[phase.entries[r] + c * kernel];
        let lanes = if inputs <= by_channels {
            let pack = |phase: &Phase| {
                let weights = correlate::pack(channels, phase.offsets.len(), |c, r| weight(phase, c, r));
                (weights, rows_of(phase))
            };
            Lanes::Inputs(phases.iter().map(pack).collect())
        } else {
            let pack = |phase: &Phase| {
                let weights = correlate::pack(channels, phase.offsets.len(), |c, r| weight(phase, c, r));
                (weights, Window { size: phase.count, row_step: planes.pitch(), step: 1, place: place(phase) })
            };
            Lanes::Channels(phases.iter().map(pack).collect())
        };
        Self { planes, phases, lanes, covered, size: [channels, shape.in_height, shape.in_width] }
    }

    /// Numbers of scratch that [`InputGradient::image`] needs.
    pub fn scratch_len(&self) -> usize {
        let [channels, height, width] = self.size;
        let sums = match &self.lanes {
            Lanes::Inputs(phases) => phases.iter().map(|(_, rows)| rows.scratch_len()).max().unwrap_or(0),
            Lanes::Channels(_) => channels.next_multiple_of(GROUP) * height * width,
        };
        self.planes.buffer_len() + sums
    }

    /// `dx` of one image from its `dy`; the scratch may hold anything.
    pub fn image(&self, dy: &[f32], scratch: &mut [f32], dx: &mut [f32]) {
        let (padded, sums) = scratch.split_at_mut(self.planes.buffer_len());
        self.planes.fill(dy, padded);
        match &self.lanes {
            Lanes::Inputs(phases) => {
                if !self.covered {
                    dx.fill(0.0);
                }
                for (phase, (weights, rows)) in self.phases.iter().zip(phases) {
                    rows.correlate(padded, &phase.offsets, weights, sums, dx);
                }
            }
            Lanes::Channels(phases) => {
                let [channels, height, width] = self.size;
                let sums = &mut sums.as_chunks_mut().0[..channels.div_ceil(GROUP) * height * width];
                if !self.covered {
                    sums.fill([0.0; GROUP]);
                }
                for (phase, (weights, window)) in self.phases.iter().zip(phases) {
                    pixels(padded, &phase.offsets, weights, window, sums);
                }
                separate_channels(sums, height * width, dx);
            }
        }
    }
}
