//! One layer prepared for a step: its weights packed, its quantiser, its bias.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::exec::engine::store::sized;
use crate::exec::kernels::elementwise;
use crate::exec::layer_map::LayerMap;
use crate::exec::{LayerBinding, Network, host};
use crate::quant::ActivationQuantizer;

/// Numbers that a thread adds up at a time.
const CHUNK: usize = 1 << 12;

/// A layer's three maps, image by image.
pub(super) struct LayerKernels {
    /// Quantiser of the input and its scale.
    pub activation: Option<(ActivationQuantizer, f32)>,
    /// Bias per channel.
    pub bias: Option<Vec<f32>>,
    map: LayerMap,
    weight: Vec<f32>,
}

impl LayerKernels {
    pub fn new(network: &Network, layer: usize, binding: &LayerBinding) -> Result<Self> {
        let bias = binding.bias.as_ref().map(|bias| Ok::<_, Error>(host::read::<f32>(bias)?.to_vec())).transpose()?;
        Ok(Self {
            activation: binding.activation,
            bias,
            map: network.layer_map(layer, 1),
            weight: host::read::<f32>(&binding.weight)?.to_vec(),
        })
    }

    pub fn forward(&self, x: &[f32], _scratch: &mut Vec<f32>, y: &mut [f32]) {
        self.map.forward(x, &self.weight, y);
    }

    pub fn input_gradient(&self, g: &[f32], _scratch: &mut Vec<f32>, dx: &mut [f32]) {
        self.map.input_gradient(g, &self.weight, dx);
    }

    pub fn sums_len(&self) -> usize {
        self.weight.len()
    }

    pub fn add_weight_gradient(&self, x: &[f32], g: &[f32], scratch: &mut Vec<f32>, sums: &mut [f32]) {
        let length = self.sums_len();
        let (dw, sums) = (sized(scratch, length), &mut sums[..length]);
        self.map.weight_gradient(x, g, dw);
        sums.iter_mut().zip(dw).for_each(|(sum, dw)| *sum += *dw);
    }

    /// The gradient of the weight from the sums of all pieces, in their order.
    pub fn total(&self, parts: &[&[f32]], length: usize) -> Vec<f32> {
        let mut sums = vec![0.0; self.sums_len()];
        sums.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, sums)| {
            let length = sums.len();
            parts.iter().for_each(|part| elementwise::accumulate(&part[chunk * CHUNK..][..length], sums));
        });
        debug_assert_eq!(sums.len(), length);
        sums
    }

    /// The input behind the quantiser, if there is one.
    pub fn quantized<'x>(&self, x: &'x [f32], buffer: &'x mut Vec<f32>) -> &'x [f32] {
        let Some((quantizer, scale)) = self.activation else { return x };
        let out = sized(buffer, x.len());
        quantizer.forward_slice(x, scale, out);
        out
    }
}
