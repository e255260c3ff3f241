//! The forward pass.

use candle_core::Tensor;

use crate::error::{Error, Result};
use crate::exec::functions::FunctionSite;
use crate::exec::host::HostSlice;
use crate::exec::kernels::{Real, elementwise, pool};
use crate::exec::{Bindings, Network, NormBinding, Statistics, Step, host};
use crate::graph::{NodeId, Op};
use crate::quant::ActivationQuantizer;

/// What a batch norm used in one forward pass, in f64.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NormState {
    /// Mean per channel.
    pub mean: Vec<f64>,
    /// Biased variance per channel.
    pub variance: Vec<f64>,
    /// `1/√(variance + ε)`.
    pub inverse: Vec<f64>,
}

impl NormState {
    /// With `inverse` from the variance.
    pub(super) fn new(mean: Vec<f64>, variance: Vec<f64>, epsilon: f64) -> Self {
        let inverse = variance.iter().map(|v| 1.0 / (v + epsilon).sqrt()).collect();
        Self { mean, variance, inverse }
    }
}

/// The values of one forward pass, kept for the reverse pass.
#[derive(Debug, Clone)]
pub struct Tape {
    /// Samples.
    pub batch: usize,
    /// One per norm.
    pub norms: Vec<NormState>,
    pub(super) values: Vec<Option<Tensor>>,
    pub(super) layer_inputs: Vec<Option<Tensor>>,
}

impl Tape {
    pub(super) fn value(&self, node: NodeId) -> Result<&Tensor> {
        self.values[node].as_ref().ok_or_else(|| Error::Internal(format!("node {node} has no value")))
    }

    pub(super) fn layer_input(&self, layer: usize) -> Result<&Tensor> {
        self.layer_inputs[layer].as_ref().ok_or_else(|| Error::Internal(format!("layer {layer} has no input")))
    }

    /// Lets go of the values that a reverse pass with fixed norm statistics does not read again: it needs the outputs of
    /// ReLUs, the inputs of functions, and the network's output; layers have their inputs in any case.
    pub fn keep_for_reverse(&mut self, network: &Network) {
        let mut needed = vec![false; self.values.len()];
        if let Some(output) = needed.last_mut() {
            *output = true;
        }
        for &step in network.steps() {
            match step {
                Step::Norm { output, relu: true, .. }
                | Step::Add { output, relu: true, .. }
                | Step::Relu { output, .. } => {
                    needed[output] = true;
                }
                Step::Function { .. } => network.inputs(step).into_iter().for_each(|input| needed[input] = true),
                _ => {}
            }
        }
        let values = self.values.iter_mut().zip(needed).filter(|(_, needed)| !needed);
        values.for_each(|(value, _)| *value = None);
    }

    /// What a node gives, if it was kept: an operator that runs as one with the next leaves nothing.
    pub fn output_of(&self, node: NodeId) -> Option<&Tensor> {
        self.values.get(node)?.as_ref()
    }

    /// The network's output, `[batch, classes]`.
    ///
    /// # Errors
    /// Never for a tape made by [`forward`].
    pub fn output(&self) -> Result<&Tensor> {
        self.value(self.values.len() - 1)
    }

    /// The value that reaches a layer, in front of its quantiser.
    ///
    /// # Errors
    /// Never for a tape made by [`forward`].
    pub fn unquantized_layer_input(&self, network: &Network, layer: usize) -> Result<&Tensor> {
        let node = network.layers()[layer].node;
        self.value(network.graph().nodes()[node].inputs[0])
    }
}

/// Runs the network on `[batch, channels, height, width]` images of element type `T`.
///
/// # Errors
/// When a shape or element type does not fit.
pub fn forward<T: Real>(network: &Network, bindings: &Bindings, images: &Tensor) -> Result<Tape> {
    let batch = images.dims().first().copied().unwrap_or(0);
    if images.dims() != network.batch_shape(0, batch) {
        return Err(Error::Internal(format!("images of shape {:?} for this network", images.shape())));
    }
    let mut tape = Tape {
        batch,
        norms: vec![NormState::default(); network.norms().len()],
        values: vec![None; network.graph().nodes().len()],
        layer_inputs: vec![None; network.layers().len()],
    };
    tape.values[0] = Some(images.clone());
    run::<T>(network, bindings, &mut tape, network.steps())?;
    Ok(tape)
}

/// Runs the network again from a layer on: the bits of [`forward`] on the tape's images, if the steps before the layer have
/// the bindings that the tape was made with. Costs the steps that are left; values before them are shared.
///
/// # Errors
/// When a shape or element type does not fit.
pub fn forward_from<T: Real>(network: &Network, bindings: &Bindings, tape: &Tape, layer: usize) -> Result<Tape> {
    let is_layer = |step: &Step| matches!(step, Step::Layer { layer: l, .. } if *l == layer);
    let first = network.steps().iter().position(is_layer);
    let first = first.ok_or_else(|| Error::Internal(format!("no layer {layer}")))?;
    let mut tape = tape.clone();
    run::<T>(network, bindings, &mut tape, &network.steps()[first..])?;
    Ok(tape)
}

fn run<T: Real>(network: &Network, bindings: &Bindings, tape: &mut Tape, steps: &[Step]) -> Result<()> {
    for step in steps {
        let value = evaluate::<T>(network, bindings, tape, *step)?;
        tape.values[step.output()] = Some(host::tensor(value, network.batch_shape(step.output(), tape.batch))?);
    }
    Ok(())
}

fn evaluate<T: Real>(network: &Network, bindings: &Bindings, tape: &mut Tape, step: Step) -> Result<Vec<T>> {
    let batch = tape.batch;
    let mut y = vec![T::ZERO; network.elements(step.output(), batch)];
    match step {
        Step::Layer { layer, input, .. } => {
            let binding = &bindings.layers[layer];
            let x = quantize_input(tape.value(input)?, binding.activation)?;
            let weight = host::read::<T>(&binding.weight)?;
            network.layer_map(layer, batch).forward(&host::read::<T>(&x)?, &weight, &mut y);
            if let Some(bias) = &binding.bias {
                network.bias_map(layer, batch).shift(&host::read::<T>(bias)?, &mut y);
            }
            tape.layer_inputs[layer] = Some(x);
        }
        Step::Norm { norm, input, relu, .. } => {
            let map = network.channel_map(input, batch);
            let binding = &bindings.norms[norm];
            let state = {
                let x = host::read::<T>(tape.value(input)?)?;
                let (mean, variance) = match &binding.statistics {
                    Statistics::Batch => map.statistics::<T>(&x),
                    Statistics::Fixed { mean, variance } => (wide::<T>(mean)?, wide::<T>(variance)?),
                };
                let epsilon = network.norms()[norm].epsilon;
                let state = NormState::new(mean, variance, epsilon);
                let (a, b) = affine_form::<T>(binding, &state)?;
                map.affine(&x, &a, &b, relu, &mut y);
                state
            };
            tape.norms[norm] = state;
        }
        Step::Add { inputs: [a, b], relu, .. } => {
            let (a, b) = (host::read::<T>(tape.value(a)?)?, host::read::<T>(tape.value(b)?)?);
            elementwise::add(&a, &b, relu, &mut y);
        }
        Step::Relu { input, .. } => elementwise::relu(&host::read::<T>(tape.value(input)?)?, &mut y),
        Step::Pool { input, .. } => {
            let positions = network.channel_map(input, batch).positions;
            pool::average(&host::read::<T>(tape.value(input)?)?, positions, &mut y);
        }
        Step::Subsample { input, output } => {
            network.subsample_shape(output, batch).forward(&host::read::<T>(tape.value(input)?)?, &mut y);
        }
        Step::Function { function, output } => {
            let (site, inputs) = function_site::<T>(network, bindings, function, batch)?;
            let inputs = read_all::<T>(inputs, |input| tape.value(input))?;
            debug_assert_eq!(y.len(), network.elements(output, batch));
            site.forward(&slices(&inputs), &mut y);
        }
    }
    Ok(y)
}

/// A function with its parameters, and the nodes that it reads.
pub(super) fn function_site<'a, T: Real>(
    network: &'a Network,
    bindings: &Bindings,
    function: usize,
    batch: usize,
) -> Result<(FunctionSite, &'a [NodeId])> {
    let (graph, node) = (network.graph(), network.functions()[function]);
    let Op::Function(op) = &graph.nodes()[node].op else {
        return Err(Error::Internal(format!("node {node} is no function")));
    };
    let parameters = bindings.functions[function].iter().map(wide::<T>).collect::<Result<_>>()?;
    Ok((FunctionSite::new(graph, node, op, batch, parameters)?, &graph.nodes()[node].inputs))
}

/// The elements of several nodes' tensors.
pub(super) fn read_all<'t, T: Real>(
    nodes: &[NodeId],
    tensor: impl Fn(NodeId) -> Result<&'t Tensor>,
) -> Result<Vec<HostSlice<'t, T>>> {
    nodes.iter().map(|&node| host::read::<T>(tensor(node)?)).collect()
}

/// Borrows what [`read_all`] holds.
pub(super) fn slices<'s, T: Real>(all: &'s [HostSlice<'_, T>]) -> Vec<&'s [T]> {
    all.iter().map(|slice| &**slice).collect()
}

/// `a = γ i`, `b = β − γ i μ`: a norm with known statistics is an affine form per channel.
pub(super) fn affine_form<T: Real>(binding: &NormBinding, state: &NormState) -> Result<(Vec<T>, Vec<T>)> {
    let (gamma, beta) = (wide::<T>(&binding.gamma)?, wide::<T>(&binding.beta)?);
    let channels = gamma.iter().zip(&beta).zip(state.mean.iter().zip(&state.inverse));
    Ok(channels.map(|((g, b), (mean, i))| (T::from_f64(g * i), T::from_f64(b - g * i * mean))).unzip())
}

/// `dx = p g + q x + r` through batch statistics over `count` values per channel, infinite for fixed ones, from `S1 = Σ g`
/// and `S2 = Σ g x̂`.
pub(super) fn gradient_form<T: Real>(
    binding: &NormBinding,
    state: &NormState,
    sums: &[[f64; 2]],
    count: f64,
) -> Result<[Vec<T>; 3]> {
    let gamma = wide::<T>(&binding.gamma)?;
    let mut form = [Vec::new(), Vec::new(), Vec::new()];
    for (c, [s1, s2]) in sums.iter().enumerate() {
        let (inverse, mean) = (state.inverse[c], state.mean[c]);
        let slope = -gamma[c] * inverse * inverse * s2 / count;
        let values = [gamma[c] * inverse, slope, -gamma[c] * inverse * s1 / count - slope * mean];
        form.iter_mut().zip(values).for_each(|(form, value)| form.push(T::from_f64(value)));
    }
    Ok(form)
}

/// A small tensor in f64.
pub(super) fn wide<T: Real>(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(host::read::<T>(tensor)?.iter().map(|v| v.to_f64()).collect())
}

fn quantize_input(x: &Tensor, activation: Option<(ActivationQuantizer, f32)>) -> Result<Tensor> {
    let Some((quantizer, scale)) = activation else { return Ok(x.clone()) };
    let data = host::read::<f32>(x)?;
    let mut out = vec![0f32; data.len()];
    quantizer.forward(&data, scale, &mut out);
    host::tensor(out, x.dims())
}
