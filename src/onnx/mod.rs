//! Reads ONNX files: bytes → checked graph with its constants ([`OnnxGraph`]), and constant expressions ([`fold`]).
//!
//! The format is that of `onnx.proto` (onnx 1.23.2, IR version 14), operator sets 7 to 26 of the default domain. A
//! file is not trusted: sizes are checked against the bytes that are there before memory is taken, paths of external data may
//! not leave the model's folder, and everything that is wrong ends in an error with its place.
//!
//! ```text
//! file ─ proto ─► ModelProto ─ topology, decode, external ─► OnnxGraph ─ conversion, with fold ─► operator graph
//! ```

pub mod fold;
pub mod graph;
pub mod lower;
pub mod node;
pub mod tensor;

mod attribute;
mod decode;
mod element;
mod external;
mod passing;
pub(crate) mod proto;
mod recognise;
mod topology;
mod value;

pub use graph::OnnxGraph;
pub use lower::{Imported, LoadOptions, load};
pub use node::{Attribute, OnnxNode};
pub use tensor::{Data, ElementKind, Tensor};
pub use value::{Dim, ValueInfo};
