//! Small reports for the tests of the renderings: a complete one, one of a run that has just begun, one with hostile
//! names.

use std::collections::BTreeMap;

use super::*;
use crate::plan::{Relief, Status};
use crate::supernet::Paired;

#[path = "hostile_fixture.rs"]
mod hostile_fixture;
pub(crate) use hostile_fixture::{HOSTILE, hostile};

const IDS: [&str; 3] = ["w8a8", "w4a4", "w2a2"];
const BITS: [u32; 3] = [8, 4, 2];

/// Name, weights, multiply-accumulates, average trace.
const LAYERS: [(&str, u64, u64, f64); 5] = [
    ("stem", 432, 442_368, 0.40),
    ("block1.conv1", 2_304, 2_359_296, 0.05),
    ("block1.conv2", 2_304, 2_359_296, 0.02),
    ("block1.shortcut", 512, 131_072, 0.01),
    ("fc", 640, 640, 0.30),
];

/// What the plans choose, as indices into [`IDS`]; layer 0 is pinned, layers 1 and 2 are a group.
const PLANS: [(&str, [usize; 5]); 2] = [("plan", [0, 1, 1, 2, 0]), ("small", [0, 2, 2, 2, 1])];

/// The front of the bit operations, cheapest first.
const FRONT: [[usize; 5]; 6] =
    [[0, 2, 2, 2, 2], [0, 2, 2, 2, 0], [0, 1, 1, 2, 0], [0, 1, 1, 1, 0], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]];

/// Everything that a report can have, of five layers with three candidates.
pub(crate) fn report() -> Report {
    Report {
        format: REPORT_FORMAT.into(),
        name: "small".into(),
        network: "tiny".into(),
        objective: Some("hessian".into()),
        samples: Samples { noun: "images".into(), training: 4_000, held_out: 1_000, language: false },
        stages: stages(6, (5, 5)),
        decisions: vec!["`plan` keeps bitops within 60.0 M: 88.1 % right, FP32 90.2 %.".into()],
        settings: vec![Setting {
            topic: "traces".into(),
            text: "Sensitivities: Gauss-Newton traces of 16 images, 4 probes.".into(),
        }],
        layers: (0..LAYERS.len()).map(layer).collect(),
        groups: vec![vec![1, 2]],
        plans: PLANS.iter().map(|(name, choice)| plan(name, choice)).collect(),
        networks: networks(),
        fronts: vec![front()],
        training: vec![
            phase("fp32", "FP32 training", &["fp32"], false),
            phase("multi_precision", "Multi-precision training", &IDS, true),
            phase("mixed_precision", "Mixed-precision training", &IDS, true),
        ],
        draws: Some(draws()),
        agreement: Some(agreement()),
        memory: Some(memory()),
        provenance: Provenance {
            version: "0.1.0".into(),
            seed: 7,
            inputs: BTreeMap::from([
                ("search space".into(), "5e".repeat(16)),
                ("training data".into(), "a1".repeat(16)),
            ]),
            files: BTreeMap::from([("plan.json".into(), "0c".repeat(16)), ("table.json".into(), "3f".repeat(16))]),
        },
        machine: None,
        remarks: vec!["The trace of layer `block1.shortcut` is below its standard error.".into()],
    }
}

/// Nothing but two of five epochs of FP32 training.
pub(crate) fn partial() -> Report {
    let mut report = report();
    report.stages = stages(0, (2, 5));
    report.decisions = vec!["No plan yet: FP32 training is at epoch 2 of 5.".into()];
    for layer in &mut report.layers {
        (layer.average_trace, layer.trace_stderr) = (None, None);
        for candidate in &mut layer.candidates {
            (candidate.sensitivity, candidate.stderr) = (None, None);
        }
    }
    report.plans.clear();
    report.networks.retain(|row| row.kind != Kind::Plan);
    for row in &mut report.networks {
        (row.objective, row.accuracy, row.accuracy_stderr, row.loss) = (None, None, None, None);
    }
    report.fronts.clear();
    report.training.truncate(1);
    for phase in &mut report.training {
        phase.planned = 5;
        phase.epochs.truncate(2);
    }
    (report.draws, report.agreement, report.memory) = (None, None, None);
    report.provenance.files.clear();
    report.remarks.clear();
    report
}

fn bitops(layer: usize, candidate: usize) -> f64 {
    (LAYERS[layer].2 * u64::from(BITS[candidate].pow(2))) as f64
}

fn bytes(layer: usize, candidate: usize) -> f64 {
    (LAYERS[layer].1 * u64::from(BITS[candidate]) / 8 + 64) as f64
}

fn sensitivity(layer: usize, candidate: usize) -> f64 {
    LAYERS[layer].3 * LAYERS[layer].1 as f64 * [1e-5, 2.5e-3, 4e-2][candidate]
}

fn sum(choice: &[usize; 5], value: fn(usize, usize) -> f64) -> f64 {
    choice.iter().enumerate().map(|(layer, &candidate)| value(layer, candidate)).sum()
}

fn stages(done: usize, fp32: (u64, u64)) -> Vec<StageRow> {
    let rows = [
        ("fp32", "FP32 training", Some(fp32)),
        ("sensitivity", "Sensitivities", None),
        ("plans", "Plans", None),
        ("multi_precision", "Multi-precision training", Some((if done > 3 { 3 } else { 0 }, 3))),
        ("supernet", "Mixed-precision training", Some((if done > 4 { 3 } else { 0 }, 3))),
        ("evaluation", "Evaluation", None),
    ];
    let state = |index: usize| match (index < done, index) {
        (true, _) => StageState::Done,
        (false, 0) => StageState::Begun,
        (false, _) => StageState::Waiting,
    };
    rows.into_iter()
        .enumerate()
        .map(|(index, (name, title, epochs))| StageRow {
            name: name.into(),
            title: title.into(),
            state: state(index),
            epochs,
        })
        .collect()
}

fn layer(index: usize) -> LayerRow {
    let (name, parameters, macs, average_trace) = LAYERS[index];
    let candidate = |candidate: usize| CandidateRow {
        id: IDS[candidate].into(),
        weight_bits: BITS[candidate],
        activation_bits: BITS[candidate],
        sensitivity: Some(sensitivity(index, candidate)),
        stderr: Some(0.1 * sensitivity(index, candidate)),
        bitops: bitops(index, candidate),
        weight_bytes: bytes(index, candidate),
    };
    LayerRow {
        name: name.into(),
        parameters,
        macs,
        pinned: (index == 0).then(|| "w8a8".into()),
        group: (index == 1 || index == 2).then_some(0),
        average_trace: Some(average_trace),
        trace_stderr: Some(if index == 3 { 0.02 } else { 0.1 * average_trace }),
        candidates: (0..IDS.len()).map(candidate).collect(),
    }
}

fn plan(name: &str, choice: &[usize; 5]) -> PlanRow {
    let choices = choice.iter().enumerate().map(|(layer, &candidate)| Choice {
        candidate: IDS[candidate].into(),
        weight_bits: BITS[candidate],
        activation_bits: BITS[candidate],
        sensitivity: sensitivity(layer, candidate),
        stderr: Some(0.1 * sensitivity(layer, candidate)),
        cost: BTreeMap::from([
            ("bitops".into(), bitops(layer, candidate)),
            ("weight_bytes".into(), bytes(layer, candidate)),
        ]),
        stays: Some(if layer == 3 { 0.7 } else { 1.0 }),
        shares: match layer {
            3 => BTreeMap::from([("w4a4".into(), 0.3), ("w2a2".into(), 0.7)]),
            _ => BTreeMap::from([(IDS[candidate].into(), 1.0)]),
        },
    });
    let objective = sum(choice, sensitivity);
    let relief = |part: f64| Relief { objective: (1.0 - part) * objective, gain: part * objective, proved: true };
    let budget = |name: &str, used: f64, limit: f64, binds: bool| BudgetRow {
        name: name.into(),
        limit,
        used,
        binds: Some(binds),
        without: Some(relief(if binds { 0.2 } else { 0.0 })),
        higher: Some(relief(if binds { 0.01 } else { 0.0 })),
        shadow_price: if binds { 2e-8 } else { 0.0 },
    };
    let (operations, size) = (sum(choice, bitops), sum(choice, bytes));
    let weights: u64 = LAYERS.iter().map(|layer| layer.1).sum();
    let bits: u64 = LAYERS.iter().zip(choice).map(|(layer, &of)| layer.1 * u64::from(BITS[of])).sum();
    PlanRow {
        name: name.into(),
        status: if name == "plan" { Status::Optimal } else { Status::Feasible },
        objective,
        bound: if name == "plan" { objective } else { 0.99 * objective },
        gap: if name == "plan" { 0.0 } else { 0.01 },
        budgets: vec![
            budget("bitops", operations, operations + 1e6, true),
            budget("weight_bytes", size, size + 900.0, false),
        ],
        unlimited: Some(relief(0.2)),
        mean_weight_bits: bits as f64 / weights as f64,
        choices: choices.collect(),
        bindings: vec![
            BindingRow { layers: vec!["stem".into()], candidate: Some("w8a8".into()), cost: 0.0, proved: true },
            BindingRow {
                layers: vec!["block1.conv1".into(), "block1.conv2".into()],
                candidate: None,
                cost: 0.013,
                proved: false,
            },
        ],
        stability: Some(StabilityRow { draws: 200, same_plan: 0.7, regret_mean: 0.004, regret_max: 0.05 }),
        notes: vec!["The best uniform precision within the same limits is w4a4.".into()],
    }
}

fn networks() -> Vec<NetworkRow> {
    let row = |name: &str, kind: Kind, choice: Option<&[usize; 5]>, accuracy: f64| NetworkRow {
        name: name.into(),
        kind,
        bitops: choice.map_or_else(
            || LAYERS.iter().map(|layer| layer.2 * 1024).sum::<u64>() as f64,
            |choice| sum(choice, bitops),
        ),
        weight_bytes: choice
            .map_or_else(|| LAYERS.iter().map(|layer| layer.1 * 4).sum::<u64>() as f64, |choice| sum(choice, bytes)),
        objective: choice.map(|choice| sum(choice, sensitivity)),
        accuracy: Some(accuracy),
        accuracy_stderr: Some((accuracy * (1.0 - accuracy) / 1000.0).sqrt()),
        loss: Some(-accuracy.ln() * 3.0),
        perplexity: None,
        perplexity_stderr: None,
        change: choice.map(|_| Paired {
            accuracy: accuracy - 0.902,
            accuracy_stderr: Some(0.004),
            loss: 0.01,
            loss_stderr: Some(0.002),
        }),
    };
    vec![
        row("fp32", Kind::Fp32, None, 0.902),
        row("w8a8", Kind::Uniform, Some(&[0, 0, 0, 0, 0]), 0.901),
        row("w4a4", Kind::Uniform, Some(&[0, 1, 1, 1, 1]), 0.880),
        row("w2a2", Kind::Uniform, Some(&[0, 2, 2, 2, 2]), 0.615),
        row("plan", Kind::Plan, Some(&PLANS[0].1), 0.881),
        row("small", Kind::Plan, Some(&PLANS[1].1), 0.702),
    ]
}

fn front() -> FrontSection {
    let point = |layers: &[usize; 5]| FrontRow {
        cost: sum(layers, bitops),
        objective: sum(layers, sensitivity),
        supported: Some(*layers != FRONT[4]),
        proved: true,
        layers: layers.iter().map(|&candidate| candidate as u32).collect(),
    };
    let landmark = |row: NetworkRow| Landmark {
        kind: if row.kind == Kind::Plan { LandmarkKind::Plan } else { LandmarkKind::Uniform },
        cost: row.bitops,
        objective: row.objective.unwrap_or_default(),
        limit: (row.kind == Kind::Plan).then_some(row.bitops + 1e6),
        accuracy: row.accuracy,
        accuracy_stderr: row.accuracy_stderr,
        perplexity: None,
        perplexity_stderr: None,
        name: row.name,
    };
    FrontSection {
        limits: None,
        cost: "bitops".into(),
        whole: true,
        candidates: IDS.map(String::from).to_vec(),
        points: FRONT.iter().map(point).collect(),
        landmarks: networks().into_iter().filter(|row| row.kind != Kind::Fp32).map(landmark).collect(),
    }
}

fn phase(name: &str, title: &str, networks: &[&str], scales: bool) -> Phase {
    let epoch = |epoch: usize| EpochRow {
        loss: (0..networks.len()).map(|network| (1.2 + 0.4 * network as f64) / (epoch + 1) as f64).collect(),
        accuracy: (0..networks.len()).map(|network| 0.9 - 0.1 * network as f64 - 0.3 / (epoch + 1) as f64).collect(),
    };
    let drift = |layer: usize, epoch: usize| 0.02 * (1.0 + (layer as f64 - 2.0) * 0.1 * epoch as f64);
    let trajectory = |layer: usize| ScaleTrajectory {
        layer,
        weight: (0..3).map(|epoch| drift(layer, epoch)).collect(),
        activations: if layer == 0 { &BITS[..1] } else { &BITS[..] }
            .iter()
            .map(|&bits| (bits, (0..3).map(|epoch| 2.0 / f64::from(bits) * drift(layer, epoch)).collect()))
            .collect(),
    };
    Phase {
        name: name.into(),
        title: title.into(),
        planned: 3,
        networks: networks.iter().map(ToString::to_string).collect(),
        epochs: (0..3).map(epoch).collect(),
        scales: if scales { (0..LAYERS.len()).map(trajectory).collect() } else { Vec::new() },
    }
}

fn draws() -> Draws {
    let count =
        |(candidate, drawn, intended): (&str, u64, f64)| DrawCount { candidate: candidate.into(), drawn, intended };
    let layer = |layer: usize| DrawLayer {
        layer,
        candidates: [("w8a8", 118 + layer as u64, 120.5), ("w4a4", 131, 128.5), ("w2a2", 131 - layer as u64, 131.0)]
            .map(count)
            .to_vec(),
        p_value: (layer != 4).then_some(0.9 - 0.2 * layer as f64),
    };
    Draws { strategy: "hasb".into(), sigma: 0.5, layers: (1..LAYERS.len()).map(layer).collect() }
}

fn agreement() -> Agreement {
    let point = |(layer, candidate): (usize, usize)| AgreementPoint {
        layer,
        candidate: IDS[candidate].into(),
        predicted: sensitivity(layer, candidate) / 2.0,
        measured: if candidate == 0 { -1e-5 * layer as f64 } else { sensitivity(layer, candidate) * 0.4 },
        stderr: 2e-5 + 0.05 * sensitivity(layer, candidate),
    };
    let rank = |candidate: Option<&str>, count: u64| RankRow {
        candidate: candidate.map(String::from),
        count,
        spearman: Some(0.93),
        kendall: Some(0.81),
    };
    let joint = |candidate: usize| JointRow {
        not_additive: Some(0.05),
        not_additive_stderr: Some(0.02),
        candidate: IDS[candidate].into(),
        measured: 0.5 * sum(&[candidate; 5], sensitivity),
        stderr: 0.002,
        sum: 0.4 * sum(&[candidate; 5], sensitivity),
        sum_stderr: 0.003,
    };
    Agreement {
        note: "These are the quantisers of the networks of the run, which are not trained.".into(),
        samples: 1_000,
        base: 0.31,
        base_stderr: 0.012,
        points: (0..LAYERS.len()).flat_map(|layer| (0..IDS.len()).map(move |of| (layer, of))).map(point).collect(),
        ranks: vec![rank(None, 15), rank(Some("w8a8"), 5), rank(Some("w4a4"), 5), rank(Some("w2a2"), 5)],
        joint: (0..IDS.len()).map(joint).collect(),
    }
}

fn memory() -> Memory {
    let profile = |network: &str, divisor: u64| MemoryProfile {
        network: network.into(),
        bytes: [12_288, 65_536, 131_072, 196_608, 98_304, 4_136].map(|bytes: u64| bytes / divisor).to_vec(),
        peak: 3,
        live: vec![1, 2, 3],
    };
    Memory {
        nodes: ["input", "stem", "block1.conv1", "block1.conv2", "pool", "fc"].map(String::from).to_vec(),
        profiles: vec![profile("fp32", 1), profile("plan", 4), profile("small", 8)],
    }
}
