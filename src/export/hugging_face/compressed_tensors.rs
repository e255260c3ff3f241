//! compressed-tensors, version 0.18 or later: loaded by transformers as any other folder, and served by vLLM.
//!
//! | container | layers | tensors |
//! |-|-|-|
//! | `pack-quantized` | dense, but the next | `weight_packed` i32 `[out, ⌈in·b/32⌉]`, `weight_scale` f32 `[out, groups]`, `weight_shape` i64 `[2]` |
//! | `int-quantized` | dense with a scale per channel and 8 bits for weights and inputs, which vLLM runs in integers; tables | `weight` i8 `[out, in]`, `weight_scale` |
//!
//! An input quantiser is static and per tensor, `input_scale` f32 `[1]`: `x̂ = round(clip(x/s)) · s`, ties to even. Each set of
//! bits, group and container is one of `config_groups`, with the exact names of its modules. Tables take a byte a code: packed
//! ones are not loaded by transformers 5.23. With scales in f32, what transformers computes is what the network here
//! computes, bit by bit up to the order of sums.

use std::collections::BTreeMap;

use safetensors::tensor::Dtype;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::export::hugging_face::source::Source;
use crate::export::hugging_face::tensors::{Float, Tensors};
use crate::export::hugging_face::{Matrix, floats, words};
use crate::export::{Codes, DeployedLayer, Deployment, Format, LayerWeights, Package, Part, Site, Stored, site};
use crate::graph::{Graph, GroupKind};
use crate::quant::Rounding;
use crate::space::Candidate;

/// A note: what happens otherwise is silent.
const DEFAULTS: &str = "load with the defaults: `CompressedTensorsConfig(dequantize=True)` of transformers 5.23 decodes \
    every layer by the first group";

/// Bytes of `weight_shape`.
const SHAPE: usize = 16;

/// How codes are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Container {
    /// A dense bit stream for each row.
    Packed,
    /// A byte for each code.
    Bytes,
}

impl Container {
    fn of(matrix: Matrix, candidate: Candidate) -> Self {
        let integers = candidate.weight_bits() == 8 && candidate.activation_bits() == 8;
        match matrix.table || (integers && matrix.group == matrix.columns) {
            true => Container::Bytes,
            false => Container::Packed,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Container::Packed => "pack-quantized",
            Container::Bytes => "int-quantized",
        }
    }
}

/// What the layers of one group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Scheme {
    container: Container,
    bits: u32,
    /// Weights that share a scale; none for a whole channel.
    group: Option<usize>,
    /// Bits of the inputs; none if they stay floats.
    inputs: Option<u32>,
}

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct CompressedTensors;

impl Format for CompressedTensors {
    fn name(&self) -> &'static str {
        "compressed-tensors"
    }

    fn about(&self) -> &'static str {
        "folder for transformers and vLLM: 2 to 8 bits a weight, per channel or group, and static inputs"
    }

    fn tools(&self) -> &'static [&'static str] {
        &["transformers 5.23.0", "compressed-tensors 0.20.0"]
    }

    fn stored(&self, site: &Site<'_>, candidate: Candidate) -> std::result::Result<Stored, String> {
        let matrix = Matrix::of(site)?;
        if candidate.is_fp32() {
            return Ok(floats(matrix, Float::Single.bits()));
        }
        if !matrix.table && candidate.quantizes_activations() && site.unsigned_input {
            return Err(
                "its codes of inputs are signed, and those of this layer are not, as the inputs are never negative"
                    .into(),
            );
        }
        let scales = 4 * matrix.scales();
        let bits = u32::from(candidate.weight_bits());
        let (bits, bytes) = match Container::of(matrix, candidate) {
            Container::Bytes => (8, matrix.weights() + scales),
            Container::Packed => (bits, matrix.rows * words::row_bytes(matrix.columns, bits) + scales + SHAPE),
        };
        Ok(Stored { bits, bytes: bytes as u64 })
    }

    fn groups(&self) -> &'static [GroupKind] {
        &[GroupKind::Fused]
    }

    fn other_bytes(&self, graph: &Graph) -> Option<u64> {
        Some(super::other_bytes(graph, 4))
    }

    fn write(&self, deployment: &Deployment) -> Result<Package> {
        let mut source = Source::of(deployment, self.name())?;
        deployment.check_rounding(&[Rounding::HalfEven], "half_even, as the tools round")?;
        let mut tensors = Tensors::new(Float::Single);
        source.rest(deployment, &mut tensors)?;
        let mut groups: BTreeMap<Scheme, Vec<&str>> = BTreeMap::new();
        let (mut ignored, mut notes) = (Vec::new(), Vec::new());
        for (layer, at) in deployment.layers.iter().zip(deployment.graph.layers()) {
            let module = source.name(&layer.name);
            let LayerWeights::Codes(codes) = &layer.weights else {
                ignored.push(module);
                continue;
            };
            let matrix = Matrix::of(&site(&deployment.graph, &at, codes.group)).map_err(Error::Internal)?;
            let scheme = Scheme {
                container: Container::of(matrix, layer.candidate),
                bits: codes.bits,
                group: (matrix.group < matrix.columns).then_some(matrix.group),
                inputs: layer.activation.map(|activation| activation.bits),
            };
            add(layer, codes, matrix, scheme.container, module, &mut tensors)?;
            groups.entry(scheme).or_default().push(module);
            notes.extend(limit_of_vllm(matrix, scheme).map(|why| format!("vLLM 0.32 refuses `{module}`: {why}")));
        }
        // Without any group, transformers takes the section for a fault.
        let section = (!groups.is_empty()).then(|| ("quantization_config", section(&groups, &ignored)));
        notes.push(DEFAULTS.into());
        source.finish(section.as_slice(), "pt", tensors, notes)
    }
}

/// What vLLM's own source says that it cannot run.
fn limit_of_vllm(matrix: Matrix, scheme: Scheme) -> Option<&'static str> {
    match (matrix.table, scheme.container, scheme.inputs) {
        (true, ..) => Some("a table with a byte a code; `fp32` is what both run"),
        (false, Container::Packed, Some(_)) => Some("inputs in integers run at w8a8 with a scale per channel only"),
        _ => None,
    }
}

/// Adds the tensors of a layer.
fn add(
    layer: &DeployedLayer,
    codes: &Codes,
    matrix: Matrix,
    container: Container,
    module: &str,
    tensors: &mut Tensors,
) -> Result<()> {
    let Matrix { rows, columns, .. } = matrix;
    let owner = |part| Some((layer.name.as_str(), part));
    match container {
        Container::Bytes => {
            let bytes = codes.codes.iter().map(|&code| code as u8).collect();
            tensors.add(format!("{module}.weight"), owner(Part::Codes), Dtype::I8, &layer.shape, bytes);
        }
        Container::Packed => {
            let (words, shape) = (words::row_bytes(columns, codes.bits) / 4, [rows as i64, columns as i64]);
            let packed = words::rows(&codes.codes, columns, codes.bits);
            tensors.add(format!("{module}.weight_packed"), owner(Part::Codes), Dtype::I32, &[rows, words], packed);
            let shape = shape.into_iter().flat_map(i64::to_le_bytes).collect();
            tensors.add(format!("{module}.weight_shape"), owner(Part::ZeroPoints), Dtype::I64, &[2], shape);
        }
    }
    let shape = [rows, columns / matrix.group];
    tensors.floats(format!("{module}.weight_scale"), owner(Part::Scales), &shape, &codes.scale)?;
    match layer.activation {
        Some(activation) => {
            tensors.floats(format!("{module}.input_scale"), owner(Part::Other), &[1], &[activation.scale])
        }
        None => Ok(()),
    }
}

/// `quantization_config`.
fn section(groups: &BTreeMap<Scheme, Vec<&str>>, ignored: &[&str]) -> Value {
    let group = |(number, (scheme, modules)): (usize, (&Scheme, &Vec<&str>))| {
        let weights = json!({
            "num_bits": scheme.bits,
            "type": "int",
            "symmetric": true,
            "strategy": if scheme.group.is_some() { "group" } else { "channel" },
            "group_size": scheme.group,
            "dynamic": false,
        });
        let inputs =
            |bits| json!({"num_bits": bits, "type": "int", "symmetric": true, "strategy": "tensor", "dynamic": false});
        let content = json!({
            "targets": modules,
            "weights": weights,
            "input_activations": scheme.inputs.map(inputs),
            "output_activations": null,
            "format": scheme.container.name(),
        });
        (format!("group_{number}"), content)
    };
    let config_groups: Map<String, Value> = groups.iter().enumerate().map(group).collect();
    let containers: Vec<Container> = [Container::Packed, Container::Bytes]
        .into_iter()
        .filter(|&container| groups.keys().any(|scheme| scheme.container == container))
        .collect();
    let format = match containers.as_slice() {
        [] => "dense",
        [one] => one.name(),
        _ => "mixed-precision",
    };
    json!({
        "quant_method": "compressed-tensors",
        "format": format,
        "quantization_status": "compressed",
        "config_groups": config_groups,
        "ignore": ignored,
        "kv_cache_scheme": null,
    })
}

#[cfg(test)]
#[path = "compressed_tensors_tests.rs"]
mod tests;
