//! Pools over windows of a map, and the subsampling shortcut.

use candle_core::{D, Tensor};

use crate::error::Result;
use crate::exec::plain::tensors::{full_like, where_true};
use crate::exec::plain::windows::Windows;
use crate::graph::{Padding, Window};

fn windows(window: Window, x: &Tensor, output: [usize; 2]) -> Result<Windows> {
    let Window { kernel, stride, padding, .. } = window;
    let input = [x.dim(D::Minus2)?, x.dim(D::Minus1)?];
    Ok(Windows { kernel, stride, before: padding.before, input, output })
}

/// The extent of a map `[…, height, width]`.
fn extent(y: &[usize]) -> [usize; 2] {
    [y[y.len() - 2], y[y.len() - 1]]
}

/// `x` with −∞ around it, so that no cell outside the map is the largest.
fn pad_lowest(windows: &Windows, x: &Tensor) -> Result<Tensor> {
    let inside = windows.pad(&x.ones_like()?)?;
    let padded = windows.pad(x)?;
    Ok(inside.gt(0.0)?.where_cond(&padded, &full_like(&padded, f64::NEG_INFINITY)?)?)
}

/// The larger of two; NaN stays NaN, so that a diverged network is seen.
fn larger(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let b_wins = (b.gt(a)?.to_dtype(a.dtype())? + b.ne(b)?.to_dtype(a.dtype())?)?;
    Ok(b_wins.gt(0.0)?.where_cond(b, a)?)
}

/// Largest value of each window; `shape` is that of the output, with the batch.
pub(super) fn max(window: Window, x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let windows = windows(window, x, extent(shape))?;
    let padded = pad_lowest(&windows, x)?;
    let mut largest = windows.take(&padded, 0)?;
    for tap in 1..windows.taps() {
        largest = larger(&largest, &windows.take(&padded, tap)?)?;
    }
    Ok(largest.contiguous()?)
}

/// The first cell of a window that equals its largest has the gradient.
pub(super) fn max_adjoint(window: Window, [x, y, g]: [&Tensor; 3]) -> Result<Tensor> {
    let windows = windows(window, x, extent(y.dims()))?;
    let padded = pad_lowest(&windows, x)?;
    let mut left = g.clone();
    let mut dx = padded.zeros_like()?;
    for tap in 0..windows.taps() {
        let largest = windows.take(&padded, tap)?.eq(y)?;
        dx = (dx + windows.put(&where_true(&largest, &left)?, tap)?)?;
        left = largest.where_cond(&left.zeros_like()?, &left)?;
    }
    windows.crop(&dx)
}

/// Cells of each window that count, `[height, width]` of the output.
fn cells(window: Window, windows: &Windows, x: &Tensor) -> Result<Tensor> {
    let Padding { before, after } = window.counted;
    let extent = [0, 1].map(|axis| before[axis] + windows.input[axis] + after[axis]);
    // The same windows on a map that the counted cells belong to.
    let wider = Windows { input: extent, before: [0, 1].map(|axis| windows.before[axis] - before[axis]), ..*windows };
    sum_of_taps(&wider, &Tensor::ones(extent.as_slice(), x.dtype(), x.device())?)
}

fn sum_of_taps(windows: &Windows, x: &Tensor) -> Result<Tensor> {
    let padded = windows.pad(x)?;
    let mut sum = windows.take(&padded, 0)?;
    for tap in 1..windows.taps() {
        sum = (sum + windows.take(&padded, tap)?)?;
    }
    Ok(sum.contiguous()?)
}

/// Mean of each window over the cells that count.
pub(super) fn average(window: Window, x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let windows = windows(window, x, extent(shape))?;
    Ok(sum_of_taps(&windows, x)?.broadcast_div(&cells(window, &windows, x)?)?)
}

/// Adjoint of [`average`].
pub(super) fn average_adjoint(window: Window, x: &Tensor, g: &Tensor) -> Result<Tensor> {
    let windows = windows(window, x, extent(g.dims()))?;
    let share = g.broadcast_div(&cells(window, &windows, x)?)?;
    let mut dx = windows.put(&share, 0)?;
    for tap in 1..windows.taps() {
        dx = (dx + windows.put(&share, tap)?)?;
    }
    windows.crop(&dx)
}

/// Every `stride`-th row and column, `before` zero channels in front and more behind.
pub(super) fn subsample(stride: usize, before: usize, x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let windows = windows(Window::square(1, stride, 0), x, extent(shape))?;
    let small = windows.take(&windows.pad(x)?, 0)?;
    Ok(small.pad_with_zeros(1, before, shape[1] - before - x.dim(1)?)?.contiguous()?)
}

/// Adjoint of [`subsample`].
pub(super) fn subsample_adjoint(stride: usize, before: usize, x: &Tensor, g: &Tensor) -> Result<Tensor> {
    let windows = windows(Window::square(1, stride, 0), x, extent(g.dims()))?;
    windows.crop(&windows.put(&g.narrow(1, before, x.dim(1)?)?, 0)?)
}
