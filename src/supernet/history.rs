//! What a phase of training leaves for its report: one record for each epoch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::supernet::{Parameters, SuperNet};

/// One epoch. Losses and accuracies have a value for each network that a step trains.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Mean training loss.
    pub loss: Vec<f64>,
    /// Share of the training predictions that were right.
    pub accuracy: Vec<f64>,
    /// Scales of the quantisers at the end of the epoch, one entry per layer; empty in FP32 training.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scales: Vec<LayerScales>,
    /// `draws[layer][candidate]`: how often mixed-precision training trained it, over all steps and bases; the layers of
    /// a group all count. Empty in other phases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub draws: Vec<Vec<u64>>,
}

/// The scales of one layer's quantisers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LayerScales {
    /// Geometric mean of the weight scales; none where the weights stay FP32.
    pub weight: Option<f64>,
    /// Bits of the input → scale, for every width at which some candidate quantises it.
    pub activations: BTreeMap<u32, f64>,
}

impl SuperNet {
    /// The scales of every layer.
    ///
    /// # Errors
    /// When a parameter is missing.
    pub(super) fn layer_scales(&self, parameters: &Parameters) -> Result<Vec<LayerScales>> {
        let of_layer = |(l, layer): (usize, &crate::scheme::LayerScheme)| {
            if self.scheme().weight_quantizer(l).is_none() {
                return Ok(LayerScales::default());
            }
            let weight = geometric_mean(&parameters.values(&format!("{}.weight_scale", layer.name))?);
            let quantizing = layer.candidates.iter().filter(|c| layer.quantizes_input(**c));
            let activation = |&candidate| {
                let scale = parameters.scalar(&self.activation_scale_name(l, candidate))?;
                Ok((u32::from(candidate.activation_bits()), f64::from(scale)))
            };
            Ok(LayerScales { weight, activations: quantizing.map(activation).collect::<Result<_>>()? })
        };
        self.scheme().layers.iter().enumerate().map(of_layer).collect()
    }

    /// How often each candidate of each layer is in the configurations.
    pub(super) fn count_draws(&self, configurations: &[Vec<usize>]) -> Vec<Vec<u64>> {
        let layers = self.scheme().layers.iter().enumerate();
        let times = |l: usize, c: usize| configurations.iter().filter(|drawn| drawn.get(l) == Some(&c)).count() as u64;
        layers.map(|(l, layer)| (0..layer.candidates.len()).map(|c| times(l, c)).collect()).collect()
    }
}

/// Adds the draws of a step to those of the epoch so far.
pub(super) fn add_draws(sums: &mut Vec<Vec<u64>>, draws: Vec<Vec<u64>>) {
    if sums.is_empty() {
        *sums = draws;
        return;
    }
    for (sum, drawn) in sums.iter_mut().flatten().zip(draws.into_iter().flatten()) {
        *sum += drawn;
    }
}

/// `exp(mean ln x)` of positive numbers; none without any. The logarithm of libm is the same on every platform.
fn geometric_mean(values: &[f32]) -> Option<f64> {
    let logarithms: f64 = values.iter().map(|&x| libm::log(f64::from(x))).sum();
    (!values.is_empty()).then(|| libm::exp(logarithms / values.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_geometric_mean_is_the_root_of_the_product() {
        let mean = geometric_mean(&[0.5, 0.25, 4.0, 0.125]).unwrap();
        assert!((mean - 0.0625f64.powf(0.25)).abs() < 1e-15, "{mean}");
        assert_eq!(geometric_mean(&[]), None);
        let smallest = geometric_mean(&[f32::MIN_POSITIVE; 3]).unwrap();
        assert!((smallest / f64::from(f32::MIN_POSITIVE) - 1.0).abs() < 1e-12, "{smallest}");
    }

    #[test]
    fn a_record_of_losses_alone_reads_and_writes_as_before() {
        let text = r#"{"loss":[0.25],"accuracy":[0.5]}"#;
        let record: EpochRecord = serde_json::from_str(text).unwrap();
        assert_eq!((record.scales.len(), record.draws.len()), (0, 0));
        assert_eq!(serde_json::to_string(&record).unwrap(), text);
    }

    #[test]
    fn widths_are_keys_of_a_record() {
        let scales = LayerScales { weight: None, activations: BTreeMap::from([(8, 0.1), (2, 0.5)]) };
        let record = EpochRecord { scales: vec![scales], draws: vec![vec![3, 0]], ..EpochRecord::default() };
        let text = serde_json::to_string(&record).unwrap();
        assert!(
            text.contains(r#""scales":[{"weight":null,"activations":{"2":0.5,"8":0.1}}],"draws":[[3,0]]"#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<EpochRecord>(&text).unwrap(), record);
    }
}
