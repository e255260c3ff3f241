//! The planning table: what every layer may become, what that loses and what it costs; and limits on those costs.
//!
//! All that planning knows of a network. A file ([`RawTable`]) is read strictly and checked into a [`PlanningTable`].

pub mod budget;
pub(crate) mod check;
pub mod planning_table;
pub mod raw;

pub use budget::Budget;
pub use planning_table::{Candidate, Layer, PlanningTable, TABLE_FORMAT};
pub use raw::{RawCandidate, RawLayer, RawTable};

#[cfg(test)]
pub(crate) mod fixtures;
