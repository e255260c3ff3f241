//! The planning table, `bitplan.table/1`: what every layer may become, what that loses and what it costs.
//!
//! A mirror of the document ([`RawTable`]), which may also come from a CSV file, is read strictly and then checked into
//! a [`PlanningTable`], which cannot be wrong: everything after this file indexes it without asking again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::store::read_text;
use crate::table::place::Source;
use crate::table::raw::RawTable;

/// The `format` field of a planning table.
pub const TABLE_FORMAT: &str = "bitplan.table/1";
/// Most layers a table may have; keeps every sum of the integer proof inside its type.
pub const MAX_LAYERS: usize = 65_536;
/// Most candidates one layer may have.
pub const MAX_CANDIDATES: usize = 4_096;
/// Largest magnitude of a sensitivity or a cost: sums over [`MAX_LAYERS`] stay finite.
pub const MAX_VALUE: f64 = 1e300;
/// Most weights of one layer: whole numbers up to here are exact in f64.
pub const MAX_PARAMETERS: u64 = 1 << 53;

/// One thing that a layer may become.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Name, unique in its layer; tied layers take the same one.
    pub id: String,
    /// Bits of a weight, where the table knows them.
    pub weight_bits: Option<u32>,
    /// Bits of an activation, where the table knows them.
    pub activation_bits: Option<u32>,
    /// `Ω`, what choosing it loses; finite, may be negative.
    pub sensitivity: f64,
    /// Standard error of the sensitivity, where it was estimated.
    pub stderr: Option<f64>,
    /// Costs, one for each of [`PlanningTable::cost_names`] in that order; finite, not negative.
    pub cost: Vec<f64>,
}

/// One layer and its candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Name, unique in the table.
    pub name: String,
    /// Number of its weights, where the table knows it; at most [`MAX_PARAMETERS`].
    pub parameters: Option<u64>,
    /// At least one, in the order of the file.
    pub candidates: Vec<Candidate>,
}

impl Layer {
    /// Index of the candidate with this id.
    pub fn candidate(&self, id: &str) -> Option<usize> {
        self.candidates.iter().position(|c| c.id == id)
    }
}

/// A planning table that has passed every check.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanningTable {
    pub(super) name: String,
    pub(super) cost_names: Arc<[String]>,
    pub(super) layers: Vec<Layer>,
    pub(super) groups: Vec<Vec<usize>>,
    pub(super) pins: BTreeMap<usize, usize>,
}

impl PlanningTable {
    /// Reads a table from a file: CSV if it is named `.csv`, its name then being that of the file, else JSON.
    ///
    /// # Errors
    /// [`crate::error::Error::Io`] when the file cannot be read, [`crate::error::Error::Input`] when it is not a table.
    pub fn read(path: &Path) -> Result<Self> {
        let (text, place) = (read_text(path)?, path.display().to_string());
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
            let (mut raw, rows) = RawTable::parse_csv(&text, &place)?;
            drop(text); // as large as the table
            raw.name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
            return Self::check_from(raw, &Source::Rows(&place, rows));
        }
        let raw = RawTable::parse(&text, &place)?;
        drop(text);
        Self::check(raw, &place)
    }

    /// Reads a table from JSON text; `place` names the source in messages.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] with line and column, or with the layer and the key.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        Self::check(RawTable::parse(text, place)?, place)
    }

    /// Reads a table from CSV text; `place` names the source in messages.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] with line and column.
    pub fn parse_csv(text: &str, place: &str) -> Result<Self> {
        let (raw, rows) = RawTable::parse_csv(text, place)?;
        Self::check_from(raw, &Source::Rows(place, rows))
    }

    /// What the table calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The costs that every candidate has, sorted.
    pub fn cost_names(&self) -> &[String] {
        &self.cost_names
    }
    /// The layers, in the order of the file.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }
    /// Sets of layers that take the candidate with the same id, disjoint.
    pub fn groups(&self) -> &[Vec<usize>] {
        &self.groups
    }
    /// Layer index → candidate index that it must take.
    pub fn pins(&self) -> &BTreeMap<usize, usize> {
        &self.pins
    }
    /// Ids that every one of these layers has, in the order of the first.
    pub fn common_ids(&self, group: &[usize]) -> Vec<&str> {
        common_ids(&self.layers, group)
    }
}

/// Ids that every one of these layers has, in the order of the first.
pub(crate) fn common_ids<'a>(layers: &'a [Layer], group: &[usize]) -> Vec<&'a str> {
    let Some((&first, rest)) = group.split_first() else { return Vec::new() };
    let sets: Vec<BTreeSet<&str>> =
        rest.iter().map(|&l| layers[l].candidates.iter().map(|c| c.id.as_str()).collect()).collect();
    let ids = layers[first].candidates.iter().map(|c| c.id.as_str());
    ids.filter(|id| sets.iter().all(|set| set.contains(id))).collect()
}

#[cfg(test)]
#[path = "planning_table_tests.rs"]
mod tests;
