//! QONNX: ONNX with `Quant` nodes of any width (Pappalardo et al., *QONNX*, arXiv 2206.07527), for FINN, hls4ml and `qonnx`.
//!
//! ```text
//! weight (floats) ─ Quant(scale [O, 1, …], 0, bits) ┐
//! input ─────────── Quant(scale, 0, bits) ──────────┴─ Conv, Gemm or MatMul ─ … the other nodes in floats
//!
//! Quant(x, s, z, b) = (round(clip(x/s + z, low_b, high_b)) − z) · s
//! ```
//!
//! `Quant` computes what the plan's quantisers do, in the same order. Initialisers are floats with the values of the codes,
//! so the file takes 4 bytes a weight whatever its width; the tools count and place the bits. Operator set 16 and version 8 of
//! the format are what FINN's and hls4ml's readers know. Layers that are not quantised have no `Quant`.

mod power_of_two;

use crate::error::{Error, Result};
use crate::export::onnx::attributes::{int, text};
use crate::export::onnx::{LayerForm, Layout, ModelWriter, Versions, lower, turned};
use crate::export::{DeployedLayer, Deployment, Format, LayerWeights, Package, Part, Site, Stored};
use crate::quant::Rounding;
use crate::space::Candidate;

/// The operators' domain.
const DOMAIN: &str = "qonnx.custom_op.general";

/// The model's file.
pub(super) const FILE: &str = "model.onnx";

/// The format `qonnx`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Qonnx;

impl Format for Qonnx {
    fn name(&self) -> &'static str {
        "qonnx"
    }

    fn about(&self) -> &'static str {
        "ONNX with Quant nodes of any width: FINN, hls4ml, qonnx"
    }

    fn tools(&self) -> &'static [&'static str] {
        &["qonnx 1.0.0 with onnx 1.21.0", "hls4ml 1.3.0", "FINN (reads the same nodes; not tried)"]
    }

    fn stored(&self, site: &Site<'_>, candidate: Candidate) -> std::result::Result<Stored, String> {
        let floats = 4 * site.parameters() as u64;
        if candidate.is_fp32() {
            return Ok(Stored { bits: 32, bytes: floats });
        }
        if site.group != site.shape.iter().skip(1).product::<usize>() {
            return Err("a Quant node has one scale for an output channel, not one for a group of weights".into());
        }
        // Scales, the zero point, and the width.
        Ok(Stored { bits: 32, bytes: floats + 4 * site.scales() as u64 + 8 })
    }

    fn write(&self, deployment: &Deployment) -> Result<Package> {
        write(deployment, false)
    }
}

fn write(deployment: &Deployment, one_scale: bool) -> Result<Package> {
    let versions = Versions { ir: 8, opset: 16, domains: vec![(DOMAIN, 2)] };
    let form = QuantNodes { rounding: deployment.rounding, one_scale };
    lower(deployment, &form, versions)?.finish(FILE, &deployment.graph.name)
}

/// The format `qonnx-pow2`: the same with one power of two as the scale of each weight and input. hls4ml holds such numbers
/// exactly, as fixed-point ones; of other scales it makes factors of 16 bits, and it moves scales per channel only in part.
#[derive(Debug, Clone, Copy, Default)]
pub struct QonnxPowerOfTwo;

impl Format for QonnxPowerOfTwo {
    fn name(&self) -> &'static str {
        "qonnx-pow2"
    }

    fn about(&self) -> &'static str {
        "the same with each weight's and input's scale a power of two, another network then: hls4ml, bit for bit"
    }

    fn tools(&self) -> &'static [&'static str] {
        Qonnx.tools()
    }

    fn stored(&self, site: &Site<'_>, candidate: Candidate) -> std::result::Result<Stored, String> {
        let stored = Qonnx.stored(site, candidate)?;
        let other_scales = if candidate.is_fp32() { 0 } else { 4 * site.scales().saturating_sub(1) as u64 };
        Ok(Stored { bytes: stored.bytes - other_scales, ..stored })
    }

    fn write(&self, deployment: &Deployment) -> Result<Package> {
        let (folded, kept) = deployment.clone().fold_batch_norms()?;
        let (rounded, change) = folded.with_power_of_two_scales();
        let mut package = write(&rounded, true)?;
        package.notes.push(change.note());
        if !kept.is_empty() {
            let norms = kept.join(", ");
            package
                .notes
                .push(format!("Batch norms that stay behind their layers, with factors of any size: {norms}."));
        }
        Ok(package)
    }
}

/// Layers with `Quant` nodes before them.
struct QuantNodes {
    rounding: Rounding,
    /// Whether all channels of a weight have the same scale, which is written once.
    one_scale: bool,
}

/// Names of the inputs of a `Quant` node.
struct Operands<'a> {
    x: &'a str,
    scale: &'a str,
    zero: &'a str,
    bits: &'a str,
}

fn quant(writer: &mut ModelWriter, of: Operands<'_>, wanted: &str, signed: bool, mode: &str) -> String {
    let attributes = vec![int("signed", i64::from(signed)), int("narrow", 0), text("rounding_mode", mode)];
    writer.node_in(DOMAIN, "Quant", &[of.x, of.scale, of.zero, of.bits], wanted, attributes)
}

impl LayerForm for QuantNodes {
    fn input(&self, writer: &mut ModelWriter, layer: &DeployedLayer, tensor: &str) -> Result<String> {
        let Some(activation) = layer.activation else { return Ok(tensor.into()) };
        let Some(mode) = mode(self.rounding, activation.unsigned) else {
            let found = format!("inputs of both signs rounded {}", self.rounding.name());
            let remedy = "train with another rounding, or leave the layer's activations floats (`w4a16`)";
            let expected = "half_even, half_away or floor, which Quant nodes know";
            return Err(Error::input(format!("layer `{}`", layer.name), found, expected, remedy));
        };
        let named = |what: &str| format!("{}.input.{what}", layer.name);
        let scale = writer.floats(&named("scale"), &[], &[activation.scale], None);
        let zero = writer.scalar(&named("zero_point"), 0.0);
        let bits = writer.scalar(&named("bits"), f64::from(activation.bits));
        let operands = Operands { x: tensor, scale: &scale, zero: &zero, bits: &bits };
        Ok(quant(writer, operands, &named("quantized"), !activation.unsigned, mode))
    }

    fn weight(&self, writer: &mut ModelWriter, layer: &DeployedLayer, layout: Layout) -> Result<String> {
        let named = |what: &str| format!("{}.weight{what}", layer.name);
        let owner = |part: Part| Some((layer.name.as_str(), part));
        let (shape, values) = turned(layout, &layer.shape, layer.weights.values());
        let x = writer.floats(&named(""), &shape, &values, owner(Part::Floats));
        let LayerWeights::Codes(codes) = &layer.weights else { return Ok(x) };
        let channels = if layout == Layout::Turned { shape.len() - 1 } else { 0 };
        let of_channels = |(axis, &extent): (usize, &usize)| if axis == channels { extent } else { 1 };
        let (of_scales, scales) = match codes.scale.get(..1) {
            Some(first) if self.one_scale => (vec![], first),
            _ => (shape.iter().enumerate().map(of_channels).collect::<Vec<_>>(), codes.scale.as_slice()),
        };
        let scale = writer.floats(&named(".scale"), &of_scales, scales, owner(Part::Scales));
        let number = |writer: &mut ModelWriter, what: &str, value: f32| {
            writer.floats(&named(what), &[], &[value], owner(Part::ZeroPoints))
        };
        let zero = number(writer, ".zero_point", 0.0);
        let bits = number(writer, ".bits", codes.bits as f32);
        let operands = Operands { x: &x, scale: &scale, zero: &zero, bits: &bits };
        // The value of a code divided by its scale may be a unit in the last place beside it: always the nearest integer.
        Ok(quant(writer, operands, &named(".quantized"), true, "ROUND"))
    }
}

/// The name of a rounding in `Quant` nodes, whose `HALF_UP` takes ties away from zero.
fn mode(rounding: Rounding, unsigned: bool) -> Option<&'static str> {
    match rounding {
        Rounding::HalfEven => Some("ROUND"),
        Rounding::HalfAway => Some("HALF_UP"),
        Rounding::HalfUp => unsigned.then_some("HALF_UP"),
        Rounding::Floor => Some("FLOOR"),
    }
}

#[cfg(test)]
mod tests;
