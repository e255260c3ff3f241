//! What a report without pictures consists of. Texts are plain: each writer escapes them for where they go.

/// A piece of the report.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) enum Block {
    /// The heading of all.
    Title(String),
    /// The heading of a section.
    Heading(String),
    /// Sentences.
    Paragraph(String),
    /// Sentences of their own.
    List(Vec<String>),
    /// Rows.
    Table(Table),
}

/// A table; every row has as many cells as there are columns.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The cells.
    pub rows: Vec<Vec<String>>,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Column {
    /// Its heading.
    pub title: String,
    /// Whether it has words, which stand to the left, or numbers.
    pub words: bool,
}

/// A column of words.
pub(super) fn words(title: impl Into<String>) -> Column {
    Column { title: title.into(), words: true }
}

/// A column of numbers.
pub(super) fn number(title: impl Into<String>) -> Column {
    Column { title: title.into(), words: false }
}

/// What stands in a cell without a value.
pub(super) const MISSING: &str = "–";

/// A value's words, or the sign for a missing one.
pub(super) fn or_missing<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| MISSING.into(), show)
}
