//! One network trained once for all bit-widths: FP32, then every uniform precision jointly, then random mixtures.
//!
//! [`SuperNet`] knows which parameter serves which configuration (Double Rounding, transitional batch norm); the
//! module `train` is the loop that all phases share: seeded batches, checkpoints, exact resumption. [`MasterCheckpoint`] is the trained
//! result in integers, [`PackedWeights`] what one plan needs of it.

mod alrs;
mod checkpoint;
pub mod dynamic_convolution;
mod evaluate;
mod float;
mod float_phase;
mod history;
mod master;
mod net;
mod optimizer;
mod outcomes;
mod packed;
mod parameters;
mod quantized_phase;
mod train;

pub use checkpoint::{Position, TrainState};
pub use evaluate::{Difference, Split, evaluate, evaluate_beside, recalibrate};
pub use float::{bind_float, given_float, initial_float, load_float};
pub use float_phase::{train_dynamic, train_float};
pub use history::{EpochRecord, LayerScales};
pub use master::MasterCheckpoint;
pub use net::SuperNet;
pub use outcomes::{Evaluation, Outcomes, Paired};
pub use packed::PackedWeights;
pub use parameters::Parameters;
pub use quantized_phase::{MixedPhase, train_mixed_precision, train_multi_precision};
pub use train::{Phase, Session};
