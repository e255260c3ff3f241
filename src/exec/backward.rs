//! The reverse pass: gradients of the loss with respect to everything a network runs with.

use candle_core::Tensor;

use crate::error::Result;
use crate::exec::forward::{function_site, gradient_form, read_all, slices};
use crate::exec::kernels::Real;
use crate::exec::reverse::{
    InputGradients, fixed_step, layer_input_gradient, layer_weight_gradient, sweep, through_relu,
};
use crate::exec::{Bindings, Network, Statistics, Step, Tape, host};
use crate::graph::NodeId;

/// Gradients in the order of layers and norms.
#[derive(Debug, Clone)]
pub struct Gradients {
    /// With respect to the weights as bound (quantised); map through the quantiser to reach the float weights.
    pub weights: Vec<Tensor>,
    /// With respect to biases; empty for layers without.
    pub biases: Vec<Vec<f64>>,
    /// With respect to the scales of the input quantisers, with LSQ's factor; `None` where the input is not quantised.
    pub activation_scales: Vec<Option<f32>>,
    /// With respect to the norms' scales.
    pub gammas: Vec<Vec<f64>>,
    /// With respect to the norms' shifts.
    pub betas: Vec<Vec<f64>>,
    /// With respect to the functions' parameters.
    pub functions: Vec<Vec<Vec<f64>>>,
}

impl Gradients {
    /// Before anything has been added: zero weights, empty vectors.
    pub(super) fn zero(bindings: &Bindings) -> Result<Self> {
        let (layers, norms) = (bindings.layers.len(), bindings.norms.len());
        Ok(Self {
            weights: bindings.layers.iter().map(|l| l.weight.zeros_like()).collect::<candle_core::Result<_>>()?,
            biases: vec![Vec::new(); layers],
            activation_scales: vec![None; layers],
            gammas: vec![Vec::new(); norms],
            betas: vec![Vec::new(); norms],
            functions: vec![Vec::new(); bindings.functions.len()],
        })
    }
}

/// Gradients from `∂L/∂output`. Through batch statistics where the norms use them. About two forward passes.
///
/// # Errors
/// When a shape or element type does not fit.
pub fn backward<T: Real>(network: &Network, bindings: &Bindings, tape: &Tape, d_output: Tensor) -> Result<Gradients> {
    let mut pass = Pass { network, bindings, tape, gradients: Gradients::zero(bindings)? };
    sweep::<T>(network, d_output, |step, g| match step {
        Step::Layer { layer, input, .. } => pass.layer::<T>(layer, input, g),
        Step::Norm { norm, input, output, relu } => {
            pass.norm::<T>(norm, input, &through_relu::<T>(tape, output, relu, g)?)
        }
        Step::Function { function, .. } => {
            let (site, inputs) = function_site::<T>(network, bindings, function, tape.batch)?;
            let x = read_all::<T>(inputs, |input| tape.value(input))?;
            let sums = &mut pass.gradients.functions[function];
            site.add_parameter_gradients(&slices(&x), &host::read::<T>(g)?, sums);
            fixed_step::<T>(network, bindings, tape, step, g)
        }
        _ => fixed_step::<T>(network, bindings, tape, step, g),
    })?;
    Ok(pass.gradients)
}

/// What the steps with parameters of their own read, and the gradients they write.
struct Pass<'a> {
    network: &'a Network,
    bindings: &'a Bindings,
    tape: &'a Tape,
    gradients: Gradients,
}

impl Pass<'_> {
    fn layer<T: Real>(&mut self, layer: usize, input: NodeId, g: &Tensor) -> Result<InputGradients> {
        let Self { network, bindings, tape, gradients } = self;
        let binding = &bindings.layers[layer];
        gradients.weights[layer] = layer_weight_gradient::<T>(network, layer, tape.batch, tape.layer_input(layer)?, g)?;
        if binding.bias.is_some() {
            gradients.biases[layer] = network.bias_map(layer, tape.batch).sums(&host::read::<T>(g)?);
        }
        if input == 0 && binding.activation.is_none() {
            return Ok(vec![]);
        }
        let dx = layer_input_gradient::<T>(network, layer, input, tape.batch, &binding.weight, g)?;
        let Some((quantizer, scale)) = binding.activation else { return Ok(vec![(input, dx)]) };
        let (x, upstream) = (host::read::<f32>(tape.value(input)?)?, host::read::<f32>(&dx)?);
        let mut through = vec![0f32; x.len()];
        gradients.activation_scales[layer] = Some(quantizer.backward(&x, scale, tape.batch, &upstream, &mut through));
        Ok(vec![(input, host::tensor(through, dx.dims())?)])
    }

    /// `g`: in front of the fused ReLU.
    fn norm<T: Real>(&mut self, norm: usize, input: NodeId, g: &Tensor) -> Result<InputGradients> {
        let Self { network, bindings, tape, gradients } = self;
        let (binding, state) = (&bindings.norms[norm], &tape.norms[norm]);
        let map = network.channel_map(input, tape.batch);
        let (x, g_data) = (host::read::<T>(tape.value(input)?)?, host::read::<T>(g)?);
        let (s1, s2) = map.gradient_sums::<T>(&x, &g_data, &state.mean, &state.inverse);
        let count = match binding.statistics {
            Statistics::Batch => (map.batch * map.positions) as f64,
            Statistics::Fixed { .. } => f64::INFINITY,
        };
        let sums: Vec<[f64; 2]> = s1.iter().zip(&s2).map(|(&s1, &s2)| [s1, s2]).collect();
        let [p, q, r] = gradient_form::<T>(binding, state, &sums, count)?;
        let mut dx = vec![T::ZERO; x.len()];
        map.combine(&x, &g_data, [&p, &q, &r], &mut dx);
        (gradients.gammas[norm], gradients.betas[norm]) = (s2, s1);
        Ok(vec![(input, host::tensor(dx, network.batch_shape(input, tape.batch))?)])
    }
}
