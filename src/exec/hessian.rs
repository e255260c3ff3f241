//! Exact Hessian-vector products by forward-over-reverse differentiation (Pearlmutter 1994, *Fast exact multiplication
//! by the Hessian*, Neural Computation 6).
//!
//! The variables are the layers' weights; batch norm uses fixed statistics (method.md §3). With a dot for the
//! derivative in direction `v` and `y = conv(x, W)` for a layer, `g` its output's gradient, `*ᵀ` adjoints:
//!
//! ```text
//! ẏ   = conv(ẋ, W) + conv(x, v)
//! ġ_z = (diag p − p pᵀ) ż / N                                   softmax cross-entropy
//! ġ_x = convᵀ(ġ_y, W) + convᵀ(g_y, v)
//! (Hv)_W = convᵀ_W(x, ġ_y) + convᵀ_W(ẋ, g_y)
//! ```
//!
//! ReLU masks and norms act on tangents as on gradients. No finite difference anywhere: exact to rounding. Cost: six
//! convolutions a layer and product; the two of the base point are shared by all products of a batch.

use candle_core::Tensor;

use crate::error::{Error, Result};
use crate::exec::forward::forward;
use crate::exec::kernels::{Real, conv, pool};
use crate::exec::loss::{Loss, log_softmax};
use crate::exec::reverse::{add, fixed_step, layer_input_gradient, layer_weight_gradient, sweep, through_relu};
use crate::exec::{Bindings, Network, Statistics, Step, Tape, host};
use crate::graph::NodeId;

/// The base point of Hessian products: one batch, its values and gradients.
#[derive(Debug)]
pub struct HessianPass<'a> {
    network: &'a Network,
    bindings: &'a Bindings,
    tape: Tape,
    /// Gradient of every layer's output.
    upstream: Vec<Option<Tensor>>,
}

impl<'a> HessianPass<'a> {
    /// Forward and reverse pass at the base point, on the mean cross-entropy of a batch.
    ///
    /// # Errors
    /// When a shape does not fit, an input is quantised (its Hessian is zero almost everywhere) or a norm uses batch
    /// statistics.
    pub fn new<T: Real>(network: &'a Network, bindings: &'a Bindings, images: &Tensor, labels: &[u32]) -> Result<Self> {
        let fixed = bindings.norms.iter().all(|n| matches!(n.statistics, Statistics::Fixed { .. }));
        if !fixed || bindings.layers.iter().any(|l| l.activation.is_some()) {
            return Err(Error::Internal("Hessian products need an unquantised network in evaluation mode".into()));
        }
        let tape = forward::<T>(network, bindings, images)?;
        let gradient = Loss::default().evaluate(&host::read::<T>(tape.output()?)?, labels, None).gradient;
        let seed = host::tensor(gradient, tape.output()?.dims())?;
        let mut upstream = vec![None; network.layers().len()];
        sweep::<T>(network, seed, |step, g| match step {
            Step::Layer { layer, input, .. } => {
                upstream[layer] = Some(g.clone());
                match input {
                    0 => Ok(vec![]),
                    _ => {
                        let weight = &bindings.layers[layer].weight;
                        Ok(vec![(input, layer_input_gradient::<T>(network, layer, input, tape.batch, weight, g)?)])
                    }
                }
            }
            _ => fixed_step::<T>(network, bindings, &tape, step, g),
        })?;
        Ok(Self { network, bindings, tape, upstream })
    }

    /// `Hv`, both given per layer in the shape of its weight.
    ///
    /// # Errors
    /// When a shape does not fit.
    pub fn apply<T: Real>(&self, v: &[Tensor]) -> Result<Vec<Tensor>> {
        let tangents = self.tangents::<T>(v)?;
        let network = self.network;
        let output = tangents[network.graph().output()].as_ref();
        let seed = self.curvature_of_loss::<T>(output.ok_or_else(|| Error::Internal("no layer".into()))?)?;
        let mut products = v.iter().map(Tensor::zeros_like).collect::<candle_core::Result<Vec<_>>>()?;
        sweep::<T>(network, seed, |step, g_dot| {
            let Step::Layer { layer, input, .. } = step else {
                return fixed_step::<T>(network, self.bindings, &self.tape, step, g_dot);
            };
            let batch = self.tape.batch;
            let g = self.upstream[layer].as_ref().ok_or_else(|| Error::Internal("a layer without gradient".into()))?;
            let mut product = layer_weight_gradient::<T>(network, layer, batch, self.tape.layer_input(layer)?, g_dot)?;
            if let Some(x_dot) = &tangents[input] {
                product = add::<T>(&product, &layer_weight_gradient::<T>(network, layer, batch, x_dot, g)?)?;
            }
            products[layer] = product;
            if input == 0 {
                return Ok(vec![]);
            }
            let weight = &self.bindings.layers[layer].weight;
            let through = layer_input_gradient::<T>(network, layer, input, batch, weight, g_dot)?;
            let moved = layer_input_gradient::<T>(network, layer, input, batch, &v[layer], g)?;
            Ok(vec![(input, add::<T>(&through, &moved)?)])
        })?;
        Ok(products)
    }

    /// Derivative of every node's value in direction `v`; `None` where it is zero (the input).
    fn tangents<T: Real>(&self, v: &[Tensor]) -> Result<Vec<Option<Tensor>>> {
        let mut tangents: Vec<Option<Tensor>> = vec![None; self.network.graph().nodes().len()];
        for &step in self.network.steps() {
            tangents[step.output()] = self.step_tangent::<T>(step, v, &tangents)?;
        }
        Ok(tangents)
    }

    fn step_tangent<T: Real>(&self, step: Step, v: &[Tensor], tangents: &[Option<Tensor>]) -> Result<Option<Tensor>> {
        let (network, tape) = (self.network, &self.tape);
        let new = |data: Vec<T>, node: NodeId| host::tensor(data, network.batch_shape(node, tape.batch)).map(Some);
        match step {
            Step::Layer { layer, input, output } => {
                let convolve = |x: &Tensor, w: &Tensor| -> Result<Tensor> {
                    let mut y = vec![T::ZERO; network.elements(output, tape.batch)];
                    let shape = network.conv_shape(layer, tape.batch);
                    conv::forward(&shape, &host::read::<T>(x)?, &host::read::<T>(w)?, &mut y);
                    host::tensor(y, network.batch_shape(output, tape.batch))
                };
                let moved = convolve(tape.layer_input(layer)?, &v[layer])?;
                match &tangents[input] {
                    None => Ok(Some(moved)),
                    Some(x_dot) => {
                        let through = convolve(x_dot, &self.bindings.layers[layer].weight)?;
                        Ok(Some(add::<T>(&through, &moved)?))
                    }
                }
            }
            Step::Norm { input, .. } | Step::Relu { input, .. } => match &tangents[input] {
                None => Ok(None),
                // Diagonal operators: the tangent map is its own adjoint.
                Some(x_dot) => {
                    Ok(fixed_step::<T>(network, self.bindings, tape, step, x_dot)?.pop().map(|(_, y_dot)| y_dot))
                }
            },
            Step::Add { inputs: [a, b], output, relu } => match (&tangents[a], &tangents[b]) {
                (None, None) => Ok(None),
                (Some(one), None) | (None, Some(one)) => through_relu::<T>(tape, output, relu, one).map(Some),
                (Some(a), Some(b)) => through_relu::<T>(tape, output, relu, &add::<T>(a, b)?).map(Some),
            },
            Step::Pool { input, output } => match &tangents[input] {
                None => Ok(None),
                Some(x_dot) => {
                    let mut y = vec![T::ZERO; network.elements(output, tape.batch)];
                    pool::average(&host::read::<T>(x_dot)?, network.channel_map(input, tape.batch).positions, &mut y);
                    new(y, output)
                }
            },
            Step::Subsample { input, output } => match &tangents[input] {
                None => Ok(None),
                Some(x_dot) => {
                    let mut y = vec![T::ZERO; network.elements(output, tape.batch)];
                    network.subsample_shape(output, tape.batch).forward(&host::read::<T>(x_dot)?, &mut y);
                    new(y, output)
                }
            },
        }
    }

    fn curvature_of_loss<T: Real>(&self, z_dot: &Tensor) -> Result<Tensor> {
        let (logits, tangent) = (host::read::<T>(self.tape.output()?)?, host::read::<T>(z_dot)?);
        let classes = logits.len() / self.tape.batch;
        let mut out = Vec::with_capacity(logits.len());
        for (row, dot) in logits.chunks_exact(classes).zip(tangent.chunks_exact(classes)) {
            let p: Vec<f64> = log_softmax(row, 1.0).into_iter().map(f64::exp).collect();
            let mean: f64 = p.iter().zip(dot).map(|(p, d)| p * d.to_f64()).sum();
            let entries = p.iter().zip(dot).map(|(p, d)| p * (d.to_f64() - mean) / self.tape.batch as f64);
            out.extend(entries.map(T::from_f64));
        }
        host::tensor(out, z_dot.dims())
    }
}
