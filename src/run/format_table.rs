//! The planning table of what the tools of an export format run.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::export::{Format, Site, Stored, nearest, site};
use crate::graph::groups;
use crate::run::{Outline, planning_table};
use crate::scheme::LayerScheme;
use crate::sensitivity::SensitivityReport;
use crate::space::{Candidate, merge_groups};
use crate::table::{PlanningTable, RawCandidate, RawTable};

/// The planning table of [`planning_table`] with the candidates that a format's tools run, the layers tied that they run as
/// one, and the bytes that the export writes: `weight_bytes`, `model_bytes` (exact where [`Format::other_bytes`] is known) and the two averages
/// of bits.
///
/// # Errors
/// When the tools run no candidate of some layer, or tied layers have none in common.
pub fn format_table(
    outline: &Outline,
    report: Option<&SensitivityReport>,
    format: &dyn Format,
) -> Result<PlanningTable> {
    let scheme = outline.scheme();
    let graph = outline.net.network().graph();
    let mut raw = RawTable::from(&planning_table(outline, report)?);
    let all: f64 = scheme.layers.iter().map(|l| l.cost.parameters as f64).sum();
    let count = scheme.layers.len() as f64;
    let places = graph.layers();
    // Only their sum over the layers counts, so the first layer has what is no layer's.
    let mut others = format.other_bytes(graph).map(|bytes| bytes as f64);
    for ((layer, place), raw) in scheme.layers.iter().zip(&places).zip(&mut raw.layers) {
        let site = site(graph, place, layer.group());
        let rules: Vec<_> = layer.candidates.iter().map(|&c| format.stored(&site, c)).collect();
        if rules.iter().all(Result::is_err) {
            return Err(none_runs(format, &site, layer, &rules));
        }
        let own = 4.0 * layer.cost.other_parameters as f64;
        let other_change = others.as_mut().map_or(0.0, |others| std::mem::take(others) - own);
        let mut rules = rules.into_iter();
        raw.candidates.retain_mut(|candidate| match rules.next() {
            Some(Ok(stored)) => {
                store(candidate, stored, other_change, layer.cost.parameters as f64 / all, 1.0 / count);
                true
            }
            _ => false,
        });
    }
    let index = |name: &String| scheme.layers.iter().position(|l| l.name == *name);
    let mut sets: Vec<Vec<usize>> = raw.groups.iter().map(|group| group.iter().filter_map(index).collect()).collect();
    // Layers that stay FP32 are not quantised: nothing of them has to be the same.
    let quantised = |&l: &usize| !scheme.layers[l].candidates.contains(&Candidate::FP32);
    let found = groups(graph, format.groups());
    sets.extend(found.iter().map(|group| group.layers.iter().copied().filter(quantised).collect()));
    let named = |group: Vec<usize>| group.into_iter().map(|l| scheme.layers[l].name.clone()).collect::<Vec<_>>();
    raw.groups = merge_groups(sets).into_iter().filter(|group| group.len() > 1).map(named).collect();
    PlanningTable::check(raw, &format!("planning table for {}", format.name()))
}

/// What a table for a format leaves out of the search space, one line for each set of candidates.
pub fn left_out(outline: &Outline, table: &PlanningTable, format: &dyn Format) -> Vec<String> {
    let mut layers: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for (layer, kept) in outline.scheme().layers.iter().zip(table.layers()) {
        let ids = layer.candidates.iter().map(ToString::to_string);
        let dropped: Vec<String> = ids.filter(|id| kept.candidate(id).is_none()).collect();
        *layers.entry(dropped).or_default() += 1;
    }
    let lines = layers.into_iter().filter(|(dropped, _)| !dropped.is_empty());
    lines.map(|(dropped, n)| format!("{} does not run {} in {n} layers", format.name(), dropped.join(", "))).collect()
}

/// A candidate as it is stored: `other_change` bytes more of what is no weight, `share` of the weights and of the layers.
fn store(candidate: &mut RawCandidate, stored: Stored, other_change: f64, share: f64, layer_share: f64) {
    let before = candidate.cost.get("weight_bytes").unwrap_or_default();
    let bits = f64::from(stored.bits);
    let mut set = |name: &str, value: &dyn Fn(f64) -> f64| {
        if let Some(cost) = candidate.cost.get_mut(name) {
            *cost = value(*cost);
        }
    };
    set("weight_bytes", &|_| stored.bytes as f64);
    set("model_bytes", &|model| model - before + stored.bytes as f64 + other_change);
    set("avg_weight_bits", &|_| bits * share);
    set("layer_avg_weight_bits", &|_| bits * layer_share);
}

fn none_runs(
    format: &dyn Format,
    site: &Site<'_>,
    layer: &LayerScheme,
    rules: &[std::result::Result<Stored, String>],
) -> Error {
    let names: Vec<String> = layer.candidates.iter().map(ToString::to_string).collect();
    let why = rules.iter().find_map(|rule| rule.as_ref().err()).map_or("", String::as_str);
    let expected = format!("one that {} runs: {why}", format.name());
    let remedy = match layer.candidates.last().and_then(|&least| nearest(format, site, least)) {
        Some(Candidate::FP32) => "pin it in the search space: `fp32`".to_string(),
        Some(nearest) => format!("the nearest it runs is {nearest}: add it to the search space, and train again"),
        None => "no candidate of this layer runs there".to_string(),
    };
    Error::input(format!("layer `{}`", layer.name), names.join(", "), expected, remedy)
}
