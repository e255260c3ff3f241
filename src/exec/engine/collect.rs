//! What the pieces of a pass found, put together in their order.

use crate::error::Result;
use crate::exec::engine::context::Context;
use crate::exec::engine::plan::Pass;
use crate::exec::engine::store::Store;
use crate::exec::engine::tally::{self, Tally};
use crate::exec::{Gradients, host};

fn norms(tallies: &[Tally]) -> Vec<usize> {
    tallies.first().map(|tally| tally.norms.keys().copied().collect()).unwrap_or_default()
}

fn gather(tallies: &[Tally], norm: usize) -> Vec<[f64; 2]> {
    tallies.iter().flat_map(|tally| tally.norms.get(&norm).into_iter().flatten().copied()).collect()
}

/// Gives the norms of a forward pass their statistics.
pub(super) fn statistics(context: &mut Context<'_>, tallies: &[Tally]) -> Result<()> {
    for norm in norms(tallies) {
        let map = context.channels(context.program.norm_inputs[norm]);
        let (mean, variance) = tally::merge_statistics(&gather(tallies, norm), map.channels, map.positions);
        context.set_statistics(norm, mean, variance)?;
    }
    Ok(())
}

/// Adds up what the pieces of a reverse pass found.
pub(super) fn collect(
    context: &mut Context<'_>,
    pass: &Pass,
    tallies: Vec<Tally>,
    batch: usize,
    store: &mut Store,
    gradients: &mut Gradients,
) -> Result<()> {
    for norm in norms(&tallies) {
        let map = context.channels(context.program.norm_inputs[norm]);
        let sums = tally::merge_sums(&gather(&tallies, norm), map.channels);
        context.set_gradient_sums(norm, &sums, (batch * map.positions) as f64)?;
        (gradients.betas[norm], gradients.gammas[norm]) = sums.iter().map(|&[s1, s2]| (s1, s2)).unzip();
    }
    for tally in &tallies {
        for (&layer, sums) in &tally.biases {
            tally::add(&mut gradients.biases[layer], sums.iter().copied());
        }
        for (&function, sums) in &tally.functions {
            gradients.functions[function].resize_with(sums.len(), Vec::new);
            let parameters = gradients.functions[function].iter_mut().zip(sums);
            parameters.for_each(|(sum, more)| tally::add(sum, more.iter().copied()));
        }
    }
    for layer in tallies.first().map(|t| t.weights.keys().copied().collect::<Vec<_>>()).unwrap_or_default() {
        let parts: Vec<&[f32]> = tallies.iter().filter_map(|t| t.weights.get(&layer)).map(Vec::as_slice).collect();
        let shape = &context.network.layers()[layer].weight_shape;
        let dw = context.layers[layer].total(&parts);
        gradients.weights[layer] = host::tensor(dw, shape.as_slice())?;
        if let Some((quantizer, _)) = context.layers[layer].activation {
            let sum: f64 = tallies.iter().filter_map(|t| t.scales.get(&layer)).sum();
            let node = context.network.layers()[layer].node;
            let input = context.program.lengths[context.network.graph().nodes()[node].inputs[0]];
            gradients.activation_scales[layer] = Some(quantizer.scale_gradient(sum, input));
        }
    }
    pass.releases.iter().for_each(|&key| store.release(key));
    tallies.into_iter().flat_map(|t| t.weights.into_values()).for_each(|sums| store.pool().give(sums));
    Ok(())
}
