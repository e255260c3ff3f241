//! Where in its source something of a table stands, as messages name it.

use crate::error::fault::quoted;
use crate::error::{Error, Result};
use crate::table::RawLayer;

/// Where a table comes from.
pub(super) enum Source<'a> {
    /// A document, or memory: layers and candidates are found by name.
    Document(&'a str),
    /// A file of rows.
    Rows(&'a str, Rows),
}

/// Where the parts of a table stand in a file of one row per candidate.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Line of every candidate of every layer.
    pub lines: Vec<Vec<u32>>,
    /// Label of every group, with the line that it stands in first.
    pub labels: Vec<(String, u32)>,
}

impl Source<'_> {
    /// The fault of `key`, a place inside the source.
    pub(super) fn fault<T>(
        &self,
        key: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
        remedy: &str,
    ) -> Result<T> {
        let (Source::Document(name) | Source::Rows(name, _)) = self;
        Err(Error::input(format!("{name}: {key}"), found, expected, remedy))
    }

    /// The name of layer `l`.
    pub(super) fn name(&self, l: usize) -> String {
        match self {
            Source::Document(_) => format!("layers[{l}].name"),
            Source::Rows(_, rows) => format!("line {}, column `layer`", rows.lines[l][0]),
        }
    }

    /// Layer `l` itself, or a field of it.
    pub(super) fn layer(&self, l: usize, layer: &RawLayer, field: &str) -> String {
        match (self, field) {
            (Source::Document(_), "") => format!("layer {}", quoted(&layer.name)),
            (Source::Document(_), _) => format!("layer {}, {field}", quoted(&layer.name)),
            (Source::Rows(_, rows), "") => format!("line {} (layer {})", rows.lines[l][0], quoted(&layer.name)),
            (Source::Rows(_, rows), _) => {
                format!("line {}, column `{field}` (layer {})", rows.lines[l][0], quoted(&layer.name))
            }
        }
    }

    /// Candidate `c` of layer `l`, or a field of it; a cost is the field `cost.` and its name.
    pub(super) fn candidate(&self, (l, c): (usize, usize), layer: &str, id: &str, field: &str) -> String {
        let owner = format!("layer {}, candidate {}", quoted(layer), quoted(id));
        match (self, field.strip_prefix("cost.")) {
            (Source::Document(_), _) if field.is_empty() => owner,
            (Source::Document(_), Some(cost)) => format!("{owner}, cost {}", quoted(cost)),
            (Source::Document(_), None) => format!("{owner}, {field}"),
            (Source::Rows(_, rows), _) if field.is_empty() => format!("line {} ({owner})", rows.lines[l][c]),
            (Source::Rows(_, rows), _) => format!("line {}, column {} ({owner})", rows.lines[l][c], quoted(field)),
        }
    }

    /// The id of candidate `c` of layer `l`.
    pub(super) fn id(&self, at: (usize, usize), layer: &str, id: &str) -> String {
        let column = if matches!(self, Source::Rows(..)) { "candidate" } else { "" };
        self.candidate(at, layer, id, column)
    }

    /// Group `g`.
    pub(super) fn group(&self, g: usize) -> String {
        match self {
            Source::Document(_) => format!("groups[{g}]"),
            Source::Rows(_, rows) => {
                let (label, line) = &rows.labels[g];
                format!("line {line}, column `group` (group {})", quoted(label))
            }
        }
    }
}
