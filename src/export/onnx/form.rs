//! How layers are written: what is around a convolution, a dense layer or a table.

use crate::error::Result;
use crate::export::onnx::ModelWriter;
use crate::export::{DeployedLayer, Part};

/// How the axes of a weight stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// As in the deployment: output channels first. Convolutions, `Gemm` with `transB`, tables.
    AsStored,
    /// A matrix turned round, `[in, out]`: the second factor of `MatMul`.
    Turned,
}

/// What a format makes of layers. Each method gives the name of a tensor of floats.
pub trait LayerForm {
    /// The input of a layer as it computes with it: `tensor` itself, or quantised and dequantised.
    ///
    /// # Errors
    /// When the layer's input has no such form.
    fn input(&self, writer: &mut ModelWriter, layer: &DeployedLayer, tensor: &str) -> Result<String>;

    /// The weight; `layout` says in which order of axes.
    ///
    /// # Errors
    /// When the layer's weight has no such form.
    fn weight(&self, writer: &mut ModelWriter, layer: &DeployedLayer, layout: Layout) -> Result<String>;

    /// Whether limits are written as Clip; else as Max and Min.
    fn has_clip(&self) -> bool {
        true
    }

    /// Whether the bias behind a MatMul is `[1, out]`; else `[out]`.
    fn has_bias_of_two_axes(&self) -> bool {
        false
    }
}

/// All layers in floats: weights with the values that their codes stand for, inputs as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Float;

impl LayerForm for Float {
    fn input(&self, _: &mut ModelWriter, _: &DeployedLayer, tensor: &str) -> Result<String> {
        Ok(tensor.into())
    }

    fn weight(&self, writer: &mut ModelWriter, layer: &DeployedLayer, layout: Layout) -> Result<String> {
        let (shape, values) = turned(layout, &layer.shape, layer.weights.values());
        Ok(writer.floats(&format!("{}.weight", layer.name), &shape, &values, Some((&layer.name, Part::Floats))))
    }
}

/// Elements of a weight, and its shape, in a layout.
pub fn turned<T: Copy>(layout: Layout, shape: &[usize], values: Vec<T>) -> (Vec<usize>, Vec<T>) {
    match (layout, shape) {
        (Layout::Turned, &[outputs, inputs]) => {
            let column = |input: usize| values.iter().skip(input).step_by(inputs).copied();
            (vec![inputs, outputs], (0..inputs).flat_map(column).collect())
        }
        _ => (shape.to_vec(), values),
    }
}
