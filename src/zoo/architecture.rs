//! Which network: what a file must say to build it again.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::graph::Graph;
use crate::space::{ModelSpec, Zoo};
use crate::zoo::{resnet8, resnet8_keras, resnet20};

/// A built-in network with its input and outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Its name.
    pub zoo: Zoo,
    /// Channels, height, width of an image.
    pub input: [usize; 3],
    /// Outputs.
    pub classes: usize,
}

impl Architecture {
    /// The network of a search space.
    pub fn of(model: &ModelSpec) -> Self {
        Self { zoo: model.zoo, input: model.input, classes: model.classes }
    }

    /// Its graph.
    ///
    /// # Errors
    /// When the input shape is out of range, or not square for `resnet8_keras`.
    pub fn build(&self) -> Result<Graph> {
        match self.zoo {
            Zoo::ResNet8 => resnet8(self.input, self.classes),
            Zoo::ResNet8Keras => resnet8_keras(self.input, self.classes),
            Zoo::ResNet20 => resnet20(self.input, self.classes),
        }
    }
}
