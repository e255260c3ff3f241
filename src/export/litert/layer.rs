//! Layers with weights: convolutions and dense layers, their weights and their quantised inputs.

use crate::error::Result;
use crate::export::litert::lower::Lowering;
use crate::export::litert::network::{file_shape, int};
use crate::export::litert::schema::{Builtin, Element, Field, Quantization};
use crate::export::litert::weights;
use crate::export::{DeployedLayer, LayerWeights, Part};
use crate::graph::{Conv2d, Linear, Node};

/// Options by their numbers in the union `BuiltinOptions`.
const CONV_2D_OPTIONS: u8 = 1;
const DEPTHWISE_CONV_2D_OPTIONS: u8 = 2;
const FULLY_CONNECTED_OPTIONS: u8 = 8;
/// Versions of `DEQUANTIZE` for scales of channels, and for INT4.
const DEQUANTIZE_CHANNELS: i32 = 5;
const DEQUANTIZE_INT4: i32 = 6;
/// Version of `FULLY_CONNECTED` that keeps the leading axes.
const FULLY_CONNECTED_KEEPING: i32 = 5;

impl Lowering<'_> {
    /// A convolution. Its zeros around the map are added behind the quantiser of its input: zero is a code.
    pub(super) fn conv(&mut self, node: &Node, conv: &Conv2d, layer: &DeployedLayer) -> Result<i32> {
        let input = self.input(node, 0)?;
        let extent = self.image(node)?;
        let input = self.layer_input(layer, input);
        let border = conv.padding;
        let out = [node.shape.get(1), node.shape.get(2)].map(|size| size.copied().unwrap_or(0));
        let (input, padding) = self.padded(node, input, extent, out, (conv.span(), conv.stride, border));
        let parameters = [input, self.weight(node, layer), self.bias(node, layer)?];
        let [stride, dilation] = [conv.stride, conv.dilation].map(|pair| pair.map(int));
        let [height, width] = [0, 1].map(|axis| (stride[axis], dilation[axis]));
        let mut fields = vec![(0, Field::Byte(padding as i8)), (1, Field::Int(width.0)), (2, Field::Int(height.0))];
        let shape = file_shape(&node.shape);
        if !conv.is_depthwise() {
            fields.extend([(4, Field::Int(width.1)), (5, Field::Int(height.1))]);
            return Ok(self.net.step(Builtin::Conv2d, &parameters, (CONV_2D_OPTIONS, &fields), &node.name, &shape));
        }
        let multiplier = int(conv.out_channels / conv.in_channels.max(1));
        fields.extend([(3, Field::Int(multiplier)), (5, Field::Int(width.1)), (6, Field::Int(height.1))]);
        let options = (DEPTHWISE_CONV_2D_OPTIONS, &fields[..]);
        Ok(self.net.step(Builtin::DepthwiseConv2d, &parameters, options, &node.name, &shape))
    }

    /// A dense layer over the last axis.
    pub(super) fn linear(&mut self, node: &Node, _: &Linear, layer: &DeployedLayer) -> Result<i32> {
        let input = self.input(node, 0)?;
        let input = self.layer_input(layer, input);
        let parameters = [input, self.weight(node, layer), self.bias(node, layer)?];
        let output = self.net.tensor(&node.name, &file_shape(&node.shape), Element::Float32, None);
        let options = (FULLY_CONNECTED_OPTIONS, &[(2, Field::Flag(true))][..]);
        Ok(self.net.step_into(Builtin::FullyConnected, FULLY_CONNECTED_KEEPING, &parameters, options, output))
    }

    /// The weight as floats: a constant, or integers and a step that turns them into floats.
    fn weight(&mut self, node: &Node, layer: &DeployedLayer) -> i32 {
        let (shape, dimension) = weights::shape(&node.op, &layer.shape);
        let shape: Vec<i32> = shape.into_iter().map(int).collect();
        let name = format!("{}/weight", node.name);
        // In the file for the quantiser, weights are values that it turns into integers again.
        let owner = self.integers.then_some(layer.name.as_str());
        let codes = weights::codes(layer).filter(|codes| self.integers || !weights::is_recoverable(&node.op, codes));
        let Some(codes) = codes else {
            let tensor = self.net.tensor(&name, &shape, Element::Float32, None);
            let part = if self.integers { Part::Floats } else { Part::Other };
            self.net.fill(tensor, weights::float_bytes(&node.op, layer), owner, part);
            return tensor;
        };
        let (element, version) = match weights::container(&node.op, codes.bits) {
            4 => (Element::Int4, DEQUANTIZE_INT4),
            _ => (Element::Int8, DEQUANTIZE_CHANNELS),
        };
        let quantization = Quantization { scale: codes.scale.clone(), zero_point: 0, dimension: int(dimension) };
        let tensor = self.net.tensor(&format!("{name}/codes"), &shape, element, Some(quantization));
        let part = if self.integers { Part::Codes } else { Part::Other };
        self.net.fill(tensor, weights::code_bytes(&node.op, layer, codes), owner, part);
        let output = self.net.tensor(&name, &shape, Element::Float32, None);
        self.net.step_into(Builtin::Dequantize, version, &[tensor], (0, &[]), output)
    }

    /// The bias, or zeros: runtimes want one.
    fn bias(&mut self, node: &Node, layer: &DeployedLayer) -> Result<i32> {
        let channels = layer.shape.first().copied().unwrap_or(0);
        let values = match node.op.has_bias() {
            true => self.parameter(node, "bias")?.to_vec(),
            false => vec![0.0; channels],
        };
        Ok(self.net.floats(&format!("{}/bias", node.name), &values, &[int(values.len())]))
    }

    /// The layer's input, rounded to its codes where the plan quantises it. Codes are INT8: unsigned ones are shifted by 128.
    fn layer_input(&mut self, layer: &DeployedLayer, input: i32) -> i32 {
        let (Some(activation), LayerWeights::Codes(_)) = (layer.activation, &layer.weights) else { return input };
        let zero_point = if activation.unsigned { -128 } else { 0 };
        let quantization = Quantization { scale: vec![activation.scale], zero_point, dimension: 0 };
        let (shape, name) = (self.net.shape(input), format!("{}/input", layer.name));
        let codes = self.net.tensor(&format!("{name}/codes"), &shape, Element::Int8, Some(quantization));
        self.net.fill(codes, Vec::new(), None, Part::Other);
        self.net.step_into(Builtin::Quantize, 1, &[input], (0, &[]), codes);
        let output = self.net.tensor(&name, &shape, Element::Float32, None);
        self.net.step_into(Builtin::Dequantize, 2, &[codes], (0, &[]), output)
    }
}
