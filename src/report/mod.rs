//! What a run found: [`Report`], plain rows collected from its files, and renderings of them that only format.

mod accuracy;
pub mod collect;

mod document;
#[cfg(test)]
pub(crate) mod golden;
mod html;
mod measured;
mod plot;
mod spreadsheet;
mod text;
pub mod units;

pub use accuracy::{AccuracyRow, AccuracyTable};
#[cfg(test)]
pub(crate) use document::fixture;
pub use document::*;
pub use html::{comparison_html, html};
pub use measured::measured_text;
pub use spreadsheet::{csv_files, front_csv, layers_csv, networks_csv, training_csv};
pub use text::{accuracy_table, comparison_markdown, comparison_text, markdown, text};
