//! The integer masters of a deployment: what every precision of its layers follows from.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::export::{Deployment, LayerWeights};
use crate::quant::weights::signed_range;
use crate::quant::{Rounding, ScaleGradient, WeightQuantizer};
use crate::store::{Array, TensorFile};

const FORMAT: &str = "bitplan.master/2";

/// The codes of a layer at the widest precision of its run, in the order of its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Master {
    /// Bits of a code, 2 to 8.
    pub bits: u32,
    /// How the switch rounds.
    pub rounding: Rounding,
    /// One for each weight.
    pub codes: Vec<i8>,
    /// As many as the layer has at the bits of the plan; positive.
    pub scale: Vec<f32>,
}

impl Master {
    /// Codes and scales at `bits`, up to the master's.
    pub fn switch(&self, bits: u32) -> (Vec<i8>, Vec<f32>) {
        // No gradient is taken.
        let scale_gradient = ScaleGradient::default();
        let quantizer = WeightQuantizer { master_bits: self.bits, rounding: self.rounding, scale_gradient };
        (quantizer.switch(&self.codes, bits), quantizer.scale_at(&self.scale, bits))
    }
}

#[derive(Deserialize)]
struct Description {
    rounding: Rounding,
    layers: Vec<LayerMaster>,
}

#[derive(Deserialize)]
struct LayerMaster {
    name: String,
    master_bits: Option<u32>,
}

impl Deployment {
    /// Adds the masters of a `bitplan.master/2` file, the run's, for the layers that have fewer bits in the plan; `place`
    /// names it in messages.
    ///
    /// # Errors
    /// When the file is of another kind, damaged, or the plan's codes do not follow from it; nothing is added then.
    pub fn add_masters(&mut self, file: &TensorFile, place: &str) -> Result<()> {
        let description: Description = file.describe(FORMAT, place)?;
        let mut masters = BTreeMap::new();
        for layer in &self.layers {
            let LayerWeights::Codes(plan) = &layer.weights else { continue };
            let wrong = |found: &str| {
                let place = format!("{place}: tensor `{}.weight`", layer.name);
                Error::input(
                    place,
                    found,
                    "the master of the plan's weights",
                    "export with the master of the plan's run",
                )
            };
            let stored = description.layers.iter().find(|stored| stored.name == layer.name);
            let Some(bits @ 2..=8) = stored.and_then(|stored| stored.master_bits) else {
                return Err(wrong("no master"));
            };
            let (low, high) = signed_range(bits);
            let codes = match file.arrays.get(&format!("{}.weight", layer.name)) {
                Some(Array::I8(shape, codes)) if *shape == layer.shape => codes,
                _ => return Err(wrong("no codes of its shape")),
            };
            if bits < plan.bits || codes.iter().any(|&code| !(low..=high).contains(&code.into())) {
                return Err(wrong(&format!("codes of more or fewer than {bits} bits")));
            }
            let groups = plan.scale.len() / layer.shape[0].max(1);
            let shape = [layer.shape[0], groups];
            let shape = if groups == 1 { &shape[..1] } else { &shape[..] };
            let scale = file.positive(&format!("{}.weight_scale", layer.name), shape, false, place)?;
            let master = Master { bits, rounding: description.rounding, codes: codes.clone(), scale: scale.to_vec() };
            if master.switch(plan.bits) != (plan.codes.clone(), plan.scale.clone()) {
                return Err(wrong("other codes or scales at the plan's bits"));
            }
            if bits > plan.bits {
                masters.insert(layer.name.clone(), master);
            }
        }
        self.masters = masters;
        Ok(())
    }
}
