//! ONNX files: the network as nodes of the default operator set, with its layers in a form that the caller gives.
//!
//! ```text
//! Deployment ─ lower ─► nodes, initialisers ─ finish ─► bytes of the file
//!                 └─ LayerForm: how a layer's input, weight and bias are written (floats, QDQ, QONNX, …)
//! ```
//!
//! Every tensor in the file has the batch in front (`N`), of extent 1 where a value does not depend on the sample. Nodes and
//! the tensors that they make have the names of the graph's nodes; helpers of one have its name and a suffix.

mod activations;
mod along;
pub mod attributes;
mod encoding;
mod form;
mod functions;
mod lower;
mod npu;
mod operator_survey;
mod ports;
mod qdq;
mod quantized_operators;
mod windows;
mod writer;

pub use form::{Float, LayerForm, Layout, turned};
pub use lower::lower;
pub use npu::OnnxNpu;
pub use qdq::{Onnx, Onnx25};
pub use writer::{ModelWriter, Versions};
