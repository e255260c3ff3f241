//! Mixed-precision quantisation: search and planning.
pub mod data;
pub mod error;
pub mod exec;
pub mod graph;
pub mod numeric;
pub mod progress;
pub mod quant;
pub mod sampling;
pub mod scheme;
pub mod sensitivity;
pub mod space;
pub mod store;
pub mod supernet;
pub mod zoo;
