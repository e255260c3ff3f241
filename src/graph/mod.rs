//! The one model representation: a typed operator graph, and its pure cost functions.
//!
//! Zoo builders and readers produce it; execution, Hessian products, costs and exports are functions of it.

pub mod build;
pub mod cost;
pub mod function;
mod function_build;
pub mod op;

pub use build::GraphBuilder;
pub use cost::LayerCost;
pub use function::{Activation, Function, Window};
pub use op::{Conv2d, Embedding, Graph, Layer, Linear, Node, NodeId, Op};
