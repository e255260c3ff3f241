//! Which network is quantised.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use super::check::Checker;
use super::ranged::{CLASSES, EXTENT, SIDE};
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
    /// ResNet-18 of torchvision.
    ResNet18,
    /// ResNet-50 of torchvision.
    ResNet50,
    /// MobileNetV2 of torchvision.
    #[serde(rename = "mobilenet_v2")]
    MobileNetV2,
    /// EfficientNet-Lite0 of timm.
    #[serde(rename = "efficientnet_lite0")]
    EfficientNetLite0,
    /// ViT-tiny of timm.
    #[serde(rename = "vit_tiny")]
    VitTiny,
    /// A multilayer perceptron.
    Mlp,
    /// A small U-Net, for segmentation.
    #[serde(rename = "unet_lite")]
    UNetLite,
    /// SSDLite on MobileNetV2, for detection.
    #[serde(rename = "ssd_lite")]
    SsdLite,
    /// A small Llama, for text.
    #[serde(rename = "llama_small")]
    LlamaSmall,
    /// PartialNet-T0.
    #[serde(rename = "partialnet_t0")]
    PartialNetT0,
    /// PartialNet-T1.
    #[serde(rename = "partialnet_t1")]
    PartialNetT1,
    /// PartialNet-T2.
    #[serde(rename = "partialnet_t2")]
    PartialNetT2,
    /// PartialNet-S.
    #[serde(rename = "partialnet_s")]
    PartialNetS,
    /// PartialNet-M.
    #[serde(rename = "partialnet_m")]
    PartialNetM,
    /// PartialNet-L.
    #[serde(rename = "partialnet_l")]
    PartialNetL,
    /// PartialNet-T0 with PAT_sp.
    #[serde(rename = "partialnet_t0_sp")]
    PartialNetT0Sp,
    /// PartialNet-T1 with PAT_sp.
    #[serde(rename = "partialnet_t1_sp")]
    PartialNetT1Sp,
    /// PartialNet-T2 with PAT_sp.
    #[serde(rename = "partialnet_t2_sp")]
    PartialNetT2Sp,
    /// PartialNet-S with PAT_sp.
    #[serde(rename = "partialnet_s_sp")]
    PartialNetSSp,
    /// PartialNet-M with PAT_sp.
    #[serde(rename = "partialnet_m_sp")]
    PartialNetMSp,
    /// PartialNet-L with PAT_sp.
    #[serde(rename = "partialnet_l_sp")]
    PartialNetLSp,
    /// PartialNet-T0 with convolutions that learn their groups.
    #[serde(rename = "partialnet_t0_dp")]
    PartialNetT0Dp,
    /// PartialNet-T2 with convolutions that learn their groups.
    #[serde(rename = "partialnet_t2_dp")]
    PartialNetT2Dp,
    /// PartialNet-M with convolutions that learn their groups.
    #[serde(rename = "partialnet_m_dp")]
    PartialNetMDp,
}

/// The name that files and commands use.
impl fmt::Display for Zoo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl Zoo {
    /// All of them.
    pub const ALL: [Zoo; 27] = [
        Zoo::ResNet8,
        Zoo::ResNet8Keras,
        Zoo::ResNet20,
        Zoo::ResNet18,
        Zoo::ResNet50,
        Zoo::MobileNetV2,
        Zoo::EfficientNetLite0,
        Zoo::VitTiny,
        Zoo::Mlp,
        Zoo::UNetLite,
        Zoo::SsdLite,
        Zoo::LlamaSmall,
        Zoo::PartialNetT0,
        Zoo::PartialNetT1,
        Zoo::PartialNetT2,
        Zoo::PartialNetS,
        Zoo::PartialNetM,
        Zoo::PartialNetL,
        Zoo::PartialNetT0Sp,
        Zoo::PartialNetT1Sp,
        Zoo::PartialNetT2Sp,
        Zoo::PartialNetSSp,
        Zoo::PartialNetMSp,
        Zoo::PartialNetLSp,
        Zoo::PartialNetT0Dp,
        Zoo::PartialNetT2Dp,
        Zoo::PartialNetMDp,
    ];
}

/// Where a network comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelSource {
    /// Built in.
    Zoo {
        /// Which one.
        zoo: Zoo,
        /// Channels, height and width of an input, in pixels; or its positions, of a network that reads tokens. Each a
        /// whole number from 1 to 4096.
        input: Vec<usize>,
        /// Classes to tell apart. A whole number from 2 to 65536.
        classes: usize,
    },
    /// An ONNX file, the folder of a Hugging Face model, or a network that an earlier run found (`network.safetensors`), with
    /// its weights.
    File {
        /// As written.
        path: PathBuf,
        /// Extents that the file leaves open, by name, such as the positions of a sequence. Each a whole number from 1 to
        /// 16777216.
        extents: BTreeMap<String, usize>,
    },
}

/// The network and its shape.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelSpec {
    /// `zoo`, with `input` and `classes`; or `file`, with `extents` where the file leaves some open. Required.
    pub source: ModelSource,
    /// Safetensors file of trained FP32 weights, as written in the file. Default: those that came with the network; else
    /// they are trained.
    pub weights: Option<PathBuf>,
}

impl ModelSpec {
    pub(super) fn check(at: &Spanned<RawModel>, c: Checker<'_>) -> Result<Self> {
        let raw = &at.value;
        let source = match (&raw.zoo, &raw.file) {
            (Some(zoo), None) => ModelSource::Zoo {
                zoo: *zoo,
                input: Self::input(at, c)?,
                classes: c.whole(raw.classes.as_ref().ok_or_else(|| Self::missing(at, "classes", c))?, CLASSES)?,
            },
            (None, Some(path)) => {
                let superfluous = raw.input.as_ref().map(|input| ("input", &input.referenced));
                let superfluous = superfluous.or(raw.classes.as_ref().map(|classes| ("classes", &classes.referenced)));
                if let Some((key, _)) = superfluous {
                    let remedy = "the file says what goes in and out; `extents` sets what it leaves open";
                    let found = format!("`{key}` beside `file`");
                    return Err(c.fault(at, ValueFault::new(found, "it with `zoo` only", remedy)));
                }
                let extents = raw.extents.iter().flat_map(|pairs| &pairs.0);
                let extents = extents.map(|(name, extent)| Ok((name.value.clone(), c.whole(extent, EXTENT)?)));
                ModelSource::File { path: c.path(path)?, extents: extents.collect::<Result<_>>()? }
            }
            (zoo, _) => {
                let found = if zoo.is_some() { "both `zoo` and `file`" } else { "neither `zoo` nor `file`" };
                return Err(c.fault(at, ValueFault::new(found, "one of the two", "")));
            }
        };
        Ok(Self { source, weights: raw.weights.as_ref().map(|path| c.path(path)).transpose()? })
    }

    fn input(at: &Spanned<RawModel>, c: Checker<'_>) -> Result<Vec<usize>> {
        let input = at.value.input.as_ref().ok_or_else(|| Self::missing(at, "input", c))?;
        match input.value.as_slice() {
            numbers @ ([_] | [_, _, _]) => numbers.iter().map(|number| c.whole(number, SIDE)).collect(),
            numbers => {
                let found = format!("a list of {}", numbers.len());
                let expected = "three numbers: [channels, height, width]; or one: [positions]";
                Err(c.fault(input, ValueFault::new(found, expected, "")))
            }
        }
    }

    fn missing(at: &Spanned<RawModel>, key: &str, c: Checker<'_>) -> crate::error::Error {
        c.fault(at, ValueFault::new(format!("no `{key}`"), format!("`{key}` beside `zoo`"), ""))
    }

    /// Channels of an input image, where the search space says them.
    pub(super) fn channels(&self) -> Option<usize> {
        match &self.source {
            ModelSource::Zoo { input, .. } if input.len() == 3 => input.first().copied(),
            _ => None,
        }
    }
}
