//! `bitplan.traces/1`: draws of traces as a JSON document, and its check.
//!
//! ```text
//! {"format": "bitplan.traces/1", "key": "…", "estimator": "hutchinson", "quantities": ["stem.conv", …],
//!  "shares": [0.5, 0.5], "cells": [{"round": 0, "block": 0, "values": [1.25, …]}, …]}
//! ```
//!
//! Numbers come back to the last bit. The document of equal draws has equal bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::fault::quoted;
use crate::error::{Error, Result};
use crate::store::{read_text, write_atomic};
use crate::trace::Cells;

/// What this program writes.
pub const TRACES_FORMAT: &str = "bitplan.traces/1";

/// Most quantities and blocks; a hostile file must not take all memory or time.
const MAX_COUNT: usize = 65_536;

/// Most rounds.
const MAX_ROUNDS: u64 = 1 << 32;

/// Shares are quotients of integers: their sum is 1 to rounding.
const SHARES_SUM: f64 = 1e-9;

/// Mirror of the document; nothing in it is checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCells {
    pub format: String,
    pub key: String,
    pub estimator: String,
    pub quantities: Vec<String>,
    pub shares: Vec<f64>,
    pub cells: Vec<RawCell>,
}

/// Mirror of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCell {
    pub round: u64,
    pub block: usize,
    pub values: Vec<f64>,
}

impl Cells {
    /// Reads a document; `place` names its source in messages.
    ///
    /// # Errors
    /// [`Error::Input`] with the place of the first fault.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let raw = serde_json::from_str(text).map_err(|e| {
            let message = e.to_string();
            let found = message.split(" at line ").next().unwrap_or(&message).to_string();
            let place = format!("{place}: line {}, column {}", e.line(), e.column());
            Error::input(place, found, format!("a `{TRACES_FORMAT}` document"), AGAIN)
        })?;
        Self::check(raw, place)
    }

    /// The document: one line.
    ///
    /// # Errors
    /// Never for checked draws.
    pub fn to_json(&self) -> Result<String> {
        let cell =
            |(&(round, block), values): (&(u64, usize), &Vec<f64>)| RawCell { round, block, values: values.clone() };
        let raw = RawCells {
            format: TRACES_FORMAT.into(),
            key: self.key.clone(),
            estimator: self.estimator.clone(),
            quantities: self.quantities.clone(),
            shares: self.shares.clone(),
            cells: self.values.iter().map(cell).collect(),
        };
        let text = serde_json::to_string(&raw).map_err(|e| Error::Internal(format!("writing JSON: {e}")))?;
        Ok(text + "\n")
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is missing or as [`Self::parse`].
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&read_text(path)?, &path.display().to_string())
    }

    /// Writes the file atomically.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomic(path, self.to_json()?.as_bytes())
    }

    /// The only way from unchecked numbers to draws.
    pub(super) fn check(raw: RawCells, place: &str) -> Result<Self> {
        let fault = |key: &str, found: String, expected: &str| {
            Err(Error::input(format!("{place}: {key}"), found, expected, AGAIN))
        };
        if raw.format != TRACES_FORMAT {
            return fault("format", quoted(&raw.format), &quoted(TRACES_FORMAT));
        }
        for (name, count) in [("quantities", raw.quantities.len()), ("shares", raw.shares.len())] {
            if count == 0 || count > MAX_COUNT {
                return fault(name, format!("{count} entries"), &format!("1 to {MAX_COUNT}"));
            }
        }
        let mut names = BTreeSet::new();
        if let Some(name) = raw.quantities.iter().find(|name| name.is_empty() || !names.insert(name.as_str())) {
            return fault("quantities", quoted(name), "new, non-empty names");
        }
        if let Some(share) = raw.shares.iter().find(|&&share| !(share > 0.0 && share <= 1.0)) {
            return fault("shares", share.to_string(), "positive numbers with the sum 1");
        }
        let sum: f64 = raw.shares.iter().sum();
        if (sum - 1.0).abs() > SHARES_SUM {
            return fault("shares", format!("the sum {sum}"), "the sum 1");
        }
        let mut values = BTreeMap::new();
        for (i, cell) in raw.cells.into_iter().enumerate() {
            let (round, block) = (cell.round, cell.block);
            let key = |field: &str| format!("cells[{i}].{field}");
            if round >= MAX_ROUNDS {
                return fault(&key("round"), round.to_string(), &format!("below {MAX_ROUNDS}"));
            }
            if block >= raw.shares.len() {
                return fault(
                    &key("block"),
                    block.to_string(),
                    &format!("below {}, the number of shares", raw.shares.len()),
                );
            }
            if cell.values.len() != raw.quantities.len() {
                let found = format!("{} values", cell.values.len());
                return fault(&key("values"), found, &format!("{}, one a quantity", raw.quantities.len()));
            }
            if let Some(value) = cell.values.iter().find(|v| !v.is_finite()) {
                return fault(&key("values"), value.to_string(), "finite numbers");
            }
            if values.insert((round, block), cell.values).is_some() {
                return fault(
                    &format!("cells[{i}]"),
                    format!("round {round}, block {block} a second time"),
                    "each cell once",
                );
            }
        }
        Ok(Self { key: raw.key, estimator: raw.estimator, quantities: raw.quantities, shares: raw.shares, values })
    }
}

const AGAIN: &str = "draw the traces again, or name the right file";

#[cfg(test)]
#[path = "cells_file_tests.rs"]
mod tests;
