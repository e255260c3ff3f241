//! The choices of a search space, bound to the layers of a network.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::graph::{Graph, Layer, LayerCost, groups};
use crate::quant::WeightQuantizer;
use crate::space::{Candidate, LayerChoice, QuantizerSpec, Search};

/// What one layer may take, and everything that follows from it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerScheme {
    /// Name of the layer.
    pub name: String,
    /// Widest first; one if the layer is not searched.
    pub candidates: Vec<Candidate>,
    /// Whether the search space pins it.
    pub pinned: bool,
    /// What pins keep it from, its own or those of layers that it is tied to; widest first. Nothing is trained at these.
    pub alternatives: Vec<Candidate>,
    /// Shape of its weight.
    pub weight_shape: Vec<usize>,
    /// Whether its input is never negative.
    pub unsigned_input: bool,
    /// Whether its input is quantised, which that of a table of tokens is not.
    pub quantized_input: bool,
    /// The layer before it on the main path.
    pub previous: Option<usize>,
    /// Its counts.
    pub cost: LayerCost,
}

/// The choices of every layer of a network. A configuration is one candidate index per layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scheme {
    /// One per layer, in graph order.
    pub layers: Vec<LayerScheme>,
    /// Layers that take the same candidate.
    pub groups: Vec<Vec<usize>>,
    quantizer: QuantizerSpec,
}

impl LayerScheme {
    /// Shape of its weight scales: `[out]`, or `[out, groups]` where a channel has several.
    pub fn scale_shape(&self) -> Vec<usize> {
        let (channels, scales) = (self.weight_shape[0], self.scales());
        if scales == channels { vec![channels] } else { vec![channels, scales / channels] }
    }

    /// Bit operations and weight bytes at any candidate.
    pub fn cost_at(&self, candidate: Candidate) -> (u64, u64) {
        let (weights, activations) = (u32::from(candidate.weight_bits()), u32::from(candidate.activation_bits()));
        (self.cost.bit_ops(weights, activations), self.cost.weight_bytes(weights))
    }

    /// Weights that share a scale, consecutive.
    pub fn group(&self) -> usize {
        (self.cost.parameters / self.cost.scales.max(1)) as usize
    }

    /// Number of its weight scales.
    pub fn scales(&self) -> usize {
        self.cost.scales as usize
    }

    /// Whether its input is quantised at a candidate.
    pub fn quantizes_input(&self, candidate: Candidate) -> bool {
        self.quantized_input && candidate.quantizes_activations()
    }
}

impl Scheme {
    /// Binds the choices of a search space to a graph. Tied layers keep only the candidates that all of them have.
    ///
    /// # Errors
    /// When the search space names a layer that does not exist, or tied layers have no candidate in common.
    pub fn new(search: &Search, quantizer: &QuantizerSpec, graph: &Graph) -> Result<Self> {
        let names: Vec<String> = graph.layers().iter().map(|l| l.name.clone()).collect();
        let tied = search.resolve_groups(&names, &groups(graph, search.rules()))?;
        let mut scheme = Self::from_choices(search.resolve(&names)?, tied, quantizer, graph)?;
        scheme.add_alternatives(search.unpinned().resolve(&names)?);
        Ok(scheme)
    }

    /// What every layer could take but for the pins; of tied layers what all of them could. Layers that are pinned to
    /// `fp32` have none: nothing of them is quantised.
    fn add_alternatives(&mut self, free: Vec<LayerChoice>) {
        let mut free: Vec<Vec<Candidate>> = free.into_iter().map(|choice| choice.candidates).collect();
        for group in &self.groups {
            let mut common = group.first().map_or(Vec::new(), |&first| free[first].clone());
            common.retain(|c| group.iter().all(|&member| free[member].contains(c)));
            group.iter().for_each(|&member| free[member].clone_from(&common));
        }
        for (layer, mut free) in self.layers.iter_mut().zip(free) {
            free.retain(|c| !layer.candidates.contains(c));
            if !layer.candidates.contains(&Candidate::FP32) {
                layer.alternatives = free;
            }
        }
    }

    /// The scheme in which the layers that pins hold may take what they are kept from as well, and all others nothing;
    /// none if there are no such layers.
    pub fn freed(&self) -> Option<Self> {
        let mut freed = self.clone();
        for layer in &mut freed.layers {
            if layer.alternatives.is_empty() {
                layer.candidates.clear();
            } else {
                layer.candidates.append(&mut layer.alternatives);
                layer.candidates.sort_by(|a, b| b.cmp(a));
            }
        }
        freed.layers.iter().any(|l| !l.candidates.is_empty()).then_some(freed)
    }

    /// Binds resolved choices, one per layer in graph order.
    ///
    /// # Errors
    /// When they are not those of the graph's layers, a layer has none, a group is out of range or has no candidate in
    /// common, or a quantised layer cannot be divided into groups of weights.
    pub fn from_choices(
        mut choices: Vec<LayerChoice>,
        groups: Vec<Vec<usize>>,
        quantizer: &QuantizerSpec,
        graph: &Graph,
    ) -> Result<Self> {
        let layers = graph.layers();
        let wrong = |found: String| {
            Err(Error::input("layers", found, format!("the {} layers of the network", layers.len()), ""))
        };
        if !layers.iter().map(|l| &l.name).eq(choices.iter().map(|c| &c.name)) {
            return wrong(format!("choices for {} layers of other names", choices.len()));
        }
        if groups.iter().flatten().any(|&member| member >= layers.len()) {
            return wrong("a group with a layer that does not exist".into());
        }
        for group in groups.iter().filter(|g| !g.is_empty()) {
            let mut common = choices[group[0]].candidates.clone();
            common.retain(|c| group.iter().all(|&member| choices[member].candidates.contains(c)));
            group.iter().for_each(|&member| choices[member].candidates.clone_from(&common));
        }
        let orderly = |c: &&LayerChoice| {
            let descending = c.candidates.windows(2).all(|pair| pair[0] > pair[1]);
            let mixed = c.candidates.len() > 1 && c.candidates.iter().any(|c| c.is_fp32());
            descending && !mixed && !c.candidates.is_empty()
        };
        if let Some(bad) = choices.iter().find(|c| !orderly(c)) {
            let name = &bad.name;
            return wrong(format!("layer `{name}` with no candidate, one twice or out of order, or fp32 among others"));
        }
        if groups.iter().flatten().count() > layers.len() {
            return wrong("a layer in two groups".into());
        }
        let costs = LayerCost::of(graph);
        let layers = layers.into_iter().zip(choices).zip(costs).map(|((layer, choice), cost)| {
            let group = weights_per_scale(&layer, &choice, quantizer)?;
            Ok(LayerScheme {
                name: layer.name,
                candidates: choice.candidates,
                pinned: choice.pinned,
                alternatives: Vec::new(),
                weight_shape: layer.weight_shape,
                unsigned_input: layer.unsigned_input,
                quantized_input: layer.quantized_input,
                previous: layer.previous,
                cost: cost.grouped(group),
            })
        });
        Ok(Self { layers: layers.collect::<Result<_>>()?, groups, quantizer: quantizer.clone() })
    }

    /// Every candidate that some searchable layer may take, widest first: the base precisions of training.
    pub fn bases(&self) -> Vec<Candidate> {
        let mut all: Vec<Candidate> =
            self.layers.iter().filter(|l| l.candidates.len() > 1).flat_map(|l| l.candidates.clone()).collect();
        if all.is_empty() {
            all = self.layers.iter().flat_map(|l| l.candidates.clone()).filter(|c| !c.is_fp32()).collect();
        }
        all.sort();
        all.dedup();
        all.reverse();
        all
    }

    /// Every layer at `candidate`; where a layer does not have it, its narrowest that is no narrower in either width,
    /// else its widest.
    pub fn uniform(&self, candidate: Candidate) -> Vec<usize> {
        let covers = |c: &Candidate| {
            c.weight_bits() >= candidate.weight_bits() && c.activation_bits() >= candidate.activation_bits()
        };
        let index = |l: &LayerScheme| l.candidates.iter().rposition(covers).unwrap_or(0);
        self.layers.iter().map(index).collect()
    }

    /// Name of the uniform configuration; it says so if some searchable layer does not have the candidate.
    pub fn uniform_name(&self, candidate: Candidate) -> String {
        let searchable = || self.layers.iter().filter(|l| l.candidates.len() > 1);
        match searchable().all(|l| l.candidates.contains(&candidate)) {
            true => candidate.to_string(),
            false => format!("{candidate} where possible"),
        }
    }

    /// The candidate that layer `layer` takes in a configuration.
    pub fn candidate(&self, layer: usize, configuration: &[usize]) -> Candidate {
        self.layers[layer].candidates[configuration[layer]]
    }

    /// The quantiser of a layer's weights; none for a layer that stays FP32.
    pub fn weight_quantizer(&self, layer: usize) -> Option<WeightQuantizer> {
        let widest = self.layers[layer].candidates.iter().map(|c| c.weight_bits()).max()?;
        let QuantizerSpec { rounding, scale_gradient, .. } = self.quantizer;
        (widest <= 8).then(|| WeightQuantizer { master_bits: u32::from(widest), rounding, scale_gradient })
    }

    /// How ties are rounded.
    pub fn quantizer(&self) -> &QuantizerSpec {
        &self.quantizer
    }

    /// Bit operations and weight bytes of the network that is not quantised.
    pub fn float_cost(&self) -> (u64, u64) {
        added(self.layers.iter().map(|layer| layer.cost_at(Candidate::FP32)))
    }

    /// Bit operations and weight bytes of a configuration.
    pub fn cost(&self, configuration: &[usize]) -> (u64, u64) {
        let layers = self.layers.iter().enumerate();
        added(layers.map(|(l, layer)| layer.cost_at(self.candidate(l, configuration))))
    }
}

fn added(costs: impl Iterator<Item = (u64, u64)>) -> (u64, u64) {
    costs.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

/// Weights of a layer that share a scale: those of an output channel, or of a group where the layer is a matrix.
fn weights_per_scale(layer: &Layer, choice: &LayerChoice, quantizer: &QuantizerSpec) -> Result<usize> {
    let row = layer.parameters() / layer.channels().max(1);
    match (quantizer.group_size, layer.weight_shape.as_slice()) {
        (Some(group), [_, _]) if !choice.candidates.contains(&Candidate::FP32) => {
            if row.is_multiple_of(group) {
                return Ok(group);
            }
            let found = format!("rows of {row} weights");
            let remedy = "write another `group_size` in `quantizer`, or pin the layer to `fp32`";
            Err(Error::input(
                format!("layer `{}`", layer.name),
                found,
                format!("a multiple of {group}, the group size"),
                remedy,
            ))
        }
        _ => Ok(row),
    }
}

#[cfg(test)]
#[path = "scheme_tests.rs"]
mod tests;
