//! Exact Hessian-vector products by forward-over-reverse differentiation (Pearlmutter 1994, *Fast exact multiplication
//! by the Hessian*, Neural Computation 6).
//!
//! The variables are the layers' weights `W` and additive disturbances of the layers' inputs or outputs; batch norm uses
//! fixed statistics (method.md §3). With a dot for the derivative in direction `v` and `y = W x` for a layer (a
//! convolution, a product, a table), `g` its output's gradient, `*ᵀ` adjoints:
//!
//! ```text
//! ẏ   = W ẋ + v x
//! ġ_z = A ż / N                     A: curvature of the loss in the outputs z, diag p − p pᵀ for cross-entropy;
//!                                   N: predictions that count, of which a sample may have several
//! ġ_x = Wᵀ ġ_y + vᵀ g_y
//! (Hv)_W = ġ_y xᵀ + g_y ẋᵀ          (Hv)_x = ġ_x          (Hv)_y = ġ_y
//! ```
//!
//! Traces need only `vᵀ (Hv)` of each layer, for which two of the six convolutions drop out ([`HessianPass::forms`]):
//!
//! ```text
//! ⟨v, ġ_y xᵀ + g_y ẋᵀ⟩ = ⟨v x, ġ_y⟩ + ⟨ẋ, vᵀ g_y⟩          both factors are there already
//! ```
//!
//! ReLU masks and norms act on tangents as on gradients; what is not linear in pieces has its second derivative from
//! [`crate::exec::functions`]. No finite difference anywhere: exact to rounding. Cost: six convolutions a layer and
//! product; the two of the base point are shared by all products of a batch. What a direction leaves out is not computed:
//! a product with one layer's block starts at that layer and ends there.

use candle_core::Tensor;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::exec::forward::{forward, function_site, read_all, slices};
use crate::exec::kernels::{Real, pool};
use crate::exec::loss::Loss;
use crate::exec::reverse::{
    InputGradients, add, fixed_step, input_tensors, layer_input_gradient, layer_weight_gradient, sweep, through_relu,
};
use crate::exec::{Bindings, Network, Statistics, Step, Tape, host};
use crate::graph::NodeId;

/// A direction, or a product: one tensor for each variable that takes part.
#[derive(Debug, Clone)]
pub struct Variation {
    /// Of the layers' weights.
    pub weights: Vec<Option<Tensor>>,
    /// Of the layers' inputs, `[batch, …]`.
    pub inputs: Vec<Option<Tensor>>,
    /// Of the layers' outputs, `[batch, …]`.
    pub outputs: Vec<Option<Tensor>>,
}

impl Variation {
    /// No variable of `layers` layers.
    pub fn none(layers: usize) -> Self {
        Self { weights: vec![None; layers], inputs: vec![None; layers], outputs: vec![None; layers] }
    }

    /// All weights.
    pub fn of_weights(weights: Vec<Tensor>) -> Self {
        let none = Self::none(weights.len());
        Self { weights: weights.into_iter().map(Some).collect(), ..none }
    }
}

/// The base point of Hessian products: one batch, its values and gradients.
#[derive(Debug)]
pub struct HessianPass<'a> {
    network: &'a Network,
    bindings: &'a Bindings,
    loss: Loss,
    labels: Vec<u32>,
    tape: Tape,
    /// Gradient of the output of every layer and function.
    upstream: Vec<Option<Tensor>>,
}

/// Tangents of the nodes' values and of the layers' inputs; `None` where they are zero, or not read any more.
struct Tangents {
    /// Whether the node moves at all.
    moves: Vec<bool>,
    nodes: Vec<Option<Tensor>>,
    layer_inputs: Vec<Option<Tensor>>,
    /// `v x` of every layer, where it is asked for.
    moved: Vec<Option<Tensor>>,
}

/// What a sweep finds: products, or the forms that need no weight gradients.
struct Found {
    /// Whether products are asked for.
    products: bool,
    /// `Hv`.
    product: Variation,
    /// `vᵀ (Hv)` of each layer.
    forms: Vec<f64>,
}

/// `⟨a, b⟩` in f64.
fn dot<T: Real>(a: &Tensor, b: &Tensor) -> Result<f64> {
    let (a, b) = (host::read::<T>(a)?, host::read::<T>(b)?);
    let chunks = a.par_chunks(DOT_CHUNK).zip(b.par_chunks(DOT_CHUNK));
    let of_chunk = |(a, b): (&[T], &[T])| a.iter().zip(b).map(|(a, b)| a.to_f64() * b.to_f64()).sum::<f64>();
    // Chunks in their order, so that threads change no bit.
    Ok(chunks.map(of_chunk).collect::<Vec<f64>>().iter().sum())
}

/// Elements that a thread adds at a time.
const DOT_CHUNK: usize = 1 << 14;

/// The sum of what there is.
fn sum<T: Real>(a: Option<&Tensor>, b: Option<&Tensor>) -> Result<Option<Tensor>> {
    match (a, b) {
        (Some(a), Some(b)) => add::<T>(a, b).map(Some),
        (one, None) | (None, one) => Ok(one.cloned()),
    }
}

impl<'a> HessianPass<'a> {
    /// Forward and reverse pass at the base point, on the mean loss of a batch.
    ///
    /// # Errors
    /// When a shape does not fit, an input is quantised (its Hessian is zero almost everywhere) or a norm uses batch
    /// statistics.
    pub fn new<T: Real>(
        network: &'a Network,
        bindings: &'a Bindings,
        loss: &Loss,
        images: &Tensor,
        labels: &[u32],
    ) -> Result<Self> {
        check_evaluation(bindings)?;
        let mut tape = forward::<T>(network, bindings, images)?;
        tape.keep_for_reverse(network);
        let gradient = loss.evaluate(&host::read::<T>(tape.output()?)?, labels, None).gradient;
        let seed = host::tensor(gradient, tape.output()?.dims())?;
        let mut upstream = vec![None; network.graph().nodes().len()];
        sweep::<T>(network, seed, |step, g| {
            if matches!(step, Step::Layer { .. } | Step::Function { .. }) {
                upstream[step.output()] = Some(g.clone());
            }
            match step {
                Step::Layer { input: 0, .. } => Ok(vec![]),
                Step::Layer { layer, input, .. } => {
                    let weight = &bindings.layers[layer].weight;
                    Ok(vec![(input, layer_input_gradient::<T>(network, layer, input, tape.batch, weight, g)?)])
                }
                _ => fixed_step::<T>(network, bindings, &tape, step, g),
            }
        })?;
        Ok(Self { network, bindings, loss: *loss, labels: labels.to_vec(), tape, upstream })
    }

    /// `Hv` for the variables that take part in `v`; those that do not reach the output have none: it is zero.
    ///
    /// # Errors
    /// When a shape does not fit.
    pub fn apply<T: Real>(&self, v: &Variation) -> Result<Variation> {
        Ok(self.sweep::<T>(v, true)?.product)
    }

    /// `vᵀ (Hv)` of each layer's variables that take part: what a trace needs, with two convolutions less.
    ///
    /// # Errors
    /// When a shape does not fit.
    pub fn forms<T: Real>(&self, v: &Variation) -> Result<Vec<f64>> {
        Ok(self.sweep::<T>(v, false)?.forms)
    }

    fn sweep<T: Real>(&self, v: &Variation, products: bool) -> Result<Found> {
        let tangents = self.tangents::<T>(v, !products)?;
        let network = self.network;
        let layers = network.layers().len();
        let mut found = Found { products, product: Variation::none(layers), forms: vec![0.0; layers] };
        let Some(output) = tangents.nodes[network.graph().output()].as_ref() else { return Ok(found) };
        let seed = self.curvature_of_loss::<T>(output)?;
        sweep::<T>(network, seed, |step, g_dot| match step {
            Step::Layer { layer, input, .. } => self.layer::<T>((layer, input), v, &tangents, g_dot, &mut found),
            Step::Function { function, output } => self.function::<T>(function, output, &tangents, g_dot),
            _ => Ok(reached(fixed_step::<T>(network, self.bindings, &self.tape, step, g_dot)?, &tangents)),
        })?;
        Ok(found)
    }

    /// Products at one layer, and what goes on to its input.
    fn layer<T: Real>(
        &self,
        (layer, input): (usize, NodeId),
        v: &Variation,
        tangents: &Tangents,
        g_dot: &Tensor,
        found: &mut Found,
    ) -> Result<InputGradients> {
        let (network, batch) = (self.network, self.tape.batch);
        let g = self.gradient(network.layers()[layer].node)?;
        let weight_gradient = |x: &Tensor, g: &Tensor| layer_weight_gradient::<T>(network, layer, batch, x, g);
        let input_gradient = |w: &Tensor, g: &Tensor| layer_input_gradient::<T>(network, layer, input, batch, w, g);
        let x_dot = tangents.layer_inputs[layer].as_ref();
        if found.products {
            found.product.outputs[layer] = v.outputs[layer].as_ref().map(|_| g_dot.clone());
            if v.weights[layer].is_some() {
                let through = weight_gradient(self.tape.layer_input(layer)?, g_dot)?;
                let moved = x_dot.map(|x_dot| weight_gradient(x_dot, g)).transpose()?;
                found.product.weights[layer] = sum::<T>(Some(&through), moved.as_ref())?;
            }
        } else {
            for factor in [&tangents.moved[layer], &v.outputs[layer]].into_iter().flatten() {
                found.forms[layer] += dot::<T>(factor, g_dot)?;
            }
        }
        let Some(x_dot) = x_dot else { return Ok(vec![]) };
        let through = input_gradient(&self.bindings.layers[layer].weight, g_dot)?;
        let moved = v.weights[layer].as_ref().map(|v| input_gradient(v, g)).transpose()?;
        let Some(total) = sum::<T>(Some(&through), moved.as_ref())? else { return Ok(vec![]) };
        if found.products {
            found.product.inputs[layer] = v.inputs[layer].as_ref().map(|_| total.clone());
        } else {
            let factors = [moved.as_ref().map(|moved| (x_dot, moved)), v.inputs[layer].as_ref().map(|v| (v, &total))];
            for (a, b) in factors.into_iter().flatten() {
                found.forms[layer] += dot::<T>(a, b)?;
            }
        }
        Ok(reached(vec![(input, total)], tangents))
    }

    fn function<T: Real>(
        &self,
        function: usize,
        output: NodeId,
        tangents: &Tangents,
        g_dot: &Tensor,
    ) -> Result<InputGradients> {
        let batch = self.tape.batch;
        let (site, inputs) = function_site::<T>(self.network, self.bindings, function, batch)?;
        let x = read_all::<T>(inputs, |input| self.tape.value(input))?;
        let x_dot = self.all_tangents(inputs, tangents)?;
        let x_dot = x_dot.iter().map(host::read::<T>).collect::<Result<Vec<_>>>()?;
        let (g, g_dot) = (host::read::<T>(self.gradient(output)?)?, host::read::<T>(g_dot)?);
        let gradients = site.adjoint_tangent(&slices(&x), &slices(&x_dot), &g, &g_dot);
        Ok(reached(input_tensors(self.network, inputs, batch, gradients)?, tangents))
    }

    fn gradient(&self, node: NodeId) -> Result<&Tensor> {
        self.upstream[node].as_ref().ok_or_else(|| Error::Internal(format!("node {node} has no gradient")))
    }

    /// Tangents of the nodes, zeros included.
    fn all_tangents(&self, nodes: &[NodeId], tangents: &Tangents) -> Result<Vec<Tensor>> {
        let tangent = |&node: &NodeId| match &tangents.nodes[node] {
            Some(tangent) => Ok(tangent.clone()),
            None => Ok(self.tape.value(node)?.zeros_like()?),
        };
        nodes.iter().map(tangent).collect()
    }

    /// `keep_moved`: whether `v x` is asked for.
    fn tangents<T: Real>(&self, v: &Variation, keep_moved: bool) -> Result<Tangents> {
        let (nodes, layers) = (self.network.graph().nodes().len(), self.network.layers().len());
        let mut tangents = Tangents {
            moves: vec![false; nodes],
            nodes: vec![None; nodes],
            layer_inputs: vec![None; layers],
            moved: vec![None; layers],
        };
        let mut readers = vec![0usize; nodes];
        let (output, steps) = (self.network.graph().output(), self.network.steps());
        for &step in steps {
            // The reverse sweep reads the inputs of functions again.
            let again = usize::from(matches!(step, Step::Function { .. }));
            self.network.inputs(step).into_iter().for_each(|input| readers[input] += 1 + again);
        }
        readers[output] += 1;
        for &step in steps {
            let tangent = match step {
                Step::Layer { layer, input, output } => {
                    self.layer_tangent::<T>((layer, input, output), v, keep_moved, &mut tangents)?
                }
                _ => self.step_tangent::<T>(step, &tangents)?,
            };
            tangents.moves[step.output()] = tangent.is_some();
            tangents.nodes[step.output()] = tangent;
            for input in self.network.inputs(step) {
                readers[input] -= 1;
                if readers[input] == 0 {
                    tangents.nodes[input] = None;
                }
            }
        }
        Ok(tangents)
    }

    fn layer_tangent<T: Real>(
        &self,
        (layer, input, output): (usize, NodeId, NodeId),
        v: &Variation,
        keep_moved: bool,
        tangents: &mut Tangents,
    ) -> Result<Option<Tensor>> {
        let (network, batch) = (self.network, self.tape.batch);
        let map = |x: &Tensor, w: &Tensor| -> Result<Tensor> {
            let mut y = vec![T::ZERO; network.elements(output, batch)];
            network.layer_map(layer, batch).forward(&host::read::<T>(x)?, &host::read::<T>(w)?, &mut y);
            host::tensor(y, network.batch_shape(output, batch))
        };
        let x_dot = sum::<T>(tangents.nodes[input].as_ref(), v.inputs[layer].as_ref())?;
        let weight = &self.bindings.layers[layer].weight;
        let through = x_dot.as_ref().map(|x_dot| map(x_dot, weight)).transpose()?;
        let moved = v.weights[layer].as_ref().map(|v| map(self.tape.layer_input(layer)?, v)).transpose()?;
        tangents.layer_inputs[layer] = x_dot;
        let total = sum::<T>(sum::<T>(through.as_ref(), moved.as_ref())?.as_ref(), v.outputs[layer].as_ref());
        if keep_moved {
            tangents.moved[layer] = moved;
        }
        total
    }

    fn step_tangent<T: Real>(&self, step: Step, tangents: &Tangents) -> Result<Option<Tensor>> {
        let (network, tape, tangents) = (self.network, &self.tape, &tangents);
        let new = |data: Vec<T>| host::tensor(data, network.batch_shape(step.output(), tape.batch)).map(Some);
        let y_dot = || vec![T::ZERO; network.elements(step.output(), tape.batch)];
        match step {
            Step::Layer { layer, .. } => Err(Error::Internal(format!("layer {layer} has variables of its own"))),
            Step::Norm { input, .. } | Step::Relu { input, .. } => match &tangents.nodes[input] {
                None => Ok(None),
                // Diagonal operators: the tangent map is its own adjoint.
                Some(x_dot) => {
                    Ok(fixed_step::<T>(network, self.bindings, tape, step, x_dot)?.pop().map(|(_, y_dot)| y_dot))
                }
            },
            Step::Add { inputs: [a, b], output, relu } => {
                let total = sum::<T>(tangents.nodes[a].as_ref(), tangents.nodes[b].as_ref())?;
                total.map(|total| through_relu::<T>(tape, output, relu, &total)).transpose()
            }
            Step::Pool { input, .. } => match &tangents.nodes[input] {
                None => Ok(None),
                Some(x_dot) => {
                    let mut y = y_dot();
                    pool::average(&host::read::<T>(x_dot)?, network.channel_map(input, tape.batch).positions, &mut y);
                    new(y)
                }
            },
            Step::Subsample { input, output } => match &tangents.nodes[input] {
                None => Ok(None),
                Some(x_dot) => {
                    let mut y = y_dot();
                    network.subsample_shape(output, tape.batch).forward(&host::read::<T>(x_dot)?, &mut y);
                    new(y)
                }
            },
            Step::Function { function, .. } => {
                let (site, inputs) = function_site::<T>(network, self.bindings, function, tape.batch)?;
                if inputs.iter().all(|&input| tangents.nodes[input].is_none()) {
                    return Ok(None);
                }
                let x = read_all::<T>(inputs, |input| tape.value(input))?;
                let x_dot = self.all_tangents(inputs, tangents)?;
                let x_dot = x_dot.iter().map(host::read::<T>).collect::<Result<Vec<_>>>()?;
                let mut y = y_dot();
                site.tangent(&slices(&x), &slices(&x_dot), &mut y);
                new(y)
            }
        }
    }

    fn curvature_of_loss<T: Real>(&self, z_dot: &Tensor) -> Result<Tensor> {
        let (logits, tangent) = (host::read::<T>(self.tape.output()?)?, host::read::<T>(z_dot)?);
        host::tensor(self.loss.curvature_product(&logits, &tangent, &self.labels), z_dot.dims())
    }
}

/// Nothing moves upstream of a node whose tangent is zero: no variable is there, and no gradient is needed.
fn reached(gradients: InputGradients, tangents: &Tangents) -> InputGradients {
    gradients.into_iter().filter(|(node, _)| tangents.moves[*node]).collect()
}

/// # Errors
/// When the network is quantised or norms use batch statistics.
pub(super) fn check_evaluation(bindings: &Bindings) -> Result<()> {
    let fixed = bindings.norms.iter().all(|n| matches!(n.statistics, Statistics::Fixed { .. }));
    if fixed && bindings.layers.iter().all(|l| l.activation.is_none()) {
        return Ok(());
    }
    Err(Error::Internal("curvature needs an unquantised network in evaluation mode".into()))
}
