//! The reverse pass: the steps from last to first, each with the adjoint of what it computed.

use candle_core::{Device, Tensor};

use crate::error::Result;
use crate::exec::plain::forward::{PlainTape, by_channel, call, subsampling};
use crate::exec::plain::tensors::where_true;
use crate::exec::plain::{layer, norm, pool, quantizer};
use crate::exec::{Bindings, Gradients, Network, Step, Tape};
use crate::graph::NodeId;

/// Gradients from `∂L/∂output`, as [`crate::exec::backward()`] gives them: on the host, weights in the element type of the
/// tape. Through batch statistics where the norms use them.
///
/// # Errors
/// When a shape or element type does not fit, or the device fails.
pub fn backward(network: &Network, bindings: &Bindings, tape: &PlainTape, d_output: &Tensor) -> Result<Gradients> {
    let tape = &tape.tape;
    let mut pass = Pass { network, bindings, tape, gradients: Gradients::zero(bindings)? };
    let mut reached: Vec<Option<Tensor>> = vec![None; network.graph().nodes().len()];
    reached[network.graph().output()] = Some(d_output.to_device(tape.output()?.device())?.contiguous()?);
    for &step in network.steps().iter().rev() {
        let Some(g) = reached[step.output()].take() else { continue };
        for (node, more) in pass.step(step, &g)? {
            reached[node] = Some(match reached[node].take() {
                None => more,
                Some(present) => (present + more)?,
            });
        }
    }
    Ok(pass.gradients)
}

/// What the steps read, and the gradients they write.
struct Pass<'a> {
    network: &'a Network,
    bindings: &'a Bindings,
    tape: &'a Tape,
    gradients: Gradients,
}

impl Pass<'_> {
    /// `g · 1[y > 0]` where a ReLU was fused into the step that wrote `y`.
    fn through_relu(&self, output: NodeId, relu: bool, g: &Tensor) -> Result<Tensor> {
        if relu { where_true(&self.tape.value(output)?.gt(0.0)?, g) } else { Ok(g.clone()) }
    }

    /// Gradients of the nodes that a step read, from that of the node it wrote.
    fn step(&mut self, step: Step, g: &Tensor) -> Result<Vec<(NodeId, Tensor)>> {
        Ok(match step {
            Step::Layer { layer, input, .. } => self.layer(layer, input, g)?,
            Step::Norm { norm, input, output, relu } => {
                let (x, g) = (self.tape.value(input)?, self.through_relu(output, relu, g)?);
                let (binding, state) = (&self.bindings.norms[norm], &self.tape.norms[norm]);
                let found = norm::backward(binding, state, &by_channel(x)?, &by_channel(&g)?)?;
                (self.gradients.gammas[norm], self.gradients.betas[norm]) = (found.gamma, found.beta);
                vec![(input, found.input.reshape(x.shape())?)]
            }
            Step::Add { inputs: [a, b], output, relu } => {
                let g = self.through_relu(output, relu, g)?;
                vec![(a, g.clone()), (b, g)]
            }
            Step::Relu { input, output } => vec![(input, self.through_relu(output, true, g)?)],
            Step::Pool { input, .. } => {
                let x = self.tape.value(input)?;
                let positions = by_channel(x)?.dim(2)?;
                let share = (g / positions as f64)?.unsqueeze(2)?;
                let spread = share.broadcast_as((x.dim(0)?, x.dim(1)?, positions))?;
                vec![(input, spread.contiguous()?.reshape(x.shape())?)]
            }
            Step::Subsample { input, output } => {
                let (stride, before) = subsampling(self.network, output);
                vec![(input, pool::subsample_adjoint(stride, before, self.tape.value(input)?, g)?)]
            }
            Step::Function { function, output } => {
                let call = call(self.network, self.bindings, self.tape, function)?;
                self.gradients.functions[function] = call.parameter_gradients(g)?;
                let inputs = &self.network.graph().nodes()[output].inputs;
                inputs.iter().copied().zip(call.adjoint(self.tape.value(output)?, g)?).collect()
            }
        })
    }

    fn layer(&mut self, layer: usize, input: NodeId, g: &Tensor) -> Result<Vec<(NodeId, Tensor)>> {
        let Self { network, bindings, tape, gradients } = self;
        let (binding, batch) = (&bindings.layers[layer], tape.batch);
        let x = tape.layer_input(layer)?;
        gradients.weights[layer] = layer::weight_gradient(network, layer, batch, [x, g])?.to_device(&Device::Cpu)?;
        if binding.bias.is_some() {
            gradients.biases[layer] = layer::bias_gradient(network, layer, batch, g)?;
        }
        if input == 0 && binding.activation.is_none() {
            return Ok(vec![]);
        }
        let dx = layer::input_gradient(network, layer, batch, binding, [x, g])?;
        let Some((quantizer, scale)) = &binding.activation else { return Ok(vec![(input, dx)]) };
        let (dx, d_scale) = quantizer::backward(quantizer, *scale, tape.value(input)?, &dx)?;
        gradients.activation_scales[layer] = Some(d_scale);
        Ok(vec![(input, dx)])
    }
}
