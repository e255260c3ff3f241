//! Reads `bitplan.packed/2`: the weights of one plan, packed at their bits (a safetensors file).
//!
//! | tensor | type and shape |
//! |-|-|
//! | `LAYER.codes` | u8: codes in row-major order of the weight, dense little-endian bit stream (`quant::packing`) |
//! | `LAYER.scale` | f32 `[out]`, or `[out, groups]` of a matrix whose rows have several: weight = code · scale |
//! | `LAYER.activation_scale` | f32 scalar of the input quantiser, where inputs are quantised |
//! | `LAYER.weight` | f32, instead of the three, for a layer that stays FP32 |
//! | `LAYER.bias`, `NORM.{weight,bias,running_mean,running_var}`, `FUNCTION.{weight,bias,value}` | f32 |

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::export::{Activation, Codes, DeployedLayer, Deployment, LayerWeights};
use crate::graph::{Graph, Layer, Role, Values};
use crate::quant::{Rounding, packing};
use crate::space::Candidate;
use crate::store::{Array, TensorFile};

const FORMAT: &str = "bitplan.packed/2";

/// What the tensors of the file are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackedDescription {
    format: String,
    /// Name of the plan.
    pub plan: String,
    /// The network.
    pub network: Graph,
    /// How pixels become inputs.
    pub normalization: InputNormalization,
    /// How the inputs of layers are rounded.
    pub rounding: Rounding,
    /// What the plan chose, layer by layer.
    pub layers: Vec<PackedLayer>,
}

/// How pixels become inputs, as a file says it: one entry for each channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputNormalization {
    /// Taken away from pixels in `[0, 1]`.
    pub mean: Vec<f32>,
    /// What is left is divided by it.
    pub std: Vec<f32>,
}

/// The choice of one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackedLayer {
    /// Its name.
    pub name: String,
    /// What the plan chose.
    pub candidate: Candidate,
}

impl PackedDescription {
    /// That of a file to be written.
    pub fn new(
        network: Graph,
        normalization: InputNormalization,
        plan: &str,
        rounding: Rounding,
        layers: Vec<PackedLayer>,
    ) -> Self {
        Self { format: FORMAT.into(), plan: plan.into(), network, normalization, rounding, layers }
    }

    /// That of a file; `place` names it in messages.
    ///
    /// # Errors
    /// When the file is of another kind, or its layers are not those of its network.
    pub fn read(file: &TensorFile, place: &str) -> Result<Self> {
        let description: Self = file.describe(FORMAT, place)?;
        let layers = description.network.layers();
        match layers.iter().map(|l| &l.name).eq(description.layers.iter().map(|l| &l.name)) {
            true => Ok(description),
            false => Err(Error::input(place, "other layers", "those of its network", "write the file again")),
        }
    }
}

impl Deployment {
    /// The plan in a file of packed weights; `place` names it in messages.
    ///
    /// # Errors
    /// When the file is of another kind, damaged, or lacks a tensor.
    pub fn from_packed(file: &TensorFile, place: &str) -> Result<Self> {
        let PackedDescription { plan, network: graph, normalization, rounding, layers: choices, .. } =
            PackedDescription::read(file, place)?;
        let [mean, std] = [&normalization.mean, &normalization.std];
        if mean.len() != std.len()
            || mean.iter().any(|m| !m.is_finite())
            || !std.iter().all(|&s| s.is_finite() && s > 0.0)
        {
            let expected = "finite means and as many positive deviations";
            return Err(Error::input(
                place,
                format!("means {mean:?} and deviations {std:?}"),
                expected,
                "write the file again",
            ));
        }
        let mut parameters = Values::new();
        for parameter in graph.parameters().into_iter().filter(|p| p.role != Role::Weight) {
            let values = match parameter.role {
                Role::RunningVariance => file.positive(&parameter.name, &parameter.shape, true, place)?,
                _ => file.floats(&parameter.name, &parameter.shape, place)?,
            };
            parameters.insert(parameter.name, (parameter.shape, values.to_vec()));
        }
        let read = |(layer, choice): (Layer, PackedLayer)| read_layer(file, layer, choice.candidate, place);
        Ok(Self {
            plan,
            layers: graph.layers().into_iter().zip(choices).map(read).collect::<Result<_>>()?,
            parameters,
            normalization: [normalization.mean, normalization.std],
            rounding,
            folder: None,
            masters: Default::default(),
            ranges: Default::default(),
            graph,
        })
    }
}

fn read_layer(file: &TensorFile, layer: Layer, candidate: Candidate, place: &str) -> Result<DeployedLayer> {
    let named = |part: &str| format!("{}.{part}", layer.name);
    let (weights, mut activation) = match candidate.is_fp32() {
        true => (LayerWeights::Float(file.floats(&named("weight"), &layer.weight_shape, place)?.to_vec()), None),
        false => (LayerWeights::Codes(read_codes(file, &layer, candidate, place)?), None),
    };
    if layer.quantized_input && candidate.quantizes_activations() {
        let scale = file.positive(&named("activation_scale"), &[], false, place)?[0];
        let bits = u32::from(candidate.activation_bits());
        activation = Some(Activation { bits, unsigned: layer.unsigned_input, scale });
    }
    Ok(DeployedLayer { name: layer.name, shape: layer.weight_shape, candidate, weights, activation })
}

fn read_codes(file: &TensorFile, layer: &Layer, candidate: Candidate, place: &str) -> Result<Codes> {
    let name = format!("{}.codes", layer.name);
    let Some(Array::U8(_, stream)) = file.arrays.get(&name) else {
        let place = format!("{place}: tensor `{name}`");
        return Err(Error::input(place, "no packed codes", "a U8 tensor", "pack the plan again"));
    };
    let bits = u32::from(candidate.weight_bits());
    let codes = packing::unpack(stream, layer.parameters(), bits).map_err(|error| match error {
        Error::Input(fault) => {
            Error::input(format!("{place}: tensor `{name}`"), fault.found, fault.expected, fault.remedy)
        }
        other => other,
    })?;
    let name = format!("{}.scale", layer.name);
    let row = layer.parameters() / layer.channels().max(1);
    let found = file.arrays.get(&name).map(|a| a.shape());
    let (shape, group) = match (found, layer.weight_shape.as_slice()) {
        (Some(&[_, groups]), &[out, columns]) if groups > 0 && columns.is_multiple_of(groups) => {
            (vec![out, groups], columns / groups)
        }
        _ => (vec![layer.channels()], row),
    };
    let scale = file.positive(&name, &shape, false, place)?.to_vec();
    let largest = (1u32 << (bits - 1)) as f32;
    if let Some(scale) = scale.iter().find(|&&scale| !(scale * largest).is_finite()) {
        let found = format!("a scale of {scale:e}");
        return Err(Error::input(format!("{place}: tensor `{name}`"), found, "weights in reach of f32", "train again"));
    }
    Ok(Codes { bits, codes, scale, group })
}
