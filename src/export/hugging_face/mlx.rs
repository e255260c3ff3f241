//! MLX: `mlx_lm` on Apple silicon, and on Linux with `mlx[cpu]`.
//!
//! ```text
//! LAYER.weight [out, in·b/32] u32     LAYER.scales, LAYER.biases [out, in/g] f32     w = q·scale + bias,  bias = −2^(b−1)·scale
//! ```
//!
//! `b` is 2, 3, 4, 5, 6 or 8: with 7, `quantized_matmul` of 0.32 computes something else, so 7 bits are stored in 8. `g` is 32,
//! 64 or 128: the scale of a whole row, or of a larger group, is repeated. Tables are quantised as dense layers are.

use safetensors::tensor::Dtype;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::export::hugging_face::source::Source;
use crate::export::hugging_face::tensors::{Float, Tensors};
use crate::export::hugging_face::{Matrix, floats, words};
use crate::export::{Codes, DeployedLayer, Deployment, Format, LayerWeights, Package, Part, Site, Stored};
use crate::graph::Graph;
use crate::space::Candidate;

/// Groups that its kernels have, largest first.
const GROUPS: [usize; 3] = [128, 64, 32];

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct Mlx;

impl Format for Mlx {
    fn name(&self) -> &'static str {
        "mlx"
    }

    fn about(&self) -> &'static str {
        "folder for mlx-lm: decoders with 2 to 8 bits a weight, groups of 32, 64 or 128"
    }

    fn tools(&self) -> &'static [&'static str] {
        &["mlx 0.32.4", "mlx-lm 0.32.2"]
    }

    fn stored(&self, site: &Site<'_>, candidate: Candidate) -> std::result::Result<Stored, String> {
        let matrix = Matrix::of(site)?;
        if candidate.is_fp32() {
            return Ok(floats(matrix, Float::Single.bits()));
        }
        matrix.weight_only(candidate)?;
        let Some(group) = group(matrix.group) else {
            let divisors = "it has groups of 32, 64 and 128 weights, and scales here are for";
            return Err(format!("{divisors} {}, of which none is a divisor", matrix.group));
        };
        let bits = container(u32::from(candidate.weight_bits()));
        let bytes = matrix.rows * words::row_bytes(matrix.columns, bits) + 8 * matrix.weights() / group;
        Ok(Stored { bits, bytes: bytes as u64 })
    }

    fn other_bytes(&self, graph: &Graph) -> Option<u64> {
        Some(super::other_bytes(graph, 4))
    }

    fn write(&self, deployment: &Deployment) -> Result<Package> {
        let mut source = Source::of(deployment, self.name())?;
        if deployment.graph.outputs().first().is_none_or(|output| output.name != "logits") {
            let (place, found) = (format!("the network of plan `{}`", deployment.plan), "a network without logits");
            return Err(Error::input(place, found, "a decoder: mlx-lm has no other", "export to `compressed-tensors`"));
        }
        let mut tensors = Tensors::new(Float::Single);
        source.rest(deployment, &mut tensors)?;
        let mut modules = Map::new();
        modules.insert("mode".into(), json!("affine"));
        // What a module would have that is not named; each is.
        modules.insert("group_size".into(), json!(GROUPS[1]));
        modules.insert("bits".into(), json!(4));
        for layer in &deployment.layers {
            let entry = match &layer.weights {
                LayerWeights::Float(_) => json!(false),
                LayerWeights::Codes(codes) => add(layer, codes, source.name(&layer.name), &mut tensors)?,
            };
            modules.insert(source.name(&layer.name).into(), entry);
        }
        let section = Value::Object(modules);
        let notes = deployment.layers.iter().filter(|l| l.candidate.weight_bits() == 7);
        let notes = notes.map(|l| format!("`{}`: codes of 7 bits are stored in 8", l.name)).collect();
        source.finish(&[("quantization", section.clone()), ("quantization_config", section)], "mlx", tensors, notes)
    }
}

/// Bits that a code is stored in.
fn container(bits: u32) -> u32 {
    if bits == 7 { 8 } else { bits }
}

/// The largest group of the kernels that scales for `shared` weights can be repeated for.
fn group(shared: usize) -> Option<usize> {
    GROUPS.into_iter().find(|group| shared > 0 && shared.is_multiple_of(*group))
}

/// Adds the tensors of a layer; gives its entry in the configuration.
fn add(layer: &DeployedLayer, codes: &Codes, module: &str, tensors: &mut Tensors) -> Result<Value> {
    let (&[rows, columns], Some(group)) = (layer.shape.as_slice(), group(codes.group)) else {
        return Err(Error::Internal(format!("`{}` was not checked", layer.name)));
    };
    let bits = container(codes.bits);
    let owner = |part| Some((layer.name.as_str(), part));
    let bytes = words::rows(&codes.codes, columns, bits);
    tensors.add(
        format!("{module}.weight"),
        owner(Part::Codes),
        Dtype::U32,
        &[rows, columns * bits as usize / 32],
        bytes,
    );
    let scales: Vec<f32> =
        codes.scale.iter().flat_map(|&scale| std::iter::repeat_n(scale, codes.group / group)).collect();
    let half = (1u32 << (bits - 1)) as f32;
    let biases: Vec<f32> = scales.iter().map(|scale| -half * scale).collect();
    let shape = [rows, columns / group];
    tensors.floats(format!("{module}.scales"), owner(Part::Scales), &shape, &scales)?;
    tensors.floats(format!("{module}.biases"), owner(Part::ZeroPoints), &shape, &biases)?;
    Ok(json!({"group_size": group, "bits": bits}))
}

#[cfg(test)]
#[path = "mlx_tests.rs"]
mod tests;
