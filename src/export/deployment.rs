//! A plan in integers, in memory: what every writer starts from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::export::Master;
use crate::graph::{Graph, Values};
use crate::quant::{Rounding, WeightQuantizer};
use crate::space::Candidate;

/// A network at the bits of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// Name of the plan.
    pub plan: String,
    /// The network.
    pub graph: Graph,
    /// Its layers, in the order of [`Graph::layers`].
    pub layers: Vec<DeployedLayer>,
    /// All other parameters of the graph by name: biases `LAYER.bias`, batch norms `NORM.{weight,bias,running_mean,running_var}`,
    /// other norms and constants.
    pub parameters: Values,
    /// Mean and deviation of each channel by which pixels in `[0, 1]` become inputs, for the manifest; the network's input is
    /// normalised already. One entry for each channel.
    pub normalization: [Vec<f32>; 2],
    /// How the inputs of layers are rounded while the network runs. Weights are integers already.
    pub rounding: Rounding,
    /// The folder of a Hugging Face model that the network was read from.
    pub folder: Option<PathBuf>,
    /// The integer masters that the codes were switched from, by layer, where they are known ([`Deployment::add_masters`]).
    pub masters: BTreeMap<String, Master>,
    /// The smallest and the largest number that a node gives over calibration samples, by the node's name; nothing where they
    /// are not measured ([`crate::export::Format::needs_ranges`]). A node that runs as one with the next has none.
    pub ranges: BTreeMap<String, [f32; 2]>,
}

/// A layer at its bits.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployedLayer {
    /// Its name, that of the graph's node.
    pub name: String,
    /// Shape of the weight, output channels first.
    pub shape: Vec<usize>,
    /// What the plan chose.
    pub candidate: Candidate,
    /// The weight, row-major.
    pub weights: LayerWeights,
    /// How its input is quantised; none for token numbers, for `fp32` and for weight-only candidates (`w4a16`).
    pub activation: Option<Activation>,
}

/// The weights of a layer.
#[derive(Debug, Clone, PartialEq)]
pub enum LayerWeights {
    /// Not quantised.
    Float(Vec<f32>),
    /// Integers.
    Codes(Codes),
}

/// Signed codes in `[−2^(b−1), 2^(b−1) − 1]`; weight `i` is `codes[i] · scale[i / group]`, in f32.
#[derive(Debug, Clone, PartialEq)]
pub struct Codes {
    /// Bits of a code, 2 to 8.
    pub bits: u32,
    /// One for each weight.
    pub codes: Vec<i8>,
    /// Positive.
    pub scale: Vec<f32>,
    /// Weights that share a scale, consecutive: a whole output channel, or a divisor of the last axis.
    pub group: usize,
}

/// The quantiser of a layer's input: `x̂ = clip(round(x / scale), low, high) · scale`, codes `[0, 2^b − 1]` if unsigned, else
/// `[−2^(b−1), 2^(b−1) − 1]`; the zero point is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activation {
    /// Bits of a code, 2 to 8.
    pub bits: u32,
    /// Whether codes are unsigned.
    pub unsigned: bool,
    /// Positive.
    pub scale: f32,
}

impl Activation {
    /// Smallest and largest code.
    pub fn range(self) -> (i32, i32) {
        match self.unsigned {
            true => (0, (1 << self.bits) - 1),
            false => crate::quant::weights::signed_range(self.bits),
        }
    }
}

impl LayerWeights {
    /// The values that a runtime computes with.
    pub fn values(&self) -> Vec<f32> {
        match self {
            LayerWeights::Float(values) => values.clone(),
            LayerWeights::Codes(codes) => WeightQuantizer::dequantize(&codes.codes, &codes.scale),
        }
    }
}

impl DeployedLayer {
    /// Number of weights.
    pub fn parameters(&self) -> usize {
        self.shape.iter().product()
    }
}
