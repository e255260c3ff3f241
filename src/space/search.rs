//! Which candidates every layer may take: a list for all, overrides by pattern, pins and groups.
//!
//! A search space is read before its model is built, so names of layers are checked in [`Search::resolve`]; its errors
//! still say where in the file the name stands.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_saphyr::Spanned;

use super::candidate::Candidate;
use super::check::{Checker, Located};
use super::glob;
use super::groups::{self, GroupKind, LayerGroup};
use super::raw::{RawSearch, Text};
use crate::error::ValueFault;
use crate::error::fault::{did_you_mean, quoted};
use crate::error::{Error, Result};

/// Candidates of the layers whose names match.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Override {
    /// Name of layers, with `*` for any characters. It must match a layer.
    pub pattern: Located<String>,
    /// Most bits first.
    pub candidates: Vec<Candidate>,
}

/// A layer that is not searched.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pin {
    /// Name of the layer.
    pub layer: Located<String>,
    /// What it takes.
    pub candidate: Candidate,
}

/// The choices, by names of layers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Search {
    /// Candidates of every layer that nothing else is said of, most bits first. Required.
    pub candidates: Vec<Candidate>,
    /// In the order written: the last that matches a layer decides. Default: none.
    pub overrides: Vec<Override>,
    /// By name. Default: none. A pin decides over every override.
    pub pins: Vec<Pin>,
    /// Layers that take the same candidate. Default: none.
    pub groups: Vec<Vec<Located<String>>>,
    /// Rules that find further groups on the network. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automatic: Option<Located<Vec<GroupKind>>>,
}

/// What one layer may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerChoice {
    /// Name of the layer.
    pub name: String,
    /// Most bits first; one if pinned.
    pub candidates: Vec<Candidate>,
    /// True if the search space says so.
    pub pinned: bool,
}

impl Search {
    pub(super) fn check(raw: &RawSearch, c: Checker<'_>) -> Result<Self> {
        let overrides = raw.overrides.iter().flatten().map(|raw| {
            let pattern = c.located(&raw.pattern, raw.pattern.value.clone());
            Ok(Override { pattern, candidates: candidates(&raw.candidates, c)? })
        });
        let pins = raw.pins.iter().flat_map(|pins| &pins.0).map(|(layer, candidate)| {
            Ok(Pin { layer: c.located(layer, layer.value.clone()), candidate: c.parsed(candidate)? })
        });
        let mut pins: Vec<Pin> = pins.collect::<Result<_>>()?;
        pins.sort_by(|a, b| a.layer.value.cmp(&b.layer.value));
        let (groups, automatic) = raw.groups.as_ref().map(|raw| groups::check(raw, c)).transpose()?.unwrap_or_default();
        Ok(Self {
            candidates: candidates(&raw.candidates, c)?,
            overrides: overrides.collect::<Result<_>>()?,
            pins,
            groups,
            automatic,
        })
    }

    /// The rules that find groups.
    pub fn rules(&self) -> &[GroupKind] {
        self.automatic.as_ref().map_or(&[], |rules| &rules.value)
    }

    /// True if some layer may take `candidate` without being pinned to it.
    pub fn offers(&self, candidate: Candidate) -> bool {
        self.candidates.contains(&candidate) || self.overrides.iter().any(|rule| rule.candidates.contains(&candidate))
    }

    /// The same without its pins.
    pub fn unpinned(&self) -> Self {
        Self { pins: Vec::new(), ..self.clone() }
    }

    /// The choices of every layer of a model, in the order of `names`.
    ///
    /// # Errors
    /// When a pin names no layer, or an override matches none.
    pub fn resolve(&self, names: &[String]) -> Result<Vec<LayerChoice>> {
        let choice =
            |name: &String| LayerChoice { name: name.clone(), candidates: self.candidates.clone(), pinned: false };
        let mut layers: Vec<LayerChoice> = names.iter().map(choice).collect();
        for rule in &self.overrides {
            let mut matched = false;
            for layer in layers.iter_mut().filter(|layer| glob::matches(&rule.pattern.value, &layer.name)) {
                layer.candidates.clone_from(&rule.candidates);
                matched = true;
            }
            if !matched {
                return Err(unknown(&rule.pattern, "a pattern that matches a layer", names));
            }
        }
        let index = indices(names);
        for pin in &self.pins {
            let layer = &mut layers[find(&pin.layer, &index, names)?];
            layer.candidates = vec![pin.candidate];
            layer.pinned = true;
        }
        Ok(layers)
    }

    /// The groups as indices into `names`, with those that [`Search::rules`] found; groups that share a layer become one.
    /// Layers pinned to `fp32` are left out of found groups: nothing of them is quantised.
    ///
    /// # Errors
    /// As [`Search::resolve`]; when a group names no layer; when the layers of a group have no candidate in common, as
    /// when they are pinned to different ones.
    pub fn resolve_groups(&self, names: &[String], found: &[LayerGroup]) -> Result<Vec<Vec<usize>>> {
        let layers = self.resolve(names)?;
        let index = indices(names);
        let mut sets = Vec::with_capacity(self.groups.len() + found.len());
        for group in &self.groups {
            let members = group.iter().map(|layer| find(layer, &index, names)).collect::<Result<Vec<usize>>>()?;
            if let Some(at) = odd_one(&members, &layers) {
                let fault = ValueFault::new(format!("{} in a group", quoted(&group[at].value)), IN_COMMON, COMPARE);
                return Err(group[at].fault(fault));
            }
            sets.push(members);
        }
        let quantised = |&l: &usize| layers.get(l).is_some_and(|layer| !layer.candidates.contains(&Candidate::FP32));
        for group in found {
            sets.push(group.layers.iter().copied().filter(quantised).collect());
        }
        let merged = groups::merged(sets);
        let Some((group, at)) = merged.iter().find_map(|group| Some((group, odd_one(group, &layers)?))) else {
            return Ok(merged.into_iter().filter(|group| group.len() > 1).collect());
        };
        let rule = found.iter().find(|f| f.layers.contains(&group[at])).map_or("", |f| &f.reason);
        let (first, odd) = (quoted(&names[group[0]]), quoted(&names[group[at]]));
        let fault = ValueFault::new(format!("a group with {first} and {odd} ({rule})"), IN_COMMON, COMPARE);
        Err(match &self.automatic {
            Some(rules) => rules.fault(fault),
            None => Error::input("groups", fault.found, fault.expected, fault.remedy),
        })
    }
}

/// What the layers of a group must have.
const IN_COMMON: &str = "a candidate that all layers of the group have";
/// What to do when they have none.
const COMPARE: &str = "compare their candidates and pins";

/// Place in `group` of the first layer that has no candidate in common with all before it.
fn odd_one(group: &[usize], layers: &[LayerChoice]) -> Option<usize> {
    let mut shared = layers[*group.first()?].candidates.clone();
    group.iter().position(|&member| {
        shared.retain(|candidate| layers[member].candidates.contains(candidate));
        shared.is_empty()
    })
}

/// A list of candidates, most bits first, each once.
fn candidates(raw: &Spanned<Vec<Text>>, c: Checker<'_>) -> Result<Vec<Candidate>> {
    let mut list = Vec::new();
    for text in c.filled(raw, "candidate")? {
        let candidate: Candidate = c.parsed(text)?;
        if candidate.is_fp32() {
            let remedy = "pin layers that stay unquantised: `pins: {layer: fp32}`";
            return Err(c.fault(text, ValueFault::new("`fp32`", "a quantised candidate such as `w8a8`", remedy)));
        }
        if list.contains(&candidate) {
            let found = format!("{} a second time", quoted(&text.value));
            return Err(c.fault(text, ValueFault::new(found, "every candidate once", "remove one of them")));
        }
        list.push(candidate);
    }
    list.sort_by(|a, b| b.cmp(a));
    Ok(list)
}

fn indices(names: &[String]) -> BTreeMap<&str, usize> {
    names.iter().enumerate().map(|(index, name)| (name.as_str(), index)).collect()
}

fn find(layer: &Located<String>, index: &BTreeMap<&str, usize>, names: &[String]) -> Result<usize> {
    index.get(layer.value.as_str()).copied().ok_or_else(|| unknown(layer, "the name of a layer", names))
}

/// The layers that a message lists when no name is close.
const LISTED: usize = 8;

fn unknown(name: &Located<String>, expected: &str, names: &[String]) -> Error {
    let mut list = names.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        list.push_str(&format!(" and {} more", names.len() - LISTED));
    }
    let remedy = did_you_mean(&name.value, names.iter().map(String::as_str), &format!("the layers are {list}"));
    name.fault(ValueFault::new(quoted(&name.value), expected, remedy))
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
