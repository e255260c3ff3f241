//! Tables that can be sorted and saved: headings and cells with sort keys.

use maud::{Markup, Render, html};

use super::words::breakable;

/// What a column is sorted by.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Key {
    /// Its text.
    Text,
    /// A number, and its standard error if it has one.
    Number(f64, Option<f64>),
    /// Nothing is there: last in every order.
    Missing,
}

/// One cell.
#[derive(Debug, Clone)]
pub struct Cell {
    content: Markup,
    key: Key,
    names_row: bool,
    saved: Option<String>,
}

impl Cell {
    fn new(content: Markup, key: Key) -> Self {
        Self { content, key, names_row: false, saved: None }
    }

    /// Words of ours.
    pub fn text(content: impl Render) -> Self {
        Self::new(html! { span { (content) } }, Key::Text)
    }

    /// A name, which can be any text: its direction does not spill over; it names the row.
    pub fn name(name: &str) -> Self {
        Self::named(html! {
            @if name.trim().is_empty() { span.missing { "(no name)" } } @else { (breakable(name)) }
        })
    }

    /// What names the row, with more than a name in it.
    pub fn named(content: Markup) -> Self {
        Self { names_row: true, ..Self::new(content, Key::Text) }
    }

    /// A number as it is shown.
    pub fn number(value: f64, shown: impl Render) -> Self {
        Self::with_error(value, None, shown)
    }

    /// A number that may be missing, with its standard error, as `shown` shows them; saved as two columns.
    pub fn measured<T: Render>(
        value: impl Into<Option<f64>>,
        stderr: Option<f64>,
        shown: impl FnOnce(f64, Option<f64>) -> T,
    ) -> Self {
        value.into().map_or_else(Self::missing, |value| Self::with_error(value, stderr, shown(value, stderr)))
    }

    fn with_error(value: f64, stderr: Option<f64>, shown: impl Render) -> Self {
        let key = if value.is_finite() { Key::Number(value, stderr.filter(|e| e.is_finite())) } else { Key::Missing };
        Self::new(html! { (shown) }, key)
    }

    /// Words that have an order of their own.
    pub fn ranked(rank: f64, saved: impl Into<String>, shown: impl Render) -> Self {
        Self { saved: Some(saved.into()), ..Self::number(rank, shown) }
    }

    /// A number that may be missing.
    pub fn optional<T: Render>(value: Option<f64>, shown: impl FnOnce(f64) -> T) -> Self {
        value.map_or_else(Self::missing, |value| Self::number(value, shown(value)))
    }

    /// Not known.
    pub fn missing() -> Self {
        Self::new(html! { span.missing { "–" } }, Key::Missing)
    }

    fn is_missing(&self) -> bool {
        self.key == Key::Missing
    }

    fn render(&self, numeric: bool) -> Markup {
        let (value, error) = match self.key {
            Key::Text => (None, None),
            Key::Number(value, error) => (Some(value.to_string()), error.map(|e| e.to_string())),
            Key::Missing => (Some(String::new()), None),
        };
        html! {
            @if self.names_row {
                th scope="row" { span { (self.content) } }
            } @else {
                td class=[numeric.then_some("n")] data-v=[value] data-e=[error] data-saved=[&self.saved] { (self.content) }
            }
        }
    }
}

/// A heading and what stands below it.
#[derive(Debug, Clone)]
struct Column {
    title: String,
    hint: Option<&'static str>,
    numeric: bool,
}

/// One row.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Index of the layer that it is about.
    pub layer: Option<usize>,
    /// Whether it is the row to look at first.
    pub primary: bool,
    /// Whether it says the same of all that are compared.
    pub same: bool,
    /// One for each column.
    pub cells: Vec<Cell>,
}

impl From<Vec<Cell>> for Row {
    fn from(cells: Vec<Cell>) -> Self {
        Self { cells, ..Self::default() }
    }
}

/// A file name has plain letters only, whatever is in it.
fn plain(file: &str) -> String {
    file.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect()
}

/// A table with its title; columns in which nothing is known are left out.
#[derive(Debug, Clone)]
pub struct Table {
    title: String,
    file: String,
    columns: Vec<Column>,
    rows: Vec<Row>,
}

impl Table {
    /// A table that is saved as `file.csv`, which no other table of the page should be.
    pub fn new(title: impl Into<String>, file: &str) -> Self {
        Self { title: title.into(), file: plain(file), columns: Vec::new(), rows: Vec::new() }
    }

    /// A column of words.
    pub fn words(mut self, title: impl Into<String>) -> Self {
        self.columns.push(Column { title: title.into(), hint: None, numeric: false });
        self
    }

    /// A column of numbers.
    pub fn numbers(mut self, title: impl Into<String>) -> Self {
        self.columns.push(Column { title: title.into(), hint: None, numeric: true });
        self
    }

    /// What the last column means, where its title is too short to say.
    pub fn hint(mut self, hint: &'static str) -> Self {
        if let Some(column) = self.columns.last_mut() {
            column.hint = Some(hint);
        }
        self
    }

    /// All its rows.
    pub fn rows<R: Into<Row>>(mut self, rows: impl IntoIterator<Item = R>) -> Self {
        self.rows.extend(rows.into_iter().map(Into::into));
        self
    }

    /// Whether column `index` says anything.
    fn shown(&self, index: usize) -> bool {
        self.rows.iter().any(|row| row.cells.get(index).is_some_and(|cell| !cell.is_missing()))
    }
}

impl Render for Table {
    fn render(&self) -> Markup {
        let shown: Vec<bool> = (0..self.columns.len()).map(|index| self.shown(index)).collect();
        let columns = || self.columns.iter().zip(&shown).filter(|(_, shown)| **shown).map(|(column, _)| column);
        html! {
            @if !self.rows.is_empty() {
                div.table {
                    div.bar {
                        h3 { (self.title) }
                        button.save-csv.js-only type="button" data-file=(self.file) { "Save as CSV" }
                    }
                    div.scroll tabindex="0" role="region" aria-label=(self.title) {
                        table.sortable aria-label=(self.title) {
                            thead {
                                tr {
                                    @for column in columns() {
                                        th scope="col" aria-sort="none" class=[column.numeric.then_some("n")] {
                                            button type="button" title=[column.hint] { (column.title) }
                                        }
                                    }
                                }
                            }
                            tbody {
                                @for row in &self.rows { (self.row(row, &shown)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

impl Table {
    fn row(&self, row: &Row, shown: &[bool]) -> Markup {
        let cells = row.cells.iter().zip(&self.columns).zip(shown).filter(|(_, shown)| **shown);
        html! {
            tr data-layer=[row.layer] data-same=[row.same.then_some("true")] class=[row.primary.then_some("primary")] {
                @for ((cell, column), _) in cells { (cell.render(column.numeric)) }
            }
        }
    }
}
