//! Operators without quantisable weights beyond those of residual CNNs: activations, softmax, norms over the last axis,
//! windows, products, and moves of elements.

use serde::Serialize;

/// A pointwise nonlinearity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `min(max(x, low), high)`; ReLU6 is 0 and 6. The slope at the ends is 0.
    Clip {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// `x` above 0, else `slope · x`.
    LeakyRelu {
        /// Factor below 0.
        slope: f64,
    },
    /// `x Φ(x) = x/2 (1 + erf(x/√2))` (Hendrycks and Gimpel, arXiv 1606.08415).
    Gelu,
    /// GELU's approximation `x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))`.
    GeluTanh,
    /// `x σ(x)`, SiLU or swish.
    Silu,
    /// `σ(x) = 1/(1 + e⁻ˣ)`.
    Sigmoid,
    /// `min(max(x/6 + 1/2, 0), 1)`, as ONNX's HardSwish and PyTorch use it.
    HardSigmoid,
    /// `x · HardSigmoid(x)`.
    HardSwish,
    /// `tanh x`.
    Tanh,
}

impl Activation {
    /// Whether no output can be negative.
    pub fn is_non_negative(self) -> bool {
        match self {
            Activation::Clip { low, .. } => low >= 0.0,
            Activation::Sigmoid | Activation::HardSigmoid => true,
            _ => false,
        }
    }

    /// Whether it is linear in pieces, so that its second derivative is zero almost everywhere.
    pub fn is_piecewise_linear(self) -> bool {
        matches!(self, Activation::Clip { .. } | Activation::LeakyRelu { .. } | Activation::HardSigmoid)
    }
}

/// A square window over height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Height and width.
    pub kernel: usize,
    /// Step in both directions.
    pub stride: usize,
    /// Cells added on every side: never the largest, and not counted in a mean.
    pub padding: usize,
}

/// What a [`crate::graph::Op::Function`] computes, per sample. Shapes are without the batch axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// A pointwise nonlinearity.
    Activation(Activation),
    /// Softmax over the last axis; `causal`: row `i` of the last two axes sees columns `0..=i` only, others give 0.
    Softmax {
        /// Whether later positions are hidden.
        causal: bool,
    },
    /// `(x − μ)/√(v + ε) · γ + β` over the last axis (Ba et al., arXiv 1607.06450); parameters `NAME.weight`, `NAME.bias`.
    LayerNorm {
        /// Added to the variance.
        epsilon: f64,
    },
    /// `x/√(mean x² + ε) · γ` over the last axis (Zhang and Sennrich, arXiv 1910.07467); parameter `NAME.weight`.
    RmsNorm {
        /// Added to the mean square.
        epsilon: f64,
    },
    /// Largest value in each window of `[C, H, W]`; the first of equals has the gradient.
    MaxPool(Window),
    /// Mean of each window of `[C, H, W]` over the cells inside the map.
    AveragePool(Window),
    /// Product of two tensors: of one shape, or the second `[C]` against the first's leading axis.
    Multiply,
    /// Matrix products over the leading axes: `scale · a·b`, or `scale · a·bᵀ`; `[…, m, k]` by `[…, k, n]` or `[…, n, k]`.
    MatMul {
        /// Whether the second factor is transposed.
        transpose_right: bool,
        /// Factor of the product, such as `1/√d`.
        scale: f64,
    },
    /// The inputs one after the other along the first axis.
    Concat,
    /// The same elements in another shape.
    Reshape,
    /// Axis `i` of the output is axis `axes[i]` of the input.
    Transpose {
        /// A permutation of the axes.
        axes: Vec<usize>,
    },
}

impl Function {
    /// Names of its parameters, each as long as the last axis.
    pub fn parameters(&self) -> &'static [&'static str] {
        match self {
            Function::LayerNorm { .. } => &["weight", "bias"],
            Function::RmsNorm { .. } => &["weight"],
            _ => &[],
        }
    }

    /// Whether, its other inputs fixed, it is linear in pieces in each of its inputs.
    pub fn is_piecewise_linear(&self) -> bool {
        match self {
            Function::Activation(activation) => activation.is_piecewise_linear(),
            Function::MaxPool(_)
            | Function::AveragePool(_)
            | Function::Concat
            | Function::Reshape
            | Function::Transpose { .. } => true,
            // Both factors of a product may depend on one weight.
            Function::Multiply | Function::MatMul { .. } => false,
            Function::Softmax { .. } | Function::LayerNorm { .. } | Function::RmsNorm { .. } => false,
        }
    }
}
