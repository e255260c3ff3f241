//! Changes to a checked planning table that keep it one: pins set and lifted, ties cut, sensitivities replaced.

use crate::error::fault::{did_you_mean, quoted};
use crate::error::{Error, Result};
use crate::table::check::FROM_TABLE;
use crate::table::planning_table::MAX_VALUE;
use crate::table::{Candidate, PlanningTable};

impl PlanningTable {
    /// The table in which a layer, given by its name, must take the candidate `id`. Replaces an earlier pin of that
    /// layer.
    ///
    /// # Errors
    /// [`Error::Usage`] when the table has no such layer, the layer no such candidate, when layers tied to it lack the
    /// id or one of them is pinned to another.
    pub fn with_pin(mut self, layer: &str, id: &str) -> Result<Self> {
        let refuse = |found: &str, expected: &str, remedy: &str| {
            let pin = quoted(&format!("{layer}={id}"));
            Err(Error::Usage(format!("pin {pin}: found {found}, expected {expected}\n  hint: {remedy}")))
        };
        let Some(l) = self.layers.iter().position(|other| other.name == layer) else {
            let remedy = did_you_mean(layer, self.layers.iter().map(|l| l.name.as_str()), FROM_TABLE);
            return refuse("no such layer", "the name of a layer of the table", &remedy);
        };
        let Some(c) = self.layers[l].candidate(id) else {
            let ids: Vec<&str> = self.layers[l].candidates.iter().map(|c| c.id.as_str()).collect();
            let remedy = did_you_mean(id, ids.iter().copied(), FROM_TABLE);
            return refuse("no such candidate of this layer", &format!("one of {ids:?}"), &remedy);
        };
        if let Some(group) = self.groups.iter().find(|group| group.contains(&l)) {
            let ids = self.common_ids(group);
            if !ids.contains(&id) {
                let expected = format!("one of {ids:?}, which all layers tied to it have");
                return refuse("an id that a tied layer lacks", &expected, FROM_TABLE);
            }
            let other =
                |&&t: &&usize| t != l && self.pins.get(&t).is_some_and(|&p| self.layers[t].candidates[p].id != id);
            if let Some(&tied) = group.iter().find(other) {
                let tied = &self.layers[tied].name;
                let found = format!("tied layer {} pinned to another candidate", quoted(tied));
                return refuse(&found, "one candidate for all tied layers", "pin tied layers to the same candidate");
            }
        }
        self.pins.insert(l, c);
        Ok(self)
    }

    /// The table without the pin of one layer, given by its index. A tied layer that is pinned too keeps its pin.
    pub fn without_pin(&self, layer: usize) -> Self {
        let mut table = self.clone();
        table.pins.remove(&layer);
        table
    }

    /// The table without one of its [`PlanningTable::groups`], given by its index: the layers choose apart. Pins stay,
    /// each for its own layer.
    pub fn without_group(&self, group: usize) -> Self {
        let mut table = self.clone();
        if group < table.groups.len() {
            table.groups.remove(group);
        }
        table
    }

    /// Replaces every sensitivity by what `new` makes of the layer index and the candidate; values beyond [`MAX_VALUE`]
    /// become that.
    pub(crate) fn set_sensitivities(&mut self, mut new: impl FnMut(usize, usize, &Candidate) -> f64) {
        for (l, layer) in self.layers.iter_mut().enumerate() {
            for (c, candidate) in layer.candidates.iter_mut().enumerate() {
                candidate.sensitivity = new(l, c, candidate).clamp(-MAX_VALUE, MAX_VALUE);
            }
        }
    }
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
