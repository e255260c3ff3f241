//! The plan: one candidate per layer, what it loses and costs, and how far that is proved to be the best.

pub mod optimize;
#[allow(clippy::module_inception)] // the file is named after its one type
pub mod plan;
pub mod verify;

pub use optimize::{Method, Search, optimize};
pub use plan::{Plan, PlanBudget, PlanLayer, Provenance, SolverNote, Status};
pub use verify::{Origin, verify};
