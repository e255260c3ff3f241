//! Dynamic convolutions of a network in training: their gates are parameters beside the others, `LAYER.gates` `[K]`.
//!
//! ```text
//! loss = task(W ⊙ U) · (G/R)^α + ω · order                    see `resources`
//! ∂loss/∂W = f · (∂task/∂Ŵ ⊙ U)                               f = (G/R)^α
//! ∂loss/∂g = f · ∂task/∂g + task · ∂f/∂g + ω · ∂order/∂g
//! ```
//!
//! Gates are followed at the recipe's learning rate, without decay. They begin open, `g_k = 0.1 (k + 1)/K`: all
//! channels see each other, and the highest bits close first. The authors begin at ±10⁻⁸ by lot, after a time with a fixed
//! split.

use crate::error::{Error, Result};
use crate::exec::{Bindings, Network, host};
use crate::supernet::dynamic_convolution::Mask;
use crate::supernet::dynamic_convolution::resources::{Gated, Term, order_term, resource_factor};
use crate::supernet::{Parameters, bind_float};

/// The gate of the last factor at the start; gates are free to move where they are below 1.
const WIDEST_GATE: f32 = 0.1;

/// What the gates follow beside the task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Steering {
    /// `b`: convolutions on one `b`-th of the channels are allowed. 4, as in the fixed split.
    pub divisor: f64,
    /// `α` while the convolutions are larger than allowed. −0.01.
    pub exponent: f64,
    /// `ω`. 0.01.
    pub order: f64,
}

impl Default for Steering {
    fn default() -> Self {
        Self { divisor: 4.0, exponent: -0.01, order: 0.01 }
    }
}

/// A layer whose convolution learns its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DynamicLayer {
    /// Which of the network's layers.
    pub layer: usize,
    /// Its name.
    pub name: String,
    /// Shape of its kernel.
    pub shape: Vec<usize>,
    /// `K`.
    pub gates: usize,
}

impl DynamicLayer {
    fn gates_name(&self) -> String {
        format!("{}.gates", self.name)
    }

    /// The mask that its gates say.
    pub fn mask(&self, parameters: &Parameters) -> Result<Mask> {
        Mask::of_gates(&self.name, &parameters.values(&self.gates_name())?)
    }
}

/// The dynamic convolutions of a network, and what steers them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DynamicConvolutions {
    pub(super) layers: Vec<DynamicLayer>,
    steering: Steering,
}

impl DynamicConvolutions {
    /// Those of the given names.
    ///
    /// # Errors
    /// When a name is not that of a convolution in one group, from a power of 2 of channels to as many.
    pub fn new(network: &Network, names: &[String], steering: Steering) -> Result<Self> {
        let layer = |name: &String| {
            let layer = network.layers().iter().position(|layer| layer.name == *name);
            let shape = layer.map(|l| network.layers()[l].weight_shape.clone()).unwrap_or_default();
            match (layer, shape.as_slice()) {
                (Some(layer), &[outputs, inputs, _, _]) => {
                    let gates = Mask::gates_of(name, inputs, outputs)?;
                    Ok(DynamicLayer { layer, name: name.clone(), shape, gates })
                }
                _ => Err(Error::Internal(format!("no convolution `{name}`"))),
            }
        };
        Ok(Self { layers: names.iter().map(layer).collect::<Result<_>>()?, steering })
    }

    /// Adds the gates that training begins with.
    ///
    /// # Errors
    /// Never.
    pub fn add_gates(&self, parameters: &mut Parameters) -> Result<()> {
        self.layers.iter().try_for_each(|layer| {
            let gate = |k: usize| WIDEST_GATE * (k + 1) as f32 / layer.gates as f32;
            parameters.set(layer.gates_name(), (0..layer.gates).map(gate).collect(), &[layer.gates])
        })
    }

    /// The FP32 network with masked kernels, as [`bind_float`].
    ///
    /// # Errors
    /// When a parameter is missing.
    pub fn bind(&self, network: &Network, parameters: &Parameters, training: bool) -> Result<Bindings> {
        let mut bindings = bind_float(network, parameters, training)?;
        for layer in &self.layers {
            let binding = bindings.layers.get_mut(layer.layer);
            let binding = binding.ok_or_else(|| Error::Internal(format!("no layer `{}`", layer.name)))?;
            let masked = layer.mask(parameters)?.apply(&host::read::<f32>(&binding.weight)?)?;
            binding.weight = host::tensor(masked, layer.shape.as_slice())?;
        }
        Ok(bindings)
    }

    /// Masks and terms of one step.
    ///
    /// # Errors
    /// When a gate is missing or not finite.
    pub(in crate::supernet) fn step(&self, parameters: &Parameters) -> Result<Step<'_>> {
        let masks = self.layers.iter().map(|layer| layer.mask(parameters)).collect::<Result<Vec<_>>>()?;
        let gates = self.layers.iter().map(|layer| parameters.values(&layer.gates_name()));
        let gates = gates.collect::<Result<Vec<_>>>()?;
        let gated: Vec<Gated<'_>> = masks.iter().zip(&gates).map(|(mask, gates)| (mask, gates.as_slice())).collect();
        let Steering { divisor, exponent, order } = self.steering;
        let factor = resource_factor(&gated, divisor, exponent);
        let ordered = order_term(&gated);
        Ok(Step { layers: &self.layers, weight_of_order: order, masks, gates, factor, ordered })
    }
}

/// Masks, and what the loss has beside the task, at the gates of one step.
pub(in crate::supernet) struct Step<'a> {
    layers: &'a [DynamicLayer],
    weight_of_order: f64,
    masks: Vec<Mask>,
    gates: Vec<Vec<f32>>,
    factor: Term,
    ordered: Term,
}

impl Step<'_> {
    /// `f`, 1 without dynamic convolutions.
    pub fn factor(&self) -> f64 {
        self.factor.value
    }

    /// Turns the gradient in the masked kernel, the factor in it, into that in the kernel, and gives name and gradient of
    /// the gates; none for other layers. `task` is the loss without the factor.
    ///
    /// # Errors
    /// When a length does not fit: a fault of the program.
    pub fn through(
        &self,
        layer: usize,
        kernel: &[f32],
        gradient: &mut Vec<f32>,
        task: f64,
    ) -> Result<Option<(String, Vec<f32>)>> {
        let Some(d) = self.layers.iter().position(|dynamic| dynamic.layer == layer) else { return Ok(None) };
        let of_task = self.masks[d].gate_gradient(&self.gates[d], kernel, gradient)?;
        *gradient = self.masks[d].apply(gradient)?;
        let others = self.factor.gradients[d].iter().zip(&self.ordered.gradients[d]);
        let sum = |(of_task, (factor, order)): (&f64, (&f64, &f64))| {
            (of_task + task * factor + self.weight_of_order * order) as f32
        };
        Ok(Some((self.layers[d].gates_name(), of_task.iter().zip(others).map(sum).collect())))
    }
}
