//! The planning table: what every layer may become, what that loses and what it costs; and limits on those costs.
//!
//! All that planning knows of a network. A file, JSON or CSV, is read strictly into a [`RawTable`] and checked into a
//! [`PlanningTable`]. From there:
//!
//! | module | has |
//! |-|-|
//! | [`mod@repair`] | what to do with sensitivities that cannot be losses |
//! | [`average`] | mean weight bits as costs |
//! | [`uniform`] | plans that give every layer the same candidate |
//! | [`limit`] | budgets as a user writes them |

pub mod average;
pub mod budget;
pub(crate) mod check;
mod columns;
pub mod costs;
mod csv;
mod edit;
pub mod limit;
mod place;
pub mod planning_table;
pub mod raw;
mod records;
pub mod repair;
pub mod uniform;

pub use budget::Budget;
pub use costs::Costs;
pub use limit::resolve;
pub use planning_table::{Candidate, Layer, PlanningTable, TABLE_FORMAT};
pub use raw::{RawCandidate, RawLayer, RawTable};
pub(crate) use records::Records;
pub use repair::{Change, Policy, repair};
pub use uniform::{uniform_choice, uniform_choices};

#[cfg(test)]
pub(crate) mod fixtures;
