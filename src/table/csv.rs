//! The CSV form of a planning table: a header, then one row per layer × candidate, columns in any order.
//!
//! | column | holds |
//! |-|-|
//! | `layer`, `candidate`, `sensitivity` | required in every row |
//! | `cost.<name>` | the cost `<name>`, required in every row |
//! | `stderr`, `weight_bits`, `activation_bits` | as in the document; empty where not known |
//! | `parameters` | number of weights of the layer, in one or more of its rows |
//! | `group` | the same label for layers that must take the same candidate, in one or more rows of each |
//!
//! Fields are separated by commas and may be quoted; blanks around them and empty lines do not count. Layers, and the
//! candidates of a layer, stand in the order of their first row. This file is the only one that knows the parser.

use std::collections::HashMap;

use csv::{ErrorKind, Position, ReaderBuilder, StringRecord};

use crate::error::fault::quoted;
use crate::error::{Error, Result};
use crate::table::columns::Columns;
use crate::table::place::Rows;
use crate::table::planning_table::{MAX_CANDIDATES, MAX_LAYERS, MAX_PARAMETERS};
use crate::table::{Costs, RawCandidate, RawLayer, RawTable, TABLE_FORMAT};

impl RawTable {
    /// Reads CSV text, and where everything stands in it; `place` names the source in messages. Cost: linear.
    ///
    /// # Errors
    /// [`Error::Input`] with line and column.
    pub(super) fn parse_csv(text: &str, place: &str) -> Result<(Self, Rows)> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim_start().starts_with('{') {
            return Err(Error::input(place, "text that begins like JSON", "a CSV header", "name the file `.json`"));
        }
        let mut reader = ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let (mut record, mut lines) = (StringRecord::new(), Lines { text, counted: 0, line: 1 });
        let mut next = |record: &mut StringRecord| match reader.read_record(record) {
            Ok(more) => Ok((more, lines.at(record.position()))),
            Err(e) => Err(malformed(&e, place, &mut lines)),
        };
        let (_, line) = next(&mut record)?;
        let columns = Columns::new(record.iter(), &format!("{place}: line {line}"))?;
        let mut table = Growing::default();
        while let (true, line) = next(&mut record)? {
            table.push(&Row { place, line, columns: &columns, record: &record })?;
        }
        Ok(table.finish())
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

fn malformed(error: &csv::Error, place: &str, lines: &mut Lines) -> Error {
    let place = format!("{place}: line {}", lines.at(error.position()));
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let expected = format!("{expected_len}, as in the header");
            Error::input(place, format!("{len} fields"), expected, "mend the commas and quotes of this row")
        }
        other => Error::input(place, format!("{other:?}"), "a row of a CSV file", "mend the row"),
    }
}

/// One row of the file.
struct Row<'a> {
    place: &'a str,
    line: u32,
    columns: &'a Columns,
    record: &'a StringRecord,
}

impl<'a> Row<'a> {
    fn field(&self, column: usize) -> &'a str {
        self.record.get(column).unwrap_or("").trim()
    }

    /// The field of an optional column, unless it is empty.
    fn stated(&self, column: Option<usize>) -> Option<(usize, &'a str)> {
        column.map(|c| (c, self.field(c))).filter(|(_, field)| !field.is_empty())
    }

    fn fault<T>(&self, column: usize, expected: impl Into<String>, remedy: &str) -> Result<T> {
        let [layer, candidate] = [self.columns.layer, self.columns.candidate].map(|c| quoted(self.field(c)));
        let owner = format!("(layer {layer}, candidate {candidate})");
        let place =
            format!("{}: line {}, column {} {owner}", self.place, self.line, quoted(&self.columns.names[column]));
        let found = match self.field(column) {
            "" => "an empty field".to_string(),
            field => quoted(field),
        };
        Err(Error::input(place, found, expected, remedy))
    }

    fn number(&self, column: usize) -> Result<f64> {
        let text = self.field(column);
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ if text.contains(',') => self.fault(column, "a finite number", "write a decimal point"),
            _ => self.fault(column, "a finite number", "measure it again"),
        }
    }

    /// A whole number; `4.0` is one, as programs write a column that has gaps.
    fn whole(&self, column: usize) -> Result<u64> {
        let text = self.field(column);
        let real =
            || text.parse::<f64>().ok().filter(|n| n.fract() == 0.0 && (0.0..=MAX_PARAMETERS as f64).contains(n));
        match text.parse().ok().or_else(|| real().map(|n| n as u64)).filter(|&n| n <= MAX_PARAMETERS) {
            Some(number) => Ok(number),
            None => self.fault(column, format!("a whole number from 0 to {MAX_PARAMETERS}"), "count again"),
        }
    }

    fn bits(&self, column: Option<usize>) -> Result<Option<u32>> {
        let Some((column, _)) = self.stated(column) else { return Ok(None) };
        match u32::try_from(self.whole(column)?) {
            Ok(bits) => Ok(Some(bits)),
            Err(_) => self.fault(column, "1 to 64", "state bits per element"),
        }
    }

    fn candidate(&self) -> Result<RawCandidate> {
        let columns = self.columns;
        let costs = columns.costs.iter().map(|&column| self.number(column)).collect::<Result<Vec<f64>>>()?;
        Ok(RawCandidate {
            id: self.field(columns.candidate).into(),
            weight_bits: self.bits(columns.weight_bits)?,
            activation_bits: self.bits(columns.activation_bits)?,
            sensitivity: self.number(columns.sensitivity)?,
            stderr: self.stated(columns.stderr).map(|(column, _)| self.number(column)).transpose()?,
            cost: Costs::shared(&columns.cost_names, costs),
        })
    }
}

/// The table as far as it has been read.
#[derive(Default)]
struct Growing {
    layers: Vec<RawLayer>,
    index: HashMap<String, usize>,
    /// Index of the label of every layer.
    label: Vec<Option<usize>>,
    labels: HashMap<String, usize>,
    rows: Rows,
}

impl Growing {
    fn push(&mut self, row: &Row) -> Result<()> {
        let l = self.layer(row)?;
        let layer = &mut self.layers[l];
        if layer.candidates.len() == MAX_CANDIDATES {
            return row.fault(row.columns.candidate, format!("at most {MAX_CANDIDATES} of one layer"), "remove some");
        }
        if let Some((column, _)) = row.stated(row.columns.parameters) {
            let number = row.whole(column)?;
            let before = *layer.parameters.get_or_insert(number);
            if before != number {
                return row.fault(column, format!("{before}, as in a row above"), "state one number per layer");
            }
        }
        if let Some((column, label)) = row.stated(row.columns.group) {
            let next = self.labels.len();
            let g = *self.labels.entry(label.to_string()).or_insert(next);
            if g == next {
                self.rows.labels.push((label.to_string(), row.line));
            }
            let before = *self.label[l].get_or_insert(g);
            if before != g {
                let expected = format!("{}, as in a row above", quoted(&self.rows.labels[before].0));
                return row.fault(column, expected, "put each layer in one group");
            }
        }
        layer.candidates.push(row.candidate()?);
        self.rows.lines[l].push(row.line);
        Ok(())
    }

    /// Index of the layer of a row, which may be its first.
    fn layer(&mut self, row: &Row) -> Result<usize> {
        let name = row.field(row.columns.layer);
        if self.layers.last().is_some_and(|last| last.name == name) {
            return Ok(self.layers.len() - 1); // nearly always
        }
        if let Some(&l) = self.index.get(name) {
            return Ok(l);
        }
        if self.layers.len() == MAX_LAYERS {
            return row.fault(row.columns.layer, format!("at most {MAX_LAYERS} layers"), "plan a part of the network");
        }
        self.index.insert(name.to_string(), self.layers.len());
        self.layers.push(RawLayer { name: name.to_string(), parameters: None, candidates: Vec::new() });
        self.label.push(None);
        self.rows.lines.push(Vec::new());
        Ok(self.layers.len() - 1)
    }

    fn finish(self) -> (RawTable, Rows) {
        let mut groups = vec![Vec::new(); self.rows.labels.len()];
        for (layer, label) in self.layers.iter().zip(&self.label) {
            label.iter().for_each(|&g| groups[g].push(layer.name.clone()));
        }
        let (format, layers) = (TABLE_FORMAT.to_string(), self.layers);
        (RawTable { format, name: String::new(), layers, groups, pins: Default::default() }, self.rows)
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
