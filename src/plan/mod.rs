//! The plan: one candidate per layer, what it loses and costs, and how far that is proved to be the best.

pub mod alternatives;
pub mod bindings;
mod front_search;
pub mod optimize;
pub mod pareto;
#[allow(clippy::module_inception)] // the file is named after its one type
pub mod plan;
pub mod relief;
pub mod stability;
mod supported;
mod totals;
pub mod uniform;
pub mod verify;

pub use alternatives::Alternative;
pub use bindings::{Binding, BindingKind, bindings};
pub use optimize::{Method, Search, optimize};
pub use pareto::{Extent, Front, FrontPoint, MOST_POINTS, pareto};
pub use plan::{Plan, PlanBudget, PlanLayer, Provenance, SolverNote, Status};
pub use relief::Relief;
pub use stability::{LayerStability, Stability, stability};
pub use uniform::{UniformPlan, best_uniform};
pub use verify::{Origin, verify};
