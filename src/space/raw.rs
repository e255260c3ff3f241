//! The file as written: a mirror of the YAML with every key, before any value is checked.
//!
//! Keys that are not named here are errors. A number is read as text so that its message can state its range; words
//! from a closed set are read as their enum. An empty value (`epochs:`) counts as absent.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;

use super::groups::RawGroups;
use super::latency::RawLatency;
use super::model::Zoo;
use super::raw_training::RawTraining;
use super::sensitivity::{ActivationSite, ActivationTerm, EstimatorName, Objective};
use crate::quant::{Rounding, ScaleGradient, WeightScale};

/// One value, with its line and column.
pub(super) type Text = Spanned<String>;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSpace {
    pub format: Text,
    pub name: Text,
    pub seed: Option<Text>,
    pub model: Spanned<RawModel>,
    pub data: RawData,
    pub search: RawSearch,
    pub quantizer: Option<RawQuantizer>,
    pub sensitivity: Option<RawSensitivity>,
    pub training: Option<RawTraining>,
    pub evaluation: Option<RawEvaluation>,
    pub latency: Option<Spanned<RawLatency>>,
    pub plans: Option<Spanned<Vec<RawPlan>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawModel {
    pub zoo: Option<Zoo>,
    pub file: Option<Text>,
    pub input: Option<Spanned<Vec<Text>>>,
    pub classes: Option<Text>,
    pub extents: Option<Pairs>,
    pub weights: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawData {
    pub train: Spanned<RawSplit>,
    pub test: Spanned<RawSplit>,
    pub normalization: Option<RawNormalization>,
    pub augmentation: Option<RawAugmentation>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSplit {
    pub idx: Option<RawPair>,
    pub cifar10: Option<RawFiles>,
    pub npz: Option<RawNpz>,
    pub npy: Option<RawPair>,
    pub text: Option<RawText>,
    pub tokens: Option<RawTokens>,
    pub limit: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawText {
    pub file: Text,
    pub tokenizer: Option<Text>,
    pub documents: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTokens {
    pub file: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPair {
    pub images: Text,
    pub labels: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFiles {
    pub files: Spanned<Vec<Text>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNpz {
    pub file: Text,
    pub images: Text,
    pub labels: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNormalization {
    pub mean: Spanned<Vec<Text>>,
    pub std: Spanned<Vec<Text>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAugmentation {
    pub crop_padding: Option<Text>,
    pub flip: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSearch {
    pub candidates: Spanned<Vec<Text>>,
    pub overrides: Option<Vec<RawOverride>>,
    pub pins: Option<Pairs>,
    pub groups: Option<Spanned<RawGroups>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOverride {
    #[serde(rename = "match")]
    pub pattern: Text,
    pub candidates: Spanned<Vec<Text>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawQuantizer {
    pub rounding: Option<Rounding>,
    pub scale_gradient: Option<ScaleGradient>,
    pub group_size: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSensitivity {
    pub estimator: Option<EstimatorName>,
    pub products: Option<Text>,
    pub activation_traces: Option<ActivationSite>,
    pub images: Option<Text>,
    pub batch_size: Option<Text>,
    pub min_probes: Option<Text>,
    pub max_probes: Option<Text>,
    pub relative_error: Option<Text>,
    pub max_seconds: Option<Text>,
    pub objective: Option<Objective>,
    pub scale: Option<WeightScale>,
    pub activation_term: Option<Spanned<ActivationTerm>>,
    pub measured_images: Option<Text>,
    pub pairs: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEvaluation {
    pub batch_size: Option<Text>,
    pub recalibration_images: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlan {
    pub name: Text,
    pub budgets: Spanned<RawBudgets>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBudgets {
    pub bitops: Option<Text>,
    pub weight_bytes: Option<Text>,
    pub model_bytes: Option<Text>,
    pub avg_weight_bits: Option<Text>,
    pub layer_avg_weight_bits: Option<Text>,
    pub latency_ms: Option<Text>,
    pub cycles: Option<Text>,
}

/// A mapping whose keys are the user's, in the order written. The parser refuses duplicate keys.
#[derive(Debug, Default)]
pub(super) struct Pairs(pub Vec<(Text, Text)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping from names to values")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}
