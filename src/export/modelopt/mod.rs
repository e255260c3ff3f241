//! NVIDIA ModelOpt (`nvidia-modelopt`): a recipe of its post-training quantisation, with the widths of the plan.
//!
//! ```text
//! modelopt.yaml   metadata, and quantize: { algorithm: max, quant_cfg: [ {*: off}, {LAYER.weight_quantizer}, {LAYER.input_quantizer}, … ] }
//! ```
//!
//! `modelopt.recipe.load_recipe` reads it; `quant_cfg` is an ordered list, of which later entries win. It is a
//! configuration, without weights: `mtq.quantize` quantises the FP32 weights of a PyTorch model whose modules have the names
//! of the layers, by their largest magnitudes. The ranges of inputs are those of the plan (`constant_amax`), so ModelOpt
//! computes an input as it was trained: `scale = amax / (2^(b−1) − 1)`, or `amax / (2^b − 1)` for unsigned codes.

use serde_json::{Value, json};

use crate::error::Result;
use crate::export::{Activation, DeployedLayer, Deployment, Format, LayerWeights, Package, Site, Stored};
use crate::quant::{Rounding, packing};
use crate::space::Candidate;

/// The recipe's file.
const FILE: &str = "modelopt.yaml";

/// The format `modelopt`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ModelOpt;

impl Format for ModelOpt {
    fn name(&self) -> &'static str {
        "modelopt"
    }

    fn about(&self) -> &'static str {
        "recipe that quantises a PyTorch model again at the bits of the plan: NVIDIA ModelOpt"
    }

    fn tools(&self) -> &'static [&'static str] {
        &["nvidia-modelopt 0.47.0"]
    }

    /// The recipe has no weights; this is what packed ones take.
    fn stored(&self, site: &Site<'_>, candidate: Candidate) -> std::result::Result<Stored, String> {
        if candidate.is_fp32() {
            return Ok(Stored { bits: 32, bytes: 4 * site.parameters() as u64 });
        }
        let channel: usize = site.shape.iter().skip(1).product();
        if site.group != channel && site.shape.len() != 2 {
            return Err("blocks of weights are rows of a matrix".into());
        }
        let bits = u32::from(candidate.weight_bits());
        let bytes = packing::packed_len(site.parameters(), bits) + 4 * site.scales();
        Ok(Stored { bits, bytes: bytes as u64 })
    }

    fn writes_weights(&self) -> bool {
        false
    }

    fn write(&self, deployment: &Deployment) -> Result<Package> {
        deployment.check_rounding(&[Rounding::HalfEven], "half_even, as ModelOpt does")?;
        let description = format!("plan {} of {} (bitplan {})", deployment.plan, deployment.graph.name, crate::VERSION);
        let metadata = json!({"recipe_type": "ptq", "description": description});
        let mut text = format!("metadata: {metadata}\nquantize:\n  algorithm: max\n  quant_cfg:\n");
        text.push_str("  - {\"quantizer_name\":\"*\",\"enable\":false}\n");
        for layer in &deployment.layers {
            for (quantizer, attributes) in quantizers(layer) {
                let name = Value::from(format!("{}.{quantizer}", literally(&layer.name)));
                text.push_str(&format!("  - {{\"quantizer_name\":{name},\"cfg\":{attributes}}}\n"));
            }
        }
        let notes = [
            "A recipe, not weights: ModelOpt quantises the FP32 weights again, to the nearest code, with the largest \
             magnitude of each channel or block as the end of the range; measure the accuracy again.",
            "The modules of the PyTorch model must have the names of the layers.",
            "ModelOpt simulates every width; TensorRT-LLM and vLLM run few of them (INT4 weights in blocks, INT8, FP8, FP4).",
        ];
        let mut package = Package { notes: notes.map(str::to_string).to_vec(), ..Package::default() };
        package.files.insert(FILE.into(), text.into_bytes());
        Ok(package)
    }
}

/// The quantisers of a layer that are on, with their attributes in YAML's flow style, of which JSON is a part. The one thing
/// that JSON cannot say is a number as a key: the axis of blocks.
fn quantizers(layer: &DeployedLayer) -> Vec<(&'static str, String)> {
    let mut quantizers = Vec::new();
    if let LayerWeights::Codes(codes) = &layer.weights {
        let channel: usize = layer.shape.iter().skip(1).product();
        quantizers.push((
            "weight_quantizer",
            match codes.group == channel {
                true => format!("{{\"num_bits\":{},\"axis\":0}}", codes.bits),
                false => format!("{{\"num_bits\":{},\"block_sizes\":{{-1: {}}}}}", codes.bits, codes.group),
            },
        ));
    }
    if let Some(activation @ Activation { bits, unsigned, scale }) = layer.activation {
        let largest = f64::from(scale) * f64::from(activation.range().1);
        // `{}` writes no exponent, which readers of YAML 1.1 take for text where it has no sign.
        quantizers.push((
            "input_quantizer",
            format!("{{\"num_bits\":{bits},\"unsigned\":{unsigned},\"constant_amax\":{largest}}}"),
        ));
    }
    quantizers
}

/// A name as a pattern that matches nothing else: ModelOpt reads names as shell patterns.
fn literally(name: &str) -> String {
    let escaped = |c: char| match c {
        '*' | '?' | '[' => format!("[{c}]"),
        _ => c.into(),
    };
    name.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests;
