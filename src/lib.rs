//! Mixed-precision quantisation: search and planning.
pub mod cli;
pub mod data;
pub mod error;
pub mod exec;
pub mod graph;
pub mod numeric;
pub mod plan;
pub mod progress;
pub mod quant;
pub mod report;
pub mod run;
pub mod sampling;
pub mod scheme;
pub mod sensitivity;
pub mod solve;
pub mod space;
pub mod store;
pub mod supernet;
pub mod zoo;

/// Version of the program; part of every stage's key.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
