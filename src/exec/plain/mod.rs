//! The same networks in candle's own tensor operations, on any device that candle knows: the oracle of the host kernels,
//! and the way to run where there are none.
//!
//! [`forward()`] and [`backward()`] mean what those of [`crate::exec`] mean, on the device of the images; tensors of the
//! bindings are moved there. Element type f32 or f64 (Metal: f32 only). The reverse pass is explicit, out of forward
//! operations: candle's autograd is not used, nor its convolutions and pools, of which some have no adjoint for uneven
//! padding, groups or windows that overlap. What is left is element-wise operations, matrix products, sums over one axis
//! and moves of elements. Unlike our own kernels it promises no bits: sums and products are in the order of the device.
//!
//! Norm statistics are sums over positions on the device and over samples on the host in f64, so each norm waits for the
//! device; otherwise the host only queues operations. Memory: every node's value, and the columns of one convolution.

mod activation;
mod along;
mod backward;
mod choice;
mod convolution;
mod forward;
mod function;
mod layer;
mod norm;
mod pool;
mod quantizer;
mod rows;
mod tensors;
mod windows;

pub use backward::backward;
pub use forward::{PlainTape, forward};
