//! FP32 training.

use crate::error::Result;
use crate::exec::{Executor, Gradients, Loss, Network, correct, host};
use crate::graph::Op;
use crate::progress::Observer;
use crate::space::Recipe;
use crate::supernet::TrainState;
use crate::supernet::dynamic_convolution::DynamicConvolutions;
use crate::supernet::float::update_running;
use crate::supernet::optimizer::{self, Domain, Update};
use crate::supernet::train::{Phase, Session, StepContext, StepLoss, StepOutcome, Steps, run};

/// Trains the FP32 model from `state` to the end of the recipe.
///
/// # Errors
/// When the loss diverges, a file cannot be written, or the observer asks to stop.
pub fn train_float(
    network: &Network,
    recipe: &Recipe,
    session: &Session<'_>,
    state: TrainState,
    observer: &mut dyn Observer,
) -> Result<TrainState> {
    train_dynamic(network, &DynamicConvolutions::default(), recipe, session, state, observer)
}

/// The same, and the gates of the network's dynamic convolutions with it. The history has the loss of the task alone.
///
/// # Errors
/// As [`train_float`].
pub fn train_dynamic(
    network: &Network,
    dynamic: &DynamicConvolutions,
    recipe: &Recipe,
    session: &Session<'_>,
    state: TrainState,
    observer: &mut dyn Observer,
) -> Result<TrainState> {
    let executor = Executor::training(network, session.backend)?;
    let mut steps = FloatSteps { network, dynamic, executor, recipe };
    run(Phase::Float, recipe, session, state, &mut steps, observer)
}

struct FloatSteps<'a> {
    network: &'a Network,
    dynamic: &'a DynamicConvolutions,
    executor: Executor<'a>,
    recipe: &'a Recipe,
}

impl Steps for FloatSteps<'_> {
    fn step(&mut self, state: &mut TrainState, context: &StepContext<'_>) -> Result<StepOutcome> {
        let loss = float_step(self.network, self.dynamic, &mut self.executor, self.recipe, state, context)?;
        Ok(StepOutcome { losses: vec![loss], draws: Vec::new() })
    }
}

fn float_step(
    network: &Network,
    dynamic: &DynamicConvolutions,
    executor: &mut Executor<'_>,
    recipe: &Recipe,
    state: &mut TrainState,
    context: &StepContext<'_>,
) -> Result<StepLoss> {
    let bindings = dynamic.bind(network, &state.parameters, true)?;
    let gated = dynamic.step(&state.parameters)?;
    let loss = Loss { label_smoothing: recipe.label_smoothing, ..Loss::default() };
    let mut mean_loss = 0.0;
    let (outputs, gradients) = executor.step(&bindings, context.images, |outputs| {
        let mut value = loss.evaluate(&outputs.logits, context.labels, None);
        mean_loss = value.loss;
        value.gradient.iter_mut().for_each(|g| *g *= gated.factor() as f32);
        value.gradient
    })?;
    let learning_rate = recipe.learning_rate * context.decay;
    let update = |name: String, gradient: Vec<f32>, weight_decay: f64| Update {
        name,
        gradient,
        learning_rate,
        weight_decay,
        domain: Domain::Linear,
    };
    let mut updates = Vec::new();
    for (l, layer) in network.layers().iter().enumerate() {
        let name = format!("{}.weight", layer.name);
        let mut gradient = host::read::<f32>(&gradients.weights[l])?.to_vec();
        let kernel = host::read::<f32>(state.parameters.get(&name)?)?;
        if let Some((gates, gradient)) = gated.through(l, &kernel, &mut gradient, mean_loss)? {
            updates.push(update(gates, gradient, 0.0));
        }
        updates.push(update(name, gradient, recipe.weight_decay));
        if network.has_bias(l) {
            updates.push(update(format!("{}.bias", layer.name), narrow(&gradients.biases[l]), 0.0));
        }
    }
    for (n, norm) in network.norms().iter().enumerate() {
        updates.push(update(format!("{}.weight", norm.name), narrow(&gradients.gammas[n]), 0.0));
        updates.push(update(format!("{}.bias", norm.name), narrow(&gradients.betas[n]), 0.0));
        update_running(&mut state.parameters, &norm.name, &outputs.norms[n], network.norm_count(n, context.samples))?;
    }
    for (name, gradient) in function_gradients(network, &gradients) {
        updates.push(update(name, gradient, 0.0));
    }
    optimizer::step(recipe.optimizer, &mut state.parameters, &mut state.optimizer, &updates)?;
    Ok((mean_loss, correct(&outputs.logits, context.labels)))
}

/// Names and gradients of the parameters of functions, tables left out. They are not decayed: norms, biases, tables of positions.
pub(super) fn function_gradients(network: &Network, gradients: &Gradients) -> Vec<(String, Vec<f32>)> {
    let functions = network.functions().iter().enumerate().zip(&gradients.functions);
    let trained = functions.filter(
        |((_, node), _)| !matches!(&network.graph().nodes()[**node].op, Op::Function(function) if function.is_table()),
    );
    let pairs = trained.flat_map(|((f, _), values)| network.function_parameters(f).into_iter().zip(values));
    pairs.map(|((name, _), values)| (name, narrow(values))).collect()
}

/// Small gradients come in f64.
pub(super) fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}
