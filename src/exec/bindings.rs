//! The values a network runs with.

use candle_core::Tensor;

use crate::quant::ActivationQuantizer;

/// Weight, bias and input quantiser of one layer.
#[derive(Debug, Clone)]
pub struct LayerBinding {
    /// `[out, in/groups, k, k]` or `[out, in]`; already fake-quantised where the layer is quantised.
    pub weight: Tensor,
    /// `[out]`, for layers that have one.
    pub bias: Option<Tensor>,
    /// Quantiser of the input and its scale; none leaves the input as it is. Only for f32.
    pub activation: Option<(ActivationQuantizer, f32)>,
}

/// Where a batch norm takes mean and variance from.
#[derive(Debug, Clone)]
pub enum Statistics {
    /// From the batch: training.
    Batch,
    /// Given: evaluation.
    Fixed {
        /// `[channels]`.
        mean: Tensor,
        /// `[channels]`.
        variance: Tensor,
    },
}

/// Parameters of one batch norm.
#[derive(Debug, Clone)]
pub struct NormBinding {
    /// Scale, `[channels]`.
    pub gamma: Tensor,
    /// Shift, `[channels]`.
    pub beta: Tensor,
    /// Mean and variance.
    pub statistics: Statistics,
}

/// Everything a network runs with, in the order of its layers and norms.
#[derive(Debug, Clone)]
pub struct Bindings {
    /// One per layer.
    pub layers: Vec<LayerBinding>,
    /// One per norm.
    pub norms: Vec<NormBinding>,
    /// Parameters of each function, in their order: `γ` and `β` of a layer norm.
    pub functions: Vec<Vec<Tensor>>,
}
