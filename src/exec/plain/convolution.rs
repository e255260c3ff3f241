//! Convolution and its two adjoints as matrix products over unfolded columns (Chellapilla et al. 2006), for every stride,
//! padding, extent and number of groups.
//!
//! ```text
//! X [G, T·C/G, B·P]   column (b, p) of group γ: what the T taps read of each channel of γ
//! W [G, O/G, T·C/G]   Y = W X        dW = G Xᵀ        dX = Wᵀ G, folded back
//! ```
//!
//! B images, C to O channels in G groups, P positions of the output, T taps of the kernel. Columns take T times the
//! memory of the input; they are made again for the weight gradient.

use candle_core::Tensor;

use crate::error::Result;
use crate::exec::kernels::conv::ConvShape;
use crate::exec::plain::windows::Windows;

fn windows(shape: &ConvShape) -> Windows {
    Windows {
        kernel: [shape.kernel_height, shape.kernel_width],
        stride: shape.stride,
        before: shape.padding,
        input: [shape.in_height, shape.in_width],
        output: [shape.out_height(), shape.out_width()],
    }
}

/// `X`.
fn columns(shape: &ConvShape, x: &Tensor) -> Result<Tensor> {
    let windows = windows(shape);
    let x = x.reshape((shape.batch, shape.in_channels, shape.in_height, shape.in_width))?;
    let padded = windows.pad(&x.transpose(0, 1)?)?;
    let taps: Vec<Tensor> = (0..windows.taps()).map(|tap| windows.take(&padded, tap)).collect::<Result<_>>()?;
    let inner = shape.in_channels / shape.groups;
    let by_tap = Tensor::stack(&taps, 0)?.reshape((taps.len(), shape.groups, inner, ()))?;
    Ok(by_tap.transpose(0, 1)?.reshape((shape.groups, taps.len() * inner, ()))?)
}

/// `W`, from `[O, C/G, kernel, kernel]` or `[O, C]`.
fn matrix(shape: &ConvShape, w: &Tensor) -> Result<Tensor> {
    let inner = shape.in_channels / shape.groups;
    let by_tap = w.reshape((shape.out_channels, inner, ()))?.transpose(1, 2)?;
    Ok(by_tap.reshape((shape.groups, shape.out_channels / shape.groups, ()))?)
}

/// The output's gradient `[B, O, P]` as `[G, O/G, B·P]`.
fn rows(shape: &ConvShape, g: &Tensor) -> Result<Tensor> {
    let by_channel = g.reshape((shape.batch, shape.out_channels, ()))?.transpose(0, 1)?;
    Ok(by_channel.reshape((shape.groups, shape.out_channels / shape.groups, ()))?)
}

/// `y [B, O, P]`, contiguous.
pub(super) fn forward(shape: &ConvShape, x: &Tensor, w: &Tensor) -> Result<Tensor> {
    let y = matrix(shape, w)?.matmul(&columns(shape, x)?)?;
    Ok(y.reshape((shape.out_channels, shape.batch, ()))?.transpose(0, 1)?.contiguous()?)
}

/// The gradient of `w [O, C/G, T]`, contiguous.
pub(super) fn weight_gradient(shape: &ConvShape, x: &Tensor, g: &Tensor) -> Result<Tensor> {
    let dw = rows(shape, g)?.matmul(&columns(shape, x)?.t()?)?;
    let by_tap = dw.reshape((shape.out_channels, (), shape.in_channels / shape.groups))?;
    Ok(by_tap.transpose(1, 2)?.contiguous()?)
}

/// The gradient of `x [B, C, height, width]`, contiguous.
pub(super) fn input_gradient(shape: &ConvShape, w: &Tensor, g: &Tensor) -> Result<Tensor> {
    let windows = windows(shape);
    let [height, width] = windows.output;
    let columns = matrix(shape, w)?.t()?.matmul(&rows(shape, g)?)?;
    let inner = shape.in_channels / shape.groups;
    let by_tap = columns.reshape((shape.groups, windows.taps(), inner, ()))?.transpose(0, 1)?;
    let by_tap = by_tap.reshape((windows.taps(), shape.in_channels, shape.batch, height * width))?;
    let part = |tap: usize| {
        let map = by_tap.get(tap)?.reshape((shape.in_channels, shape.batch, height, width))?;
        windows.put(&map, tap)
    };
    let mut padded = part(0)?;
    for tap in 1..windows.taps() {
        padded = (padded + part(tap)?)?;
    }
    let dx = windows.crop(&padded)?;
    Ok(dx.transpose(0, 1)?.contiguous()?)
}
