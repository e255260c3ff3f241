//! The weights of one plan, packed at their bits: what a deployment needs.
//!
//! A safetensors file, `bitplan.packed/2`:
//!
//! | tensor | type and shape |
//! |-|-|
//! | `LAYER.codes` | u8: codes in row-major order of the weight, dense little-endian bit stream (`quant::packing`) |
//! | `LAYER.scale` | f32 `[out]`: weight = code · scale |
//! | `LAYER.activation_scale` | f32 scalar of the input quantiser |
//! | `LAYER.weight` | f32, instead of the three, for a layer that stays FP32 |
//! | `LAYER.bias`, `NORM.{weight,bias,running_mean,running_var}`, `FUNCTION.{weight,bias,value}` | f32 |

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::data::Normalization;
use crate::error::{Error, Result};
use crate::exec::{Bindings, LayerBinding, Network, NormBinding, Statistics, host};
use crate::graph::Graph;
use crate::quant::{ActivationQuantizer, Rounding, WeightQuantizer, packing};
use crate::space::Candidate;
use crate::store::{Array, TensorFile};

const FORMAT: &str = "bitplan.packed/2";

/// What the tensors of the file are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PackedDescription {
    format: String,
    plan: String,
    network: Graph,
    normalization: InputNormalization,
    rounding: Rounding,
    layers: Vec<PackedLayer>,
}

/// How pixels become inputs, as a file says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct InputNormalization {
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl InputNormalization {
    pub fn of(normalization: &Normalization) -> Self {
        Self { mean: normalization.mean().to_vec(), std: normalization.std().to_vec() }
    }

    pub fn check(&self, place: &str) -> Result<Normalization> {
        Normalization::new(self.mean.clone(), self.std.clone()).map_err(|_| {
            let found = format!("means {:?} and deviations {:?}", self.mean, self.std);
            let expected = "finite means and positive deviations, one for each channel";
            Error::input(place, found, expected, "write the file again")
        })
    }
}

/// The choice of one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PackedLayer {
    pub name: String,
    pub candidate: Candidate,
}

impl PackedDescription {
    pub fn new(
        network: Graph,
        normalization: InputNormalization,
        plan: &str,
        rounding: Rounding,
        layers: Vec<PackedLayer>,
    ) -> Self {
        Self { format: FORMAT.into(), plan: plan.into(), network, normalization, rounding, layers }
    }
}

/// The packed weights of one plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PackedWeights {
    file: TensorFile,
    description: PackedDescription,
    place: String,
}

impl PackedWeights {
    pub(super) fn new(mut file: TensorFile, description: PackedDescription) -> Result<Self> {
        file.description = TensorFile::new(&description)?.description;
        Ok(Self { file, description, place: "packed weights".into() })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        self.file.write(path)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is missing, damaged or of another kind.
    pub fn read(path: &Path) -> Result<Self> {
        let file = TensorFile::read(path)?;
        let place = path.display().to_string();
        let description: PackedDescription = file.describe(FORMAT, &place)?;
        Ok(Self { file, description, place })
    }

    /// Name of the plan.
    pub fn plan(&self) -> &str {
        &self.description.plan
    }

    /// The network that the weights are for.
    pub fn graph(&self) -> &Graph {
        &self.description.network
    }

    /// How pixels become inputs.
    ///
    /// # Errors
    /// When the description's numbers are impossible.
    pub fn normalization(&self) -> Result<Normalization> {
        self.description.normalization.check(&self.place)
    }

    /// Bytes of all tensors: what a model budget counts.
    pub fn model_bytes(&self) -> u64 {
        self.file.arrays.values().map(|array| array.bytes() as u64).sum()
    }

    /// Bytes of codes and scales: what a weight budget counts.
    pub fn weight_bytes(&self) -> u64 {
        let of_layer = |layer: &PackedLayer| {
            let length = |part: &str, size: usize| {
                self.file
                    .arrays
                    .get(&format!("{}.{part}", layer.name))
                    .map_or(0, |a| size * a.shape().iter().product::<usize>())
            };
            (length("codes", 1) + length("scale", 4) + length("weight", 4)) as u64
        };
        self.description.layers.iter().map(of_layer).sum()
    }

    /// The network with weights unpacked and dequantised: code · scale.
    ///
    /// # Errors
    /// When a tensor is missing or does not fit the network.
    pub fn bindings(&self, network: &Network) -> Result<Bindings> {
        let names: Vec<&str> = self.description.layers.iter().map(|l| l.name.as_str()).collect();
        if !network.layers().iter().map(|l| l.name.as_str()).eq(names.iter().copied()) {
            return Err(Error::input(
                &self.place,
                format!("layers {names:?}"),
                "those of the network",
                "name another file",
            ));
        }
        let layers = (0..names.len()).map(|l| self.layer(network, l)).collect::<Result<_>>()?;
        let norm = |norm: &crate::exec::NormSite| {
            let part = |what: &str| {
                let values = self.file.floats(&format!("{}.{what}", norm.name), &[norm.channels], &self.place)?;
                host::tensor(values.to_vec(), norm.channels)
            };
            let name = format!("{}.running_var", norm.name);
            let variance = self.file.positive(&name, &[norm.channels], true, &self.place)?;
            let variance = host::tensor(variance.to_vec(), norm.channels)?;
            let statistics = Statistics::Fixed { mean: part("running_mean")?, variance };
            Ok(NormBinding { gamma: part("weight")?, beta: part("bias")?, statistics })
        };
        let function = |function: usize| {
            let bind = |(name, shape): (String, Vec<usize>)| {
                host::tensor(self.file.floats(&name, &shape, &self.place)?.to_vec(), shape)
            };
            network.function_parameters(function).into_iter().map(bind).collect::<Result<Vec<_>>>()
        };
        Ok(Bindings {
            layers,
            norms: network.norms().iter().map(norm).collect::<Result<_>>()?,
            functions: (0..network.functions().len()).map(function).collect::<Result<_>>()?,
        })
    }

    fn layer(&self, network: &Network, l: usize) -> Result<LayerBinding> {
        let layer = &network.layers()[l];
        let candidate = self.description.layers[l].candidate;
        let floats =
            |part: &str, shape: &[usize]| self.file.floats(&format!("{}.{part}", layer.name), shape, &self.place);
        let bias = match network.has_bias(l) {
            true => Some(host::tensor(floats("bias", &[layer.channels()])?.to_vec(), layer.channels())?),
            false => None,
        };
        let shape = layer.weight_shape.as_slice();
        if candidate.is_fp32() {
            let weight = host::tensor(floats("weight", shape)?.to_vec(), shape)?;
            return Ok(LayerBinding { weight, bias, activation: None });
        }
        let name = format!("{}.codes", layer.name);
        let Some(Array::U8(_, stream)) = self.file.arrays.get(&name) else {
            let place = format!("{}: tensor `{name}`", self.place);
            return Err(Error::input(place, "no packed codes", "a U8 tensor", "pack the plan again"));
        };
        let bits = u32::from(candidate.weight_bits());
        let codes = packing::unpack(stream, layer.parameters(), bits)?;
        let positive = |part: &str, shape: &[usize]| {
            self.file.positive(&format!("{}.{part}", layer.name), shape, false, &self.place)
        };
        let scale = positive("scale", &[layer.channels()])?;
        let weight = WeightQuantizer::dequantize(&codes, scale);
        let weight = host::tensor(weight, shape)?;
        if !layer.quantized_input {
            return Ok(LayerBinding { weight, bias, activation: None });
        }
        let activation_bits = u32::from(candidate.activation_bits());
        let quantizer = ActivationQuantizer::new(activation_bits, layer.unsigned_input, self.description.rounding);
        let activation_scale = positive("activation_scale", &[])?[0];
        Ok(LayerBinding { weight, bias, activation: Some((quantizer, activation_scale)) })
    }
}

#[cfg(test)]
#[path = "packed_tests.rs"]
mod tests;
