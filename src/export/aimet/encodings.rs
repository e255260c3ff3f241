//! Encodings of tensors, as AIMET writes and reads them: JSON.
//!
//! | version | entry |
//! |-|-|
//! | 1.0.0 | `name`, `dtype: INT`, `enc_type: PER_TENSOR` or `PER_CHANNEL`, `bw`, `is_sym`, `scale: […]`, `offset: […]` |
//! | 2.0.0 | `name`, `output_dtype: int4` or `uint8`, `y_scale`, `axis` for channels, `y_zero_point` |
//!
//! Codes are counted from the smallest: the offset is that code, `−2^(b−1)` for signed ones. The zero point of unsigned types
//! is its negative.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::export::Activation;

/// The encodings of a model.
#[derive(Debug, Clone, Default)]
pub struct Encodings {
    activations: BTreeMap<String, Activation>,
    weights: BTreeMap<String, Weight>,
}

#[derive(Debug, Clone)]
struct Weight {
    bits: u32,
    axis: usize,
    scale: Vec<f32>,
}

impl Encodings {
    /// The tensor that a layer reads.
    pub fn activation(&mut self, tensor: &str, activation: Activation) {
        self.activations.insert(tensor.into(), activation);
    }

    /// A weight with a scale for each entry of `axis`.
    pub fn weight(&mut self, tensor: &str, bits: u32, axis: usize, scale: &[f32]) {
        self.weights.insert(tensor.into(), Weight { bits, axis, scale: scale.to_vec() });
    }

    /// Both files by name.
    pub fn files(&self) -> [(String, Vec<u8>); 2] {
        [("model.encodings", self.version_1()), ("model_2.0.0.encodings", self.version_2())]
            .map(|(name, value)| (name.into(), format!("{value:#}\n").into_bytes()))
    }

    fn version_1(&self) -> Value {
        let activations = self.activations.iter().map(|(name, a)| {
            json!({"name": name, "dtype": "INT", "enc_type": "PER_TENSOR", "bw": a.bits, "is_sym": false,
                   "scale": [a.scale], "offset": [a.range().0]})
        });
        let weights = self.weights.iter().map(|(name, w)| {
            let offset = vec![-(1 << (w.bits - 1)); w.scale.len()];
            json!({"name": name, "dtype": "INT", "enc_type": "PER_CHANNEL", "bw": w.bits, "is_sym": true,
                   "scale": w.scale, "offset": offset})
        });
        json!({"version": "1.0.0", "activation_encodings": activations.collect::<Vec<_>>(),
               "param_encodings": weights.collect::<Vec<_>>()})
    }

    fn version_2(&self) -> Value {
        let activations = self.activations.iter().map(|(name, a)| {
            json!({"name": name, "output_dtype": format!("uint{}", a.bits), "y_scale": a.scale, "y_zero_point": -a.range().0})
        });
        let weights = self.weights.iter().map(|(name, w)| {
            json!({"name": name, "output_dtype": format!("int{}", w.bits), "axis": w.axis, "y_scale": w.scale})
        });
        json!({"version": "2.0.0", "encodings": activations.chain(weights).collect::<Vec<_>>()})
    }
}
