//! Settings and origins of several runs side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::matching::differs;
use crate::report::document::Report;
use crate::report::units::grouped;

/// One setting, or one thing that the runs were made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedValue {
    /// What it is.
    pub name: String,
    /// Its value in each run; none where a run does not have it.
    pub runs: Vec<Option<String>>,
    /// Whether it is not the same in all runs.
    pub differs: bool,
}

impl ComparedValue {
    fn new(name: impl Into<String>, runs: Vec<Option<String>>) -> Self {
        Self { name: name.into(), differs: differs(&runs, Clone::clone), runs }
    }

    fn of(name: &str, reports: &[Report], value: impl Fn(&Report) -> Option<String>) -> Self {
        Self::new(name, reports.iter().map(value).collect())
    }
}

/// What was asked for; what no run has is left out.
pub(super) fn settings(reports: &[Report]) -> Vec<ComparedValue> {
    let mut values = vec![
        ComparedValue::of("search space", reports, |r| Some(r.name.clone())),
        ComparedValue::of("network", reports, |r| Some(r.network.clone())),
        ComparedValue::of("seed", reports, |r| Some(r.provenance.seed.to_string())),
        ComparedValue::of("samples", reports, |r| Some(r.samples.noun.clone())),
        ComparedValue::of("training samples", reports, |r| Some(grouped(r.samples.training))),
        ComparedValue::of("held-out samples", reports, |r| Some(grouped(r.samples.held_out))),
        ComparedValue::of("objective", reports, |r| r.objective.clone()),
        ComparedValue::of("draws", reports, |r| r.draws.as_ref().map(|d| d.strategy.clone())),
    ];
    let phases = reports.iter().flat_map(|r| &r.training);
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for phase in phases.filter(|phase| named.insert(&phase.name)) {
        let planned = |r: &Report| r.training.iter().find(|p| p.name == phase.name).map(|p| p.planned.to_string());
        values.push(ComparedValue::of(&format!("epochs, {}", phase.title), reports, planned));
    }
    values.extend(topics(reports));
    values.retain(|value| value.runs.iter().any(Option::is_some));
    values
}

/// How the runs were made, by topic.
fn topics(reports: &[Report]) -> Vec<ComparedValue> {
    let mut topics: Vec<&str> = Vec::new();
    for setting in reports.iter().flat_map(|r| &r.settings) {
        if !topics.contains(&setting.topic.as_str()) {
            topics.push(&setting.topic);
        }
    }
    let text = |r: &Report, topic: &str| r.settings.iter().find(|s| s.topic == topic).map(|s| s.text.clone());
    topics.into_iter().map(|topic| ComparedValue::of(&format!("how: {topic}"), reports, |r| text(r, topic))).collect()
}

/// What the runs were made from: version, inputs, files.
pub(super) fn provenance(reports: &[Report]) -> Vec<ComparedValue> {
    let mut values = vec![ComparedValue::of("version", reports, |r| Some(r.provenance.version.clone()))];
    let mut hashes = |of: fn(&Report) -> &BTreeMap<String, String>| {
        let names: BTreeSet<&String> = reports.iter().flat_map(|r| of(r).keys()).collect();
        values.extend(names.into_iter().map(|name| ComparedValue::of(name, reports, |r| of(r).get(name).cloned())));
    };
    hashes(|r| &r.provenance.inputs);
    hashes(|r| &r.provenance.files);
    values
}
