//! Largest values and means of windows over planes, row by row, on the calling thread.
//!
//! Forward, the rows of a window are joined first, then the columns of what comes out; a mean's adjoint goes the other
//! way. The place of a largest value, the first of equals, is searched in the order of the cells.

use std::ops::Range;

use multiversion::multiversion;

use crate::exec::kernels::Real;
use crate::exec::kernels::elementwise::accumulate;
use crate::graph::Window;

/// One window's extent along one axis.
#[derive(Debug, Clone)]
struct Span {
    /// Its cells inside the plane.
    cells: Range<usize>,
    /// How many count in a mean.
    counted: usize,
}

fn spans(window: &Window, axis: usize, extent: usize, count: usize) -> Vec<Span> {
    let Window { kernel, stride, padding, counted } = *window;
    let before = padding.before[axis];
    let span = |o: usize| {
        // Places are counted from the first cell in front of the plane.
        let start = o * stride[axis];
        let end = start + kernel[axis];
        let first = start.max(before - counted.before[axis]);
        Span {
            cells: start.saturating_sub(before)..end.saturating_sub(before).min(extent),
            counted: end.min(before + extent + counted.after[axis]).saturating_sub(first),
        }
    };
    (0..count).map(span).collect()
}

/// The windows that have their cell of some column inside the plane, and the place of that cell in the first of them.
#[derive(Debug, Clone)]
struct Column {
    windows: Range<usize>,
    cell: usize,
}

/// The windows over every plane of a tensor `[channels, height, width]`.
#[derive(Debug, Clone)]
pub struct Windows {
    stride: usize,
    height: usize,
    width: usize,
    /// The windows along the height, and along the width.
    spans: [Vec<Span>; 2],
    /// Of every column of a window.
    columns: Vec<Column>,
}

/// Whether a later cell takes the place of the largest so far. NaN does, so that a diverged network is seen.
#[inline(always)]
fn replaces<T: Real>(later: T, best: T) -> bool {
    later > best || later.partial_cmp(&later).is_none()
}

/// Calls `visit` with every `stride`-th number of `x` and an output each. `x` has `stride` numbers for each of them.
#[inline(always)]
fn strided<T: Copy, O>(stride: usize, x: &[T], outputs: impl Iterator<Item = O>, mut visit: impl FnMut(T, O)) {
    match stride {
        1 => x.iter().zip(outputs).for_each(|(&x, output)| visit(x, output)),
        2 => x.as_chunks::<2>().0.iter().zip(outputs).for_each(|(x, output)| visit(x[0], output)),
        _ => x.iter().step_by(stride).zip(outputs).for_each(|(&x, output)| visit(x, output)),
    }
}

impl Windows {
    /// Windows over planes of `height` × `width`, as many as `output` says.
    pub fn new(window: &Window, [height, width]: [usize; 2], output: [usize; 2]) -> Self {
        let (stride, before) = (window.stride[1], window.padding.before[1]);
        let column = |k: usize| {
            let first = before.saturating_sub(k).div_ceil(stride);
            let end = (width + before).saturating_sub(k).div_ceil(stride).min(output[1]);
            Column { windows: first.min(end)..end, cell: (first * stride + k).saturating_sub(before).min(width) }
        };
        Self {
            stride,
            height,
            width,
            spans: [spans(window, 0, height, output[0]), spans(window, 1, width, output[1])],
            columns: (0..window.kernel[1]).map(column).collect(),
        }
    }

    /// A row with room for a whole step behind its end.
    fn row<T: Real>(&self) -> Vec<T> {
        vec![T::ZERO; self.width + self.stride]
    }

    fn plane(&self) -> usize {
        self.height * self.width
    }

    /// Windows of a plane.
    fn count(&self) -> usize {
        self.spans[0].len() * self.spans[1].len()
    }

    /// One over the cells that count in each window of a row of windows.
    fn shares<T: Real>(&self, rows: usize, shares: &mut [T]) {
        for (share, columns) in shares.iter_mut().zip(&self.spans[1]) {
            *share = T::from_f64(1.0 / (rows * columns.counted) as f64);
        }
    }

    /// `y`: the largest value of each window.
    pub fn largest<T: Real>(&self, x: &[T], y: &mut [T]) {
        largest(self, x, y, &mut self.row());
    }

    /// `y`: the mean of each window.
    pub fn means<T: Real>(&self, x: &[T], y: &mut [T]) {
        means(self, x, y, &mut self.row(), &mut vec![T::ZERO; self.spans[1].len()]);
    }

    /// The adjoint of [`Self::means`].
    pub fn spread<T: Real>(&self, g: &[T], dx: &mut [T]) {
        dx.fill(T::ZERO);
        spread(self, g, dx, &mut self.row(), &mut vec![T::ZERO; self.spans[1].len()]);
    }

    /// Calls `visit(window, cell)` with the place of each window's largest value, the first of equals.
    pub fn places<T: Real>(&self, x: &[T], mut visit: impl FnMut(usize, usize)) {
        let columns = self.spans[1].len();
        let (mut row, mut best, mut places) = (self.row(), vec![T::ZERO; columns], vec![0; columns]);
        for (number, x) in x.chunks_exact(self.plane()).enumerate() {
            for (window_row, span) in self.spans[0].iter().enumerate() {
                search(
                    self,
                    &x[span.cells.start * self.width..span.cells.end * self.width],
                    &mut row,
                    &mut best,
                    &mut places,
                );
                let (window, cell) = (
                    number * self.count() + window_row * columns,
                    number * self.plane() + span.cells.start * self.width,
                );
                places.iter().enumerate().for_each(|(i, &place)| visit(window + i, cell + place));
            }
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn largest<T: Real>(site: &Windows, x: &[T], y: &mut [T], row: &mut [T]) {
    for (x, y) in x.chunks_exact(site.plane()).zip(y.chunks_exact_mut(site.count())) {
        for (span, y) in site.spans[0].iter().zip(y.chunks_exact_mut(site.spans[1].len())) {
            let cells = &x[span.cells.start * site.width..span.cells.end * site.width];
            row.fill(-T::INFINITY);
            for cells in cells.chunks_exact(site.width) {
                row.iter_mut().zip(cells).for_each(|(best, &x)| *best = if replaces(x, *best) { x } else { *best });
            }
            y.fill(-T::INFINITY);
            for Column { windows, cell } in &site.columns {
                strided(site.stride, &row[*cell..], y[windows.clone()].iter_mut(), |x, best| {
                    *best = if replaces(x, *best) { x } else { *best };
                });
            }
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn means<T: Real>(site: &Windows, x: &[T], y: &mut [T], row: &mut [T], shares: &mut [T]) {
    for (x, y) in x.chunks_exact(site.plane()).zip(y.chunks_exact_mut(site.count())) {
        for (span, y) in site.spans[0].iter().zip(y.chunks_exact_mut(site.spans[1].len())) {
            let cells = &x[span.cells.start * site.width..span.cells.end * site.width];
            row.fill(T::ZERO);
            for cells in cells.chunks_exact(site.width) {
                row.iter_mut().zip(cells).for_each(|(sum, &x)| *sum += x);
            }
            y.fill(T::ZERO);
            for Column { windows, cell } in &site.columns {
                strided(site.stride, &row[*cell..], y[windows.clone()].iter_mut(), |x, sum| *sum += x);
            }
            site.shares(span.counted, shares);
            y.iter_mut().zip(&*shares).for_each(|(y, &share)| *y *= share);
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn spread<T: Real>(site: &Windows, g: &[T], dx: &mut [T], row: &mut [T], scaled: &mut [T]) {
    for (g, dx) in g.chunks_exact(site.count()).zip(dx.chunks_exact_mut(site.plane())) {
        for (span, g) in site.spans[0].iter().zip(g.chunks_exact(site.spans[1].len())) {
            site.shares(span.counted, scaled);
            scaled.iter_mut().zip(g).for_each(|(scaled, &g)| *scaled *= g);
            row.fill(T::ZERO);
            for Column { windows, cell } in &site.columns {
                let (cells, scaled) = (&mut row[*cell..], &scaled[windows.clone()]);
                match site.stride {
                    1 => cells.iter_mut().zip(scaled).for_each(|(cell, &g)| *cell += g),
                    2 => cells.as_chunks_mut::<2>().0.iter_mut().zip(scaled).for_each(|(cell, &g)| cell[0] += g),
                    stride => cells.iter_mut().step_by(stride).zip(scaled).for_each(|(cell, &g)| *cell += g),
                }
            }
            let cells = &mut dx[span.cells.start * site.width..span.cells.end * site.width];
            cells.chunks_exact_mut(site.width).for_each(|cells| accumulate(&row[..site.width], cells));
        }
    }
}

/// The places of the largest values of one row of windows, counted from the first of these rows of cells.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn search<T: Real>(site: &Windows, rows: &[T], row: &mut [T], best: &mut [T], places: &mut [usize]) {
    best.fill(-T::INFINITY);
    places.iter_mut().zip(&site.spans[1]).for_each(|(place, span)| *place = span.cells.start);
    for (number, cells) in rows.chunks_exact(site.width).enumerate() {
        row[..site.width].copy_from_slice(cells);
        for Column { windows, cell } in &site.columns {
            let first = number * site.width + cell;
            let outputs = best[windows.clone()].iter_mut().zip(&mut places[windows.clone()]).enumerate();
            strided(site.stride, &row[*cell..], outputs, |x, (i, (best, place))| {
                let taken = replaces(x, *best);
                *best = if taken { x } else { *best };
                *place = if taken { first + i * site.stride } else { *place };
            });
        }
    }
}

#[cfg(test)]
#[path = "windows_tests.rs"]
mod tests;
