//! How much each layer minds being quantised.
//!
//! [`HessianOperator`] multiplies the Hessian of the loss by vectors; [`hutchinson()`] estimates the trace of every
//! layer's block from such products and knows no network; [`perturbation()`] measures what each candidate does to the
//! weights, [`activation_divergence`] what it does to the layer's input; [`SensitivityReport`] puts them together as
//! `Ω = t̄ · ‖Ŵ − W‖² + 2 D` (HAWQ-V2, arXiv 1911.03852, with an activation term). [`Measurement`] is the
//! experiment that this predicts: the loss with layers quantised one at a time, in pairs, and all together.

mod activation;
mod hutchinson;
mod interactions;
mod measured;
mod measured_report;
mod network_hessian;
mod perturbation;
mod report;

pub use activation::activation_divergence;
pub use hutchinson::{Probes, StopReason, TraceEstimate, TraceOptions, Traces, hutchinson};
pub use interactions::{Additivity, Pair, choose_pairs};
pub use measured::{Estimate, Measured, Measurement, quantized_layers};
pub use measured_report::{
    MeasuredCandidate, MeasuredJoint, MeasuredLayer, MeasuredPair, MeasuredReport, RankAgreement,
};
pub use network_hessian::NetworkHessian;
pub use perturbation::perturbation;
pub use report::{CandidateSensitivity, LayerSensitivity, SensitivityReport};

use crate::error::Result;

/// A vector with one part per layer.
pub type LayerVectors = Vec<Vec<f64>>;

/// A symmetric matrix, block-structured by layers, that can be multiplied by vectors.
pub trait HessianOperator {
    /// Length of each layer's part.
    fn sizes(&self) -> &[usize];

    /// The products with several vectors at once: what they share is computed once.
    ///
    /// # Errors
    /// When a product cannot be computed.
    fn apply(&self, vectors: &[LayerVectors]) -> Result<Vec<LayerVectors>>;
}
