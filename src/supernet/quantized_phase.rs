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
use crate::supernet::train::{Phase, Session, StepContext, StepLoss, StepOutcome, Steps, run};
use crate::supernet::{LayerScales, Parameters, SuperNet, TrainState};

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
    let (recipe, quantizer) = (&recipe.recipe, &recipe.quantizer);
    let mut steps = QuantizedSteps::new(net, recipe, quantizer, None, session)?;
    run(Phase::MultiPrecision, recipe, session, state, &mut steps, observer)
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
    let (recipe, quantizer) = (&phase.recipe.recipe, &phase.recipe.quantizer);
    let mut steps = QuantizedSteps::new(net, recipe, quantizer, Some(phase), session)?;
    run(Phase::MixedPrecision, recipe, session, state, &mut steps, observer)
}

impl MixedPhase<'_> {
    /// The configurations of a step, one around each base.
    fn draw(&self, bases: &[Vec<usize>], seed: u64, epoch: u64, step: u64) -> Vec<Vec<usize>> {
        let epochs = self.recipe.recipe.epochs as u64;
        let sigma = switch_probability(self.recipe.sigma, epoch, epochs, self.recipe.warmup_epochs as u64);
        let draw = |(base, configuration): (usize, &Vec<usize>)| {
            let mut stream = Stream::new(seed, "hasb", &[epoch, step, base as u64]);
            self.sampler.draw(configuration, sigma, &mut stream)
        };
        bases.iter().enumerate().map(draw).collect()
    }
}

/// The steps of both phases; without `mixed` every layer runs at the base.
struct QuantizedSteps<'a> {
    net: &'a SuperNet,
    executor: Executor<'a>,
    recipe: &'a Recipe,
    quantizer: &'a QuantizerRecipe,
    bases: Vec<Vec<usize>>,
    mixed: Option<MixedPhase<'a>>,
    seed: u64,
}

impl<'a> QuantizedSteps<'a> {
    fn new(
        net: &'a SuperNet,
        recipe: &'a Recipe,
        quantizer: &'a QuantizerRecipe,
        mixed: Option<MixedPhase<'a>>,
        session: &Session<'_>,
    ) -> Result<Self> {
        let bases = net.scheme().bases().into_iter().map(|c| net.scheme().uniform(c)).collect();
        let executor = Executor::training(net.network(), session.backend)?;
        Ok(Self { net, executor, recipe, quantizer, bases, mixed, seed: session.seed })
    }
}

impl Steps for QuantizedSteps<'_> {
    fn step(&mut self, state: &mut TrainState, context: &StepContext<'_>) -> Result<StepOutcome> {
        let Self { net, executor, recipe, quantizer, bases, mixed, seed } = self;
        let drawn = mixed.map(|mixed| mixed.draw(bases, *seed, context.epoch, context.step));
        let configurations = drawn.as_ref().unwrap_or(bases);
        let losses = batch_steps(net, executor, recipe, quantizer, state, context, configurations)?;
        Ok(StepOutcome { losses, draws: drawn.map_or_else(Vec::new, |drawn| net.count_draws(&drawn)) })
    }

    fn scales(&self, parameters: &Parameters) -> Result<Vec<LayerScales>> {
        self.net.layer_scales(parameters)
    }
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
