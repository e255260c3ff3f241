//! How much each layer minds being quantised.
//!
//! [`NetworkTraces`] draws the traces of a network's curvature in each layer ([`crate::trace`] makes estimates with error
//! bars of them); [`perturbation()`] measures what each candidate does to the weights, [`activation_effects`] what it does
//! to the layer's input; [`SensitivityReport`] puts them together as `Ω = t̄ · ‖Ŵ − W‖² + 2 D` (HAWQ-V2, arXiv 1911.03852,
//! with an activation term). [`Measurement`] is the experiment that this predicts: the loss with layers quantised one at a
//! time, in pairs, and all together.

mod activation;
mod block_hessian;
mod estimator;
mod interactions;
mod measured;
mod measured_report;
mod network_traces;
mod perturbation;
mod report;

pub use activation::{ActivationEffect, activation_effects};
pub use estimator::Estimator;
pub use interactions::{Additivity, Pair, choose_pairs};
pub use measured::{Estimate, Measured, Measurement, quantized_layers};
pub use measured_report::{
    MeasuredCandidate, MeasuredJoint, MeasuredLayer, MeasuredPair, MeasuredReport, RankAgreement,
};
pub use network_traces::NetworkTraces;
pub use perturbation::perturbation;
pub use report::{CandidateSensitivity, LayerSensitivity, Measurements, SensitivityReport};
