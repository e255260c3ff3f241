//! A graph executed and differentiated on candle tensors.
//!
//! [`Network`] is a graph prepared for execution; [`Bindings`] are the values it runs with: weights (already
//! quantised or not), input quantisers, batch-norm parameters and statistics. [`forward()`] records a [`Tape`];
//! [`backward()`] is the reverse pass; [`HessianPass`] is the tangent of both: exact Hessian-vector products.
//! [`engine`] is the forward and reverse pass at the speed of the machine, in f32; [`plain`] is both in candle's own
//! operations, on any [`Device`]. An [`Executor`] is whichever of these two a [`Backend`] asks for.
//!
//! Gradients are our own explicit reverse pass, not the autograd of candle: see
//! `docs/decisions/0001-explicit-reverse-pass.md`. The passes of this module are generic over f32 (work) and f64
//! (proofs). They and the engine give the same bits at any number of threads; [`plain`] promises none.

mod awake;
mod backward;
mod bindings;
mod device;
pub mod engine;
mod executor;
mod forward;
mod functions;
mod hessian;
pub mod host;
pub mod kernels;
mod layer_map;
mod loss;
mod network;
pub mod plain;
mod reverse;
mod sample_norms;
mod samples;

pub use awake::awake;
pub use backward::{Gradients, backward};
pub use bindings::{Bindings, LayerBinding, NormBinding, Statistics};
pub use device::Device;
pub use executor::{Backend, Executor};
pub use forward::{NormState, Tape, forward, forward_from};
pub use hessian::{HessianPass, Variation};
pub use kernels::Real;
pub use loss::{Criterion, Distillation, Loss, LossValue, correct, divergences, prediction, sample_losses};
pub use network::{Network, NormSite, Step};
pub use sample_norms::{SampleNorms, sample_norms};
pub use samples::Samples;
