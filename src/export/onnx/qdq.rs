//! Formats `onnx` and `onnx25`: QuantizeLinear and DequantizeLinear around every layer (QDQ).
//!
//! ```text
//! x ─ [Max, Min] ─ QuantizeLinear(s_x, 0) ─ DequantizeLinear ─┐
//! codes ──────────────────────────── DequantizeLinear(s_w) ───┴─ Conv, Gemm, MatMul (+ bias in f32)
//! codes ──────────────────────────── DequantizeLinear(s_w) ───── Gather(tokens)
//! ```
//!
//! | bits | weights | activations |
//! |-|-|-|
//! | 4, 8 | `int4`, `int8` | `uint4`, `uint8`; `int4`, `int8` where inputs can be negative |
//! | 2 | `int4`; `int2` in `onnx25` | as 4 bits, in a narrower range; `uint2`, `int2` in `onnx25` |
//! | 3, 5, 6, 7 | the next wider type | the same; Max and Min keep the codes in their range |
//!
//! Both operators round to the nearest, of two to the even number, and saturate: our own evaluation. Zero points are 0, and
//! weights have none in the file. Biases stay floats, as our evaluation has them.
//!
//! What onnxruntime 1.20 to 1.31 does to such files decides some forms: a Clip in front of a QuantizeLinear below 8 bits
//! fails when the session starts, so limits are Max and Min then. Where a layer's output is quantised directly, it rounds the
//! layer's bias to a multiple of `s_x s_w`: next to nothing at 8 bits, but at 2 and 4 bits 3 % of the images of CIFAR-10 got
//! another class. A Min with the largest value of the codes in between, which changes nothing, keeps it from that. A
//! quantiser below 8 bits behind a MaxPool (of 2 bits: behind a Slice or Reshape, too) is moved to its front, where no kernel
//! knows its type, and the session does not start: a Min as well. A MatMul and an Add of a bias of one axis become a Gemm where
//! all extents are fixed, with quantisers of the wrong type around a Reshape: the bias of a MatMul has a second axis.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::export::onnx::attributes::int;
use crate::export::onnx::form::turned;
use crate::export::onnx::{Float, LayerForm, Layout, ModelWriter, Versions, lower};
use crate::export::{Activation, DeployedLayer, Deployment, Format, LayerWeights, Package, Part, Site, Stored};
use crate::graph::{Function, Layer, NodeId, Op};
use crate::onnx::proto::tensor_proto::DataType;
use crate::quant::{Rounding, packing};
use crate::space::Candidate;

/// The file in the package.
const FILE: &str = "model.onnx";

/// QDQ in operator set 21.
#[derive(Debug, Clone, Copy, Default)]
pub struct Onnx;

/// QDQ in operator set 25, which has 2-bit integers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Onnx25;

impl Format for Onnx {
    fn name(&self) -> &'static str {
        "onnx"
    }

    fn about(&self) -> &'static str {
        "ONNX with QuantizeLinear and DequantizeLinear, operator set 21: onnxruntime, OpenVINO"
    }

    fn tools(&self) -> &'static [&'static str] {
        &["onnxruntime 1.20 and newer (tried: 1.31.1)", "openvino 2026.4.1"]
    }

    fn stored(&self, site: &Site<'_>, candidate: Candidate) -> std::result::Result<Stored, String> {
        Ok(Qdq { two_bits: false, zero_points: false }.stored(site, candidate))
    }

    fn write(&self, deployment: &Deployment) -> Result<Package> {
        Qdq { two_bits: false, zero_points: false }.write(deployment, Versions::opset_21())
    }
}

impl Format for Onnx25 {
    fn name(&self) -> &'static str {
        "onnx25"
    }

    fn about(&self) -> &'static str {
        "the same in operator set 25, where 2 bits take 2 bits: onnxruntime 1.24 and newer"
    }

    fn tools(&self) -> &'static [&'static str] {
        &["onnxruntime 1.24 and newer (tried: 1.31.1)"]
    }

    fn stored(&self, site: &Site<'_>, candidate: Candidate) -> std::result::Result<Stored, String> {
        Ok(Qdq { two_bits: true, zero_points: false }.stored(site, candidate))
    }

    fn write(&self, deployment: &Deployment) -> Result<Package> {
        Qdq { two_bits: true, zero_points: false }.write(deployment, Versions::opset_25())
    }
}

/// What QuantizeLinear does: to the nearest, of two to the even number.
pub(super) const ROUNDING: (&[Rounding], &str) = (&[Rounding::HalfEven], "half_even, which QuantizeLinear does");

/// A trap of products with weight-only layers.
const WEIGHT_ONLY: &str = "onnxruntime rounds the inputs of products with weight-only layers to 8 bits unless the session \
                           has session.qdq_matmulnbits_accuracy_level=0.";

/// A trap of 2-bit weights.
const TWO_BITS: &str = "onnxruntime 1.31 joins some layers of 2-bit weights or inputs wrongly and then refuses the file; \
                        disabled_optimizers=['QDQSelectorActionTransformer'] switches that off.";

/// The form, with or without 2-bit types.
#[derive(Debug, Clone, Copy)]
pub(super) struct Qdq {
    pub(super) two_bits: bool,
    /// Whether weights have zero points in the file, which are 0: some tools take those that are missing for others.
    pub(super) zero_points: bool,
}

impl Qdq {
    /// Bits of the type that holds codes of `bits` bits.
    fn container(self, bits: u32) -> u32 {
        match bits {
            0..=2 if self.two_bits => 2,
            0..=4 => 4,
            _ => 8,
        }
    }

    /// The type that holds codes of `bits` bits.
    fn kind(self, bits: u32, unsigned: bool) -> DataType {
        match (self.container(bits), unsigned) {
            (2, false) => DataType::Int2,
            (2, true) => DataType::Uint2,
            (4, false) => DataType::Int4,
            (4, true) => DataType::Uint4,
            (_, false) => DataType::Int8,
            (_, true) => DataType::Uint8,
        }
    }

    /// How a layer's weights are stored.
    pub(super) fn stored(self, site: &Site<'_>, candidate: Candidate) -> Stored {
        if candidate.is_fp32() {
            return Stored { bits: 32, bytes: 4 * site.parameters() as u64 };
        }
        let bits = self.container(u32::from(candidate.weight_bits()));
        let zeros = if self.zero_points { packing::packed_len(site.scales(), bits) } else { 0 };
        let bytes = packing::packed_len(site.parameters(), bits) + 4 * site.scales() + zeros;
        Stored { bits, bytes: bytes as u64 }
    }

    /// The codes of a layer behind a DequantizeLinear.
    pub(super) fn weight(self, writer: &mut ModelWriter, layer: &DeployedLayer, layout: Layout) -> Result<String> {
        let LayerWeights::Codes(codes) = &layer.weights else { return Float.weight(writer, layer, layout) };
        let name = |what: &str| format!("{}.{what}", layer.name);
        let bits = self.container(codes.bits);
        let (shape, in_order) = turned(layout, &layer.shape, codes.codes.clone());
        let packed = packing::pack(&in_order, bits);
        let kind = self.kind(codes.bits, false);
        let stored = writer.tensor(&name("weight_codes"), kind, &shape, packed, Some((&layer.name, Part::Codes)));
        let columns = layer.shape.iter().skip(1).product::<usize>().max(1);
        let owner = Some((layer.name.as_str(), Part::Scales));
        let channels = layer.shape.first().copied().unwrap_or(1);
        let (scales, values, attributes) = match codes.group == columns {
            true => {
                let axis = if layout == Layout::Turned { 1 } else { 0 };
                (vec![channels], codes.scale.clone(), vec![int("axis", axis)])
            }
            false => {
                let mut groups = layer.shape.clone();
                groups.last_mut().into_iter().for_each(|last| *last /= codes.group.max(1));
                let (groups, scales) = turned(layout, &groups, codes.scale.clone());
                let axis = if layout == Layout::Turned { 0 } else { shape.len() as i64 - 1 };
                (groups, scales, vec![int("axis", axis), int("block_size", codes.group as i64)])
            }
        };
        let scale = writer.floats(&name("weight_scale"), &scales, &values, owner);
        let mut inputs = vec![stored, scale];
        if self.zero_points {
            let zeros = vec![0; packing::packed_len(codes.scale.len(), bits)];
            let owner = Some((layer.name.as_str(), Part::ZeroPoints));
            inputs.push(writer.tensor(&name("weight_zero"), kind, &scales, zeros, owner));
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        Ok(writer.node("DequantizeLinear", &inputs, &name("weight"), attributes))
    }

    fn write(self, deployment: &Deployment, versions: Versions) -> Result<Package> {
        deployment.check_rounding(ROUNDING.0, ROUNDING.1)?;
        let mut quantized = deployment.layers.iter().filter_map(|layer| layer.activation);
        let has_clip = quantized.all(|a| self.container(a.bits) == 8);
        let (folded, kept) = deployment.clone().fold_batch_norms()?;
        let form = Form { qdq: self, has_clip, guarded: self.guarded(&folded) };
        let mut writer = lower(&folded, &form, versions)?;
        if !kept.is_empty() {
            let kept = kept.join(", ");
            writer.notes.insert(format!("Batch norms that no layer could take up stay as they are: {kept}."));
        }
        let has = |wanted: fn(&DeployedLayer) -> bool| deployment.layers.iter().any(wanted);
        if has(|layer| !layer.candidate.is_fp32() && !layer.candidate.quantizes_activations()) {
            writer.notes.insert(WEIGHT_ONLY.into());
        }
        let has_two_bits = |layer: &DeployedLayer| {
            matches!(&layer.weights, LayerWeights::Codes(codes) if codes.bits == 2)
                || layer.activation.is_some_and(|activation| activation.bits == 2)
        };
        if self.two_bits && has(has_two_bits) {
            writer.notes.insert(TWO_BITS.into());
        }
        writer.finish(FILE, &deployment.graph.name)
    }

    /// Layers that need a Min in front of their quantiser: those whose input comes from a layer with a bias, the products of
    /// which are in steps coarser than those of 8 bits, and those of few bits behind nodes that only move elements.
    fn guarded(self, deployment: &Deployment) -> BTreeSet<String> {
        let nodes = deployment.graph.nodes();
        let layers = deployment.graph.layers();
        let coarse = |layer: &DeployedLayer| match (&layer.weights, layer.activation) {
            (LayerWeights::Codes(codes), Some(activation)) => codes.bits.min(activation.bits) < 8,
            _ => false,
        };
        let coarse: BTreeSet<NodeId> = layers
            .iter()
            .zip(&deployment.layers)
            .filter(|(layer, deployed)| nodes[layer.node].op.has_bias() && coarse(deployed))
            .map(|(layer, _)| layer.node)
            .collect();
        // Quantisers are moved to the front of nodes that only move elements.
        let before = |node: NodeId| {
            let single = |&id: &NodeId| match nodes[id].inputs.as_slice() {
                &[input] if !nodes[id].op.has_weight() => Some(input),
                _ => None,
            };
            std::iter::successors(nodes[node].inputs.first().copied(), single)
        };
        let turned_input = deployment.graph.inputs().iter().any(|port| port.batch_axis != Some(0));
        let moves = |id: NodeId| match &nodes[id].op {
            Op::Function(Function::Activation(_)) => false,
            Op::Function(_) | Op::GlobalAveragePool | Op::Subsample { .. } => true,
            Op::Input => turned_input,
            _ => false,
        };
        let is_guarded = |(layer, deployed): &(&Layer, &DeployedLayer)| {
            let narrow = deployed.activation.is_some_and(|activation| self.container(activation.bits) < 8);
            before(layer.node).last().is_some_and(|source| coarse.contains(&source))
                || narrow && before(layer.node).any(moves)
        };
        layers.iter().zip(&deployment.layers).filter(is_guarded).map(|(layer, _)| layer.name.clone()).collect()
    }
}

struct Form {
    qdq: Qdq,
    has_clip: bool,
    /// Layers in front of whose quantiser stands a Min in any case.
    guarded: BTreeSet<String>,
}

impl LayerForm for Form {
    fn input(&self, writer: &mut ModelWriter, layer: &DeployedLayer, tensor: &str) -> Result<String> {
        let Some(activation) = layer.activation else { return Ok(tensor.into()) };
        let name = |what: &str| format!("{}.{what}", layer.name);
        let kept = self.limited(writer, layer, activation, tensor);
        let scale = writer.floats(&name("input_scale"), &[], &[activation.scale], None);
        let kind = self.qdq.kind(activation.bits, activation.unsigned);
        let zero = writer.tensor(&name("input_zero"), kind, &[], vec![0], None);
        let codes = writer.node("QuantizeLinear", &[&kept, &scale, &zero], &name("input_codes"), vec![]);
        Ok(writer.node("DequantizeLinear", &[&codes, &scale, &zero], &name("input"), vec![]))
    }

    fn weight(&self, writer: &mut ModelWriter, layer: &DeployedLayer, layout: Layout) -> Result<String> {
        self.qdq.weight(writer, layer, layout)
    }

    fn has_clip(&self) -> bool {
        self.has_clip
    }

    fn has_bias_of_two_axes(&self) -> bool {
        true
    }
}

impl Form {
    /// The input within the range of the codes, where the type has more of them or a Min is needed; else as it is.
    fn limited(&self, writer: &mut ModelWriter, layer: &DeployedLayer, activation: Activation, tensor: &str) -> String {
        let narrower = self.qdq.container(activation.bits) != activation.bits;
        if !narrower && !self.guarded.contains(&layer.name) {
            return tensor.into();
        }
        let name = |what: &str| format!("{}.{what}", layer.name);
        let (low, high) = activation.range();
        let limit = |code: i32| [code as f32 * activation.scale];
        let mut kept = tensor.to_string();
        if narrower && !activation.unsigned {
            let low = writer.floats(&name("input_low"), &[], &limit(low), None);
            kept = writer.node("Max", &[&kept, &low], &name("input_above"), vec![]);
        }
        let high = writer.floats(&name("input_high"), &[], &limit(high), None);
        writer.node("Min", &[&kept, &high], &name("input_limited"), vec![])
    }
}

#[cfg(test)]
#[path = "qdq_tests.rs"]
mod tests;
