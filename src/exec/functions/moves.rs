//! Functions that move elements: reshaping, transposing, joining, and windows.
//!
//! Each is a sparse linear map of one sample, `y_i = Σ_j A_ij x_j`; the largest of a window is one whose `A` is chosen by
//! the values at the base point. The adjoint is `dx = Aᵀ g`, tangents move as values do.

use rayon::prelude::*;

use crate::exec::kernels::Real;
use crate::graph::{Function, Window};

/// The map of one function.
pub struct Moves<'a> {
    /// The function.
    pub function: &'a Function,
    /// Shapes of its inputs, per sample.
    pub inputs: &'a [&'a [usize]],
    /// Shape of its output, per sample.
    pub output: &'a [usize],
}

/// Rows or columns of a window at output `o`, inside a map of `extent`.
fn inside(window: Window, o: usize, extent: usize) -> std::ops::Range<usize> {
    let start = o * window.stride;
    start.saturating_sub(window.padding)..(start + window.kernel).saturating_sub(window.padding).min(extent)
}

impl Moves<'_> {
    /// Calls `entry(i, which input, j, A_ij)` for one sample whose base point is `x`.
    fn visit<T: Real>(&self, x: &[&[T]], mut entry: impl FnMut(usize, usize, usize, f64)) {
        match self.function {
            Function::Transpose { axes } => {
                let mut steps = vec![1; axes.len()];
                for axis in (1..axes.len()).rev() {
                    steps[axis - 1] = steps[axis] * self.inputs[0][axis];
                }
                let mut index = vec![0; axes.len()];
                for i in 0..self.output.iter().product() {
                    let j = index.iter().zip(axes).map(|(&index, &axis)| index * steps[axis]).sum();
                    entry(i, 0, j, 1.0);
                    for axis in (0..axes.len()).rev() {
                        index[axis] += 1;
                        if index[axis] < self.output[axis] {
                            break;
                        }
                        index[axis] = 0;
                    }
                }
            }
            Function::MaxPool(window) => self.windows(*window, |i, cells| {
                let value = |&j: &usize| x[0][j];
                // NaN is kept, so that a diverged network is seen.
                let largest = cells
                    .iter()
                    .copied()
                    .reduce(|best, j| if value(&j) > value(&best) || value(&j).to_f64().is_nan() { j } else { best });
                largest.into_iter().for_each(|j| entry(i, 0, j, 1.0));
            }),
            Function::AveragePool(window) => self.windows(*window, |i, cells| {
                cells.iter().for_each(|&j| entry(i, 0, j, 1.0 / cells.len() as f64));
            }),
            // One after the other; reshaping is joining one.
            _ => {
                let mut i = 0;
                for (which, shape) in self.inputs.iter().enumerate() {
                    for j in 0..shape.iter().product() {
                        entry(i, which, j, 1.0);
                        i += 1;
                    }
                }
            }
        }
    }

    /// Calls `window(output, cells of the input)` for every window of every channel.
    fn windows(&self, window: Window, mut visit: impl FnMut(usize, &[usize])) {
        let (&[_, height, width], &[channels, out_height, out_width]) = (self.inputs[0], self.output) else { return };
        let mut cells = Vec::with_capacity(window.kernel * window.kernel);
        for c in 0..channels {
            for (oy, ox) in (0..out_height).flat_map(|oy| (0..out_width).map(move |ox| (oy, ox))) {
                cells.clear();
                for y in inside(window, oy, height) {
                    cells.extend(inside(window, ox, width).map(|x| (c * height + y) * width + x));
                }
                visit((c * out_height + oy) * out_width + ox, &cells);
            }
        }
    }

    fn sample<'x, T>(&self, x: &[&'x [T]], sample: usize) -> Vec<&'x [T]> {
        x.iter().zip(self.inputs).map(|(x, shape)| &x[sample * shape.iter().product::<usize>()..]).collect()
    }

    /// `y = A moved`, with `A` at the base point `x`.
    pub fn forward<T: Real>(&self, x: &[&[T]], moved: &[&[T]], y: &mut [T]) {
        let width = self.output.iter().product();
        y.par_chunks_mut(width).enumerate().for_each(|(sample, y)| {
            let (x, moved) = (self.sample(x, sample), self.sample(moved, sample));
            y.fill(T::ZERO);
            self.visit(&x, |i, which, j, a| y[i] += T::from_f64(a) * moved[which][j]);
        });
    }

    /// `dx = Aᵀ g` for every input.
    pub fn adjoint<T: Real>(&self, x: &[&[T]], g: &[T]) -> Vec<Vec<T>> {
        let width: usize = self.output.iter().product();
        let of_sample = |(sample, g): (usize, &[T])| {
            let mut dx: Vec<Vec<T>> = self.inputs.iter().map(|s| vec![T::ZERO; s.iter().product()]).collect();
            self.visit(&self.sample(x, sample), |i, which, j, a| dx[which][j] += T::from_f64(a) * g[i]);
            dx
        };
        let samples: Vec<Vec<Vec<T>>> = g.par_chunks(width).enumerate().map(of_sample).collect();
        (0..self.inputs.len()).map(|which| samples.iter().flat_map(|dx| dx[which].iter().copied()).collect()).collect()
    }
}
