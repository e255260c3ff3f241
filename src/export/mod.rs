//! Files that deployment tools load.
//!
//! A plan in integers ([`Deployment`]) becomes a folder of files ([`Package`]) in a [`Format`], one for each tool. What a tool
//! cannot run is refused before anything is written ([`check`]), by layer, with the nearest choice that it can; the planner
//! asks the same rules beforehand, and counts the bytes that will be written ([`Format::stored`]).

mod aimet;
mod bitplan;
mod check;
mod deployment;
mod fold;
mod folder;
mod format;
pub mod gguf;
mod hugging_face;
mod litert;
mod manifest;
mod master;
mod modelopt;
pub mod onnx;
mod package;
mod packed;
mod qonnx;
mod registry;
#[cfg(test)]
mod sample;
mod source_model;

pub use aimet::Aimet;
pub use bitplan::Bitplan;
pub use check::{check, nearest, site};
pub use deployment::{Activation, Codes, DeployedLayer, Deployment, LayerWeights};
pub use folder::{check_folder, write_folder};
pub use format::{Format, Site, Stored};
pub use gguf::Gguf;
pub use hugging_face::{AutoRound, CompressedTensors, Mlx};
pub use litert::LiteRt;
pub use manifest::{FileBytes, LayerBytes, MANIFEST, Manifest, Subject};
pub use master::Master;
pub use modelopt::ModelOpt;
pub use onnx::{Onnx, Onnx25, OnnxNpu};
pub use package::{Package, Part, StoredTensor};
pub use packed::{InputNormalization, PackedDescription, PackedLayer};
pub use qonnx::{Qonnx, QonnxPowerOfTwo};
pub use registry::{FORMATS, format_of};
