//! What a run found, as plain rows and two renderings of them.

mod accuracy;
mod markdown;
mod measured;
mod rows;
mod text;

pub use accuracy::{AccuracyRow, AccuracyTable, Kind};
pub use markdown::markdown;
pub use measured::measured_text;
pub use rows::{Findings, LayerRow, PlanRow, Report, Shares};
pub use text::{accuracy_table, text};
