//! The weights of one plan, packed at their bits: what a deployment needs.
//!
//! The file is a `bitplan.packed/2`, whose tensors [`crate::export::Deployment::from_packed`] reads and describes.

use std::path::Path;

use crate::data::Normalization;
use crate::error::{Error, Result};
use crate::exec::{Bindings, LayerBinding, Network, NormBinding, NormSite, Statistics, host};
use crate::export::{DeployedLayer, Deployment, InputNormalization, PackedDescription, PackedLayer};
use crate::graph::Graph;
use crate::quant::{ActivationQuantizer, Rounding};
use crate::store::TensorFile;

/// How pixels become inputs, as a file says it.
pub(super) fn stored_normalization(normalization: &Normalization) -> InputNormalization {
    InputNormalization { mean: normalization.mean().to_vec(), std: normalization.std().to_vec() }
}

/// What a file says of how pixels become inputs, checked.
pub(super) fn checked_normalization(stored: &InputNormalization, place: &str) -> Result<Normalization> {
    Normalization::new(stored.mean.clone(), stored.std.clone()).map_err(|_| {
        let found = format!("means {:?} and deviations {:?}", stored.mean, stored.std);
        let expected = "finite means and positive deviations, one for each channel";
        Error::input(place, found, expected, "write the file again")
    })
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
        let description = PackedDescription::read(&file, &place)?;
        Ok(Self { file, description, place })
    }

    /// What the plan chose, layer by layer.
    pub fn choices(&self) -> &[PackedLayer] {
        &self.description.layers
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
        checked_normalization(&self.description.normalization, &self.place)
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

    /// The plan in integers.
    ///
    /// # Errors
    /// When a tensor is missing or does not fit the network of the file.
    pub fn deployment(&self) -> Result<Deployment> {
        Deployment::from_packed(&self.file, &self.place)
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
        let deployment = self.deployment()?;
        let floats = |name: &str, shape: &[usize]| match deployment.parameters.get(name) {
            Some((found, values)) if found == shape => host::tensor(values.clone(), shape),
            other => {
                let found = other.map_or_else(|| "nothing".to_string(), |(found, _)| format!("shape {found:?}"));
                Err(self.other_network(format!("tensor `{name}`"), found, shape))
            }
        };
        let layer = |(l, deployed): (usize, &DeployedLayer)| {
            let shape = network.layers()[l].weight_shape.as_slice();
            if deployed.shape != shape {
                let found = format!("shape {:?}", deployed.shape);
                return Err(self.other_network(format!("weight of `{}`", deployed.name), found, shape));
            }
            let bias = match network.has_bias(l) {
                true => Some(floats(&format!("{}.bias", deployed.name), &shape[..1])?),
                false => None,
            };
            let weight = host::tensor(deployed.weights.values(), shape)?;
            Ok(LayerBinding { weight, bias, activation: quantizer(deployed, deployment.rounding) })
        };
        let norm = |norm: &NormSite| {
            let part = |what: &str| floats(&format!("{}.{what}", norm.name), &[norm.channels]);
            let statistics = Statistics::Fixed { mean: part("running_mean")?, variance: part("running_var")? };
            Ok(NormBinding { gamma: part("weight")?, beta: part("bias")?, statistics })
        };
        let function = |function: usize| {
            let parameters = network.function_parameters(function).into_iter();
            parameters.map(|(name, shape)| floats(&name, &shape)).collect::<Result<Vec<_>>>()
        };
        Ok(Bindings {
            layers: deployment.layers.iter().enumerate().map(layer).collect::<Result<_>>()?,
            norms: network.norms().iter().map(norm).collect::<Result<_>>()?,
            functions: (0..network.functions().len()).map(function).collect::<Result<_>>()?,
        })
    }

    fn other_network(&self, what: String, found: String, shape: &[usize]) -> Error {
        let place = format!("{}: {what}", self.place);
        Error::input(place, found, format!("shape {shape:?}, as the network has it"), "name another file")
    }
}

/// The quantiser of a layer's input and its scale.
fn quantizer(layer: &DeployedLayer, rounding: Rounding) -> Option<(ActivationQuantizer, f32)> {
    layer.activation.map(|a| (ActivationQuantizer::new(a.bits, a.unsigned, rounding), a.scale))
}

#[cfg(test)]
#[path = "packed_tests.rs"]
mod tests;
