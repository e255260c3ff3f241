//! Numeric kernels on slices: the inner loops of execution. Each gives the same bits at any number of threads.

pub mod activation;
mod blocks;
pub mod conv;
pub mod elementwise;
pub mod embedding;
mod exponential;
pub mod norm;
pub mod permute;
pub mod pieces;
pub mod pool;
mod real;
pub mod row_norm;
pub mod softmax;
pub mod windows;

pub use real::{Matrix, Real};
