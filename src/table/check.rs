//! From the mirror of a planning table to the checked one; the only place that makes a [`PlanningTable`] from it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::error::Result;
use crate::error::fault::{did_you_mean, quoted};
use crate::table::place::Source;
use crate::table::planning_table::{
    Candidate, Layer, MAX_CANDIDATES, MAX_LAYERS, MAX_PARAMETERS, MAX_VALUE, PlanningTable, TABLE_FORMAT, common_ids,
};
use crate::table::raw::{RawCandidate, RawLayer, RawTable};

impl PlanningTable {
    /// Checks a table that was built in memory or read from another form; `place` names the source in messages.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] with the layer and the key of the first fault.
    pub fn check(raw: RawTable, place: &str) -> Result<Self> {
        Self::check_from(raw, &Source::Document(place))
    }

    /// Checks a table from any source.
    pub(super) fn check_from(raw: RawTable, at: &Source) -> Result<Self> {
        if raw.format != TABLE_FORMAT {
            let remedy = "pass a planning table of this version";
            return at.fault("format", quoted(&raw.format), quoted(TABLE_FORMAT), remedy);
        }
        if raw.layers.is_empty() || raw.layers.len() > MAX_LAYERS {
            let expected = format!("1 to {MAX_LAYERS} layers");
            return at.fault("layers", format!("{} layers", raw.layers.len()), expected, "list the layers to plan");
        }
        let first = raw.layers[0].candidates.first();
        let cost_names = first.map(|c| Arc::clone(c.cost.shared_names())).unwrap_or_default();
        if let Some(pair) = cost_names.windows(2).find(|pair| pair[0] == pair[1]) {
            let place = at.layer(0, &raw.layers[0], "");
            return at.fault(&place, format!("cost {} twice", quoted(&pair[0])), "every cost once", "remove one");
        }
        let check = |(l, layer)| at.checked(l, layer, &cost_names);
        let layers = raw.layers.into_iter().enumerate().map(check).collect::<Result<Vec<Layer>>>()?;
        let mut index = HashMap::with_capacity(layers.len());
        for (l, layer) in layers.iter().enumerate() {
            if layer.name.is_empty() || index.insert(layer.name.as_str(), l).is_some() {
                return at.fault(&at.name(l), quoted(&layer.name), "a new, non-empty name", "rename it");
            }
        }
        let names = Names { at, layers: &layers, index };
        let groups = names.groups(&raw.groups)?;
        let pins = names.pins(&raw.pins, &groups)?;
        Ok(PlanningTable { name: raw.name, cost_names, layers, groups, pins })
    }
}

/// What to do about a name that is close to none.
pub(crate) const FROM_TABLE: &str = "use a name from the table";

/// The checks of layers and their candidates.
impl Source<'_> {
    fn checked(&self, l: usize, raw: RawLayer, cost_names: &Arc<[String]>) -> Result<Layer> {
        if raw.candidates.is_empty() || raw.candidates.len() > MAX_CANDIDATES {
            let found = format!("{} candidates", raw.candidates.len());
            let place = self.layer(l, &raw, "");
            return self.fault(&place, found, format!("1 to {MAX_CANDIDATES}"), "list what the layer may become");
        }
        if let Some(parameters) = raw.parameters.filter(|&p| p > MAX_PARAMETERS) {
            let (place, expected) = (self.layer(l, &raw, "parameters"), format!("at most {MAX_PARAMETERS}"));
            return self.fault(&place, parameters.to_string(), expected, "state the number of weights of the layer");
        }
        let mut ids = BTreeSet::new();
        for (c, RawCandidate { id, .. }) in raw.candidates.iter().enumerate() {
            if !id.is_empty() && ids.insert(id.as_str()) {
                continue;
            }
            let place = self.id((l, c), &raw.name, id);
            return self.fault(&place, quoted(id), "a new, non-empty id", "rename the candidate");
        }
        let mut candidates = Vec::with_capacity(raw.candidates.len());
        for (c, candidate) in raw.candidates.into_iter().enumerate() {
            candidates.push(self.candidate_of((l, c), &raw.name, candidate, cost_names)?);
        }
        Ok(Layer { name: raw.name, parameters: raw.parameters, candidates })
    }

    fn candidate_of(
        &self,
        at: (usize, usize),
        layer: &str,
        raw: RawCandidate,
        cost_names: &Arc<[String]>,
    ) -> Result<Candidate> {
        let place = |field: &str| self.candidate(at, layer, &raw.id, field);
        for (field, bits) in [("weight_bits", raw.weight_bits), ("activation_bits", raw.activation_bits)] {
            if let Some(bits) = bits.filter(|b| !(1..=64).contains(b)) {
                return self.fault(&place(field), bits.to_string(), "1 to 64", "state bits per element");
            }
        }
        let names = raw.cost.shared_names();
        if !Arc::ptr_eq(names, cost_names) && names != cost_names {
            let expected = format!("{cost_names:?}, as in the first candidate");
            return self.fault(&place(""), format!("costs {names:?}"), expected, "give every candidate the same costs");
        }
        let number = |value: f64, low: f64, field: &dyn Fn() -> String| {
            if (low..=MAX_VALUE).contains(&value) {
                return Ok(());
            }
            let expected = format!("a finite number from {low:e} to {MAX_VALUE:e}");
            self.fault(&place(&field()), value.to_string(), expected, "measure it again")
        };
        number(raw.sensitivity, -MAX_VALUE, &|| "sensitivity".into())?;
        number(raw.stderr.unwrap_or(0.0), 0.0, &|| "stderr".into())?;
        for (name, &cost) in names.iter().zip(raw.cost.values()) {
            number(cost, 0.0, &|| format!("cost.{name}"))?;
        }
        let RawCandidate { id, weight_bits, activation_bits, sensitivity, stderr, cost } = raw;
        Ok(Candidate { id, weight_bits, activation_bits, sensitivity, stderr, cost: cost.into_values() })
    }
}

/// The checks of what refers to layers by name.
struct Names<'a> {
    at: &'a Source<'a>,
    layers: &'a [Layer],
    index: HashMap<&'a str, usize>,
}

impl Names<'_> {
    fn layer(&self, name: &str, key: impl Fn() -> String) -> Result<usize> {
        self.index.get(name).copied().map_or_else(
            || {
                let remedy = did_you_mean(name, self.layers.iter().map(|l| l.name.as_str()), FROM_TABLE);
                self.at.fault(&key(), quoted(name), "the name of a layer of this table", &remedy)
            },
            Ok,
        )
    }

    fn groups(&self, raw: &[Vec<String>]) -> Result<Vec<Vec<usize>>> {
        let mut seen = BTreeSet::new();
        let mut groups = Vec::with_capacity(raw.len());
        for (g, names) in raw.iter().enumerate() {
            let key = || self.at.group(g);
            let group = names.iter().map(|name| self.layer(name, key)).collect::<Result<Vec<usize>>>()?;
            if let Some(&again) = group.iter().find(|&&l| !seen.insert(l)) {
                let (found, remedy) = (quoted(&self.layers[again].name), "merge the groups or remove one");
                return self.at.fault(&key(), found, "each layer in one group, once", remedy);
            }
            if common_ids(self.layers, &group).is_empty() {
                let found = "no candidate id that all its layers have";
                return self.at.fault(&key(), found, "one or more", "align the ids");
            }
            groups.push(group);
        }
        Ok(groups)
    }

    fn pins(&self, raw: &BTreeMap<String, String>, groups: &[Vec<usize>]) -> Result<BTreeMap<usize, usize>> {
        let (at, layers) = (self.at, self.layers);
        let mut pins = BTreeMap::new();
        for (name, id) in raw {
            let key = || format!("pins, {}", quoted(name));
            let l = self.layer(name, key)?;
            let Some(c) = layers[l].candidate(id) else {
                let remedy = did_you_mean(id, layers[l].candidates.iter().map(|c| c.id.as_str()), FROM_TABLE);
                return at.fault(&key(), quoted(id), "the id of a candidate of this layer", &remedy);
            };
            pins.insert(l, c);
        }
        for (g, group) in groups.iter().enumerate() {
            let ids = common_ids(layers, group);
            let pinned = group.iter().filter_map(|l| pins.get(l).map(|&c| (l, layers[*l].candidates[c].id.as_str())));
            let pinned: Vec<(&usize, &str)> = pinned.collect();
            for &(&l, id) in &pinned {
                if id != pinned[0].1 || !ids.contains(&id) {
                    let key = format!("pins, {}", quoted(&layers[l].name));
                    let expected = format!("one id for the whole of {}, out of {ids:?}", at.group(g));
                    return at.fault(&key, quoted(id), expected, "pin the tied layers to the same candidate");
                }
            }
        }
        Ok(pins)
    }
}
