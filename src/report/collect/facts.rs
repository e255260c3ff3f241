//! What is known of a run before anything is computed, `bitplan.facts/1`: the file `facts.json` of its folder. With it a
//! report needs neither the search space nor the network nor the data again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sampling::Strategy;
use crate::space::Candidate;

/// The `format` field of the facts.
pub const FACTS_FORMAT: &str = "bitplan.facts/1";

/// The file's name.
pub const FACTS_FILE: &str = "facts.json";

/// Everything that follows from the search space, the network and the data alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// `bitplan.facts/1`.
    pub format: String,
    /// Version of the program.
    pub version: String,
    /// Name of the search space.
    pub name: String,
    /// Name of the network.
    pub network: String,
    /// What a sample is: `images`, `windows of text`.
    pub samples: String,
    /// Whether networks are judged by perplexity.
    pub language: bool,
    /// Training samples.
    pub training_samples: u64,
    /// Held-out samples.
    pub held_out_samples: u64,
    /// Seed of all random streams.
    pub seed: u64,
    /// Where networks were trained and evaluated.
    pub device: String,
    /// How ties are rounded.
    pub rounding: String,
    /// Weights of a row that share a scale; none: those of an output channel.
    pub group_size: Option<usize>,
    /// The layers in graph order.
    pub layers: Vec<LayerFacts>,
    /// Indices of layers that take the same candidate.
    pub groups: Vec<Vec<usize>>,
    /// Names of the plans asked for.
    pub plans: Vec<String>,
    /// The uniform precisions, widest first.
    pub uniforms: Vec<UniformFacts>,
    /// Bit operations and bytes of the FP32 weights.
    pub float_cost: (u64, u64),
    /// Numbers of weights that the network's files have once and the network again.
    #[serde(default)]
    pub copied_parameters: u64,
    /// Epochs of FP32 training; none if its weights were given.
    pub float_epochs: Option<u64>,
    /// Epochs of multi-precision training.
    pub multi_precision_epochs: u64,
    /// Epochs and sampling of mixed-precision training.
    pub mixed_precision: SamplingFacts,
    /// Input → content hash.
    pub inputs: BTreeMap<String, String>,
    /// What a reader of the network's file should know.
    pub notes: Vec<String>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerFacts {
    /// Its name.
    pub name: String,
    /// Weights.
    pub parameters: u64,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// What it may take, widest first.
    pub candidates: Vec<CandidateFacts>,
    /// Whether the search space pins it.
    pub pinned: bool,
}

/// One candidate of one layer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandidateFacts {
    /// Its bits.
    pub candidate: Candidate,
    /// Bit operations of one inference.
    pub bitops: u64,
    /// Bytes of codes and scales.
    pub weight_bytes: u64,
}

/// Every layer at one candidate, as far as it can take it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UniformFacts {
    /// As the evaluation names it.
    pub name: String,
    /// Index of each layer's candidate.
    pub configuration: Vec<usize>,
}

/// How mixtures are drawn (method.md §4).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplingFacts {
    /// Epochs.
    pub epochs: u64,
    /// Who draws.
    pub strategy: Strategy,
    /// Probability in the last epoch that a layer leaves the step's precision.
    pub sigma: f64,
    /// First epochs in which none does.
    pub warmup: u64,
}
