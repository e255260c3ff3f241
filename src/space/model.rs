//! Which network is quantised.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::check::Checker;
use super::ranged::{CLASSES, SIDE};
use super::raw::RawModel;
use crate::error::Result;
use crate::error::ValueFault;

/// A network that is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Zoo {
    /// ResNet-8 of MLPerf Tiny.
    ResNet8,
    /// The same as trained in Keras, for its published weights.
    #[serde(rename = "resnet8_keras")]
    ResNet8Keras,
    /// ResNet-20 for CIFAR.
    ResNet20,
}

/// The network and its shape.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelSpec {
    /// `resnet8`, `resnet8_keras` or `resnet20`. Required.
    pub zoo: Zoo,
    /// Channels, height and width of an input, in pixels. Required; each a whole number from 1 to 4096.
    pub input: [usize; 3],
    /// Classes to tell apart. Required; a whole number from 2 to 65536.
    pub classes: usize,
    /// Safetensors file of trained FP32 weights, as written in the file. Default: none, so they are trained.
    pub weights: Option<PathBuf>,
}

impl ModelSpec {
    pub(super) fn check(raw: &RawModel, c: Checker<'_>) -> Result<Self> {
        let [channels, height, width] = raw.input.value.as_slice() else {
            let found = format!("a list of {}", raw.input.value.len());
            return Err(c.fault(&raw.input, ValueFault::new(found, "three numbers: [channels, height, width]", "")));
        };
        Ok(Self {
            zoo: raw.zoo,
            input: [c.whole(channels, SIDE)?, c.whole(height, SIDE)?, c.whole(width, SIDE)?],
            classes: c.whole(&raw.classes, CLASSES)?,
            weights: raw.weights.as_ref().map(|path| c.path(path)).transpose()?,
        })
    }
}
