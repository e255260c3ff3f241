//! The one model representation: a typed operator graph, and its pure cost functions.
//!
//! Zoo builders and readers produce it; execution, Hessian products, costs and exports are functions of it.

pub mod axis;
pub mod build;
pub mod cost;
mod edit;
mod file;
pub mod function;
mod function_build;
pub mod groups;
mod infer;
pub mod liveness;
pub mod op;
mod parameters;
mod regroup;
pub mod work;

pub use axis::{AxisMap, Border, Coordinates, Interpolation};
pub use build::GraphBuilder;
pub use cost::LayerCost;
pub use function::{Activation, Function, Window};
pub use groups::{GroupKind, LayerGroup, groups};
pub use liveness::Liveness;
pub use op::{Conv2d, Embedding, Graph, Layer, Linear, Node, NodeId, Op, Padding, Port};
pub use parameters::{Parameter, Role, Values};
pub use regroup::Regrouping;
pub use work::NodeWork;
