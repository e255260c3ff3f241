//! Refusal before anything is written.

use crate::error::{Error, Result};
use crate::export::{DeployedLayer, Deployment, Format, LayerWeights, Site};
use crate::graph::{Graph, Layer, groups};
use crate::quant::Rounding;
use crate::space::Candidate;

/// Fails if the tools of a format cannot run a layer as the plan has it.
///
/// # Errors
/// [`Error::Input`] naming the first such layer, its candidate, why, and the nearest candidate that they run; or layers that
/// the tools run as one and that have different candidates.
pub fn check(format: &dyn Format, deployment: &Deployment) -> Result<()> {
    for (layer, deployed) in deployment.graph.layers().iter().zip(&deployment.layers) {
        let site = site(&deployment.graph, layer, deployed.group());
        if let Err(why) = format.stored(&site, deployed.candidate) {
            let found = format!("{} in plan `{}`", deployed.candidate, deployment.plan);
            let expected = format!("a choice that {} runs: {why}", format.name());
            let remedy = remedy(format, &site, deployed.candidate);
            return Err(Error::input(format!("layer `{}`", layer.name), found, expected, remedy));
        }
    }
    for group in groups(&deployment.graph, format.groups()) {
        let first = &deployment.layers[group.layers[0]];
        if let Some(other) =
            group.layers.iter().map(|&l| &deployment.layers[l]).find(|o| o.candidate != first.candidate)
        {
            let found = format!("{} beside {} of `{}`", other.candidate, first.candidate, first.name);
            let expected = format!("one choice for both ({})", group.reason);
            let remedy = format!("`bitplan plan --for {}` ties them", format.name());
            return Err(Error::input(format!("layer `{}`", other.name), found, expected, remedy));
        }
    }
    Ok(())
}

/// A layer as the rules of formats see it; `group` consecutive weights share a scale.
pub fn site<'a>(graph: &'a Graph, layer: &'a Layer, group: usize) -> Site<'a> {
    Site {
        name: &layer.name,
        op: &graph.nodes()[layer.node].op,
        shape: &layer.weight_shape,
        group,
        unsigned_input: layer.unsigned_input,
    }
}

impl Deployment {
    /// Fails if inputs are quantised with another rounding than the tools have; `expected` names theirs in the message. Weights
    /// are integers already, whatever they were rounded by.
    ///
    /// # Errors
    /// [`Error::Input`] naming the plan, its rounding and what to do.
    pub fn check_rounding(&self, known: &[Rounding], expected: &str) -> Result<()> {
        if known.contains(&self.rounding) || self.layers.iter().all(|layer| layer.activation.is_none()) {
            return Ok(());
        }
        let name = self.rounding.name();
        let remedy =
            format!("train with `rounding: half_even` instead of `{name}`, or leave activations floats (`w4a16`)");
        Err(Error::input(format!("plan `{}`", self.plan), format!("inputs rounded {name}"), expected, remedy))
    }
}

impl DeployedLayer {
    /// Weights that share a scale, consecutive; of floats an output channel.
    pub fn group(&self) -> usize {
        match &self.weights {
            LayerWeights::Codes(codes) => codes.group,
            LayerWeights::Float(_) => self.parameters() / self.shape[0].max(1),
        }
    }
}

/// What a user can do about a candidate that the tools cannot run.
pub fn remedy(format: &dyn Format, site: &Site<'_>, candidate: Candidate) -> String {
    let plan = format!("`bitplan plan --for {}` plans with what it runs", format.name());
    let channel = site.parameters() / site.shape.first().copied().unwrap_or(1).max(1);
    let whole = Site { group: channel, ..*site };
    if site.group != channel && format.stored(&whole, candidate).is_ok() {
        return "it runs with one scale for each channel: leave `quantizer.group_size` out of the search space".into();
    }
    match nearest(format, site, candidate) {
        Some(Candidate::FP32) => "it runs only as fp32: pin it to that in the search space".into(),
        Some(nearest) => format!("the nearest it runs is {nearest}; {plan}"),
        None => "no candidate of this layer runs there".into(),
    }
}

/// The nearest candidate that a format runs: the fewest bits above, of those the fewest that were added; else `fp32`.
pub fn nearest(format: &dyn Format, site: &Site<'_>, candidate: Candidate) -> Option<Candidate> {
    let bits = |c: Candidate| (c.weight_bits(), c.activation_bits());
    let (weight, activation) = bits(candidate);
    let wider = Candidate::all().filter(|&c| bits(c).0 >= weight && bits(c).1 >= activation);
    let extra = |c: &Candidate| (c.weight_bits() - weight) + (c.activation_bits() - activation);
    let mut legal: Vec<Candidate> = wider.filter(|&c| format.stored(site, c).is_ok()).collect();
    legal.sort_by_key(extra);
    legal.first().copied().or_else(|| format.stored(site, Candidate::FP32).is_ok().then_some(Candidate::FP32))
}
