//! Which network: what a file must say to build it again.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::space::Zoo;
use crate::zoo::PartialNetSize as Size;
use crate::zoo::PartialNetVariant as Variant;
use crate::zoo::{
    ZooNetwork, efficientnet_lite0, llama_small, mlp, mobilenet_v2, partialnet, resnet8, resnet8_keras, resnet18,
    resnet20, resnet50, ssd_lite, unet_lite, vit_tiny,
};

/// A built-in network with its input and outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Its name.
    pub zoo: Zoo,
    /// Channels, height, width of an image; or positions of a text.
    pub input: Vec<usize>,
    /// Classes to tell apart, or tokens of a language model.
    pub classes: usize,
}

impl Architecture {
    /// Its graph.
    ///
    /// # Errors
    /// As [`Self::network`].
    pub fn build(&self) -> Result<Graph> {
        Ok(self.network()?.graph)
    }

    /// Its graph, with the tables that follow from the architecture and how parameters begin.
    ///
    /// # Errors
    /// When the input shape is out of range for this network.
    pub fn network(&self) -> Result<ZooNetwork> {
        let classes = self.classes;
        let partial = |size, variant| partialnet(size, variant, self.image()?, classes);
        let graph = match self.zoo {
            Zoo::ResNet8 => resnet8(self.image()?, classes),
            Zoo::ResNet8Keras => resnet8_keras(self.image()?, classes),
            Zoo::ResNet20 => resnet20(self.image()?, classes),
            Zoo::ResNet18 => resnet18(self.image()?, classes),
            Zoo::ResNet50 => resnet50(self.image()?, classes),
            Zoo::MobileNetV2 => mobilenet_v2(self.image()?, classes),
            Zoo::EfficientNetLite0 => efficientnet_lite0(self.image()?, classes),
            Zoo::Mlp => mlp(self.image()?, classes),
            Zoo::UNetLite => unet_lite(self.image()?, classes),
            Zoo::SsdLite => ssd_lite(self.image()?, classes),
            Zoo::VitTiny => return vit_tiny(self.image()?, classes),
            Zoo::LlamaSmall => return llama_small(self.positions()?, classes),
            Zoo::PartialNetT0 => return partial(Size::T0, Variant::Plain),
            Zoo::PartialNetT1 => return partial(Size::T1, Variant::Plain),
            Zoo::PartialNetT2 => return partial(Size::T2, Variant::Plain),
            Zoo::PartialNetS => return partial(Size::S, Variant::Plain),
            Zoo::PartialNetM => return partial(Size::M, Variant::Plain),
            Zoo::PartialNetL => return partial(Size::L, Variant::Plain),
            Zoo::PartialNetT0Sp => return partial(Size::T0, Variant::Spatial),
            Zoo::PartialNetT1Sp => return partial(Size::T1, Variant::Spatial),
            Zoo::PartialNetT2Sp => return partial(Size::T2, Variant::Spatial),
            Zoo::PartialNetSSp => return partial(Size::S, Variant::Spatial),
            Zoo::PartialNetMSp => return partial(Size::M, Variant::Spatial),
            Zoo::PartialNetLSp => return partial(Size::L, Variant::Spatial),
            Zoo::PartialNetT0Dp => return partial(Size::T0, Variant::Dynamic),
            Zoo::PartialNetT2Dp => return partial(Size::T2, Variant::Dynamic),
            Zoo::PartialNetMDp => return partial(Size::M, Variant::Dynamic),
        };
        graph.map(ZooNetwork::from)
    }

    fn image(&self) -> Result<[usize; 3]> {
        <[usize; 3]>::try_from(self.input.as_slice())
            .map_err(|_| self.misshapen("three numbers: channels, height, width", "images"))
    }

    fn positions(&self) -> Result<usize> {
        match self.input.as_slice() {
            &[positions] => Ok(positions),
            _ => Err(self.misshapen("one number: positions", "texts")),
        }
    }

    fn misshapen(&self, expected: &str, what: &str) -> Error {
        let found = format!("an input of shape {:?}", self.input);
        Error::input(format!("network `{}`", self.zoo), found, expected, format!("this network reads {what}"))
    }
}
