//! The forward pass.

use candle_core::{DType, Tensor};

use crate::error::{Error, Result};
use crate::exec::plain::function::FunctionCall;
use crate::exec::plain::tensors::relu;
use crate::exec::plain::{layer, norm, pool, quantizer};
use crate::exec::{Bindings, Network, NormState, Step, Tape};
use crate::graph::Op;

/// The values of one forward pass on a device, kept for the reverse pass.
#[derive(Debug, Clone)]
pub struct PlainTape {
    pub(super) tape: Tape,
}

impl PlainTape {
    /// The network's output, on the device of the images.
    ///
    /// # Errors
    /// Never for a tape made by [`forward`].
    pub fn output(&self) -> Result<&Tensor> {
        self.tape.output()
    }

    /// What each norm used, on the host.
    pub fn norms(&self) -> &[NormState] {
        &self.tape.norms
    }
}

/// Runs the network on `[batch, …]` images of f32 or f64 on their device; the bindings have the same element type and may
/// be on any device.
///
/// # Errors
/// When a shape or element type does not fit, or the device fails.
pub fn forward(network: &Network, bindings: &Bindings, images: &Tensor) -> Result<PlainTape> {
    let batch = images.dims().first().copied().unwrap_or(0);
    if images.dims() != network.batch_shape(0, batch) || !matches!(images.dtype(), DType::F32 | DType::F64) {
        let found = format!("images of shape {:?} and type {:?}", images.shape(), images.dtype());
        return Err(Error::Internal(format!("{found} for this network")));
    }
    let mut tape = Tape {
        batch,
        norms: vec![NormState::default(); network.norms().len()],
        values: vec![None; network.graph().nodes().len()],
        layer_inputs: vec![None; network.layers().len()],
    };
    tape.values[0] = Some(images.contiguous()?);
    for &step in network.steps() {
        tape.values[step.output()] = Some(evaluate(network, bindings, &mut tape, step)?);
    }
    Ok(PlainTape { tape })
}

fn evaluate(network: &Network, bindings: &Bindings, tape: &mut Tape, step: Step) -> Result<Tensor> {
    let shape = network.batch_shape(step.output(), tape.batch);
    let clipped = |y: Tensor, fused: bool| if fused { relu(&y) } else { Ok(y) };
    match step {
        Step::Layer { layer, input, .. } => {
            let binding = &bindings.layers[layer];
            let x = tape.value(input)?;
            let x = match &binding.activation {
                Some((quantizer, scale)) => quantizer::forward(quantizer, *scale, x)?,
                None => x.clone(),
            };
            let y = layer::forward(network, layer, tape.batch, binding, &x)?;
            tape.layer_inputs[layer] = Some(x);
            Ok(y)
        }
        Step::Norm { norm, input, relu, .. } => {
            let binding = &bindings.norms[norm];
            let x = by_channel(tape.value(input)?)?;
            let state = norm::state(binding, network.norms()[norm].epsilon, &x)?;
            let y = norm::forward(binding, &state, &x)?;
            tape.norms[norm] = state;
            clipped(y.reshape(shape)?, relu)
        }
        Step::Add { inputs: [a, b], relu, .. } => clipped((tape.value(a)? + tape.value(b)?)?, relu),
        Step::Relu { input, .. } => relu(tape.value(input)?),
        Step::Pool { input, .. } => Ok(by_channel(tape.value(input)?)?.mean(2)?),
        Step::Subsample { input, output } => {
            let (stride, before) = subsampling(network, output);
            pool::subsample(stride, before, tape.value(input)?, &shape)
        }
        Step::Function { function, .. } => call(network, bindings, tape, function)?.forward(tape.value(0)?.device()),
    }
}

/// `[batch, channels, positions]`.
pub(super) fn by_channel(x: &Tensor) -> Result<Tensor> {
    Ok(x.reshape((x.dim(0)?, x.dim(1)?, ()))?)
}

/// Stride and zero channels in front of a shortcut.
pub(super) fn subsampling(network: &Network, output: usize) -> (usize, usize) {
    let shape = network.subsample_shape(output, 1);
    (shape.stride, shape.before)
}

/// A function with the values that it reads.
pub(super) fn call<'a>(
    network: &'a Network,
    bindings: &'a Bindings,
    tape: &'a Tape,
    function: usize,
) -> Result<FunctionCall<'a>> {
    let node_id = network.functions()[function];
    let node = &network.graph().nodes()[node_id];
    let Op::Function(op) = &node.op else {
        return Err(Error::Internal(format!("node {node_id} is no function")));
    };
    Ok(FunctionCall {
        function: op,
        inputs: node.inputs.iter().map(|&input| tape.value(input)).collect::<Result<_>>()?,
        parameters: &bindings.functions[function],
        shape: network.batch_shape(node_id, tape.batch),
    })
}
