//! Multi-precision and mixed-precision training (arXiv 2502.01199; method.md §2, §4).
//!
//! Per mini-batch, for every base precision from wide to narrow: forward, loss, backward, step at once. Multi-precision
//! training runs every layer at the base; mixed-precision training lets each layer leave it by HASB. Distillation, if
//! asked for, takes its soft targets from the widest network of the same batch.

use crate::error::Result;
use crate::exec::{Distillation, Executor, Gradients, Loss, NormState, correct, host};
use crate::numeric::rng::Stream;
use crate::progress::Observer;
use crate::sampling::{Sampler, switch_probability};
use crate::space::{MixedPrecision, MultiPrecision, QuantizerRecipe, Recipe};
use crate::supernet::alrs;
use crate::supernet::float::update_running;
use crate::supernet::float_phase::{function_gradients, narrow};
use crate::supernet::optimizer::{self, Domain, Update};
use crate::supernet::train::{Phase, Session, StepContext, StepLoss, run};
use crate::supernet::{Parameters, SuperNet, TrainState};

/// Trains all uniform precisions jointly.
///
/// # Errors
/// When the loss diverges, a file cannot be written, or the observer asks to stop.
pub fn train_multi_precision(
    net: &SuperNet,
    recipe: &MultiPrecision,
    session: &Session<'_>,
    state: TrainState,
    observer: &mut dyn Observer,
) -> Result<TrainState> {
    let bases: Vec<Vec<usize>> = net.scheme().bases().into_iter().map(|c| net.scheme().uniform(c)).collect();
    let mut executor = Executor::training(net.network(), session.backend)?;
    let mut step = |state: &mut TrainState, context: &StepContext<'_>| {
        batch_steps(net, &mut executor, &recipe.recipe, &recipe.quantizer, state, context, &bases)
    };
    run(Phase::MultiPrecision, &recipe.recipe, session, state, &mut step, observer)
}

/// What mixed-precision training has beside a session.
#[derive(Debug, Clone, Copy)]
pub struct MixedPhase<'a> {
    /// Epochs, optimiser, σ.
    pub recipe: &'a MixedPrecision,
    /// Draws the configurations.
    pub sampler: &'a Sampler,
}

/// Trains random mixtures around every base precision.
///
/// # Errors
/// As [`train_multi_precision`].
pub fn train_mixed_precision(
    net: &SuperNet,
    phase: MixedPhase<'_>,
    session: &Session<'_>,
    state: TrainState,
    observer: &mut dyn Observer,
) -> Result<TrainState> {
    let MixedPhase { recipe, sampler } = phase;
    let bases: Vec<Vec<usize>> = net.scheme().bases().into_iter().map(|c| net.scheme().uniform(c)).collect();
    let mut executor = Executor::training(net.network(), session.backend)?;
    let mut step = |state: &mut TrainState, context: &StepContext<'_>| {
        let epochs = recipe.recipe.epochs as u64;
        let sigma = switch_probability(recipe.sigma, context.epoch, epochs, recipe.warmup_epochs as u64);
        let draw = |(base, configuration): (usize, &Vec<usize>)| {
            let mut stream = Stream::new(session.seed, "hasb", &[context.epoch, context.step, base as u64]);
            sampler.draw(configuration, sigma, &mut stream)
        };
        let drawn: Vec<Vec<usize>> = bases.iter().enumerate().map(draw).collect();
        batch_steps(net, &mut executor, &recipe.recipe, &recipe.quantizer, state, context, &drawn)
    };
    run(Phase::MixedPrecision, &recipe.recipe, session, state, &mut step, observer)
}

/// One optimiser step for each configuration, on the same batch.
fn batch_steps(
    net: &SuperNet,
    executor: &mut Executor<'_>,
    recipe: &Recipe,
    quantizer: &QuantizerRecipe,
    state: &mut TrainState,
    context: &StepContext<'_>,
    configurations: &[Vec<usize>],
) -> Result<Vec<StepLoss>> {
    let distillation =
        quantizer.distillation.as_ref().map(|d| Distillation { weight: d.weight, temperature: d.temperature });
    let loss = Loss { label_smoothing: recipe.label_smoothing, distillation, ..Loss::default() };
    let mut teacher: Option<Vec<f32>> = None;
    let mut losses = Vec::new();
    for configuration in configurations {
        let bindings = net.bind(&state.parameters, configuration, true)?;
        let mut mean_loss = 0.0;
        let (outputs, gradients) = executor.step(&bindings, context.images, |outputs| {
            let value = loss.evaluate(&outputs.logits, context.labels, teacher.as_deref());
            mean_loss = value.loss;
            value.gradient
        })?;
        losses.push((mean_loss, correct(&outputs.logits, context.labels)));
        let updates = updates(net, recipe, quantizer, &state.parameters, configuration, &gradients, context.decay)?;
        update_norms(net, &mut state.parameters, configuration, &outputs.norms, context.samples)?;
        if loss.distillation.is_some() && teacher.is_none() {
            teacher = Some(outputs.logits);
        }
        optimizer::step(recipe.optimizer, &mut state.parameters, &mut state.optimizer, &updates)?;
    }
    Ok(losses)
}

fn update_norms(
    net: &SuperNet,
    parameters: &mut Parameters,
    configuration: &[usize],
    statistics: &[NormState],
    samples: usize,
) -> Result<()> {
    (0..net.network().norms().len()).try_for_each(|n| {
        let count = net.network().norm_count(n, samples);
        update_running(parameters, &net.norm_key(n, configuration), &statistics[n], count)
    })
}

/// Gradients of a step, mapped through the quantisers to the parameters of the configuration.
fn updates(
    net: &SuperNet,
    recipe: &Recipe,
    quantizer: &QuantizerRecipe,
    parameters: &Parameters,
    configuration: &[usize],
    gradients: &Gradients,
    decay: f64,
) -> Result<Vec<Update>> {
    let learning_rate = recipe.learning_rate * decay;
    let linear = |name: String, gradient: Vec<f32>, weight_decay: f64| Update {
        name,
        gradient,
        learning_rate,
        weight_decay,
        domain: Domain::Linear,
    };
    let (mut updates, mut scales) = (Vec::new(), Vec::new());
    for (l, layer) in net.scheme().layers.iter().enumerate() {
        let name = format!("{}.weight", layer.name);
        let upstream = host::read::<f32>(&gradients.weights[l])?;
        if net.network().has_bias(l) {
            updates.push(linear(format!("{}.bias", layer.name), narrow(&gradients.biases[l]), 0.0));
        }
        let Some(weights) = net.scheme().weight_quantizer(l) else {
            updates.push(linear(name, upstream.to_vec(), recipe.weight_decay));
            continue;
        };
        let candidate = net.scheme().candidate(l, configuration);
        let bits = u32::from(candidate.weight_bits());
        let scale = parameters.values(&format!("{}.weight_scale", layer.name))?;
        let (d_weights, d_scale) = weights.backward(&parameters.values(&name)?, &scale, bits, &upstream);
        updates.push(linear(name, d_weights, recipe.weight_decay));
        scales.push((format!("{}.weight_scale", layer.name), weights.master_bits - bits, d_scale));
        if let Some(gradient) = gradients.activation_scales[l] {
            let quantized = layer.candidates.iter().filter(|c| c.quantizes_activations());
            let widest = quantized.map(|c| c.activation_bits()).max().unwrap_or_default();
            let delta = u32::from(widest - candidate.activation_bits());
            scales.push((net.activation_scale_name(l, candidate), delta, vec![gradient]));
        }
    }
    let mean = alrs::mean_gradient(scales.iter().map(|(_, _, g)| g.as_slice()));
    let rate = quantizer.scale_learning_rate * decay;
    updates.extend(scales.into_iter().map(|(name, delta, gradient)| Update {
        name,
        gradient,
        learning_rate: alrs::learning_rate(quantizer.alrs, rate, delta, mean),
        weight_decay: 0.0,
        domain: Domain::Logarithmic,
    }));
    for n in 0..net.network().norms().len() {
        let key = net.norm_key(n, configuration);
        updates.push(linear(format!("{key}.weight"), narrow(&gradients.gammas[n]), 0.0));
        updates.push(linear(format!("{key}.bias"), narrow(&gradients.betas[n]), 0.0));
    }
    for (name, gradient) in function_gradients(net.network(), gradients) {
        updates.push(linear(name, gradient, 0.0));
    }
    Ok(updates)
}

#[cfg(test)]
#[path = "quantized_phase_tests.rs"]
mod tests;
