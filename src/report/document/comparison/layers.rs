//! Layers of several runs side by side.

use serde::{Deserialize, Serialize};

use super::Comparison;
use super::matching::{Match, differs, matched};
use crate::report::document::{LayerRow, Report};
use crate::report::units::plural;

/// One layer: what has the same name in the runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedLayer {
    /// Its name.
    pub name: String,
    /// In each run; none where a run has no such layer.
    pub runs: Vec<Option<LayerOfRun>>,
    /// Whether runs choose other bits for it in their first plans.
    pub other_bits: bool,
    /// Whether it has other weights or multiply-accumulates in some run.
    pub other_size: bool,
    /// Whether any of these, or a run misses it.
    pub differs: bool,
}

impl ComparedLayer {
    /// Whether a run misses it.
    pub fn missing(&self) -> bool {
        self.runs.iter().any(Option::is_none)
    }
}

impl Comparison {
    /// In how many layers the runs differ, and in what: a sentence.
    pub fn layer_differences(&self) -> String {
        let count = |of: fn(&ComparedLayer) -> bool| self.layers.iter().filter(|layer| of(layer)).count();
        let (bits, size, missing) = (count(|l| l.other_bits), count(|l| l.other_size), count(ComparedLayer::missing));
        let verb = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
        let parts = [
            (bits, verb(bits, "has other bits", "have other bits")),
            (size, verb(size, "has other weights or MACs", "have other weights or MACs")),
            (missing, verb(missing, "is not in all runs", "are not in all runs")),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|(n, _)| *n > 0).map(|(_, text)| text).collect();
        match parts.as_slice() {
            [] => "The first plans choose the same bits for every layer.".into(),
            parts => format!("Of {}, {}.", plural(self.layers.len() as u64, "layer"), parts.join("; ")),
        }
    }
}

/// One layer in one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerOfRun {
    /// Its index in the run.
    pub layer: usize,
    /// Weights.
    pub parameters: u64,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// Candidate that the search space pins it to.
    pub pinned: Option<String>,
    /// `t̄`, trace of the loss's curvature in its weights, per weight; none before the sensitivities.
    pub average_trace: Option<f64>,
    /// Standard error of `t̄`.
    pub trace_stderr: Option<f64>,
    /// Candidate of the run's first plan; none before the plans, like all below.
    pub candidate: Option<String>,
    /// Bits of a weight.
    pub weight_bits: Option<u32>,
    /// Bits of an input activation.
    pub activation_bits: Option<u32>,
    /// `Ω` of the choice.
    pub sensitivity: Option<f64>,
    /// Its standard error, if known.
    pub sensitivity_stderr: Option<f64>,
    /// Share of the resampled plans that choose the same, if resampled.
    pub stays: Option<f64>,
}

/// Places of the layers in the runs.
pub(super) fn places(reports: &[Report]) -> Vec<Match> {
    let lists: Vec<&[LayerRow]> = reports.iter().map(|r| r.layers.as_slice()).collect();
    matched(&lists, |layer| layer.name.clone())
}

pub(super) fn layers(reports: &[Report], places: &[Match]) -> Vec<ComparedLayer> {
    let compared = places.iter().filter_map(|row| {
        let cell = |(report, index): (&Report, &Option<usize>)| index.and_then(|index| of_run(report, index));
        let runs: Vec<Option<LayerOfRun>> = reports.iter().zip(row).map(cell).collect();
        let (run, index) = row.iter().enumerate().find_map(|(run, index)| Some((run, (*index)?)))?;
        let name = reports.get(run)?.layers.get(index)?.name.clone();
        // A run without plans disagrees with none.
        let chosen: Vec<Option<&LayerOfRun>> =
            runs.iter().flatten().filter(|layer| layer.candidate.is_some()).map(Some).collect();
        let other_bits = differs(&chosen, |layer| (layer.candidate.clone(), layer.weight_bits, layer.activation_bits));
        let there: Vec<Option<&LayerOfRun>> = runs.iter().flatten().map(Some).collect();
        let other_size = differs(&there, |layer| (layer.parameters, layer.macs));
        let missing = there.len() < runs.len();
        Some(ComparedLayer { name, other_bits, other_size, differs: other_bits || other_size || missing, runs })
    });
    compared.collect()
}

fn of_run(report: &Report, index: usize) -> Option<LayerOfRun> {
    let layer = report.layers.get(index)?;
    let choice = report.plans.first().and_then(|plan| plan.choices.get(index));
    Some(LayerOfRun {
        layer: index,
        parameters: layer.parameters,
        macs: layer.macs,
        pinned: layer.pinned.clone(),
        average_trace: layer.average_trace,
        trace_stderr: layer.trace_stderr,
        candidate: choice.map(|c| c.candidate.clone()),
        weight_bits: choice.map(|c| c.weight_bits),
        activation_bits: choice.map(|c| c.activation_bits),
        sensitivity: choice.map(|c| c.sensitivity),
        sensitivity_stderr: choice.and_then(|c| c.stderr),
        stays: choice.and_then(|c| c.stays),
    })
}
