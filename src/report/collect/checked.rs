//! What of the findings fits the facts of the run: a folder may be damaged, or hold files of other settings.
//!
//! Everything after this file may index layers, and candidates of uniform precisions, by the facts.

use std::collections::BTreeSet;

use crate::plan::{Front, Plan, Relief};
use crate::report::collect::{Facts, Findings, UniformFacts};
use crate::report::{AccuracyRow, AccuracyTable, Kind, Memory};
use crate::sensitivity::SensitivityReport;
use crate::supernet::{EpochRecord, Paired};
use crate::table::PlanningTable;

/// The findings that fit.
#[derive(Debug)]
pub(super) struct Checked<'a> {
    pub facts: &'a Facts,
    pub sensitivity: Option<&'a SensitivityReport>,
    pub table: Option<&'a PlanningTable>,
    pub plans: Vec<(&'a str, &'a Plan)>,
    pub fronts: Vec<&'a Front>,
    pub memory: Option<Memory>,
    pub accuracies: Option<&'a AccuracyTable>,
    pub uniforms: Vec<&'a UniformFacts>,
    pub groups: Vec<Vec<usize>>,
    pub done: &'a BTreeSet<String>,
    pub(super) found: &'a Findings,
}

impl<'a> Checked<'a> {
    /// What fits, and remarks on what does not.
    pub fn new(found: &'a Findings) -> (Self, Vec<String>) {
        let facts = &found.facts;
        let mut damage = Vec::new();
        let mut keep = |fits: bool, what: &str| {
            if !fits {
                damage.push(format!("{what} of other settings, or damaged: left out of this report."));
            }
            fits
        };
        let uniforms: Vec<&UniformFacts> = facts.uniforms.iter().filter(|u| is_configuration(facts, u)).collect();
        keep(uniforms.len() == facts.uniforms.len(), "Uniform precisions");
        let groups = facts.groups.iter().filter(|g| g.iter().all(|&l| l < facts.layers.len()));
        let groups: Vec<Vec<usize>> = groups.cloned().collect();
        keep(groups.len() == facts.groups.len(), "Groups of layers");
        let sensitivity = found.sensitivity.as_ref();
        let sensitivity = sensitivity.filter(|s| keep(sensitivities_fit(facts, s), "Sensitivities"));
        let table = found.table.as_ref();
        let table = table.filter(|t| {
            let names = t.layers().iter().map(|l| &l.name);
            let costs = ["bitops", "weight_bytes"].iter().all(|c| t.cost_names().iter().any(|n| n == c));
            keep(names.eq(facts.layers.iter().map(|l| &l.name)) && costs, "A planning table")
        });
        let mut plans = Vec::new();
        for (name, plan) in &found.plans {
            if keep(plan_fits(facts, plan), &format!("Plan {}", super::words::short(name))) {
                plans.push((name.as_str(), plan));
            }
        }
        let front_fits = |f: &&Front| keep(front_fits(facts, f), "A front");
        let fronts = found.fronts.iter().filter(front_fits).collect();
        let memory = found.memory.clone().map(|mut memory| {
            let (all, nodes) = (memory.profiles.len(), memory.nodes.len());
            memory
                .profiles
                .retain(|p| p.bytes.len() == nodes && p.peak < nodes && p.live.iter().all(|&node| node < nodes));
            keep(memory.profiles.len() == all, "Activation memory");
            memory
        });
        let accuracies = found.accuracies.as_ref().filter(|a| {
            let rows = a.rows.iter().map(|r| &r.evaluation);
            keep(rows.clone().all(|e| e.loss.is_finite() && e.correct <= e.counted()), "Accuracies")
        });
        let bases = uniforms.len();
        for (name, networks) in [("fp32", 1), ("multi_precision", bases), ("supernet", bases)] {
            let epochs = found.histories.get(name).map_or(&[][..], |h| h);
            keep(intact(epochs, networks).len() == epochs.len(), &format!("Epochs of the phase {name}"));
        }
        let done = &found.done;
        let memory = memory.filter(|m| !m.profiles.is_empty());
        let checked =
            Self { facts, sensitivity, table, plans, fronts, memory, accuracies, uniforms, groups, done, found };
        (checked, damage)
    }

    /// The epochs of a phase; none if it has not begun.
    pub fn epochs(&self, phase: &str) -> Option<&'a [EpochRecord]> {
        let networks = if phase == "fp32" { 1 } else { self.uniforms.len() };
        self.found.histories.get(phase).map(|epochs| intact(epochs, networks))
    }

    /// Id of the candidate of each layer in a uniform precision.
    pub fn uniform_ids(&self, uniform: &UniformFacts) -> Vec<String> {
        let chosen = self.facts.layers.iter().zip(&uniform.configuration);
        chosen.filter_map(|(layer, &c)| Some(layer.candidates.get(c)?.candidate.to_string())).collect()
    }

    /// Sum over the layers of what the table says of these candidates; none if it lacks one.
    pub fn total(&self, ids: &[String], value: impl Fn(&crate::table::Candidate) -> Option<f64>) -> Option<f64> {
        let layers = self.table?.layers();
        let chosen = layers.iter().zip(ids).map(|(layer, id)| value(layer.candidates.get(layer.candidate(id)?)?));
        let values = chosen.collect::<Option<Vec<f64>>>().filter(|v| v.len() == layers.len())?;
        Some(crate::numeric::sum(values.into_iter()))
    }

    /// Sum of one cost over the layers; none if the table lacks it.
    pub fn total_cost(&self, ids: &[String], cost: &str) -> Option<f64> {
        let column = self.table?.cost_names().iter().position(|n| n == cost)?;
        self.total(ids, |c| c.cost.get(column).copied())
    }
}

impl<'a> Checked<'a> {
    /// What was measured of a network, and its place among the rows.
    pub fn accuracy(&self, kind: Kind, name: &str) -> Option<(usize, &'a AccuracyRow)> {
        let mut rows = self.accuracies?.rows.iter().enumerate();
        rows.find(|(_, r)| r.kind == kind && (r.name == name || kind == Kind::Fp32))
    }

    /// Results of one network minus those of another, on the same samples; none of a network and itself.
    pub fn change(&self, (kind, name): (Kind, &str), other: (Kind, &str)) -> Option<Paired> {
        let ((own, row), (above, other)) = (self.accuracy(kind, name)?, self.accuracy(other.0, other.1)?);
        let change = if own > above {
            *row.minus.get(above)?
        } else {
            let Paired { accuracy, accuracy_stderr, loss, loss_stderr } = *other.minus.get(own)?;
            Paired { accuracy: -accuracy, accuracy_stderr, loss: -loss, loss_stderr }
        };
        let errors = [change.accuracy_stderr, change.loss_stderr];
        (change.accuracy.is_finite() && change.loss.is_finite() && errors.iter().flatten().all(|e| e.is_finite()))
            .then_some(change)
    }
}

fn is_configuration(facts: &Facts, uniform: &UniformFacts) -> bool {
    let mut chosen = facts.layers.iter().zip(&uniform.configuration);
    uniform.configuration.len() == facts.layers.len() && chosen.all(|(layer, &c)| c < layer.candidates.len())
}

fn sensitivities_fit(facts: &Facts, sensitivity: &SensitivityReport) -> bool {
    let finite = |l: &crate::sensitivity::LayerSensitivity| {
        l.average_trace.is_finite() && l.candidates.iter().all(|c| c.sensitivity.is_finite())
    };
    let names = sensitivity.layers.iter().map(|l| &l.name);
    names.eq(facts.layers.iter().map(|l| &l.name)) && sensitivity.layers.iter().all(finite)
}

fn plan_fits(facts: &Facts, plan: &Plan) -> bool {
    let layer = |l: &crate::plan::PlanLayer| l.sensitivity.is_finite() && l.cost.values().all(|c| c.is_finite());
    let finite = |relief: &Option<Relief>| relief.is_none_or(|r| r.objective.is_finite() && r.gain.is_finite());
    let budget = |b: &crate::plan::PlanBudget| {
        [b.limit, b.used, b.shadow_price].iter().all(|v| v.is_finite()) && finite(&b.without) && finite(&b.higher)
    };
    plan.layers.iter().map(|l| &l.name).eq(facts.layers.iter().map(|l| &l.name))
        && [plan.objective, plan.bound, plan.gap].iter().all(|v| v.is_finite())
        && plan.layers.iter().all(layer)
        && plan.budgets.iter().all(budget)
        && finite(&plan.unlimited)
}

fn front_fits(facts: &Facts, front: &Front) -> bool {
    let layers = facts.layers.len();
    let point =
        |p: &crate::plan::FrontPoint| p.layers.len() == layers && p.limit_used.is_finite() && p.objective.is_finite();
    front.layer_names.iter().eq(facts.layers.iter().map(|l| &l.name)) && front.points.iter().all(point)
}

/// The epochs up to the first that has not one finite loss and accuracy for each network.
fn intact(epochs: &[EpochRecord], networks: usize) -> &[EpochRecord] {
    let whole = |e: &EpochRecord| {
        let finite = |values: &[f64]| values.len() == networks && values.iter().all(|v| v.is_finite());
        finite(&e.loss) && finite(&e.accuracy)
    };
    let end = epochs.iter().position(|e| !whole(e)).unwrap_or(epochs.len());
    &epochs[..end]
}
