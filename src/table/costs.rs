//! The costs of one candidate, as a file or a program states them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::table::raw::unique_keys;

/// Name → cost, sorted by name. Candidates read from one file share the list of names: a table holds hundreds of
/// thousands of them.
///
/// Collecting keeps a name that stands twice, and [`crate::table::PlanningTable::check`] refuses it.
#[derive(Debug, Clone, PartialEq)]
pub struct Costs {
    names: Arc<[String]>,
    values: Vec<f64>,
}

impl Costs {
    /// Values in the order of these names, which are sorted and as many.
    pub(super) fn shared(names: &Arc<[String]>, values: Vec<f64>) -> Self {
        debug_assert!(names.is_sorted() && names.len() == values.len());
        Costs { names: Arc::clone(names), values }
    }

    /// The names, sorted.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The costs, in the order of [`Costs::names`].
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The cost of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.names.iter().position(|n| n == name).map(|k| self.values[k])
    }

    /// The cost of this name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut f64> {
        self.names.iter().position(|n| n == name).map(|k| &mut self.values[k])
    }

    /// The list of names itself.
    pub(super) fn shared_names(&self) -> &Arc<[String]> {
        &self.names
    }

    /// The costs alone.
    pub(super) fn into_values(self) -> Vec<f64> {
        self.values
    }
}

impl<S: Into<String>> FromIterator<(S, f64)> for Costs {
    fn from_iter<I: IntoIterator<Item = (S, f64)>>(costs: I) -> Self {
        let mut costs: Vec<(String, f64)> = costs.into_iter().map(|(name, cost)| (name.into(), cost)).collect();
        costs.sort_by(|a, b| a.0.cmp(&b.0));
        let (names, values): (Vec<String>, Vec<f64>) = costs.into_iter().unzip();
        Costs { names: names.into(), values }
    }
}

impl Default for Costs {
    fn default() -> Self {
        Costs { names: Arc::new([]), values: Vec::new() }
    }
}

impl Serialize for Costs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.names.iter().zip(&self.values))
    }
}

thread_local! {
    /// The names of the candidate read before: nearly always those of the next. Only memory depends on it.
    static NAMES: RefCell<Arc<[String]>> = RefCell::new(Arc::new([]));
}

impl<'de> Deserialize<'de> for Costs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let costs: BTreeMap<String, f64> = unique_keys(deserializer)?;
        let values = costs.values().copied().collect();
        let names = NAMES.with_borrow_mut(|names| {
            if !names.iter().eq(costs.keys()) {
                *names = costs.into_keys().collect();
            }
            Arc::clone(names)
        });
        Ok(Costs { names, values })
    }
}

#[cfg(test)]
#[path = "costs_tests.rs"]
mod tests;
