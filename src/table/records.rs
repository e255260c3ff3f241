//! Rows of a CSV file, each with its line. This file is the only one that knows the parser.
//!
//! Fields are separated by commas and may be quoted; blanks around them and empty lines do not count, nor does a byte order
//! mark.

use csv::{ErrorKind, Position, Reader, ReaderBuilder, StringRecord};

use crate::error::{Error, Result};

/// A reader that stands at one row.
pub(crate) struct Records<'a> {
    reader: Reader<&'a [u8]>,
    record: StringRecord,
    lines: Lines<'a>,
    name: &'a str,
    /// Line of the row.
    pub line: u32,
}

impl<'a> Records<'a> {
    /// Stands before the first row of `text`, the content of `name`.
    pub(crate) fn new(text: &'a str, name: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let reader = ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        Self { reader, record: StringRecord::new(), lines: Lines { text, counted: 0, line: 1 }, name, line: 1 }
    }

    /// Goes to the next row; false at the end.
    ///
    /// # Errors
    /// [`Error::Input`] with the line, when the row has more or fewer fields than the first, or is no row.
    pub(crate) fn advance(&mut self) -> Result<bool> {
        match self.reader.read_record(&mut self.record) {
            Ok(more) => {
                self.line = self.lines.at(self.record.position());
                Ok(more)
            }
            Err(error) => Err(self.malformed(&error)),
        }
    }

    /// The field of a column, without blanks around it.
    pub(crate) fn field(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or("").trim()
    }

    /// Every field, without blanks around it.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.record.iter().map(str::trim)
    }

    /// The file and the line, for messages.
    pub(crate) fn place(&self) -> String {
        format!("{}: line {}", self.name, self.line)
    }

    fn malformed(&mut self, error: &csv::Error) -> Error {
        let place = format!("{}: line {}", self.name, self.lines.at(error.position()));
        match error.kind() {
            ErrorKind::UnequalLengths { expected_len, len, .. } => {
                let expected = format!("{expected_len}, as in the header");
                Error::input(place, format!("{len} fields"), expected, "mend the commas and quotes of this row")
            }
            other => Error::input(place, format!("{other:?}"), "a row of a CSV file", "mend the row"),
        }
    }
}

/// Counts lines as the reader goes: its own count is one behind after a carriage return or an empty line.
struct Lines<'a> {
    text: &'a str,
    counted: usize,
    line: u32,
}

impl Lines<'_> {
    /// The line of the record that was read from this position on.
    fn at(&mut self, position: Option<&Position>) -> u32 {
        let bytes = self.text.as_bytes();
        let from = position.map_or(bytes.len(), |p| p.byte() as usize).clamp(self.counted, bytes.len());
        let start = from + bytes[from..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        self.line += bytes[self.counted..start].iter().filter(|&&b| b == b'\n').count() as u32;
        self.counted = start;
        self.line
    }
}
