//! Global average pooling and the subsampling shortcut, forward and adjoint.

use crate::exec::kernels::Real;

/// Mean of each row of `positions` elements.
pub fn average<T: Real>(x: &[T], positions: usize, y: &mut [T]) {
    for (y, row) in y.iter_mut().zip(x.chunks_exact(positions)) {
        *y = T::from_f64(row.iter().map(|v| v.to_f64()).sum::<f64>() / positions as f64);
    }
}

/// Adjoint of [`average`].
pub fn spread<T: Real>(dy: &[T], positions: usize, dx: &mut [T]) {
    let share = T::from_f64(1.0 / positions as f64);
    for (&dy, row) in dy.iter().zip(dx.chunks_exact_mut(positions)) {
        row.fill(dy * share);
    }
}

/// Extents of the subsampling shortcut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubsampleShape {
    /// Samples.
    pub batch: usize,
    /// Channels in.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// Zero channels in front.
    pub before: usize,
    /// Height in.
    pub in_height: usize,
    /// Width in.
    pub in_width: usize,
    /// Step in both directions.
    pub stride: usize,
}

impl SubsampleShape {
    /// Calls `pair(input index, output index)` for every element that is kept.
    fn for_each_pair(&self, mut pair: impl FnMut(usize, usize)) {
        let (out_height, out_width) = (self.in_height.div_ceil(self.stride), self.in_width.div_ceil(self.stride));
        for b in 0..self.batch {
            for c in 0..self.in_channels {
                for row in 0..out_height {
                    let source = ((b * self.in_channels + c) * self.in_height + row * self.stride) * self.in_width;
                    let target = ((b * self.out_channels + self.before + c) * out_height + row) * out_width;
                    for column in 0..out_width {
                        pair(source + column * self.stride, target + column);
                    }
                }
            }
        }
    }

    /// `y` = every `stride`-th row and column of `x`, in channels `before..`; other channels 0.
    pub fn forward<T: Real>(&self, x: &[T], y: &mut [T]) {
        y.fill(T::ZERO);
        self.for_each_pair(|from, to| y[to] = x[from]);
    }

    /// Adjoint of [`Self::forward`].
    pub fn adjoint<T: Real>(&self, dy: &[T], dx: &mut [T]) {
        dx.fill(T::ZERO);
        self.for_each_pair(|from, to| dx[from] = dy[to]);
    }
}
