//! The reverse sweep that gradients and Hessian products share.

use candle_core::Tensor;

use crate::error::{Error, Result};
use crate::exec::forward::{Tape, affine_form, function_site, read_all, slices};
use crate::exec::kernels::{Real, elementwise, pool};
use crate::exec::{Bindings, Network, Step, host};
use crate::graph::NodeId;

/// Gradients of the nodes that a step read.
pub(super) type InputGradients = Vec<(NodeId, Tensor)>;

/// Visits the steps from last to first with the gradient of their output; adds up where a node is read twice.
pub(super) fn sweep<T: Real>(
    network: &Network,
    seed: Tensor,
    mut visit: impl FnMut(Step, &Tensor) -> Result<InputGradients>,
) -> Result<()> {
    let mut gradients: Vec<Option<Tensor>> = vec![None; network.graph().nodes().len()];
    gradients[network.graph().output()] = Some(seed);
    for &step in network.steps().iter().rev() {
        let Some(gradient) = gradients[step.output()].take() else { continue };
        for (node, more) in visit(step, &gradient)? {
            gradients[node] = Some(match gradients[node].take() {
                None => more,
                Some(present) => add::<T>(&present, &more)?,
            });
        }
    }
    Ok(())
}

/// Sum of two tensors of one shape.
pub(super) fn add<T: Real>(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (x, y) = (host::read::<T>(a)?, host::read::<T>(b)?);
    let mut sum = vec![T::ZERO; x.len()];
    elementwise::add(&x, &y, false, &mut sum);
    host::tensor(sum, a.dims())
}

/// `g · 1[y > 0]` where a ReLU was fused into the step that wrote `y`, else `g`.
pub(super) fn through_relu<T: Real>(tape: &Tape, output: NodeId, relu: bool, g: &Tensor) -> Result<Tensor> {
    if !relu {
        return Ok(g.clone());
    }
    let (y, g_data) = (host::read::<T>(tape.value(output)?)?, host::read::<T>(g)?);
    let mut masked = vec![T::ZERO; y.len()];
    elementwise::mask(&y, &g_data, &mut masked);
    host::tensor(masked, g.dims())
}

/// Gradient of a layer's (quantised) input: the adjoint of its convolution.
pub(super) fn layer_input_gradient<T: Real>(
    network: &Network,
    layer: usize,
    input: NodeId,
    batch: usize,
    weight: &Tensor,
    g: &Tensor,
) -> Result<Tensor> {
    let mut dx = vec![T::ZERO; network.elements(input, batch)];
    network.layer_map(layer, batch).input_gradient(&host::read::<T>(g)?, &host::read::<T>(weight)?, &mut dx);
    host::tensor(dx, network.batch_shape(input, batch))
}

/// Gradient of a layer's weight from its (quantised) input.
pub(super) fn layer_weight_gradient<T: Real>(
    network: &Network,
    layer: usize,
    batch: usize,
    x: &Tensor,
    g: &Tensor,
) -> Result<Tensor> {
    let shape = &network.layers()[layer].weight_shape;
    let mut dw = vec![T::ZERO; shape.iter().product()];
    network.layer_map(layer, batch).weight_gradient(&host::read::<T>(x)?, &host::read::<T>(g)?, &mut dw);
    host::tensor(dw, shape.as_slice())
}

/// Input gradients of every step without parameters of its own, and of norms with fixed statistics.
pub(super) fn fixed_step<T: Real>(
    network: &Network,
    bindings: &Bindings,
    tape: &Tape,
    step: Step,
    g: &Tensor,
) -> Result<InputGradients> {
    let batch = tape.batch;
    let (input, dx) = match step {
        Step::Norm { norm, input, output, relu } => {
            let g = through_relu::<T>(tape, output, relu, g)?;
            let (a, b) = affine_form::<T>(&bindings.norms[norm], &tape.norms[norm])?;
            let mut dx = vec![T::ZERO; network.elements(input, batch)];
            let zero = vec![T::ZERO; b.len()];
            network.channel_map(input, batch).affine(&host::read::<T>(&g)?, &a, &zero, false, &mut dx);
            (input, dx)
        }
        Step::Add { inputs: [a, b], output, relu } => {
            let g = through_relu::<T>(tape, output, relu, g)?;
            return Ok(vec![(a, g.clone()), (b, g)]);
        }
        Step::Relu { input, output } => return Ok(vec![(input, through_relu::<T>(tape, output, true, g)?)]),
        Step::Pool { input, .. } => {
            let mut dx = vec![T::ZERO; network.elements(input, batch)];
            pool::spread(&host::read::<T>(g)?, network.channel_map(input, batch).positions, &mut dx);
            (input, dx)
        }
        Step::Subsample { input, output } => {
            let mut dx = vec![T::ZERO; network.elements(input, batch)];
            network.subsample_shape(output, batch).adjoint(&host::read::<T>(g)?, &mut dx);
            (input, dx)
        }
        Step::Function { function, .. } => {
            let (site, inputs) = function_site::<T>(network, bindings, function, batch)?;
            let x = read_all::<T>(inputs, |input| tape.value(input))?;
            return input_tensors(network, inputs, batch, site.adjoint(&slices(&x), &host::read::<T>(g)?));
        }
        Step::Layer { layer, .. } => return Err(Error::Internal(format!("layer {layer} has parameters of its own"))),
    };
    Ok(vec![(input, host::tensor(dx, network.batch_shape(input, batch))?)])
}

/// What reaches each input of a step, as tensors.
pub(super) fn input_tensors<T: Real>(
    network: &Network,
    inputs: &[NodeId],
    batch: usize,
    gradients: Vec<Vec<T>>,
) -> Result<InputGradients> {
    let tensor = |(&input, dx): (&NodeId, Vec<T>)| Ok((input, host::tensor(dx, network.batch_shape(input, batch))?));
    inputs.iter().zip(gradients).map(tensor).collect()
}
