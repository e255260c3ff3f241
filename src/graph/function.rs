//! Operators without quantisable weights beyond those of residual CNNs: activations, softmax, norms over the last axis,
//! windows, products, and moves of elements.

use serde::{Deserialize, Serialize};

use crate::graph::axis::AxisMap;
use crate::graph::op::Padding;

/// A pointwise function.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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
    /// `scale · x + shift`.
    Affine {
        /// Factor.
        scale: f64,
        /// Summand.
        shift: f64,
    },
    /// `x` above 0, else `alpha (eˣ − 1)` (Clevert et al., arXiv 1511.07289).
    Elu {
        /// Factor below 0.
        alpha: f64,
    },
    /// `ln(1 + eˣ)`.
    Softplus,
    /// `|x|`; its slope at 0 is 0.
    Absolute,
    /// `eˣ`.
    Exp,
    /// `ln x`.
    Log,
    /// `√x`.
    SquareRoot,
    /// `1/x`.
    Reciprocal,
    /// `x` to a fixed power.
    Power {
        /// The power.
        exponent: f64,
    },
    /// `erf x`.
    Erf,
    /// `sin x`.
    Sine,
    /// `cos x`.
    Cosine,
    /// `⌊x⌋`; without slope, as the ones below.
    Floor,
    /// `⌈x⌉`.
    Ceil,
    /// The nearest whole number, of two the even one.
    Round,
    /// `x` without its fraction.
    Truncate,
    /// 1 where `x > 0`, else 0.
    IsPositive,
    /// 1 where `x = 0`, else 0.
    IsZero,
}

impl Activation {
    /// Whether no output can be negative.
    pub fn is_non_negative(self) -> bool {
        match self {
            Activation::Clip { low, .. } => low >= 0.0,
            Activation::Sigmoid
            | Activation::HardSigmoid
            | Activation::Softplus
            | Activation::Absolute
            | Activation::Exp
            | Activation::SquareRoot
            | Activation::IsPositive
            | Activation::IsZero => true,
            Activation::Power { exponent } => exponent % 2.0 == 0.0,
            _ => false,
        }
    }

    /// Whether it is linear in pieces, so that its second derivative is zero almost everywhere.
    pub fn is_piecewise_linear(self) -> bool {
        matches!(
            self,
            Activation::Clip { .. }
                | Activation::LeakyRelu { .. }
                | Activation::HardSigmoid
                | Activation::Affine { .. }
                | Activation::Absolute
                | Activation::Floor
                | Activation::Ceil
                | Activation::Round
                | Activation::Truncate
                | Activation::IsPositive
                | Activation::IsZero
        )
    }
}

/// A window over height and width. Rows first, then columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Step.
    pub stride: [usize; 2],
    /// Cells around the map that windows may cover; never the largest.
    pub padding: Padding,
    /// Those of them that count as zeros in a mean; none of the others do.
    pub counted: Padding,
}

impl Window {
    /// A square window; cells around the map are not counted in a mean.
    pub fn square(kernel: usize, stride: usize, padding: usize) -> Self {
        let padding = Padding::even(padding);
        Self { kernel: [kernel; 2], stride: [stride; 2], padding, counted: Padding::default() }
    }
}

/// What a [`crate::graph::Op::Function`] computes, per sample. Shapes are without the batch axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// A pointwise function.
    Activation(Activation),
    /// Softmax over the last axis; `causal`: row `i` of the last two axes sees columns `0..=i` only, others give 0.
    Softmax {
        /// Whether later positions are hidden.
        causal: bool,
    },
    /// `(x − μ)/√(v + ε) · γ + β` over the last axis (Ba et al., arXiv 1607.06450); parameters `NAME.weight`, `NAME.bias`,
    /// or none: `γ = 1`, `β = 0`.
    LayerNorm {
        /// Added to the variance.
        epsilon: f64,
        /// Whether it has parameters.
        affine: bool,
    },
    /// `x/√(mean x² + ε) · γ` over the last axis (Zhang and Sennrich, arXiv 1910.07467); parameter `NAME.weight`.
    RmsNorm {
        /// Added to the mean square.
        epsilon: f64,
    },
    /// Largest value in each window of `[C, H, W]`; the first of equals has the gradient.
    MaxPool(Window),
    /// Mean of each window of `[C, H, W]` over its cells inside the map and the counted ones around it.
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
    /// The larger of two elements; of equals the first has the gradient.
    Larger,
    /// The smaller of two elements; of equals the first has the gradient.
    Smaller,
    /// The second input where the first is not 0, else the third; all of one shape. The first has no gradient.
    Select,
    /// The inputs one after the other.
    Concat {
        /// Along which axis.
        axis: usize,
    },
    /// The same elements in another shape.
    Reshape {
        /// The shape.
        shape: Vec<usize>,
    },
    /// A linear map along one axis.
    Along {
        /// Which axis.
        axis: usize,
        /// What is done.
        map: AxisMap,
    },
    /// Numbers that do not depend on the input; parameter `NAME.value`. It has no inputs.
    Constant {
        /// Their shape.
        shape: Vec<usize>,
        /// Whether training moves them; a table or a mask that follows from the architecture it does not.
        trained: bool,
    },
    /// Axis `i` of the output is axis `axes[i]` of the input.
    Transpose {
        /// A permutation of the axes.
        axes: Vec<usize>,
    },
}

impl Function {
    /// Names of its parameters.
    pub fn parameters(&self) -> &'static [&'static str] {
        match self {
            Function::LayerNorm { affine: true, .. } => &["weight", "bias"],
            Function::RmsNorm { .. } => &["weight"],
            Function::Constant { .. } => &["value"],
            _ => &[],
        }
    }

    /// Whether its parameter is a table that training leaves alone.
    pub fn is_table(&self) -> bool {
        matches!(self, Function::Constant { trained: false, .. })
    }

    /// Shape of each parameter, if the function's output has this shape: that of a constant, else the last axis.
    pub fn parameter_shape(&self, output: &[usize]) -> Vec<usize> {
        match self {
            Function::Constant { shape, .. } => shape.clone(),
            _ => vec![output.last().copied().unwrap_or(1)],
        }
    }

    /// Whether, its other inputs fixed, it is linear in pieces in each of its inputs.
    pub fn is_piecewise_linear(&self) -> bool {
        match self {
            Function::Activation(activation) => activation.is_piecewise_linear(),
            Function::MaxPool(_)
            | Function::AveragePool(_)
            | Function::Larger
            | Function::Smaller
            | Function::Select
            | Function::Concat { .. }
            | Function::Reshape { .. }
            | Function::Transpose { .. }
            | Function::Along { .. }
            | Function::Constant { .. } => true,
            // Both factors of a product may depend on one weight.
            Function::Multiply | Function::MatMul { .. } => false,
            Function::Softmax { .. } | Function::LayerNorm { .. } | Function::RmsNorm { .. } => false,
        }
    }
}
