//! Networks of several runs side by side.

use serde::{Deserialize, Serialize};

use super::matching::{differs, items, matched};
use crate::report::document::{Kind, NetworkRow, Report};

/// One network: what is the same kind and has the same name in the runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedNetwork {
    /// `fp32`, a candidate, or a plan's name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// In each run; none where a run has no such network.
    pub runs: Vec<Option<NetworkRow>>,
    /// Accuracy of each run minus the first run's; none for the first, and where there is nothing to subtract.
    pub changes: Vec<Option<Change>>,
    /// Whether costs or accuracies are not the same in all runs.
    pub differs: bool,
}

/// A difference of two accuracies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Accuracy minus the first run's, `-1..=1`.
    pub difference: f64,
    /// Its standard error, as of independent samples: on the same samples the true one is as a rule smaller.
    pub stderr: Option<f64>,
    /// Whether it is larger than two standard errors.
    pub clear: Option<bool>,
}

impl Change {
    /// From the first run's network to another run's.
    fn between(first: &NetworkRow, other: &NetworkRow) -> Option<Self> {
        let difference = other.accuracy? - first.accuracy?;
        let stderr = first.accuracy_stderr.zip(other.accuracy_stderr).map(|(a, b)| a.hypot(b));
        Some(Self { difference, stderr, clear: stderr.map(|error| difference.abs() > 2.0 * error) })
    }
}

/// Whether two runs judge networks on the same held-out samples, as far as is known.
pub(super) fn same_held_out(first: &Report, other: &Report) -> bool {
    let kind = |r: &Report| (r.samples.noun.clone(), r.samples.held_out, r.samples.language);
    let hash = |r: &Report| r.provenance.inputs.get("held-out data").cloned();
    kind(first) == kind(other) && hash(first).zip(hash(other)).is_none_or(|(a, b)| a == b)
}

pub(super) fn networks(reports: &[Report]) -> Vec<ComparedNetwork> {
    let lists: Vec<&[NetworkRow]> = reports.iter().map(|r| r.networks.as_slice()).collect();
    let comparable: Vec<bool> = reports
        .iter()
        .enumerate()
        .map(|(i, r)| i > 0 && reports.first().is_some_and(|a| same_held_out(a, r)))
        .collect();
    let compared = matched(&lists, |row| (order(row.kind), row.name.clone())).into_iter().filter_map(|places| {
        let runs = items(&lists, &places);
        let any = *runs.iter().flatten().next()?;
        let first = runs.first().copied().flatten();
        let change = |(run, comparable): (&Option<&NetworkRow>, &bool)| {
            first.zip(*run).filter(|_| *comparable).and_then(|(first, run)| Change::between(first, run))
        };
        Some(ComparedNetwork {
            name: any.name.clone(),
            kind: any.kind,
            changes: runs.iter().zip(&comparable).map(change).collect(),
            differs: differs(&runs, |row| (row.bitops, row.weight_bytes, row.accuracy, row.loss)),
            runs: runs.into_iter().map(|run| run.cloned()).collect(),
        })
    });
    let mut compared: Vec<ComparedNetwork> = compared.collect();
    // FP32, uniform precisions and plans stay together, whatever only some runs have.
    compared.sort_by_key(|network| order(network.kind));
    compared
}

fn order(kind: Kind) -> u8 {
    match kind {
        Kind::Fp32 => 0,
        Kind::Uniform => 1,
        Kind::Plan => 2,
    }
}
