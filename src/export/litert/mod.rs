//! TensorFlow Lite files for LiteRT, and a recipe for ai-edge-quantizer.
//!
//! | file | content |
//! |-|-|
//! | `model.tflite` | the network at the plan: weights in INT4 or INT8, turned into floats when it is loaded |
//! | `float.tflite` | the same with the values of the weights, which lie on the plan's grid |
//! | `recipe.json` | ai-edge-quantizer makes the integers of `model.tflite` from `float.tflite` by it |
//!
//! Batch norms are folded into layers where their codes allow it. Maps are `[batch, height, width, channels]`. Inputs of layers
//! that the plan quantises to 8 bits are rounded by `QUANTIZE` and `DEQUANTIZE`; operators compute in floats. Operators of
//! integers would round every sum and every output to 8 bits as well, which the plan does not.

mod layer;
mod lower;
mod network;
#[cfg(test)]
mod reader;
mod recipe;
mod schema;
mod weights;
mod window;

use crate::error::{Error, Result};
use crate::export::litert::lower::Lowering;
use crate::export::{Deployment, Format, Package, Site, Stored};
use crate::graph::Op;
use crate::quant::{Rounding, packing};
use crate::space::Candidate;

/// Bytes of a channel's scale, a float, and zero point, a 64-bit integer.
const CHANNEL_BYTES: usize = size_of::<f32>() + size_of::<i64>();
/// Activations have 8 bits, the least that LiteRT knows, or stay floats.
const ACTIVATION_BITS: u8 = 8;
/// Files are smaller, bytes: offsets have 31 bits.
const LARGEST_FILE: u64 = (1 << 31) - (1 << 20);

/// LiteRT and ai-edge-quantizer.
#[derive(Debug, Clone, Copy, Default)]
pub struct LiteRt;

impl Format for LiteRt {
    fn name(&self) -> &'static str {
        "litert"
    }

    fn about(&self) -> &'static str {
        "TensorFlow Lite file for LiteRT, and a recipe for ai-edge-quantizer"
    }

    fn tools(&self) -> &'static [&'static str] {
        &["ai-edge-litert 2.3.0", "ai-edge-quantizer 0.10.0"]
    }

    fn stored(&self, site: &Site<'_>, candidate: Candidate) -> std::result::Result<Stored, String> {
        if !matches!(site.op, Op::Conv2d(_) | Op::Linear(_)) {
            return Err("only convolutions and dense layers are written".into());
        }
        let (weights, channels) = (site.parameters(), site.shape.first().copied().unwrap_or(1));
        if candidate.is_fp32() {
            return Ok(Stored { bits: 32, bytes: weights as u64 * 4 });
        }
        if site.group != weights / channels.max(1) {
            return Err(format!("a scale for every {} weights; it has one for each output channel", site.group));
        }
        if candidate.activation_bits() < ACTIVATION_BITS {
            return Err("activations have 8 bits or stay floats".into());
        }
        let bits = weights::container(site.op, u32::from(candidate.weight_bits()));
        let bytes = packing::packed_len(weights, bits) + channels * CHANNEL_BYTES;
        Ok(Stored { bits, bytes: bytes as u64 })
    }

    fn write(&self, deployment: &Deployment) -> Result<Package> {
        let nearest = [Rounding::HalfEven, Rounding::HalfAway, Rounding::HalfUp];
        deployment.check_rounding(&nearest, "rounded to the nearest, as QUANTIZE does")?;
        let (deployment, _) = &deployment.clone().fold_batch_norms()?;
        let mut package = Package::default();
        for (file, integers) in [("model.tflite", true), ("float.tflite", false)] {
            let network = Lowering::run(deployment, file, integers)?;
            let bytes: u64 = network.package.tensors.iter().map(|t| t.bytes).sum();
            if bytes > LARGEST_FILE {
                let place = format!("network `{}`", deployment.graph.name);
                let found = format!("{bytes} bytes of tensors");
                return Err(Error::input(place, found, "less than 2 GiB in a LiteRT file", "export to onnx instead"));
            }
            package.tensors.extend(network.package.tensors);
            package.files.insert(file.into(), network.model.to_bytes());
        }
        let (recipe, others) = recipe::recipe(deployment)?;
        package.files.insert("recipe.json".into(), recipe);
        package.notes = notes(deployment, &others);
        Ok(package)
    }
}

fn notes(deployment: &Deployment, others: &[String]) -> Vec<String> {
    let mut notes = vec![
        "model.tflite runs as it is; its input and its maps have their channels last".to_string(),
        "weights are turned into floats when the file is loaded, and operators compute in floats: the file is as small as the \
         plan says, and its answers are the plan's, but no operator of integers runs"
            .into(),
        "float.tflite and recipe.json are for ai-edge-quantizer, which makes a file like model.tflite from them".into(),
    ];
    if deployment.layers.iter().any(|layer| layer.activation.is_some()) {
        notes.push(
            "inputs of layers with 8-bit activations are rounded by QUANTIZE and DEQUANTIZE; which of two codes an \
                    input in the middle gets depends on the device"
                .into(),
        );
    }
    if !others.is_empty() {
        let layers = others.join(", ");
        notes.push(format!(
            "ai-edge-quantizer cannot find the integers of these layers, so float.tflite has them: {layers}"
        ));
    }
    notes
}

#[cfg(test)]
mod tests;
