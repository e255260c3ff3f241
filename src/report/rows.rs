//! The numbers of a report, computed once; the renderings only format.

use serde::Serialize;

use crate::plan::{Plan, PlanBudget, Status};
use crate::report::{AccuracyRow, AccuracyTable, Kind};
use crate::scheme::Scheme;
use crate::sensitivity::SensitivityReport;
use crate::space::{Objective, Space};
use crate::supernet::Evaluation;

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
    /// Its standard error; a trace below it is not resolved and counts as the error.
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
    /// `bitplan.report/1`.
    pub format: String,
    /// Name of the search space.
    pub name: String,
    /// Name of the network.
    pub network: String,
    /// Seed.
    pub seed: u64,
    /// How ties are rounded.
    pub rounding: String,
    /// Images, or windows of a text, that the traces were estimated with.
    pub images: u64,
    /// Who estimated the traces.
    pub estimator: String,
    /// Draws from every batch of images.
    pub probes: u64,
    /// What the plans minimise.
    pub objective: Objective,
    /// Largest standard error relative to its layer's trace, if known.
    pub worst_relative_error: Option<f64>,
    /// The layers.
    pub layers: Vec<LayerRow>,
    /// The plans.
    pub plans: Vec<PlanRow>,
    /// The accuracies.
    pub accuracies: AccuracyTable,
    /// Training images, or windows of a text.
    pub train_images: u64,
    /// Epochs of FP32 (none if the weights were given), multi-precision and mixed-precision training.
    pub epochs: (Option<u64>, u64, u64),
    /// Remarks.
    pub warnings: Vec<String>,
}

/// Inputs of a report.
#[derive(Debug, Clone, Copy)]
pub struct Findings<'a> {
    /// The search space.
    pub space: &'a Space,
    /// The choices.
    pub scheme: &'a Scheme,
    /// Name of the network.
    pub network: &'a str,
    /// Whether its FP32 weights were given, not trained.
    pub given_weights: bool,
    /// Training images.
    pub train_images: usize,
    /// The sensitivities.
    pub sensitivity: &'a SensitivityReport,
    /// The plans, named; the first one's shares are shown.
    pub plans: &'a [(String, Plan)],
}

impl Report {
    /// Collects the numbers of a run.
    pub fn new(findings: Findings<'_>, accuracies: AccuracyTable) -> Self {
        let Findings { space, scheme, network, given_weights, train_images, sensitivity, plans } = findings;
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
                stderr: measured.trace.stderr.unwrap_or(0.0) / layer.cost.parameters as f64,
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
        let training = &space.training;
        let float_epochs = (!given_weights).then_some(training.fp32.epochs as u64);
        Self {
            format: "bitplan.report/1".into(),
            train_images: train_images as u64,
            epochs: (
                float_epochs,
                training.multi_precision.recipe.epochs as u64,
                training.mixed_precision.recipe.epochs as u64,
            ),
            name: space.name.clone(),
            network: network.into(),
            seed: space.seed,
            rounding: space.quantizer.rounding.name().into(),
            images: sensitivity.images,
            estimator: sensitivity.estimator.clone(),
            probes: sensitivity.probes,
            objective: sensitivity.objective,
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
                grouped(l.parameters),
                grouped(l.macs),
                if l.average_trace > l.stderr {
                    format!("{:.2e} ± {:.1e}", l.average_trace, l.stderr)
                } else {
                    format!("< {:.1e}", l.stderr)
                },
            ];
            cells.extend(l.candidates.iter().map(|c| if l.pinned { format!("{c} (pinned)") } else { c.clone() }));
            cells.push(format!("{:.1} %", 100.0 * l.shares.bitops));
            cells.push(format!("{:.1} %", 100.0 * l.shares.weight_bytes));
            cells
        };
        (heading, self.layers.iter().map(row).collect())
    }

    /// The evaluation of the FP32 network; its samples and predictions are those of all rows.
    fn evaluated(&self) -> Option<&Evaluation> {
        self.accuracies.rows.first().map(|row| &row.evaluation)
    }

    /// What a sample is.
    fn samples(&self) -> &'static str {
        match self.evaluated().and_then(|e| e.predictions) {
            Some(_) => "windows of text",
            None => "images",
        }
    }

    /// Heading and cells of the accuracy table: of language models with perplexities.
    pub(super) fn accuracy_cells(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let heading: &[&str] = match self.evaluated().and_then(|e| e.predictions) {
            Some(_) => &["network", "perplexity", "next-token accuracy", "loss", "BitOPs", "weights"],
            None => &["network", "accuracy", "loss", "BitOPs", "weights"],
        };
        let row = |r: &AccuracyRow| {
            let name = match r.kind {
                Kind::Fp32 => "FP32".to_string(),
                Kind::Uniform => format!("uniform {}", r.name),
                Kind::Plan => format!("plan {}", r.name),
            };
            let share = r.evaluation.accuracy();
            let error = (share * (1.0 - share) / r.evaluation.counted().max(1) as f64).sqrt();
            let perplexity = r.evaluation.perplexity().map(|perplexity| format!("{perplexity:.3}"));
            let rest = [
                format!("{:.2} ± {:.2} %", r.accuracy(), 100.0 * error),
                format!("{:.4}", r.evaluation.loss),
                giga(r.bitops as f64),
                kibi(r.weight_bytes as f64),
            ];
            [name].into_iter().chain(perplexity).chain(rest).collect()
        };
        (heading.iter().map(ToString::to_string).collect(), self.accuracies.rows.iter().map(row).collect())
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

    fn training(&self) -> String {
        let (float, multi, mixed) = self.epochs;
        let first = float.map_or_else(|| "FP32 was given".to_string(), |n| format!("FP32 was trained for {n} epochs"));
        format!(
            "{first} on {} {}, the SuperNet, starting from it, for {multi} (all precisions) and {mixed} (mixtures)",
            self.train_images,
            self.samples()
        )
    }

    /// Plans that turned out to be a uniform precision, for a remark below the tables.
    pub(super) fn remarks(&self) -> Vec<String> {
        let plans = self.accuracies.rows.iter().filter(|r| r.kind == Kind::Plan);
        let twin = |plan: &AccuracyRow| {
            let uniform = |r: &&AccuracyRow| {
                r.kind == Kind::Uniform && (r.bitops, r.weight_bytes) == (plan.bitops, plan.weight_bytes)
            };
            let same = self.accuracies.rows.iter().find(uniform)?;
            let equal = same.evaluation == plan.evaluation;
            equal.then(|| format!("note: plan {} is uniform {}", plan.name, same.name))
        };
        plans.filter_map(twin).chain(self.warnings.iter().map(|w| format!("warning: {w}"))).collect()
    }

    /// The lines in front of the tables.
    pub(super) fn preamble(&self) -> Vec<String> {
        vec![
            format!("network {}, seed {}, rounding {}", self.network, self.seed, self.rounding),
            format!(
                "Hessian traces ({}): {} {}, {} probes of each batch, standard error {} of a trace",
                self.estimator,
                self.images,
                self.samples(),
                self.probes,
                self.worst_relative_error.map_or("unknown".into(), |e| format!("at most {:.1} %", 100.0 * e))
            ),
            match self.objective {
                Objective::Hessian => {
                    "Sensitivity of a candidate: mean Hessian trace · squared change of the weights + what the quantised \
                     inputs do"
                }
                Objective::Linear => "Sensitivity of a candidate: − mean Hessian trace · weight bits",
                Objective::Measured => "Sensitivity of a candidate: 2 · measured increase of the loss",
            }
            .into(),
            format!(
                "Accuracies (± standard error) are on {} held-out {}{}. {}; no network was trained further by itself.",
                self.evaluated().map_or(0, |e| e.images),
                self.samples(),
                self.evaluated().and_then(|e| e.predictions).map_or(String::new(), |n| format!(", {n} predicted tokens")),
                self.training()
            ),
            "Plans run from their packed integer weights.".into(),
        ]
    }
}

fn giga(bitops: f64) -> String {
    if bitops < 1e8 { format!("{:.1} M", bitops / 1e6) } else { format!("{:.3} G", bitops / 1e9) }
}

/// Digits in groups of three.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut groups: Vec<&str> =
        digits.as_bytes().rchunks(3).map(|g| std::str::from_utf8(g).unwrap_or_default()).collect();
    groups.reverse();
    groups.join(" ")
}

fn kibi(bytes: f64) -> String {
    format!("{:.1} KiB", bytes / 1024.0)
}
