//! One layer prepared for a step: its weights packed for each of its maps, its quantiser, its bias.

use crate::error::Result;
use crate::exec::engine::store::sized;
use crate::exec::kernels::conv::{Dilation, algorithms, dense};
use crate::exec::kernels::embedding;
use crate::exec::kernels::pieces::add_in_order;
use crate::exec::layer_map::LayerMap;
use crate::exec::{LayerBinding, Network, host};
use crate::graph::Op;
use crate::quant::ActivationQuantizer;

/// A layer's maps, image by image.
pub(super) struct LayerKernels {
    /// Quantiser of the input and its scale.
    pub activation: Option<(ActivationQuantizer, f32)>,
    /// Bias per channel.
    pub bias: Option<Vec<f32>>,
    forward: Forward,
    reverse: Option<Reverse>,
    parameters: usize,
    dilation: Option<Dilation>,
}

enum Forward {
    Convolution(Box<algorithms::Forward>),
    Dense(dense::Forward),
    /// Rows of a table, and how long they are.
    Table(Vec<f32>, usize),
}

enum Reverse {
    Convolution(Box<algorithms::InputGradient>, Box<algorithms::WeightGradient>),
    /// With the number of inputs.
    Dense(dense::InputGradient, dense::WeightGradient, usize),
    Table(usize),
}

impl LayerKernels {
    /// Packs the weights of a layer; for its gradients, too, if `training`.
    pub fn new(network: &Network, layer: usize, binding: &LayerBinding, training: bool) -> Result<Self> {
        let bias = match &binding.bias {
            Some(bias) => Some(host::read::<f32>(bias)?.to_vec()),
            None => None,
        };
        let weight = host::read::<f32>(&binding.weight)?;
        let op = &network.graph().nodes()[network.layers()[layer].node].op;
        let map = network.layer_map(layer, 1);
        let dilation = if let LayerMap::Convolution(_, dilation) = map { dilation } else { None };
        let spread = dilation.map(|dilation| dilation.spread(&weight));
        let w: &[f32] = spread.as_deref().unwrap_or(&weight);
        // Both sets of weights are packed at once: one large layer would otherwise keep the other threads waiting.
        let forward = || match (&map, op) {
            (LayerMap::Table { features }, _) => Forward::Table(w.to_vec(), *features),
            (_, Op::Linear(linear)) => Forward::Dense(dense::Forward::new(linear.inputs, linear.outputs, w)),
            (LayerMap::Convolution(shape, _), _) => Forward::Convolution(Box::new(algorithms::Forward::new(shape, w))),
        };
        let reverse = || match (&map, op) {
            (LayerMap::Table { features }, _) => Reverse::Table(*features),
            (_, Op::Linear(linear)) => {
                let (inputs, outputs) = (linear.inputs, linear.outputs);
                let input = dense::InputGradient::new(inputs, outputs, w);
                Reverse::Dense(input, dense::WeightGradient::new(inputs, outputs), inputs)
            }
            (LayerMap::Convolution(shape, _), _) => {
                let input = Box::new(algorithms::InputGradient::new(shape, w));
                Reverse::Convolution(input, Box::new(algorithms::WeightGradient::new(shape)))
            }
        };
        let (forward, reverse) = rayon::join(forward, || training.then(reverse));
        Ok(Self { activation: binding.activation, bias, forward, reverse, parameters: w.len(), dilation })
    }

    /// `y = map(x, w)` of one image.
    pub fn forward(&self, x: &[f32], scratch: &mut Vec<f32>, y: &mut [f32]) {
        match &self.forward {
            Forward::Convolution(map) => map.image(x, sized(scratch, map.scratch_len()), y),
            Forward::Dense(map) => map.image(x, y),
            Forward::Table(table, features) => embedding::lookup(x, table, *features, y),
        }
    }

    /// The adjoint in `x`, applied to `g`.
    pub fn input_gradient(&self, g: &[f32], scratch: &mut Vec<f32>, dx: &mut [f32]) {
        match &self.reverse {
            Some(Reverse::Convolution(map, _)) => map.image(g, sized(scratch, map.scratch_len()), dx),
            Some(Reverse::Dense(map, ..)) => map.image(g, dx),
            // Of token numbers there is no gradient.
            Some(Reverse::Table(_)) | None => dx.fill(0.0),
        }
    }

    /// Numbers of the running sums of the weight gradient.
    pub fn sums_len(&self) -> usize {
        match &self.reverse {
            Some(Reverse::Convolution(_, map)) => map.sums_len(),
            Some(Reverse::Dense(_, map, _)) => map.sums_len(),
            Some(Reverse::Table(_)) | None => self.parameters,
        }
    }

    /// Adds one image to the running sums.
    pub fn add_weight_gradient(&self, x: &[f32], g: &[f32], scratch: &mut Vec<f32>, sums: &mut [f32]) {
        let sums = &mut sums[..self.sums_len()];
        match &self.reverse {
            Some(Reverse::Convolution(_, map)) => map.image(x, g, sized(scratch, map.scratch_len()), sums),
            Some(Reverse::Dense(_, map, inputs)) => {
                map.image(x, g, sized(scratch, map.scratch_len(x.len() / inputs)), sums);
            }
            Some(Reverse::Table(features)) => embedding::add_table_gradient(x, g, *features, sums),
            None => {}
        }
    }

    /// The gradient of the weight from the running sums of all pieces, added in their order.
    pub fn total(&self, parts: &[&[f32]]) -> Vec<f32> {
        let mut sums = vec![0.0; self.sums_len()];
        add_in_order(parts, &mut sums);
        let mut dw = vec![0.0; self.parameters];
        match &self.reverse {
            Some(Reverse::Convolution(_, map)) => map.finish(&sums, &mut dw),
            Some(Reverse::Dense(_, map, _)) => map.finish(&sums, &mut dw),
            Some(Reverse::Table(_)) | None => return sums,
        }
        let Some(dilation) = self.dilation else { return dw };
        let mut cells =
            vec![0.0; dw.len() / dilation.span().iter().product::<usize>() * dilation.kernel[0] * dilation.kernel[1]];
        dilation.gather(&dw, &mut cells);
        cells
    }

    /// The input behind the quantiser, if there is one.
    pub fn quantized<'x>(&self, x: &'x [f32], buffer: &'x mut Vec<f32>) -> &'x [f32] {
        let Some((quantizer, scale)) = self.activation else { return x };
        let out = sized(buffer, x.len());
        quantizer.forward_slice(x, scale, out);
        out
    }
}
