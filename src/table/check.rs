//! From the mirror of a planning table to the checked one; the only place that makes a [`PlanningTable`].

use std::collections::{BTreeMap, BTreeSet};

use crate::error::fault::{did_you_mean, quoted};
use crate::error::{Error, Result};
use crate::table::planning_table::{
    Candidate, Layer, MAX_CANDIDATES, MAX_LAYERS, MAX_VALUE, PlanningTable, TABLE_FORMAT, common_ids,
};
use crate::table::raw::{RawCandidate, RawTable};

impl PlanningTable {
    /// Checks a table that was built in memory or read from another form; `place` names the source in messages.
    ///
    /// # Errors
    /// [`Error::Input`] with the layer and the key of the first fault.
    pub fn check(raw: RawTable, place: &str) -> Result<Self> {
        let at = Place(place);
        if raw.format != TABLE_FORMAT {
            return at.fault(
                "format",
                quoted(&raw.format),
                quoted(TABLE_FORMAT),
                "pass a planning table of this version",
            );
        }
        if raw.layers.is_empty() || raw.layers.len() > MAX_LAYERS {
            let expected = format!("1 to {MAX_LAYERS} layers");
            return at.fault("layers", format!("{} layers", raw.layers.len()), expected, "list the layers to plan");
        }
        let first = raw.layers[0].candidates.first();
        let cost_names: Vec<String> = first.map(|c| c.cost.keys().cloned().collect()).unwrap_or_default();
        let mut index = BTreeMap::new();
        let mut layers = Vec::with_capacity(raw.layers.len());
        for (l, layer) in raw.layers.into_iter().enumerate() {
            let key = format!("layer `{}`", layer.name);
            if layer.name.is_empty() || index.insert(layer.name.clone(), l).is_some() {
                return at.fault(
                    &format!("layers[{l}].name"),
                    quoted(&layer.name),
                    "a new, non-empty name",
                    "rename it",
                );
            }
            if layer.candidates.is_empty() || layer.candidates.len() > MAX_CANDIDATES {
                let found = format!("{} candidates", layer.candidates.len());
                return at.fault(&key, found, format!("1 to {MAX_CANDIDATES}"), "list what the layer may become");
            }
            let mut ids = BTreeSet::new();
            let mut candidates = Vec::with_capacity(layer.candidates.len());
            for candidate in layer.candidates {
                let key = format!("{key}, candidate `{}`", candidate.id);
                if candidate.id.is_empty() || !ids.insert(candidate.id.clone()) {
                    return at.fault(&key, quoted(&candidate.id), "a new, non-empty id", "rename the candidate");
                }
                candidates.push(at.candidate(candidate, &key, &cost_names)?);
            }
            layers.push(Layer { name: layer.name, candidates });
        }
        let groups = at.groups(&raw.groups, &index, &layers)?;
        let pins = at.pins(&raw.pins, &index, &layers, &groups)?;
        Ok(PlanningTable { name: raw.name, cost_names, layers, groups, pins })
    }
}

/// What to do about a name that is close to none.
pub(crate) const FROM_TABLE: &str = "use a name from the table";

/// Source of the table, and the checks that complain about it.
struct Place<'a>(&'a str);

impl Place<'_> {
    fn fault<T>(&self, key: &str, found: impl Into<String>, expected: impl Into<String>, remedy: &str) -> Result<T> {
        Err(Error::input(format!("{}: {key}", self.0), found, expected, remedy))
    }

    fn number(&self, key: &str, value: f64, low: f64) -> Result<f64> {
        if (low..=MAX_VALUE).contains(&value) {
            return Ok(value);
        }
        self.fault(key, value.to_string(), format!("a finite number from {low:e} to {MAX_VALUE:e}"), "measure it again")
    }

    fn candidate(&self, raw: RawCandidate, key: &str, cost_names: &[String]) -> Result<Candidate> {
        for (field, bits) in [("weight_bits", raw.weight_bits), ("activation_bits", raw.activation_bits)] {
            if bits.is_some_and(|b| !(1..=64).contains(&b)) {
                let found = bits.map(|b| b.to_string()).unwrap_or_default();
                return self.fault(&format!("{key}, {field}"), found, "1 to 64", "state bits per element");
            }
        }
        let sensitivity = self.number(&format!("{key}, sensitivity"), raw.sensitivity, -MAX_VALUE)?;
        let stderr = raw.stderr.map(|s| self.number(&format!("{key}, stderr"), s, 0.0)).transpose()?;
        if !raw.cost.keys().eq(cost_names.iter()) {
            let found = format!("costs {:?}", raw.cost.keys().collect::<Vec<_>>());
            let expected = format!("{cost_names:?}, as in the first candidate");
            return self.fault(key, found, expected, "give every candidate the same costs");
        }
        let cost = raw.cost.iter().map(|(name, &value)| self.number(&format!("{key}, cost `{name}`"), value, 0.0));
        let cost = cost.collect::<Result<Vec<f64>>>()?;
        let (weight_bits, activation_bits) = (raw.weight_bits, raw.activation_bits);
        Ok(Candidate { id: raw.id, weight_bits, activation_bits, sensitivity, stderr, cost })
    }

    fn layer(&self, key: &str, name: &str, index: &BTreeMap<String, usize>) -> Result<usize> {
        match index.get(name) {
            Some(&l) => Ok(l),
            None => {
                let remedy = did_you_mean(name, index.keys().map(String::as_str), FROM_TABLE);
                self.fault(key, quoted(name), "the name of a layer of this table", &remedy)
            }
        }
    }

    fn groups(
        &self,
        raw: &[Vec<String>],
        index: &BTreeMap<String, usize>,
        layers: &[Layer],
    ) -> Result<Vec<Vec<usize>>> {
        let mut seen = BTreeSet::new();
        let mut groups = Vec::with_capacity(raw.len());
        for (g, names) in raw.iter().enumerate() {
            let key = format!("groups[{g}]");
            let group = names.iter().map(|name| self.layer(&key, name, index)).collect::<Result<Vec<usize>>>()?;
            if let Some(&again) = group.iter().find(|&&l| !seen.insert(l)) {
                let found = quoted(&layers[again].name);
                return self.fault(&key, found, "each layer in one group, once", "merge the groups or remove one");
            }
            if common_ids(layers, &group).is_empty() {
                return self.fault(&key, "no candidate id that all its layers have", "one or more", "align the ids");
            }
            groups.push(group);
        }
        Ok(groups)
    }

    fn pins(
        &self,
        raw: &BTreeMap<String, String>,
        index: &BTreeMap<String, usize>,
        layers: &[Layer],
        groups: &[Vec<usize>],
    ) -> Result<BTreeMap<usize, usize>> {
        let mut pins = BTreeMap::new();
        for (name, id) in raw {
            let key = format!("pins, `{name}`");
            let l = self.layer(&key, name, index)?;
            let Some(c) = layers[l].candidate(id) else {
                let remedy = did_you_mean(id, layers[l].candidates.iter().map(|c| c.id.as_str()), FROM_TABLE);
                return self.fault(&key, quoted(id), "the id of a candidate of this layer", &remedy);
            };
            pins.insert(l, c);
        }
        for (g, group) in groups.iter().enumerate() {
            let ids = common_ids(layers, group);
            let pinned = group.iter().filter_map(|l| pins.get(l).map(|&c| (l, layers[*l].candidates[c].id.as_str())));
            let pinned: Vec<(&usize, &str)> = pinned.collect();
            for &(&l, id) in &pinned {
                if id != pinned[0].1 || !ids.contains(&id) {
                    let key = format!("pins, `{}`", layers[l].name);
                    let expected = format!("one id for the whole of groups[{g}], out of {ids:?}");
                    return self.fault(&key, quoted(id), expected, "pin the tied layers to the same candidate");
                }
            }
        }
        Ok(pins)
    }
}
