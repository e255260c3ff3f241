//! How much each layer minds being quantised: traces of Hessian blocks from products, with right error bars.

mod cells;
mod cells_file;
mod draws;
mod estimate;
mod estimator;
mod exact;
#[cfg(test)]
mod fixtures;
mod hutchinson;
mod hutchpp;
mod merge;
mod noise;
mod operator;
mod probe;
mod stop;
mod xtrace;

pub use cells::{Cells, Missing};
pub use cells_file::TRACES_FORMAT;
pub use draws::{Part, TraceSource};
pub use estimate::{TraceOptions, Traces, estimate, estimate_part};
pub use estimator::TraceEstimator;
pub use exact::{dense_block, exact};
pub use hutchinson::hutchinson;
pub use hutchpp::hutchpp;
pub use merge::merge;
pub use noise::TraceEstimate;
pub use operator::{LayerVectors, SymmetricOperator};
pub use probe::ProbeDistribution;
pub use stop::{StopReason, relative_errors};
pub use xtrace::{XTrace, xtrace};
