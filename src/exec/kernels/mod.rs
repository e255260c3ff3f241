//! Numeric kernels on slices: the inner loops of execution. Each gives the same bits at any number of threads.

pub mod conv;
pub mod elementwise;
pub mod embedding;
pub mod norm;
pub mod pieces;
pub mod pool;
mod real;

pub use real::{Matrix, Real};
