//! `check`: everything that can be wrong is found before anything expensive.

use serde::Serialize;

use crate::cli::args::CheckArgs;
use crate::cli::graph_text::{groups_text, memory_text};
use crate::cli::run::read_space;
use crate::cli::{Global, output};
use crate::error::Result;
use crate::graph::liveness::{Liveness, float_bits, quantized_bits};
use crate::graph::{LayerGroup, groups};
use crate::run::{Outline, Study};
use crate::space::BudgetName;
use crate::table::Budget;

#[derive(Serialize)]
struct Checked {
    format: &'static str,
    name: String,
    train_images: usize,
    test_images: usize,
    #[serde(skip)]
    samples: &'static str,
    layers: Vec<CheckedLayer>,
    /// Weights of a row that share a scale, if not all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    group_size: Option<usize>,
    /// Layers that take the same candidate.
    groups: Vec<Vec<String>>,
    /// Which of them rules found, and why.
    found_groups: Vec<LayerGroup>,
    /// Peak bytes of the activations of one sample, in f32 and at each uniform precision.
    activation_bytes: Vec<(String, u64)>,
    budgets: Vec<BudgetRange>,
    plans: Vec<CheckedPlan>,
}

#[derive(Serialize)]
struct CheckedLayer {
    name: String,
    weight_shape: Vec<usize>,
    parameters: u64,
    macs: u64,
    /// Scales of its weights, where they are quantised.
    scales: u64,
    candidates: Vec<String>,
    pinned: bool,
}

#[derive(Serialize)]
struct BudgetRange {
    name: String,
    smallest: f64,
    largest: f64,
}

#[derive(Serialize)]
struct CheckedPlan {
    name: String,
    limits: Vec<(String, f64)>,
}

pub(super) fn check(args: &CheckArgs, global: &Global) -> Result<()> {
    let outline = Outline::new(read_space(&args.space, global)?)?.on(global.backend()?);
    let feasible = outline.check_budgets();
    let plans = outline.budgets()?;
    let ranges = outline.ranges()?;
    let study = Study::open(outline)?;
    let (scheme, graph) = (study.outline.scheme(), study.outline.net.network().graph());
    let found_groups = groups(graph, study.outline.space.search.rules());
    let memories = memories(&study.outline);
    let told = [groups_text(graph, &found_groups), memory_text(graph, &memories)];
    let checked = Checked {
        format: "bitplan.check/1",
        name: study.outline.space.name.clone(),
        train_images: study.train.len(),
        test_images: study.test.len(),
        samples: study.train.samples(),
        layers: scheme.layers.iter().map(layer).collect(),
        group_size: scheme.quantizer().group_size,
        groups: scheme.groups.iter().map(|g| g.iter().map(|&l| scheme.layers[l].name.clone()).collect()).collect(),
        found_groups,
        activation_bytes: memories.iter().map(|(name, memory)| (name.clone(), memory.peak_bytes())).collect(),
        budgets: ranges.into_iter().map(|(name, smallest, largest)| BudgetRange { name, smallest, largest }).collect(),
        plans: plans.into_iter().map(plan).collect(),
    };
    if feasible.is_ok() || !global.json {
        output::print(global, &checked, || text(&checked, &told, feasible.is_ok()))?;
    }
    feasible
}

/// Activation memory of one sample, in f32 and with every layer at one candidate.
fn memories(outline: &Outline) -> Vec<(String, Liveness)> {
    let (scheme, graph) = (outline.scheme(), outline.net.network().graph());
    let uniform = |candidate| {
        let configuration = scheme.uniform(candidate);
        let bits = |l: usize| u32::from(scheme.candidate(l, &configuration).activation_bits());
        let bits: Vec<u32> = (0..scheme.layers.len()).map(bits).collect();
        (scheme.uniform_name(candidate), Liveness::new(graph, &quantized_bits(graph, &bits)))
    };
    let float = ("f32".to_string(), Liveness::new(graph, &float_bits(graph)));
    std::iter::once(float).chain(scheme.bases().into_iter().map(uniform)).collect()
}

fn layer(l: &crate::scheme::LayerScheme) -> CheckedLayer {
    CheckedLayer {
        name: l.name.clone(),
        weight_shape: l.weight_shape.clone(),
        parameters: l.cost.parameters,
        macs: l.cost.macs,
        scales: l.cost.scales,
        candidates: l.candidates.iter().map(ToString::to_string).collect(),
        pinned: l.pinned,
    }
}

fn plan((name, budgets): (String, Vec<Budget>)) -> CheckedPlan {
    CheckedPlan { name, limits: budgets.into_iter().map(|b| (b.name, b.limit)).collect() }
}

/// A limit in the unit of its budget.
pub(super) fn show(name: &str, value: f64) -> String {
    match name {
        n if n == BudgetName::Bitops.name() => format!("{:.4} G", value / 1e9),
        n if [BudgetName::WeightBytes, BudgetName::ModelBytes].map(BudgetName::name).contains(&n) => {
            format!("{:.1} KiB", value / 1024.0)
        }
        _ => format!("{value:.4}"),
    }
}

/// `told`: the found groups, and the memory of activations.
fn text(checked: &Checked, [found, memory]: &[String; 2], feasible: bool) -> String {
    let mut lines = vec![
        format!(
            "{}: {} training and {} held-out {}",
            checked.name, checked.train_images, checked.test_images, checked.samples
        ),
        String::new(),
        format!("{:28} {:>16} {:>10} {:>12}  candidates", "layer", "weight", "weights", "MACs"),
    ];
    for l in &checked.layers {
        let shape = l.weight_shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
        let pinned = if l.pinned { " (pinned)" } else { "" };
        let candidates = l.candidates.join(" ");
        lines.push(format!("{:28} {shape:>16} {:>10} {:>12}  {candidates}{pinned}", l.name, l.parameters, l.macs));
    }
    let total = |of: fn(&CheckedLayer) -> u64| checked.layers.iter().map(of).sum::<u64>();
    lines.push(format!("{:28} {:>16} {:>10} {:>12}", "total", "", total(|l| l.parameters), total(|l| l.macs)));
    if let Some(size) = checked.group_size {
        lines.push(format!("\none scale for each {size} weights of a row, in convolutions for each output channel"));
    }
    if !found.is_empty() {
        lines.push(format!("\ngroups that rules found\n{found}"));
    }
    lines.extend(checked.groups.iter().map(|group| format!("\ntied to one candidate: {}", group.join(", "))));
    lines.push(format!("\npeak activation memory of one sample\n{memory}"));
    lines.push(format!("\n{:28} {:>16} {:>16}", "budget", "smallest", "largest"));
    lines.extend(
        checked
            .budgets
            .iter()
            .map(|b| format!("{:28} {:>16} {:>16}", b.name, show(&b.name, b.smallest), show(&b.name, b.largest))),
    );
    lines.push(format!("\n{:28} limits", "plan"));
    lines.extend(checked.plans.iter().map(|p| {
        let limits: Vec<String> = p.limits.iter().map(|(n, v)| format!("{n} {}", show(n, *v))).collect();
        format!("{:28} {}", p.name, limits.join(", "))
    }));
    if feasible {
        lines.push("\nall plans are feasible".into());
    }
    lines.join("\n")
}
