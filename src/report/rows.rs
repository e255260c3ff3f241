//! The numbers of a report, computed once; the renderings only format.

use serde::Serialize;

use crate::plan::{Plan, PlanBudget, Status};
use crate::report::AccuracyTable;
use crate::scheme::Scheme;
use crate::sensitivity::SensitivityReport;
use crate::space::Space;

/// Parts of the plan's totals, in `0..=1`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shares {
    /// Of the bit operations.
    pub bitops: f64,
    /// Of the weight bytes.
    pub weight_bytes: f64,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerRow {
    /// Its name.
    pub name: String,
    /// Weights.
    pub parameters: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// `t̄`, average Hessian trace.
    pub average_trace: f64,
    /// Its standard error.
    pub stderr: f64,
    /// Candidate in each plan, in the order of [`Report::plans`].
    pub candidates: Vec<String>,
    /// Whether the search space pins it.
    pub pinned: bool,
    /// Shares of the first plan's totals.
    pub shares: Shares,
}

/// One plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanRow {
    /// Its name.
    pub name: String,
    /// How far it is proved.
    pub status: Status,
    /// Sum of sensitivities.
    pub objective: f64,
    /// Proved relative distance from the best.
    pub gap: f64,
    /// Its budgets.
    pub budgets: Vec<PlanBudget>,
    /// Mean bits of a weight.
    pub mean_weight_bits: f64,
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Name of the search space.
    pub name: String,
    /// Name of the network.
    pub network: String,
    /// Seed.
    pub seed: u64,
    /// How ties are rounded.
    pub rounding: String,
    /// Images and probes that the traces were estimated with.
    pub images: u64,
    /// Hutchinson probes.
    pub probes: u64,
    /// Largest standard error relative to its layer's trace.
    pub worst_relative_error: f64,
    /// The layers.
    pub layers: Vec<LayerRow>,
    /// The plans.
    pub plans: Vec<PlanRow>,
    /// The accuracies.
    pub accuracies: AccuracyTable,
    /// Remarks.
    pub warnings: Vec<String>,
}

impl Report {
    /// Collects the numbers of a run. `plans` are named; the first one's shares are shown.
    pub fn new(
        space: &Space,
        scheme: &Scheme,
        network: &str,
        sensitivity: &SensitivityReport,
        plans: &[(String, Plan)],
        accuracies: AccuracyTable,
    ) -> Self {
        let total = |l: &[crate::plan::PlanLayer], cost: &str| l.iter().filter_map(|l| l.cost.get(cost)).sum::<f64>();
        let share = |l: usize, cost: &str| {
            plans.first().map_or(0.0, |(_, plan)| {
                plan.layers[l].cost.get(cost).copied().unwrap_or(0.0) / total(&plan.layers, cost)
            })
        };
        let layer = |(l, layer): (usize, &crate::scheme::LayerScheme)| {
            let measured = &sensitivity.layers[l];
            LayerRow {
                name: layer.name.clone(),
                parameters: layer.cost.parameters,
                macs: layer.cost.macs,
                average_trace: measured.average_trace,
                stderr: measured.trace.stderr / layer.cost.parameters as f64,
                candidates: plans.iter().map(|(_, plan)| plan.layers[l].candidate.clone()).collect(),
                pinned: layer.pinned,
                shares: Shares { bitops: share(l, "bitops"), weight_bytes: share(l, "weight_bytes") },
            }
        };
        let plan_row = |(name, plan): &(String, Plan)| PlanRow {
            name: name.clone(),
            status: plan.status,
            objective: plan.objective,
            gap: plan.gap,
            budgets: plan.budgets.clone(),
            mean_weight_bits: total(&plan.layers, "avg_weight_bits"),
        };
        Self {
            name: space.name.clone(),
            network: network.into(),
            seed: space.seed,
            rounding: space.quantizer.rounding.name().into(),
            images: sensitivity.images,
            probes: sensitivity.probes,
            worst_relative_error: sensitivity.worst_relative_error,
            layers: scheme.layers.iter().enumerate().map(layer).collect(),
            plans: plans.iter().map(plan_row).collect(),
            accuracies,
            warnings: sensitivity.warnings.clone(),
        }
    }

    /// Heading and cells of the layer table.
    pub(super) fn layer_cells(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let mut heading: Vec<String> = ["layer", "weights", "MACs", "mean Hessian trace"].map(String::from).to_vec();
        heading.extend(self.plans.iter().map(|p| p.name.clone()));
        heading.extend(["BitOPs share".to_string(), "bytes share".to_string()]);
        let row = |l: &LayerRow| {
            let mut cells = vec![
                l.name.clone(),
                l.parameters.to_string(),
                l.macs.to_string(),
                format!("{:.2e} ± {:.0e}", l.average_trace, l.stderr),
            ];
            cells.extend(l.candidates.iter().map(|c| if l.pinned { format!("{c} (pinned)") } else { c.clone() }));
            cells.push(format!("{:.1} %", 100.0 * l.shares.bitops));
            cells.push(format!("{:.1} %", 100.0 * l.shares.weight_bytes));
            cells
        };
        (heading, self.layers.iter().map(row).collect())
    }

    /// Heading and cells of the accuracy table.
    pub(super) fn accuracy_cells(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let heading = ["network", "accuracy", "loss", "BitOPs", "weights"].map(String::from).to_vec();
        let row = |r: &crate::report::AccuracyRow| {
            let name = match r.kind {
                crate::report::Kind::Fp32 => "FP32".to_string(),
                crate::report::Kind::Uniform => format!("uniform {}", r.name),
                crate::report::Kind::Plan => format!("plan {}", r.name),
            };
            vec![
                name,
                format!("{:.2} %", r.accuracy()),
                format!("{:.4}", r.evaluation.loss),
                giga(r.bitops as f64),
                kibi(r.weight_bytes as f64),
            ]
        };
        (heading, self.accuracies.rows.iter().map(row).collect())
    }

    /// Heading and cells of the budget table.
    pub(super) fn budget_cells(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let heading = ["plan", "status", "budget", "limit", "used", "mean weight bits"].map(String::from).to_vec();
        let rows = self.plans.iter().flat_map(|plan| {
            plan.budgets.iter().map(|b| {
                let show = |value: f64| match b.name.as_str() {
                    "bitops" => giga(value),
                    "weight_bytes" => kibi(value),
                    _ => format!("{value:.3}"),
                };
                let status = match plan.status {
                    Status::Optimal => "optimal, proved".to_string(),
                    _ => format!("within {:.2e} of the best", plan.gap),
                };
                let bits = format!("{:.2}", plan.mean_weight_bits);
                let used = format!("{} ({:.1} %)", show(b.used), 100.0 * b.used / b.limit);
                vec![plan.name.clone(), status, b.name.clone(), show(b.limit), used, bits]
            })
        });
        (heading, rows.collect())
    }

    /// The lines in front of the tables.
    pub(super) fn preamble(&self) -> Vec<String> {
        vec![
            format!("network {}, seed {}, rounding {}", self.network, self.seed, self.rounding),
            format!(
                "Hessian traces: {} images, {} probes, standard error at most {:.1} % of a trace",
                self.images,
                self.probes,
                100.0 * self.worst_relative_error
            ),
            "Accuracies are on held-out images, without retraining; plans run from their packed integer weights."
                .into(),
        ]
    }
}

fn giga(bitops: f64) -> String {
    format!("{:.3} G", bitops / 1e9)
}

fn kibi(bytes: f64) -> String {
    format!("{:.1} KiB", bytes / 1024.0)
}
