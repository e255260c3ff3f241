//! The report without pictures: for a terminal, and as Markdown. Sections make blocks, writers write them.

mod bars;
mod block;
mod compare;
mod markdown;
mod plain;
mod sections;
mod terminal;

use block::{Column, Table};

use crate::report::{Comparison, Report};

pub(in crate::report) use plain::plain;

/// The whole report for a terminal.
pub fn text(report: &Report) -> String {
    terminal::write(&sections::report(report))
}

/// The whole report as Markdown.
pub fn markdown(report: &Report) -> String {
    markdown::write(&sections::report(report))
}

/// The accuracy table for a terminal, without a line end.
pub fn accuracy_table(report: &Report) -> String {
    terminal::write_table(&sections::accuracies(report))
}

/// A comparison of runs for a terminal.
pub fn comparison_text(comparison: &Comparison) -> String {
    terminal::write(&compare::comparison(comparison))
}

/// A comparison of runs as Markdown.
pub fn comparison_markdown(comparison: &Comparison) -> String {
    markdown::write(&compare::comparison(comparison))
}

/// A table for a terminal whose first `left` columns are words.
pub(super) fn table((heading, rows): (Vec<String>, Vec<Vec<String>>), left: usize) -> String {
    let column = |(index, title)| Column { title, words: index < left };
    terminal::write_table(&Table { columns: heading.into_iter().enumerate().map(column).collect(), rows })
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
