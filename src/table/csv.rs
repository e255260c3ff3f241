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
//! Layers, and the candidates of a layer, stand in the order of their first row.

use std::collections::HashMap;

use crate::error::fault::quoted;
use crate::error::{Error, Result};
use crate::table::columns::Columns;
use crate::table::place::Rows;
use crate::table::planning_table::{MAX_CANDIDATES, MAX_LAYERS, MAX_PARAMETERS};
use crate::table::{Costs, RawCandidate, RawLayer, RawTable, Records, TABLE_FORMAT};

impl RawTable {
    /// Reads CSV text, and where everything stands in it; `place` names the source in messages. Cost: linear.
    ///
    /// # Errors
    /// [`Error::Input`] with line and column.
    pub(super) fn parse_csv(text: &str, place: &str) -> Result<(Self, Rows)> {
        if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
            return Err(Error::input(place, "text that begins like JSON", "a CSV header", "name the file `.json`"));
        }
        let mut records = Records::new(text, place);
        records.advance()?;
        let columns = Columns::new(records.fields(), &records.place())?;
        let mut table = Growing::default();
        while records.advance()? {
            table.push(&Row { columns: &columns, record: &records })?;
        }
        Ok(table.finish())
    }
}

/// One row of the file.
struct Row<'a> {
    columns: &'a Columns,
    record: &'a Records<'a>,
}

impl<'a> Row<'a> {
    fn field(&self, column: usize) -> &'a str {
        self.record.field(column)
    }

    /// The field of an optional column, unless it is empty.
    fn stated(&self, column: Option<usize>) -> Option<(usize, &'a str)> {
        column.map(|c| (c, self.field(c))).filter(|(_, field)| !field.is_empty())
    }

    fn fault<T>(&self, column: usize, expected: impl Into<String>, remedy: &str) -> Result<T> {
        let [layer, candidate] = [self.columns.layer, self.columns.candidate].map(|c| quoted(self.field(c)));
        let owner = format!("(layer {layer}, candidate {candidate})");
        let place = format!("{}, column {} {owner}", self.record.place(), quoted(&self.columns.names[column]));
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
                self.rows.labels.push((label.to_string(), row.record.line));
            }
            let before = *self.label[l].get_or_insert(g);
            if before != g {
                let expected = format!("{}, as in a row above", quoted(&self.rows.labels[before].0));
                return row.fault(column, expected, "put each layer in one group");
            }
        }
        layer.candidates.push(row.candidate()?);
        self.rows.lines[l].push(row.record.line);
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
