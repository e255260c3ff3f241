//! The trained SuperNet in integers: one int8 master per layer, from which every lower precision follows by a switch.
//!
//! A safetensors file, `bitplan.master/2`:
//!
//! | tensor | type and shape |
//! |-|-|
//! | `LAYER.weight` | i8 codes of the master, shape of the weight; f32 for a layer that stays FP32 |
//! | `LAYER.weight_scale` | f32 `[out]`, or `[out, groups]` if the description has a `group_size`: `s_h` |
//! | `LAYER.bias` | f32 `[out]`, where there is one |
//! | `LAYER.activation_scale.aB` | f32 scalar for each quantised activation width |
//! | `NORM@PREVIOUS>OWN.{weight,bias,running_mean,running_var}` | f32 `[channels]` for each pair of candidates |
//! | `FUNCTION.{weight,bias,value}` | f32: layer norm, RMS norm, constant |
//!
//! The description holds the network, the candidates of every layer and the rounding mode: the file is all that
//! `bitplan switch` needs.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::data::Normalization;
use crate::error::{Error, Result};
use crate::exec::{Network, NormBinding, Statistics, host};
use crate::export::{InputNormalization, PackedDescription, PackedLayer};
use crate::graph::Graph;
use crate::quant::{Rounding, ScaleGradient};
use crate::scheme::{LayerScheme, Scheme};
use crate::space::{Candidate, LayerChoice, QuantizerSpec};
use crate::store::{Array, TensorFile};
use crate::supernet::net::NORM_PARTS;
use crate::supernet::packed::{PackedWeights, checked_normalization, stored_normalization};
use crate::supernet::{Parameters, SuperNet};

const FORMAT: &str = "bitplan.master/2";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct MasterDescription {
    format: String,
    network: Graph,
    normalization: InputNormalization,
    rounding: Rounding,
    scale_gradient: ScaleGradient,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group_size: Option<usize>,
    layers: Vec<MasterLayer>,
    groups: Vec<Vec<usize>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct MasterLayer {
    name: String,
    /// Bits of the integer master; none for a layer that stays FP32.
    master_bits: Option<u32>,
    candidates: Vec<Candidate>,
    pinned: bool,
}

/// A trained SuperNet in integers.
#[derive(Debug, Clone)]
pub struct MasterCheckpoint {
    net: SuperNet,
    normalization: InputNormalization,
    file: TensorFile,
    place: String,
}

impl MasterCheckpoint {
    /// Quantises a trained SuperNet to its masters.
    ///
    /// # Errors
    /// When a parameter is missing.
    pub fn new(net: &SuperNet, normalization: &Normalization, parameters: &Parameters) -> Result<Self> {
        let normalization = stored_normalization(normalization);
        let QuantizerSpec { rounding, scale_gradient, group_size } = *net.scheme().quantizer();
        let mut file = TensorFile::default();
        parameters.store(&mut file, "")?;
        let mut layers = Vec::new();
        for (l, layer) in net.scheme().layers.iter().enumerate() {
            let quantizer = net.scheme().weight_quantizer(l);
            if let Some(quantizer) = quantizer {
                let name = format!("{}.weight", layer.name);
                let scale = parameters.values(&format!("{}.weight_scale", layer.name))?;
                let codes = quantizer.master_codes(&parameters.values(&name)?, &scale);
                file.arrays.insert(name, Array::I8(layer.weight_shape.clone(), codes));
            }
            let master_bits = quantizer.map(|q| q.master_bits);
            let (name, candidates, pinned) = (layer.name.clone(), layer.candidates.clone(), layer.pinned);
            layers.push(MasterLayer { name, master_bits, candidates, pinned });
        }
        let description = MasterDescription {
            format: FORMAT.into(),
            network: net.network().graph().clone(),
            normalization: normalization.clone(),
            rounding,
            scale_gradient,
            group_size,
            layers,
            groups: net.scheme().groups.clone(),
        };
        file.description = TensorFile::new(&description)?.description;
        Ok(Self { net: net.clone(), normalization, file, place: "master".into() })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        self.file.write(path)
    }

    /// Reads a file and checks every tensor of it.
    ///
    /// # Errors
    /// When it is missing, damaged, of another kind, or does not fit the network that it names.
    pub fn read(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let file = TensorFile::read(path)?;
        let description: MasterDescription = file.describe(FORMAT, &place)?;
        let wrong = |found: String, expected: &str| Error::input(&place, found, expected, "name a master checkpoint");
        let graph = description.network;
        let bits: Vec<Option<u32>> = description.layers.iter().map(|l| l.master_bits).collect();
        let choices = description.layers.into_iter();
        let choices = choices.map(|l| LayerChoice { name: l.name, candidates: l.candidates, pinned: l.pinned });
        let MasterDescription { rounding, scale_gradient, group_size, .. } = description;
        let quantizer = QuantizerSpec { rounding, scale_gradient, group_size };
        let scheme = Scheme::from_choices(choices.collect(), description.groups, &quantizer, &graph)
            .map_err(|e| wrong(format!("choices that do not fit: {e}"), "those of the named network"))?;
        if (0..bits.len()).any(|l| scheme.weight_quantizer(l).map(|q| q.master_bits) != bits[l]) {
            return Err(wrong("a master width that is not the widest candidate's".into(), "the widest candidate's"));
        }
        let normalization = description.normalization;
        checked_normalization(&normalization, &place)?;
        let net = SuperNet::new(Network::new(graph), scheme);
        let checkpoint = Self { net, normalization, file, place };
        checkpoint.check()?;
        Ok(checkpoint)
    }

    fn check(&self) -> Result<()> {
        for (l, layer) in self.net.scheme().layers.iter().enumerate() {
            self.bias(l)?;
            match self.net.scheme().weight_quantizer(l) {
                None => {
                    self.file.floats(&format!("{}.weight", layer.name), &layer.weight_shape, &self.place)?;
                }
                Some(quantizer) => {
                    self.codes(l, quantizer.master_bits)?;
                    self.scales(&format!("{}.weight_scale", layer.name), &layer.scale_shape())?;
                    for &candidate in layer.candidates.iter().filter(|&&c| layer.quantizes_input(c)) {
                        self.scales(&self.net.activation_scale_name(l, candidate), &[])?;
                    }
                }
            }
        }
        for (name, shape) in self.net.network().all_function_parameters() {
            self.file.floats(&name, &shape, &self.place)?;
        }
        for (n, norm) in self.net.network().norms().iter().enumerate() {
            for (key, _) in self.net.pairs(n) {
                for part in NORM_PARTS {
                    let name = format!("{key}.{part}");
                    match part {
                        "running_var" => self.file.positive(&name, &[norm.channels], true, &self.place)?,
                        _ => self.file.floats(&name, &[norm.channels], &self.place)?,
                    };
                }
            }
        }
        Ok(())
    }

    fn scales(&self, name: &str, shape: &[usize]) -> Result<&[f32]> {
        self.file.positive(name, shape, false, &self.place)
    }

    fn bias(&self, layer: usize) -> Result<Option<&[f32]>> {
        let name = &self.net.scheme().layers[layer].name;
        let channels = self.net.scheme().layers[layer].weight_shape[0];
        match self.net.network().has_bias(layer) {
            true => self.file.floats(&format!("{name}.bias"), &[channels], &self.place).map(Some),
            false => Ok(None),
        }
    }

    fn codes(&self, layer: usize, bits: u32) -> Result<&[i8]> {
        let LayerScheme { name, weight_shape: shape, .. } = &self.net.scheme().layers[layer];
        let at = || format!("{}: tensor `{name}.weight`", self.place);
        let (low, high) = crate::quant::weights::signed_range(bits);
        match self.file.arrays.get(&format!("{name}.weight")) {
            Some(Array::I8(found, codes)) if found == shape => {
                match codes.iter().find(|&&q| i32::from(q) < low || i32::from(q) > high) {
                    None => Ok(codes),
                    Some(q) => Err(Error::input(at(), format!("code {q}"), format!("{low} to {high}"), "train again")),
                }
            }
            Some(other) => {
                let found = format!("{:?} of shape {:?}", other.dtype(), other.shape());
                Err(Error::input(
                    at(),
                    found,
                    format!("I8 of shape {shape:?}"),
                    "this is the checkpoint of another model",
                ))
            }
            None => Err(Error::input(
                at(),
                "nothing",
                format!("I8 of shape {shape:?}"),
                "this is the checkpoint of another model",
            )),
        }
    }

    /// The network and its choices.
    pub fn net(&self) -> &SuperNet {
        &self.net
    }

    /// The integer switch: packed weights of one configuration, without floats. `norms` replaces the stored norms after
    /// a recalibration.
    ///
    /// # Errors
    /// When a tensor is missing.
    pub fn pack(&self, plan: &str, configuration: &[usize], norms: Option<&[NormBinding]>) -> Result<PackedWeights> {
        let scheme = self.net.scheme();
        let mut file = TensorFile::default();
        let mut layers = Vec::new();
        for (l, layer) in scheme.layers.iter().enumerate() {
            let candidate = scheme.candidate(l, configuration);
            if let Some(bias) = self.bias(l)? {
                file.arrays.insert(format!("{}.bias", layer.name), Array::F32(vec![bias.len()], bias.to_vec()));
            }
            match scheme.weight_quantizer(l) {
                None => {
                    let name = format!("{}.weight", layer.name);
                    let weight = self.file.floats(&name, &layer.weight_shape, &self.place)?;
                    file.arrays.insert(name, Array::F32(layer.weight_shape.clone(), weight.to_vec()));
                }
                Some(quantizer) => {
                    let bits = u32::from(candidate.weight_bits());
                    let packed = quantizer.switch_and_pack(self.codes(l, quantizer.master_bits)?, bits);
                    let scale = self.scales(&format!("{}.weight_scale", layer.name), &layer.scale_shape())?;
                    let scale = quantizer.scale_at(scale, bits);
                    file.arrays.insert(format!("{}.codes", layer.name), Array::U8(vec![packed.len()], packed));
                    file.arrays.insert(format!("{}.scale", layer.name), Array::F32(layer.scale_shape(), scale));
                    if layer.quantizes_input(candidate) {
                        let scale = self.scales(&self.net.activation_scale_name(l, candidate), &[])?;
                        let name = format!("{}.activation_scale", layer.name);
                        file.arrays.insert(name, Array::F32(vec![], scale.to_vec()));
                    }
                }
            }
            layers.push(PackedLayer { name: layer.name.clone(), candidate });
        }
        for (name, shape) in self.net.network().all_function_parameters() {
            let values = self.file.floats(&name, &shape, &self.place)?.to_vec();
            file.arrays.insert(name, Array::F32(shape, values));
        }
        for (n, norm) in self.net.network().norms().iter().enumerate() {
            let key = self.net.norm_key(n, configuration);
            for part in NORM_PARTS {
                let values = match norms {
                    Some(norms) => norm_part(&norms[n], part)?,
                    None => self.file.floats(&format!("{key}.{part}"), &[norm.channels], &self.place)?.to_vec(),
                };
                file.arrays.insert(format!("{}.{part}", norm.name), Array::F32(vec![norm.channels], values));
            }
        }
        let rounding = scheme.quantizer().rounding;
        let normalization = self.normalization.clone();
        let description =
            PackedDescription::new(self.net.network().graph().clone(), normalization, plan, rounding, layers);
        PackedWeights::new(file, description)
    }
}

fn norm_part(norm: &NormBinding, part: &str) -> Result<Vec<f32>> {
    let tensor = match (&norm.statistics, part) {
        (_, "weight") => &norm.gamma,
        (_, "bias") => &norm.beta,
        (Statistics::Fixed { mean, .. }, "running_mean") => mean,
        (Statistics::Fixed { variance, .. }, _) => variance,
        _ => return Err(Error::Internal("a norm without fixed statistics cannot be packed".into())),
    };
    Ok(host::read::<f32>(tensor)?.to_vec())
}
