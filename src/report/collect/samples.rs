//! A run of four layers with three candidates, for tests: numbers that can be checked with paper.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::json;

use crate::plan::{
    Binding, BindingKind, Front, FrontPoint, LayerStability, Plan, PlanBudget, PlanLayer, SolverNote, Stability, Status,
};
use crate::report::collect::{CandidateFacts, Facts, Findings, LayerFacts, SamplingFacts, UniformFacts};
use crate::report::{AccuracyRow, AccuracyTable, Kind, Memory, MemoryProfile};
use crate::sampling::Strategy;
use crate::sensitivity::SensitivityReport;
use crate::supernet::{EpochRecord, LayerScales, Outcomes};
use crate::table::PlanningTable;

/// Name, weights, multiply-accumulates, mean trace, sensitivities of [`IDS`].
pub(super) const LAYERS: [(&str, u64, u64, f64, [f64; 3]); 4] = [
    ("stem", 100, 1000, 5.0, [0.01, 0.2, 1.0]),
    ("a", 200, 2000, 0.5, [0.001, 0.1, 2.0]),
    ("b", 200, 2000, 0.1, [0.002, 0.2, 3.0]),
    ("c", 400, 500, 0.2, [0.004, 0.04, 0.3]),
];
pub(super) const IDS: [&str; 3] = ["w8a8", "w4a4", "w2a2"];
const BITS: [u64; 3] = [8, 4, 2];

fn bitops(layer: usize, c: usize) -> u64 {
    LAYERS[layer].2 * BITS[c] * BITS[c]
}

fn bytes(layer: usize, c: usize) -> u64 {
    LAYERS[layer].1 * BITS[c] / 8 + 8
}

fn facts() -> Facts {
    let candidate = |l: usize, c: usize| CandidateFacts {
        candidate: IDS[c].parse().unwrap(),
        bitops: bitops(l, c),
        weight_bytes: bytes(l, c),
    };
    let layer = |l: usize| LayerFacts {
        name: LAYERS[l].0.into(),
        parameters: LAYERS[l].1,
        macs: LAYERS[l].2,
        candidates: (0..if l == 0 { 1 } else { 3 }).map(|c| candidate(l, c)).collect(),
        pinned: l == 0,
    };
    let uniform = |c: usize| UniformFacts { name: IDS[c].into(), configuration: vec![0, c, c, c] };
    Facts {
        format: "bitplan.facts/1".into(),
        version: "0.1.0".into(),
        name: "space".into(),
        network: "net".into(),
        samples: "images".into(),
        language: false,
        training_samples: 4000,
        held_out_samples: 1000,
        seed: 7,
        device: "cpu".into(),
        rounding: "half_even".into(),
        group_size: None,
        layers: (0..4).map(layer).collect(),
        groups: vec![vec![1, 2]],
        plans: vec!["half".into(), "small".into()],
        uniforms: (0..3).map(uniform).collect(),
        float_cost: (5500 * 1024, 3600),
        copied_parameters: 0,
        float_epochs: Some(2),
        multi_precision_epochs: 1,
        mixed_precision: SamplingFacts { epochs: 2, strategy: Strategy::Hasb, sigma: 0.5, warmup: 0 },
        inputs: BTreeMap::from([("search space".into(), "5e".into())]),
        notes: vec!["A note of the network.".into()],
    }
}

fn sensitivity() -> SensitivityReport {
    let estimate = |mean: f64| json!({ "mean": mean, "stderr": 0.1 * mean.abs() });
    let candidate = |l: usize, c: usize| {
        let (omega, id) = (LAYERS[l].4[c], IDS[c]);
        json!({ "candidate": id, "perturbation": 1.0, "input_error": 0.0, "predicted": 0.5 * omega,
                "sensitivity": omega, "stderr": 0.1 * omega })
    };
    let layer = |l: usize| {
        let (name, parameters, _, trace, _) = LAYERS[l];
        let trace = trace * parameters as f64;
        let known = json!({ "trace": trace, "stderr": 0.05 * trace, "probe_stderr": null, "data_stderr": null,
                            "half_width": null });
        let candidates: Vec<_> = (0..if l == 0 { 1 } else { 3 }).map(|c| candidate(l, c)).collect();
        json!({ "name": name, "parameters": parameters, "trace": known, "average_trace": LAYERS[l].3,
                "candidates": candidates })
    };
    let measured = |l: usize| {
        let of = |c: usize| {
            let omega = LAYERS[l].4[c];
            json!({ "candidate": IDS[c], "increase": 0.4 * omega, "stderr": 0.01, "predicted": 0.5 * omega })
        };
        let candidates: Vec<_> = (0..if l == 0 { 1 } else { 3 }).map(of).collect();
        json!({ "name": LAYERS[l].0, "candidates": candidates })
    };
    let rank =
        |candidate: Option<&str>| json!({ "candidate": candidate, "count": 10, "spearman": 1.0, "kendall": null });
    let value = json!({
        "format": "bitplan.sensitivity/1", "objective": "hessian", "estimator": "gauss_newton", "hessian": true,
        "scale": "three_sigma", "images": 1024, "probes": 2, "stop": { "relative_error": { "worst": 0.05 } },
        "worst_relative_error": 0.05, "layers": (0..4).map(layer).collect::<Vec<_>>(),
        "measured": { "format": "bitplan.measured/1", "scale": "three_sigma", "images": 500, "base": estimate(0.3),
            "layers": (0..4).map(measured).collect::<Vec<_>>(), "pairs": [],
            "joint": [{ "candidate": "w4a4", "increase": estimate(0.2), "sum": estimate(0.18), "not_additive": null }],
            "agreement": [rank(None), rank(Some("w4a4"))] },
        "warnings": ["b: the trace is not resolved"],
    });
    serde_json::from_value(value).unwrap()
}

fn table() -> PlanningTable {
    let candidate = |l: usize, c: usize| {
        json!({ "id": IDS[c], "weight_bits": BITS[c], "activation_bits": BITS[c], "sensitivity": LAYERS[l].4[c],
                "stderr": 0.1 * LAYERS[l].4[c],
                "cost": { "bitops": bitops(l, c) as f64, "weight_bytes": bytes(l, c) as f64 } })
    };
    let layer = |l: usize| {
        let candidates: Vec<_> = (0..3).map(|c| candidate(l, c)).collect();
        json!({ "name": LAYERS[l].0, "parameters": LAYERS[l].1, "candidates": candidates })
    };
    let value = json!({ "format": "bitplan.table/1", "name": "space", "layers": (0..4).map(layer).collect::<Vec<_>>(),
                        "groups": [["a", "b"]], "pins": { "stem": "w8a8" } });
    PlanningTable::parse(&value.to_string(), "table").unwrap()
}

/// A plan of these candidates; `budgets`: name, limit, shadow price.
pub(super) fn plan(choice: [usize; 4], budgets: &[(&str, f64, f64)]) -> Plan {
    let cost = |l: usize| {
        let costs = [("bitops", bitops(l, choice[l])), ("weight_bytes", bytes(l, choice[l]))];
        costs.map(|(name, value)| (name.to_string(), value as f64)).into()
    };
    let layers: Vec<PlanLayer> = (0..4)
        .map(|l| PlanLayer {
            name: LAYERS[l].0.into(),
            candidate: IDS[choice[l]].into(),
            weight_bits: Some(BITS[choice[l]] as u32),
            activation_bits: Some(BITS[choice[l]] as u32),
            sensitivity: LAYERS[l].4[choice[l]],
            cost: cost(l),
        })
        .collect();
    let budget = |&(name, limit, shadow_price): &(&str, f64, f64)| {
        let used: f64 = layers.iter().map(|l| l.cost[name]).sum();
        let slack = limit - used;
        PlanBudget { name: name.into(), limit, used, slack, shadow_price, without: None, higher: None }
    };
    let objective = layers.iter().map(|l| l.sensitivity).sum();
    Plan {
        format: "bitplan.plan/1".into(),
        status: Status::Optimal,
        objective,
        bound: objective,
        gap: 0.0,
        budgets: budgets.iter().map(budget).collect(),
        unlimited: None,
        layers,
        alternatives: Vec::new(),
        alternatives_proved: None,
        bindings: Vec::new(),
        stability: None,
        solver: SolverNote { name: "exact".into(), nodes: 1, seconds: None },
        provenance: crate::plan::Provenance::default(),
    }
}

fn half() -> Plan {
    let mut half = plan([0, 1, 1, 0], &[("bitops", 165_000.0, 1.5e-6), ("weight_bytes", 800.0, 0.0)]);
    let binding = |kind, layers: &[&str], candidate: Option<&str>, cost: f64| Binding {
        kind,
        layers: layers.iter().map(ToString::to_string).collect(),
        candidate: candidate.map(String::from),
        objective: half.objective - cost,
        cost,
        proved: true,
    };
    half.bindings = vec![
        binding(BindingKind::Pin, &["stem"], Some("w8a8"), 0.0),
        binding(BindingKind::Group, &["a", "b"], None, 0.0157),
    ];
    let layer = |l: usize, stays: f64, shares: &[(&str, f64)]| LayerStability {
        name: LAYERS[l].0.into(),
        shares: shares.iter().map(|(id, share)| (id.to_string(), *share)).collect(),
        stays,
    };
    half.stability = Some(Stability {
        draws: 200,
        seed: 7,
        layers: vec![
            layer(0, 1.0, &[("w8a8", 1.0)]),
            layer(1, 1.0, &[("w4a4", 1.0)]),
            layer(2, 1.0, &[("w4a4", 1.0)]),
            layer(3, 0.75, &[("w8a8", 0.75), ("w4a4", 0.25)]),
        ],
        same_plan: 0.75,
        regret_mean: 0.004,
        regret_max: 0.02,
        proved: 1.0,
    });
    half.relieve(&table(), None).unwrap();
    half
}

fn front() -> Front {
    let point = |choice: [usize; 4], supported| {
        let plan = plan(choice, &[("bitops", 1e9, 0.0)]);
        FrontPoint {
            limit_used: plan.budgets[0].used,
            objective: plan.objective,
            bound: plan.objective,
            proved: true,
            supported: Some(supported),
            layers: plan.layers.into_iter().map(|l| l.candidate).collect(),
        }
    };
    Front {
        format: "bitplan.pareto/1".into(),
        limits: None,
        budget: "bitops".into(),
        others: BTreeMap::new(),
        layer_names: LAYERS.map(|l| l.0.to_string()).to_vec(),
        points: vec![point([0, 1, 1, 1], true), point([0, 1, 1, 0], false), point([0, 0, 0, 0], true)],
        complete: true,
    }
}

/// Which of 1000 samples FP32, the uniform precisions and the plans predict right.
pub(super) const RIGHT: [Range<usize>; 6] = [0..900, 0..898, 0..880, 0..600, 0..890, 0..880];

/// A table of networks that predict these samples right, and have these losses in each of `predictions` of a sample.
pub(super) fn accuracies(right: [Range<usize>; 6], predictions: u32, losses: [f64; 6]) -> AccuracyTable {
    let names = ["fp32", "w8a8", "w4a4", "w2a2", "half", "small"];
    let (mut rows, mut all): (Vec<AccuracyRow>, Vec<Outcomes>) = (Vec::new(), Vec::new());
    for ((name, right), loss) in names.into_iter().zip(right).zip(losses) {
        // Hard and easy samples, the harder the larger the loss.
        let outcomes = Outcomes::test(1000, right, predictions, |i| loss * if i % 2 == 0 { 0.5 } else { 1.5 });
        rows.push(AccuracyRow {
            name: name.into(),
            kind: match rows.len() {
                0 => Kind::Fp32,
                1..=3 => Kind::Uniform,
                _ => Kind::Plan,
            },
            bitops: 1,
            weight_bytes: 1,
            evaluation: outcomes.evaluation(predictions > 1).unwrap(),
            packed_difference: None,
            minus: all.iter().map(|other| outcomes.minus(other)).collect(),
        });
        all.push(outcomes);
    }
    AccuracyTable::new(rows)
}

fn record(networks: usize, epoch: u32, scales: bool, draws: Vec<Vec<u64>>) -> EpochRecord {
    let layer = |l: u32| LayerScales {
        weight: (l > 0).then_some(0.1 * f64::from(l + epoch)),
        activations: BTreeMap::from([(2, 4.0 + f64::from(epoch)), (4, 2.0), (8, 1.0)]),
    };
    EpochRecord {
        loss: (0..networks).map(|n| 1.0 + n as f64 - 0.25 * f64::from(epoch)).collect(),
        accuracy: (0..networks).map(|n| 0.5 - 0.125 * n as f64).collect(),
        scales: if scales { (0..4).map(layer).collect() } else { Vec::new() },
        draws,
    }
}

/// Everything that a run can have; two epochs of mixtures of 100 steps each.
pub(super) fn findings() -> Findings {
    let draws = |a: [u64; 3], c: [u64; 3]| vec![vec![300], a.to_vec(), a.to_vec(), c.to_vec()];
    let mixed = vec![
        record(3, 0, true, draws([120, 95, 85], [100, 100, 100])),
        record(3, 1, true, draws([131, 97, 72], [104, 90, 106])),
    ];
    let histories = BTreeMap::from([
        ("fp32".into(), vec![record(1, 0, false, Vec::new()), record(1, 1, false, Vec::new())]),
        ("multi_precision".into(), vec![record(3, 0, true, Vec::new())]),
        ("supernet".into(), mixed),
    ]);
    let stages = ["fp32", "sensitivity", "plans", "fronts", "multi_precision", "supernet", "evaluation"];
    let profile =
        |network: &str| MemoryProfile { network: network.into(), bytes: vec![8, 16], peak: 1, live: vec![0, 1] };
    Findings {
        facts: facts(),
        sensitivity: Some(sensitivity()),
        table: Some(table()),
        plans: vec![("half".into(), half()), ("small".into(), plan([0, 1, 1, 1], &[("bitops", 140_000.0, 0.0)]))],
        fronts: vec![front()],
        memory: Some(Memory { nodes: vec!["x".into(), "y".into()], profiles: vec![profile("fp32"), profile("half")] }),
        histories,
        done: stages.map(String::from).into(),
        accuracies: Some(accuracies(RIGHT, 1, [0.5; 6])),
        files: BTreeMap::from([("plan.json".into(), "0c".into())]),
        damage: Vec::new(),
        begun: None,
        machine: None,
    }
}

/// Nothing but the facts.
pub(super) fn nothing() -> Findings {
    Findings {
        facts: facts(),
        sensitivity: None,
        table: None,
        plans: Vec::new(),
        fronts: Vec::new(),
        memory: None,
        histories: BTreeMap::new(),
        done: Default::default(),
        accuracies: None,
        files: BTreeMap::new(),
        damage: Vec::new(),
        begun: None,
        machine: None,
    }
}
