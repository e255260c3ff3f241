//! Windows that slide over the last two axes: every convolution, pool and subsampling is made of them.
//!
//! Tap `t = (ky, kx)` of a window reads, for all outputs at once, a strided slice of the padded map:
//!
//! ```text
//! take_t(x)[…, oy, ox] = x̃[…, s_y·oy + ky, s_x·ox + kx],   x̃: x with zeros around;   put_t: its adjoint
//! ```

use candle_core::Tensor;

use crate::error::Result;
use crate::exec::kernels::conv::Dilation;

/// Extents of windows on a map; pairs are (rows, columns).
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    /// Taps of a window.
    pub(super) kernel: [usize; 2],
    /// Distance between neighbouring windows.
    pub(super) stride: [usize; 2],
    /// Zeros before the first row and column.
    pub(super) before: [usize; 2],
    /// Extent of the map.
    pub(super) input: [usize; 2],
    /// Number of windows.
    pub(super) output: [usize; 2],
}

impl Windows {
    /// Taps of one window.
    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Cells behind the last row or column that windows reach, or that are there without being read.
    fn after(&self, axis: usize) -> usize {
        let reach = (self.output[axis] - 1) * self.stride[axis] + self.kernel[axis];
        reach.saturating_sub(self.before[axis] + self.input[axis])
    }

    fn padded(&self, axis: usize) -> usize {
        self.before[axis] + self.input[axis] + self.after(axis)
    }

    /// The map with zeros around it.
    pub(super) fn pad(&self, x: &Tensor) -> Result<Tensor> {
        let rows = x.rank() - 2;
        let x = pad(x, rows, self.before[0], self.after(0))?;
        pad(&x, rows + 1, self.before[1], self.after(1))
    }

    /// Adjoint of [`Self::pad`]: the map without what is around it.
    pub(super) fn crop(&self, padded: &Tensor) -> Result<Tensor> {
        let rows = padded.rank() - 2;
        let inner = padded.narrow(rows, self.before[0], self.input[0])?;
        Ok(inner.narrow(rows + 1, self.before[1], self.input[1])?.contiguous()?)
    }

    fn offset(&self, tap: usize) -> [usize; 2] {
        [tap / self.kernel[1], tap % self.kernel[1]]
    }

    /// What tap `tap` of every window reads from a padded map.
    pub(super) fn take(&self, padded: &Tensor, tap: usize) -> Result<Tensor> {
        let (rows, offset) = (padded.rank() - 2, self.offset(tap));
        let x = every(padded, rows, offset[0], self.stride[0], self.output[0])?;
        every(&x, rows + 1, offset[1], self.stride[1], self.output[1])
    }

    /// Adjoint of [`Self::take`]: a padded map.
    pub(super) fn put(&self, y: &Tensor, tap: usize) -> Result<Tensor> {
        let (rows, offset) = (y.rank() - 2, self.offset(tap));
        let x = spread(y, rows + 1, offset[1], self.stride[1], self.padded(1))?;
        spread(&x, rows, offset[0], self.stride[0], self.padded(0))
    }
}

/// Kernels `[…, rows, columns]` with zeros between their cells.
pub(super) fn spread_kernel(dilation: Option<Dilation>, w: &Tensor) -> Result<Tensor> {
    let Some(dilation) = dilation else { return Ok(w.clone()) };
    let [height, width] = dilation.span();
    let wide = spread(w, w.rank() - 1, 0, dilation.distance[1], width)?;
    spread(&wide, w.rank() - 2, 0, dilation.distance[0], height)
}

/// Adjoint of [`spread_kernel`] from a gradient `[O, C/G, rows · columns]`.
pub(super) fn gather_kernel(dilation: Option<Dilation>, dw: &Tensor) -> Result<Tensor> {
    let Some(dilation) = dilation else { return Ok(dw.clone()) };
    let ([height, width], (out, inner, _)) = (dilation.span(), dw.dims3()?);
    let dw = dw.reshape((out, inner, height, width))?;
    let rows = every(&dw, 2, 0, dilation.distance[0], dilation.kernel[0])?;
    Ok(every(&rows, 3, 0, dilation.distance[1], dilation.kernel[1])?.contiguous()?)
}

/// Zeros around, contiguous: of a view, candle would return a tensor whose axes are swapped in memory, slow to read.
fn pad(x: &Tensor, axis: usize, before: usize, after: usize) -> Result<Tensor> {
    Ok(x.contiguous()?.pad_with_zeros(axis, before, after)?)
}

/// `y_i = x[offset + stride·i]` along an axis, for `count` values of `i`.
fn every(x: &Tensor, axis: usize, offset: usize, stride: usize, count: usize) -> Result<Tensor> {
    let x = x.narrow(axis, offset, (count - 1) * stride + 1)?;
    if stride == 1 {
        return Ok(x);
    }
    // Rows of `stride` elements, of which the first is kept.
    let mut shape = x.dims().to_vec();
    shape.splice(axis..=axis, [count, stride]);
    let rows = pad(&x, axis, 0, stride - 1)?.reshape(shape)?;
    Ok(rows.narrow(axis + 1, 0, 1)?.squeeze(axis + 1)?)
}

/// Adjoint of [`every`] for a source of `extent` elements.
fn spread(y: &Tensor, axis: usize, offset: usize, stride: usize, extent: usize) -> Result<Tensor> {
    let mut shape = y.dims().to_vec();
    let reach = (shape[axis] - 1) * stride + 1;
    shape[axis] *= stride;
    let apart = pad(&y.unsqueeze(axis + 1)?, axis + 1, 0, stride - 1)?.reshape(shape)?;
    pad(&apart.narrow(axis, 0, reach)?, axis, offset, extent - offset - reach)
}
