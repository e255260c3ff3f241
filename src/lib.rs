//! Mixed-precision quantisation: search and planning.
pub mod error;
pub mod exec;
pub mod graph;
pub mod quant;
pub mod zoo;
