//! Mixed-precision quantisation: search and planning.
pub mod error;
pub mod exec;
pub mod graph;
pub mod numeric;
pub mod progress;
pub mod quant;
pub mod store;
pub mod zoo;
