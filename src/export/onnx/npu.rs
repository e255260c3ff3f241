//! Format `onnx-npu`: QuantizeLinear and DequantizeLinear around every operator, for processors that compute in integers only.
//!
//! ```text
//! x ─ Q ─ DQ ─┐
//! codes ─ DQ ─┼─ Conv ─ Relu ─ Q ─ DQ ─┬──────────────────── Add ─ Q ─ DQ ─ … ─ Q ─ DQ ─ output
//! bias ── DQ ─┘                        └─ Q ─ DQ (the layer's own) ─ Conv
//! ```
//!
//! | | |
//! |-|-|
//! | weights | `int4` (2 to 4 bits), `int8` (5 to 8), a scale for each output channel |
//! | inputs of layers | the plan's scales; `uint8` with zero point 0, or 128 where the plan has signed codes |
//! | other tensors | `uint8`, from [`Deployment::ranges`] |
//! | biases | `int32` in steps of `s_x s_w` |
//!
//! onnxruntime's provider for Qualcomm's HTP, tried in its emulator, runs such a file as a whole and refuses one with a tensor
//! of floats between two operators. TensorRT wants zero points of 0 everywhere: its file is `onnx`.

use crate::error::{Error, Result};
use crate::export::onnx::qdq::{Qdq, ROUNDING};
use crate::export::onnx::quantized_operators::quantize_operators;
use crate::export::onnx::{LayerForm, Layout, ModelWriter, Versions, lower};
use crate::export::{DeployedLayer, Deployment, Format, Package, Site, Stored};
use crate::graph::Op;
use crate::space::Candidate;

/// The file in the package.
const FILE: &str = "model.onnx";

/// What is not as in the plan.
const NOTE: &str = "Every operator gives 8 bits here, and the plan rounds the inputs of layers only: outputs are near those of \
                    the plan, not equal.";

/// QDQ around every operator, in operator set 21.
#[derive(Debug, Clone, Copy, Default)]
pub struct OnnxNpu;

impl Format for OnnxNpu {
    fn name(&self) -> &'static str {
        "onnx-npu"
    }

    fn about(&self) -> &'static str {
        "ONNX with every operator between 8-bit tensors: onnxruntime-qnn (Qualcomm HTP) and other NPUs"
    }

    fn tools(&self) -> &'static [&'static str] {
        &["onnxruntime-qnn 2.7.0 (emulated HTP)", "onnxruntime 1.31.1", "openvino 2026.4.1"]
    }

    fn stored(&self, site: &Site<'_>, candidate: Candidate) -> std::result::Result<Stored, String> {
        let columns = site.shape.iter().skip(1).product::<usize>().max(1);
        if matches!(site.op, Op::Embedding(_)) {
            return Err("tables of tokens have no integer operator there".into());
        }
        if candidate.is_fp32() {
            return Err("every operator computes in integers".into());
        }
        if candidate.activation_bits() != 8 {
            return Err("every tensor between operators has 8 bits".into());
        }
        if site.group != columns {
            return Err("weights have one scale for each output channel".into());
        }
        Ok(QDQ.stored(site, candidate))
    }

    fn needs_ranges(&self) -> bool {
        true
    }

    fn write(&self, deployment: &Deployment) -> Result<Package> {
        if deployment.ranges.is_empty() {
            let place = format!("plan `{}`", deployment.plan);
            let expected = "the ranges of what its nodes give, which become 8 bits";
            let remedy = "export it from the run's plan, whose images give the ranges";
            return Err(Error::input(place, "packed weights alone", expected, remedy));
        }
        deployment.check_rounding(ROUNDING.0, ROUNDING.1)?;
        let (folded, kept) = deployment.clone().fold_batch_norms()?;
        if let Some(norm) = kept.first() {
            let place = format!("network `{}`, node `{norm}`", deployment.graph.name);
            let found = "a batch norm that its layer cannot take up";
            let expected =
                "channels of the layer that it follows, and no code without an opposite where it changes the sign";
            return Err(Error::input(place, found, expected, "export it as `onnx`, where norms may stay"));
        }
        let mut writer = lower(&folded, &Form, Versions::opset_21())?;
        quantize_operators(&mut writer, &folded)?;
        writer.notes.insert(NOTE.into());
        writer.finish(FILE, &deployment.graph.name)
    }
}

/// Weights as in `onnx`, with zero points: without them onnxruntime-qnn 2.7.0 takes weights of 4 bits for other numbers.
const QDQ: Qdq = Qdq { two_bits: false, zero_points: true };

/// Weights behind a DequantizeLinear; inputs become integers with those of all operators.
struct Form;

impl LayerForm for Form {
    fn input(&self, _: &mut ModelWriter, _: &DeployedLayer, tensor: &str) -> Result<String> {
        Ok(tensor.into())
    }

    fn weight(&self, writer: &mut ModelWriter, layer: &DeployedLayer, layout: Layout) -> Result<String> {
        QDQ.weight(writer, layer, layout)
    }
}

#[cfg(test)]
#[path = "npu_tests.rs"]
mod tests;
