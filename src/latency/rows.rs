//! A table of measurements as CSV: a header, then one row for each layer and candidate, columns in any order.
//!
//! | column | holds |
//! |-|-|
//! | `layer` | name of the layer |
//! | `candidate`, or `weight_bits` and `activation_bits` | what was measured; 32 and 32 is `fp32` |
//! | `latency_ms`, or `latency_us`, `latency_s`, `cycles` | the measurement |

use std::collections::{BTreeMap, HashMap};

use crate::error::fault::{did_you_mean, quoted};
use crate::error::{Error, Result};
use crate::latency::measured::{Measured, Names, Times, unit_of};
use crate::space::{Candidate, TimeUnit};
use crate::table::Records;

/// The columns beside the measurement.
const KNOWN: [&str; 4] = ["layer", "candidate", "weight_bits", "activation_bits"];

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Candidate(usize),
    Bits(usize, usize),
}

/// Which column holds what.
struct Columns {
    layer: usize,
    key: Key,
    value: usize,
    unit: TimeUnit,
}

/// Reads CSV text; `place` names the source in messages. Cost: linear.
///
/// # Errors
/// [`Error::Input`] with line and column.
pub fn parse(text: &str, place: &str, said: Option<TimeUnit>) -> Result<Measured> {
    let mut records = Records::new(text, place);
    records.advance()?;
    let columns = Columns::new(&records, place)?;
    let unit = unit_of(place, Some(columns.unit), said)?;
    let (mut names, mut rows): (Vec<String>, Vec<Times>) = Default::default();
    let mut index: HashMap<String, usize> = HashMap::new();
    while records.advance()? {
        let name = records.field(columns.layer);
        let (bits, number) = (columns.bits(&records)?, columns.number(&records)?);
        let row = *index.entry(name.to_string()).or_insert(names.len());
        if row == names.len() {
            names.push(name.to_string());
            rows.push(BTreeMap::new());
        }
        if rows[row].insert(bits, number).is_some() {
            let found = format!("layer {}, w{}a{} a second time", quoted(name), bits.0, bits.1);
            return Err(Error::input(records.place(), found, "one measurement of each", "keep their median"));
        }
    }
    Ok(Measured { place: place.into(), names: Names::Given(names), unit, rows })
}

impl Columns {
    fn new(records: &Records, place: &str) -> Result<Self> {
        let header: Vec<&str> = records.fields().collect();
        let mut value = None;
        for (column, name) in header.iter().enumerate() {
            let unit = TimeUnit::ALL.into_iter().find(|unit| unit.key() == *name);
            let fault = |found: String, expected: String, remedy: String| {
                Err(Error::input(format!("{}, column {}", records.place(), column + 1), found, expected, remedy))
            };
            if header[..column].contains(name) {
                return fault(
                    format!("{} a second time", quoted(name)),
                    "every column once".into(),
                    "remove one".into(),
                );
            }
            match unit {
                Some(unit) if value.is_none() => value = Some((column, unit)),
                Some(_) => return fault(quoted(name), "one column of measurements".into(), "remove the other".into()),
                None if KNOWN.contains(name) => {}
                None => {
                    let known = KNOWN.into_iter().chain(TimeUnit::ALL.map(TimeUnit::key));
                    let expected = known.clone().collect::<Vec<_>>().join(", ");
                    return fault(quoted(name), expected, did_you_mean(name, known, "remove other columns"));
                }
            }
        }
        let at = |name: &str| header.iter().position(|column| *column == name);
        let missing = |found: &str, expected: &str| {
            Err(Error::input(place, found, expected, "the first line names the columns, separated by commas"))
        };
        let Some(layer) = at("layer") else { return missing("no column `layer`", "`layer`") };
        let Some((value, unit)) = value else {
            return missing("no column of measurements", "latency_ms, latency_us, latency_s or cycles");
        };
        let key = match (at("candidate"), at("weight_bits"), at("activation_bits")) {
            (Some(candidate), None, None) => Key::Candidate(candidate),
            (None, Some(weights), Some(activations)) => Key::Bits(weights, activations),
            _ => return missing("columns for other bits", "`candidate`, or `weight_bits` and `activation_bits`"),
        };
        Ok(Self { layer, key, value, unit })
    }

    fn bits(&self, records: &Records) -> Result<(u32, u32)> {
        let whole = |column: usize| {
            let text = records.field(column);
            text.parse::<u32>().ok().filter(|bits| (1..=64).contains(bits)).ok_or_else(|| {
                let remedy = "state bits of one element";
                Error::input(records.place(), quoted(text), "a whole number from 1 to 64", remedy)
            })
        };
        match self.key {
            Key::Bits(weights, activations) => Ok((whole(weights)?, whole(activations)?)),
            Key::Candidate(column) => {
                let candidate: Candidate = records.field(column).parse().map_err(|f: crate::error::ValueFault| {
                    Error::input(records.place(), f.found, f.expected, f.remedy)
                })?;
                Ok((u32::from(candidate.weight_bits()), u32::from(candidate.activation_bits())))
            }
        }
    }

    fn number(&self, records: &Records) -> Result<f64> {
        let text = records.field(self.value);
        text.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0).ok_or_else(|| {
            let found = if text.is_empty() { "an empty field".to_string() } else { quoted(text) };
            Error::input(records.place(), found, "a finite number of 0 or more", "measure it again")
        })
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
