//! AIMET, and through its encodings Qualcomm's converters (QAIRT, SNPE, QNN): a float model, and a file that says how its
//! tensors are quantised.
//!
//! | file | what |
//! |-|-|
//! | `model.onnx` | the network in floats, batch norms folded where they can be; a weight has the values of its codes |
//! | `model.encodings` | encodings 1.0.0: width, scale and offset by tensor name |
//! | `model_2.0.0.encodings` | the same in version 2.0.0, for QAIRT 2.37 and newer |
//!
//! ```text
//! x̂ = (clip(round(x/scale) − offset, 0, 2^b − 1) + offset) · scale
//! ```
//!
//! An encoding belongs to a tensor, whoever reads it; here a layer has a quantiser of its own input. Where anything else reads
//! that tensor (a shortcut, a layer of other bits), a product with 1 in front of the layer makes a tensor of its own. It is not
//! an `Identity`, because AIMET quantises no output of one when it reads version 2.0.0.

mod encodings;

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::error::Result;
use crate::export::aimet::encodings::Encodings;
use crate::export::onnx::{LayerForm, Layout, ModelWriter, Versions, lower, turned};
use crate::export::{DeployedLayer, Deployment, Format, LayerWeights, Package, Part, Site, Stored};
use crate::graph::Op;
use crate::quant::Rounding;
use crate::space::Candidate;

const MODEL: &str = "model.onnx";

/// The format `aimet`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Aimet;

impl Format for Aimet {
    fn name(&self) -> &'static str {
        "aimet"
    }

    fn about(&self) -> &'static str {
        "float ONNX with quantisation encodings: AIMET, Qualcomm's QAIRT, SNPE and QNN converters"
    }

    fn tools(&self) -> &'static [&'static str] {
        &["aimet-onnx 2.42.0", "qairt-converter --quantization_overrides (not tried)"]
    }

    fn stored(&self, site: &Site<'_>, candidate: Candidate) -> std::result::Result<Stored, String> {
        let floats = Stored { bits: 32, bytes: 4 * site.parameters() as u64 };
        if candidate.is_fp32() {
            return Ok(floats);
        }
        if matches!(site.op, Op::Embedding(_)) {
            return Err("a table has one scale for all its rows there".into());
        }
        if site.group != site.shape.iter().skip(1).product::<usize>() {
            return Err(
                "encodings per channel have one scale for an output channel, not one for a group of weights".into()
            );
        }
        Ok(floats)
    }

    fn write(&self, deployment: &Deployment) -> Result<Package> {
        deployment.check_rounding(&[Rounding::HalfEven], "half_even, as AIMET does")?;
        let (folded, kept) = deployment.clone().fold_batch_norms()?;
        let form = Encoded { shared: shared_inputs(&folded), encodings: RefCell::default() };
        let writer = lower(&folded, &form, Versions { ir: 8, opset: 16, domains: Vec::new() })?;
        let mut package = writer.finish(MODEL, &deployment.graph.name)?;
        package.files.extend(form.encodings.into_inner().files());
        package.notes.push(
            "Load the encodings with `load_encodings_to_sim(sim, \"model.encodings\", strict=False)`: quantisers without an \
             encoding are switched off. Scales are in the encodings, not in the model."
                .into(),
        );
        if !kept.is_empty() {
            package.notes.push(format!("Batch norms that stay behind their layers: {}.", kept.join(", ")));
        }
        Ok(package)
    }
}

/// The layers whose input tensor has another reader than layers with the same quantiser, or is an output.
fn shared_inputs(deployment: &Deployment) -> BTreeSet<String> {
    let graph = &deployment.graph;
    let layers = graph.layers();
    let quantizer = |id: usize| layers.iter().position(|l| l.node == id).map(|l| deployment.layers[l].activation);
    let is_shared = |(l, deployed): &(usize, &DeployedLayer)| {
        let tensor = graph.nodes()[layers[*l].node].inputs[0];
        let readers = graph.nodes().iter().enumerate().filter(|(_, node)| node.inputs.contains(&tensor));
        let mut others = readers.filter(|(id, _)| quantizer(*id) != Some(deployed.activation));
        others.next().is_some() || tensor == graph.output()
    };
    let shared = deployment.layers.iter().enumerate().filter(is_shared);
    shared.map(|(_, layer)| layer.name.clone()).collect()
}

/// Floats, with a note of every quantiser.
struct Encoded {
    shared: BTreeSet<String>,
    encodings: RefCell<Encodings>,
}

impl LayerForm for Encoded {
    fn input(&self, writer: &mut ModelWriter, layer: &DeployedLayer, tensor: &str) -> Result<String> {
        let Some(activation) = layer.activation else { return Ok(tensor.into()) };
        let name = match self.shared.contains(&layer.name) {
            true => {
                let one = writer.scalar(&format!("{}.input.one", layer.name), 1.0);
                writer.node("Mul", &[tensor, &one], &format!("{}.input", layer.name), vec![])
            }
            false => tensor.to_string(),
        };
        self.encodings.borrow_mut().activation(&name, activation);
        Ok(name)
    }

    fn weight(&self, writer: &mut ModelWriter, layer: &DeployedLayer, layout: Layout) -> Result<String> {
        let (shape, values) = turned(layout, &layer.shape, layer.weights.values());
        let owner = Some((layer.name.as_str(), Part::Floats));
        let name = writer.floats(&format!("{}.weight", layer.name), &shape, &values, owner);
        if let LayerWeights::Codes(codes) = &layer.weights {
            let axis = if layout == Layout::Turned { shape.len() - 1 } else { 0 };
            self.encodings.borrow_mut().weight(&name, codes.bits, axis, &codes.scale);
        }
        Ok(name)
    }
}

#[cfg(test)]
mod tests;
