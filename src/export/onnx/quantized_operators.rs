//! QuantizeLinear and DequantizeLinear behind every operator of a file.
//!
//! An operator that only moves numbers gives the codes that it takes. All tensors that a tensor is moved to have its encoding:
//! that of the layers that read them, if layers alone do and agree on it; else the one of the range of the node. A layer that
//! wants another encoding gets the tensor quantised again.
//!
//! Nothing is quantised between an operator and the ReLU or Clip that alone reads it: it is part of the operator there.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::export::onnx::ModelWriter;
use crate::export::onnx::attributes::int;
use crate::export::onnx::encoding::Encoding;
use crate::export::onnx::operator_survey::{Survey, Use};
use crate::export::{DeployedLayer, Deployment, LayerWeights};
use crate::onnx::proto::NodeProto;
use crate::onnx::proto::tensor_proto::DataType;

/// Rewrites the nodes of a file. Weights of layers are behind a DequantizeLinear already, biases are floats still.
///
/// # Errors
/// When an operator has no integer form, or the range of what a node gives is not known.
pub fn quantize_operators(writer: &mut ModelWriter, deployment: &Deployment) -> Result<()> {
    let nodes = std::mem::take(&mut writer.nodes);
    let survey = Survey::new(writer, &nodes, deployment)?;
    let inputs: Vec<String> = writer.inputs.iter().filter_map(|port| port.name.clone()).collect();
    let mut pass = Pass { survey: &survey, writer, quantized: BTreeMap::new() };
    for input in &inputs {
        pass.quantize(input, input)?;
    }
    for (index, node) in nodes.iter().enumerate() {
        pass.node(index, node)?;
    }
    // Floats of which there are codes now.
    let read: BTreeSet<&String> = writer.nodes.iter().flat_map(|node| &node.input).collect();
    writer.initializers.retain(|(tensor, _)| tensor.name.as_ref().is_some_and(|name| read.contains(name)));
    Ok(())
}

struct Pass<'a, 'w> {
    survey: &'a Survey<'a>,
    writer: &'w mut ModelWriter,
    /// Names of tensors behind quantisers, by what is quantised and how.
    quantized: BTreeMap<(String, (u32, u8)), String>,
}

impl Pass<'_, '_> {
    fn node(&mut self, index: usize, node: &NodeProto) -> Result<()> {
        let [output] = node.output.as_slice() else {
            return Err(Error::Internal(format!("{:?} has not one output", node.name)));
        };
        let mut changed = node.clone();
        if self.survey.is_weight(output) {
            self.writer.nodes.push(changed);
            return Ok(());
        }
        for (place, tensor) in node.input.iter().enumerate() {
            changed.input[place] = match self.survey.use_of(index, place, tensor) {
                Use::LayerInput(layer, encoding) => self.read(layer, tensor, encoding)?,
                Use::Bias(layer) => self.bias(layer, tensor)?,
                Use::Value => match self.survey.encoding(tensor) {
                    Some(own) => self.read("", tensor, own)?,
                    None => tensor.clone(),
                },
                Use::Constant => self.constant(tensor)?,
                Use::Parameter => tensor.clone(),
            };
        }
        if self.survey.encoding(output).is_none() {
            self.writer.nodes.push(changed);
            return Ok(());
        }
        let raw = match self.survey.is_output(output) {
            true => self.writer.name(&format!("{output}.float")),
            false => output.clone(),
        };
        changed.output = vec![raw.clone()];
        self.writer.nodes.push(changed);
        self.quantize(&raw, output)
    }

    /// Quantises what a node gives, `raw`, in the encoding of `tensor`.
    fn quantize(&mut self, raw: &str, tensor: &str) -> Result<()> {
        let Some(encoding) = self.survey.encoding(tensor) else { return Ok(()) };
        let name = match self.survey.is_output(tensor) {
            true => tensor.to_string(),
            false => self.writer.name(&format!("{tensor}.rounded")),
        };
        self.pair(raw, tensor, encoding, &name);
        self.quantized.insert((tensor.into(), encoding.key()), name);
        Ok(())
    }

    /// A tensor in an encoding, its own or that of a layer.
    fn read(&mut self, layer: &str, tensor: &str, wanted: Encoding) -> Result<String> {
        let key = (tensor.to_string(), wanted.key());
        if let Some(name) = self.quantized.get(&key) {
            return Ok(name.clone());
        }
        let own = self.survey.encoding(tensor).map(|own| (tensor.to_string(), own.key()));
        let Some(from) = own.and_then(|own| self.quantized.get(&own)).cloned() else {
            return Err(Error::Internal(format!("`{tensor}` is read before it is quantised")));
        };
        let name = self.writer.name(&format!("{layer}.input"));
        self.pair(&from, &name, wanted, &name);
        self.quantized.insert(key, name.clone());
        Ok(name)
    }

    /// Both nodes; the second gives the tensor `output`, a name that is reserved.
    fn pair(&mut self, from: &str, wanted: &str, encoding: Encoding, output: &str) {
        let scale = self.writer.floats(&format!("{wanted}.scale"), &[], &[encoding.scale], None);
        let zero = self.writer.tensor(&format!("{wanted}.zero"), DataType::Uint8, &[], vec![encoding.zero], None);
        let codes = self.writer.node("QuantizeLinear", &[from, &scale, &zero], &format!("{wanted}.codes"), vec![]);
        let name = self.writer.name(&format!("{wanted}.dequantized"));
        self.writer.named_node("", "DequantizeLinear", &[&codes, &scale, &zero], [&name, output], vec![]);
    }

    /// A bias as integers in the steps of the layer's products.
    fn bias(&mut self, layer: &DeployedLayer, tensor: &str) -> Result<String> {
        let (Some(activation), LayerWeights::Codes(weights)) = (layer.activation, &layer.weights) else {
            return Err(Error::Internal(format!("layer `{}` has no codes", layer.name)));
        };
        let (shape, values) = self.survey.floats(tensor)?;
        let steps: Vec<f32> = weights.scale.iter().map(|scale| activation.scale * scale).collect();
        let whole = |(&value, &step): (&f32, &f32)| {
            let code = (f64::from(value) / f64::from(step)).round_ties_even();
            let fits = code.abs() <= f64::from(i32::MAX);
            fits.then_some(code as i32).ok_or_else(|| {
                let found = format!("a bias of {value} in steps of {step:e}");
                let remedy = "plan the layer with fewer bits";
                Error::input(format!("layer `{}`", layer.name), found, "at most 2³¹ steps", remedy)
            })
        };
        let codes: Vec<i32> = values.iter().zip(&steps).map(whole).collect::<Result<_>>()?;
        let bytes = codes.iter().flat_map(|code| code.to_le_bytes()).collect();
        let name = |what: &str| format!("{tensor}.{what}");
        let codes = self.writer.tensor(&name("codes"), DataType::Int32, shape, bytes, None);
        let scale = self.writer.floats(&name("scale"), shape, &steps, None);
        Ok(self.writer.node("DequantizeLinear", &[&codes, &scale], &name("steps"), vec![int("axis", 0)]))
    }

    /// A constant that is computed with, as codes.
    fn constant(&mut self, tensor: &str) -> Result<String> {
        let (shape, values) = self.survey.floats(tensor)?;
        let encoding = self.survey.encoding_of_constant(tensor, values)?;
        let key = (tensor.to_string(), encoding.key());
        if let Some(name) = self.quantized.get(&key) {
            return Ok(name.clone());
        }
        let codes = values.iter().map(|&value| encoding.code(value)).collect();
        let named = |what: &str| format!("{tensor}.{what}");
        let codes = self.writer.tensor(&named("codes"), DataType::Uint8, shape, codes, None);
        let scale = self.writer.floats(&named("scale"), &[], &[encoding.scale], None);
        let zero = self.writer.tensor(&named("zero"), DataType::Uint8, &[], vec![encoding.zero], None);
        let name = self.writer.node("DequantizeLinear", &[&codes, &scale, &zero], &named("rounded"), vec![]);
        self.quantized.insert(key, name.clone());
        Ok(name)
    }
}
