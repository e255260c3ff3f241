//! Quantisation as arithmetic on slices: no tensors, no graph.
//!
//! [`Rounding`] is the one definition of how a value becomes an integer; [`weights`] derives the integer master and
//! every lower precision from it (Double Rounding); [`scale_search`] finds its scale of least error; [`activations`] is the learned-step quantiser of layer inputs;
//! [`packing`] is the dense bit stream in which codes are stored.

pub mod activations;
mod division;
pub mod packing;
pub mod rounding;
pub mod scale_search;
mod switch;
mod weight_rows;
pub mod weights;

pub use activations::ActivationQuantizer;
pub use rounding::Rounding;
pub use scale_search::WeightScale;
pub use weights::{ScaleGradient, WeightQuantizer};
