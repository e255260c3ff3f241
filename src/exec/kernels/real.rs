//! The two element types of the kernels: f32 for work, f64 for proofs.

use std::ops::Neg;

use candle_core::WithDType;

/// A floating-point element of a tensor.
pub trait Real: WithDType + Neg<Output = Self> {
    /// 0.
    const ZERO: Self;

    /// The larger of the value and zero; NaN stays NaN, so that a diverged network is seen.
    #[inline(always)]
    fn relu(self) -> Self {
        if self < Self::ZERO { Self::ZERO } else { self }
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
}

impl Real for f64 {
    const ZERO: Self = 0.0;
}
