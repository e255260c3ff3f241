//! The SuperNet: which parameter serves which configuration.
//!
//! | parameter | one for each |
//! |-|-|
//! | `LAYER.weight`, `LAYER.bias` | layer |
//! | `LAYER.weight_scale` | layer: the scales `s_h` of the integer master, `[out]` or `[out, groups]` (Double Rounding) |
//! | `LAYER.activation_scale.aB` | layer and quantised activation width |
//! | `NORM@PREVIOUS>OWN.{weight,bias,running_mean,running_var}` | norm and pair of candidates |
//! | `FUNCTION.{weight,bias,value}` | layer norm, RMS norm, constant: all configurations share them |
//!
//! Transitional batch norm (Bit-Mixer, ICCV 2021; method.md §4.1): a norm behind layer `j` has parameters and statistics
//! for each pair (candidate of the layer before `j` on the main path, candidate of `j`), the same pair in training and
//! evaluation. Before the first layer the pair is `(input, candidate)`.

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::error::Result;
use crate::exec::{Bindings, LayerBinding, Network, NormBinding, Tape, host};
use crate::quant::{ActivationQuantizer, WeightScale};
use crate::scheme::Scheme;
use crate::space::Candidate;
use crate::supernet::Parameters;
use crate::supernet::float::{bind_functions, bind_norm};

/// A network with the choices of its layers; its parameters are kept apart, as [`Parameters`].
#[derive(Debug, Clone)]
pub struct SuperNet {
    network: Network,
    scheme: Scheme,
}

/// Values of a norm, in the order of their files.
pub(super) const NORM_PARTS: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];

impl SuperNet {
    /// A network and the choices of its layers.
    pub fn new(network: Network, scheme: Scheme) -> Self {
        Self { network, scheme }
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The choices.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Name of a layer's activation scale.
    pub(super) fn activation_scale_name(&self, layer: usize, candidate: Candidate) -> String {
        format!("{}.activation_scale.a{}", self.scheme.layers[layer].name, candidate.activation_bits())
    }

    /// Prefix of a norm's parameters for a pair of candidates.
    fn pair_key(&self, norm: usize, previous: Option<Candidate>, own: Option<Candidate>) -> String {
        let name = |c: Option<Candidate>| c.map_or_else(|| "input".to_string(), |c| c.to_string());
        format!("{}@{}>{}", self.network.norms()[norm].name, name(previous), name(own))
    }

    /// The layer that a norm stands behind, and the one before that on the main path.
    fn neighbours(&self, norm: usize) -> (Option<usize>, Option<usize>) {
        let own = self.network.norms()[norm].layer;
        (own.and_then(|l| self.scheme.layers[l].previous), own)
    }

    /// Prefix of the parameters that a norm uses in a configuration.
    pub fn norm_key(&self, norm: usize, configuration: &[usize]) -> String {
        let (previous, own) = self.neighbours(norm);
        let candidate = |layer: Option<usize>| layer.map(|l| self.scheme.candidate(l, configuration));
        self.pair_key(norm, candidate(previous), candidate(own))
    }

    /// Every pair of a norm: its prefix, and the prefix that its own candidate has in the uniform network.
    pub(super) fn pairs(&self, norm: usize) -> Vec<(String, String)> {
        let (previous, own) = self.neighbours(norm);
        let candidates = |layer: Option<usize>| match layer {
            Some(l) => self.scheme.layers[l].candidates.iter().copied().map(Some).collect(),
            None => vec![None],
        };
        let mut pairs = Vec::new();
        for before in candidates(previous) {
            for after in candidates(own) {
                let uniform = match after {
                    Some(after) if !after.is_fp32() => {
                        let configuration = self.scheme.uniform(after);
                        self.pair_key(norm, previous.map(|l| self.scheme.candidate(l, &configuration)), Some(after))
                    }
                    _ => self.pair_key(norm, before, after),
                };
                pairs.push((self.pair_key(norm, before, after), uniform));
            }
        }
        pairs
    }

    /// LSQ's activation scale for every candidate of every layer, from one forward pass of the FP32 network with batch
    /// statistics; 1 where the input is not quantised.
    ///
    /// # Errors
    /// When the tape is not one of this network.
    pub fn initial_activation_scales(&self, tape: &Tape) -> Result<Vec<Vec<f32>>> {
        let of_layer = |l: usize| {
            let input = host::read::<f32>(tape.unquantized_layer_input(&self.network, l)?)?;
            let scale = |&c: &Candidate| match self.scheme.layers[l].quantizes_input(c) {
                true => self.activation_quantizer(l, c).initial_scale(&input),
                false => 1.0,
            };
            Ok(self.scheme.layers[l].candidates.iter().map(scale).collect())
        };
        (0..self.scheme.layers.len()).map(of_layer).collect()
    }

    /// Parameters to start multi-precision training from: weights and norms of the FP32 model, weight
    /// scales by the given method at the master's width, the given activation scales.
    ///
    /// # Errors
    /// When a parameter is missing.
    pub fn initial(
        &self,
        float: &Parameters,
        activation_scales: &[Vec<f32>],
        weight_scale: WeightScale,
    ) -> Result<Parameters> {
        let mut parameters = Parameters::default();
        for (l, layer) in self.scheme.layers.iter().enumerate() {
            parameters.insert(format!("{}.weight", layer.name), float.get(&format!("{}.weight", layer.name))?.clone());
            if self.network.has_bias(l) {
                parameters.insert(format!("{}.bias", layer.name), float.get(&format!("{}.bias", layer.name))?.clone());
            }
            let Some(quantizer) = self.scheme.weight_quantizer(l) else { continue };
            let weights = float.values(&format!("{}.weight", layer.name))?;
            parameters.set(
                format!("{}.weight_scale", layer.name),
                quantizer.scale_by(weight_scale, &weights, layer.scales(), quantizer.master_bits),
                &layer.scale_shape(),
            )?;
            let scales = layer.candidates.iter().zip(&activation_scales[l]);
            for (&candidate, &scale) in scales.filter(|(c, _)| layer.quantizes_input(**c)) {
                parameters.set(self.activation_scale_name(l, candidate), vec![scale], &[])?;
            }
        }
        for (name, _) in self.network.all_function_parameters() {
            parameters.insert(name.clone(), float.get(&name)?.clone());
        }
        for (n, norm) in self.network.norms().iter().enumerate() {
            for (key, _) in self.pairs(n) {
                for part in NORM_PARTS {
                    parameters.insert(format!("{key}.{part}"), float.get(&format!("{}.{part}", norm.name))?.clone());
                }
            }
        }
        Ok(parameters)
    }

    /// Gives every pair of every norm that no uniform network uses, and so has not been trained yet, the parameters of its
    /// own candidate's uniform network: the start of mixed-precision training.
    ///
    /// # Errors
    /// When a parameter is missing.
    pub fn spread_norms(&self, parameters: &mut Parameters) -> Result<()> {
        let uniforms: Vec<Vec<usize>> = self.scheme.bases().into_iter().map(|c| self.scheme.uniform(c)).collect();
        for n in 0..self.network.norms().len() {
            let trained: BTreeSet<String> = uniforms.iter().map(|u| self.norm_key(n, u)).collect();
            for (key, uniform) in self.pairs(n).into_iter().filter(|(key, _)| !trained.contains(key)) {
                for part in NORM_PARTS {
                    parameters.insert(format!("{key}.{part}"), parameters.get(&format!("{uniform}.{part}"))?.clone());
                }
            }
        }
        Ok(())
    }

    /// The quantiser of a layer's input.
    pub fn activation_quantizer(&self, layer: usize, candidate: Candidate) -> ActivationQuantizer {
        let bits = u32::from(candidate.activation_bits());
        ActivationQuantizer::new(bits, self.scheme.layers[layer].unsigned_input, self.scheme.quantizer().rounding)
    }

    /// The network in one configuration, quantised in float ("training form").
    ///
    /// # Errors
    /// When a parameter is missing.
    pub fn bind(&self, parameters: &Parameters, configuration: &[usize], training: bool) -> Result<Bindings> {
        let layers = (0..self.scheme.layers.len()).into_par_iter();
        let layers = layers.map(|l| self.bind_layer(parameters, l, configuration));
        Ok(Bindings {
            layers: layers.collect::<Result<_>>()?,
            norms: self.bind_norms(parameters, configuration, training)?,
            functions: bind_functions(&self.network, parameters)?,
        })
    }

    /// The norms of a configuration.
    pub(super) fn bind_norms(
        &self,
        parameters: &Parameters,
        configuration: &[usize],
        training: bool,
    ) -> Result<Vec<NormBinding>> {
        let norms = 0..self.network.norms().len();
        norms.map(|n| bind_norm(parameters, &self.norm_key(n, configuration), training)).collect()
    }

    fn bind_layer(&self, parameters: &Parameters, l: usize, configuration: &[usize]) -> Result<LayerBinding> {
        let layer = &self.scheme.layers[l];
        let candidate = self.scheme.candidate(l, configuration);
        let weight = parameters.get(&format!("{}.weight", layer.name))?;
        let bias = match self.network.has_bias(l) {
            true => Some(parameters.get(&format!("{}.bias", layer.name))?.clone()),
            false => None,
        };
        let Some(quantizer) = self.scheme.weight_quantizer(l) else {
            return Ok(LayerBinding { weight: weight.clone(), bias, activation: None });
        };
        let scale = parameters.values(&format!("{}.weight_scale", layer.name))?;
        let bits = u32::from(candidate.weight_bits());
        let quantized = quantizer.fake_quantize(&host::read::<f32>(weight)?, &scale, bits);
        let weight = host::tensor(quantized, layer.weight_shape.as_slice())?;
        let activation = match layer.quantizes_input(candidate) {
            true => {
                let scale = parameters.scalar(&self.activation_scale_name(l, candidate))?;
                Some((self.activation_quantizer(l, candidate), scale))
            }
            false => None,
        };
        Ok(LayerBinding { weight, bias, activation })
    }
}

#[cfg(test)]
#[path = "net_tests.rs"]
mod tests;
