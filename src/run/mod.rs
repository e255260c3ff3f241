//! The pipeline: stages with files between them, computed once and skipped while their inputs stay the same.

mod evaluation;
mod stages;
mod study;
mod table;
mod workspace;

pub use evaluation::{evaluate_configuration, evaluate_packed};
pub use stages::{Pipeline, configuration_of, run};
pub use study::{Outline, Study};
pub use table::{planning_table, resolve_budget};
pub use workspace::Workspace;
