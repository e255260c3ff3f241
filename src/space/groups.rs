//! Groups of layers that take the same candidate: written out, or found on the network.
//!
//! ```yaml
//! groups: auto                                          # the same as [{auto: [fused, shared_input]}]
//! groups: [[a, b], {auto: [fused, shared_input]}]       # written out, found, or both
//! ```

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use super::check::{Checker, Located};
use super::raw::Text;
use crate::error::fault::{did_you_mean, quoted};
use crate::error::{Result, ValueFault};

/// A rule that finds groups of layers on the network; see [`crate::graph::groups()`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// Dense siblings that read one tensor, such as q, k and v.
    Fused,
    /// Layers that read one tensor.
    SharedInput,
    /// Layers whose results are added.
    Residual,
    /// A depthwise convolution and the pointwise one behind it.
    Depthwise,
}

impl GroupKind {
    /// What `auto` alone stands for: what deployment asks for.
    pub const AUTO: [Self; 2] = [Self::Fused, Self::SharedInput];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fused => "fused",
            Self::SharedInput => "shared_input",
            Self::Residual => "residual",
            Self::Depthwise => "depthwise",
        }
    }
}

/// Layers that a rule finds together; see [`crate::graph::groups()`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerGroup {
    /// By which rule.
    pub kind: GroupKind,
    /// Two layers or more, as indices in graph order, ascending.
    pub layers: Vec<usize>,
    /// Why, for people.
    pub reason: String,
}

/// `groups` as written.
#[derive(Debug)]
pub(super) enum RawGroups {
    /// `auto`.
    Auto,
    /// A list.
    List(Vec<Spanned<RawGroup>>),
    /// A word that is not known.
    Word(String),
}

/// One entry of the list.
#[derive(Debug)]
pub(super) enum RawGroup {
    /// Names of layers.
    Layers(Vec<Text>),
    /// Rules.
    Auto(Vec<GroupKind>),
    /// A word that is no list.
    Word(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAuto {
    auto: Vec<GroupKind>,
}

impl<'de> Deserialize<'de> for RawGroups {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Groups;

        impl<'de> Visitor<'de> for Groups {
            type Value = RawGroups;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`auto`, or a list of groups")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RawGroups, E> {
                Ok(if text == "auto" { RawGroups::Auto } else { RawGroups::Word(text.into()) })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<RawGroups, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(list)).map(RawGroups::List)
            }
        }

        deserializer.deserialize_any(Groups)
    }
}

impl<'de> Deserialize<'de> for RawGroup {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Group;

        impl<'de> Visitor<'de> for Group {
            type Value = RawGroup;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of layers, or `{auto: [fused]}`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RawGroup, E> {
                Ok(RawGroup::Word(text.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<RawGroup, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(list)).map(RawGroup::Layers)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawGroup, A::Error> {
                let RawAuto { auto } = Deserialize::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RawGroup::Auto(auto))
            }
        }

        deserializer.deserialize_any(Group)
    }
}

/// Groups as they are said.
type Said = (Vec<Vec<Located<String>>>, Option<Located<Vec<GroupKind>>>);

/// Groups of two layers or more, no layer twice; and rules, at most once.
pub(super) fn check(raw: &Spanned<RawGroups>, c: Checker<'_>) -> Result<Said> {
    let list = match &raw.value {
        RawGroups::Auto => return Ok((Vec::new(), Some(c.located(raw, GroupKind::AUTO.to_vec())))),
        RawGroups::List(list) => list,
        RawGroups::Word(word) => {
            let remedy = did_you_mean(word, ["auto"], "for example `[[conv1, conv2]]`");
            return Err(c.fault(raw, ValueFault::new(quoted(word), "`auto`, or a list of groups", remedy)));
        }
    };
    let (mut written, mut automatic) = (Vec::new(), None);
    let mut seen: BTreeMap<&str, &Text> = BTreeMap::new();
    for group in list {
        let layers = match &group.value {
            RawGroup::Layers(layers) => layers,
            RawGroup::Word(word) => {
                let expected = "a list of layers, or `{auto: [fused]}`";
                return Err(c.fault(group, ValueFault::new(quoted(word), expected, "a group stands in brackets")));
            }
            RawGroup::Auto(kinds) if kinds.is_empty() => {
                let expected = "at least one of fused, shared_input, residual and depthwise";
                return Err(c.fault(group, ValueFault::new("no rule", expected, "")));
            }
            RawGroup::Auto(kinds) => {
                if automatic.replace(c.located(group, kinds.clone())).is_some() {
                    let fault = ValueFault::new("a second `auto`", "one list of rules", "write all of them there");
                    return Err(c.fault(group, fault));
                }
                continue;
            }
        };
        if layers.len() < 2 {
            let found = format!("a group of {}", layers.len());
            return Err(c.fault(group, ValueFault::new(found, "at least two layers", "remove the group")));
        }
        for layer in layers {
            if let Some(first) = seen.insert(&layer.value, layer) {
                let found = format!("{} a second time", quoted(&layer.value));
                let remedy = format!("it is also in line {}; merge the groups", first.referenced.line());
                return Err(c.fault(layer, ValueFault::new(found, "every layer in one group only", remedy)));
            }
        }
        written.push(layers.iter().map(|layer| c.located(layer, layer.value.clone())).collect());
    }
    Ok((written, automatic))
}

/// Sets that share a member become one; in each the members keep the order in which they came.
pub fn merged(sets: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let mut merged: Vec<Vec<usize>> = Vec::new();
    let mut home: BTreeMap<usize, usize> = BTreeMap::new();
    for set in sets {
        let mut homes: Vec<usize> = set.iter().filter_map(|member| home.get(member).copied()).collect();
        homes.sort_unstable();
        homes.dedup();
        let target = homes.first().copied().unwrap_or_else(|| {
            merged.push(Vec::new());
            merged.len() - 1
        });
        let moved = homes.iter().skip(1).flat_map(|&other| std::mem::take(&mut merged[other])).collect::<Vec<_>>();
        for member in moved.into_iter().chain(set) {
            if home.insert(member, target) != Some(target) {
                merged[target].push(member);
            }
        }
    }
    merged.retain(|set| !set.is_empty());
    merged
}

#[cfg(test)]
#[path = "groups_tests.rs"]
mod tests;
