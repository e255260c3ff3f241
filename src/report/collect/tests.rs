use super::samples::{findings, nothing};
use crate::plan::Relief;
use crate::report::{Kind, LandmarkKind, NetworkRow, Report, Setting, StageState};

/// Rounding of sums of a few numbers near 1.
const ROUNDING: f64 = 1e-12;

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= ROUNDING * expected.abs().max(1.0), "{found} instead of {expected}");
}

/// The report, after a round trip through JSON, which has no form for NaN and infinities.
fn collect(found: &super::Findings) -> Report {
    let report = Report::collect(found);
    let back: Report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(back, report);
    report
}

#[test]
fn layers_have_the_table_s_candidates_with_the_pin_first() {
    let layers = collect(&findings()).layers;
    let ids = |l: usize| layers[l].candidates.iter().map(|c| c.id.as_str()).collect::<Vec<_>>();
    assert_eq!((ids(0), ids(1)), (vec!["w8a8", "w4a4", "w2a2"], vec!["w8a8", "w4a4", "w2a2"]));
    assert_eq!(layers[0].pinned.as_deref(), Some("w8a8"));
    assert_eq!(layers.iter().map(|l| l.group).collect::<Vec<_>>(), [None, Some(0), Some(0), None]);
    let c = &layers[3].candidates[1];
    assert_eq!((c.weight_bits, c.sensitivity, c.bitops, c.weight_bytes), (4, Some(0.04), 8000.0, 208.0));
    close(c.stderr.unwrap(), 0.004);
    // The trace of `a` is 0.5 · 200 with an error of 5 %; both per weight.
    assert_eq!(layers[1].average_trace, Some(0.5));
    close(layers[1].trace_stderr.unwrap(), 0.025);
}

#[test]
fn a_pin_to_narrow_bits_stands_before_wider_ones() {
    let mut found = findings();
    let table = found.table.take().unwrap().without_pin(0);
    found.table = Some(table.with_pin("stem", "w4a4").unwrap());
    let layers = collect(&found).layers;
    let ids: Vec<&str> = layers[0].candidates.iter().map(|c| c.id.as_str()).collect();
    assert_eq!((layers[0].pinned.as_deref(), ids), (Some("w4a4"), vec!["w4a4", "w8a8", "w2a2"]));
}

#[test]
fn networks_have_costs_objectives_and_binomial_errors() {
    let networks = collect(&findings()).networks;
    let names: Vec<(&str, Kind)> = networks.iter().map(|n| (n.name.as_str(), n.kind)).collect();
    use Kind::{Fp32, Plan, Uniform};
    assert_eq!(
        names,
        [("fp32", Fp32), ("w8a8", Uniform), ("w4a4", Uniform), ("w2a2", Uniform), ("half", Plan), ("small", Plan)]
    );
    let [fp32, _, w4a4, _, half, _]: &[NetworkRow; 6] = networks.as_slice().try_into().unwrap();
    assert_eq!((fp32.bitops, fp32.weight_bytes, fp32.objective), (5_632_000.0, 3600.0, None));
    // stem w8a8, others w4a4: 64 000 + 32 000 + 32 000 + 8 000 and 108 + 108 + 108 + 208.
    assert_eq!((w4a4.bitops, w4a4.weight_bytes), (136_000.0, 532.0));
    close(w4a4.objective.unwrap(), 0.01 + 0.1 + 0.2 + 0.04);
    assert_eq!((half.bitops, half.weight_bytes), (160_000.0, 732.0));
    close(half.objective.unwrap(), 0.314);
    assert_eq!((half.accuracy, half.loss, half.perplexity), (Some(0.89), Some(0.5), None));
    close(half.accuracy_stderr.unwrap(), (0.89f64 * 0.11 / 999.0).sqrt());
    // Ten of the samples that FP32 predicts right it does not.
    let change = half.change.unwrap();
    close(change.accuracy, -0.01);
    close(change.accuracy_stderr.unwrap(), ((0.01 - 0.0001) / 999.0f64).sqrt());
    assert_eq!((networks[0].change, change.loss_stderr), (None, Some(0.0)));
}

#[test]
fn plans_say_what_binds_and_what_stays() {
    let plans = collect(&findings()).plans;
    let half = &plans[0];
    assert_eq!(
        half.budgets.iter().map(|b| (b.used, b.binds)).collect::<Vec<_>>(),
        [(160_000.0, Some(true)), (732.0, Some(false))]
    );
    // Without the limit of BitOPs `a` and `b` take w8a8; 1 % more admits nothing better.
    let gains = half.budgets.iter().map(|b| (b.without.unwrap().gain, b.higher.unwrap().gain));
    let gains: Vec<_> = gains.collect();
    close(gains[0].0, 0.314 - 0.053);
    assert_eq!((gains[0].1, gains[1]), (0.0, (0.0, 0.0)));
    // (100 · 8 + 200 · 4 + 200 · 4 + 400 · 8) / 900
    close(half.mean_weight_bits, 5600.0 / 900.0);
    let c = &half.choices[3];
    assert_eq!((c.candidate.as_str(), c.weight_bits, c.sensitivity, c.stays), ("w8a8", 8, 0.004, Some(0.75)));
    close(c.stderr.unwrap(), 0.0004);
    assert_eq!((c.cost["bitops"], c.shares["w4a4"]), (32_000.0, 0.25));
    assert_eq!(half.bindings[1].layers, ["a", "b"]);
    assert_eq!((plans[1].stability.clone(), plans[1].choices[0].stays), (None, None));
}

/// A gain is one that was found; none, only where it was excluded.
#[test]
fn a_limit_binds_by_the_plan_without_it_whatever_its_price() {
    let binds = |gain: f64, proved| {
        let mut found = findings();
        let budget = &mut found.plans[0].1.budgets[1];
        (budget.shadow_price, budget.without) = (1e-3, Some(Relief { objective: 0.314 - gain, gain, proved }));
        collect(&found).plans[0].budgets[1].binds
    };
    assert_eq!(
        [binds(0.1, true), binds(0.1, false), binds(0.0, true), binds(0.0, false)],
        [Some(true), Some(true), Some(false), None]
    );
    let mut found = findings();
    found.plans[0].1.budgets[0].without = None;
    assert_eq!(collect(&found).plans[0].budgets[0].binds, None);
}

#[test]
fn fronts_have_uniform_precisions_and_plans_beside_them() {
    let mut found = findings();
    let front = &collect(&found).fronts[0];
    assert!(front.whole);
    assert_eq!(front.candidates, ["w8a8", "w4a4"]);
    let points: Vec<(f64, &[u32])> = front.points.iter().map(|p| (p.cost, p.layers.as_slice())).collect();
    assert_eq!(points, [(136_000.0, &[0, 1, 1, 1][..]), (160_000.0, &[0, 1, 1, 0]), (352_000.0, &[0, 0, 0, 0])]);
    let marks: Vec<(&str, f64, Option<f64>)> =
        front.landmarks.iter().map(|m| (m.name.as_str(), m.cost, m.limit)).collect();
    assert_eq!(
        marks,
        [
            ("w8a8", 352_000.0, None),
            ("w4a4", 136_000.0, None),
            ("w2a2", 64_000.0 + 8_000.0 + 8_000.0 + 2_000.0, None),
            ("half", 160_000.0, Some(165_000.0)),
            ("small", 136_000.0, Some(140_000.0))
        ]
    );
    assert_eq!((front.landmarks[3].kind, front.landmarks[3].accuracy), (LandmarkKind::Plan, Some(0.89)));
    found.fronts[0].limits = Some(3);
    assert!(!collect(&found).fronts[0].whole);
}

#[test]
fn training_has_every_network_and_the_scales_of_every_epoch() {
    let training = collect(&findings()).training;
    assert_eq!(
        training.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(),
        ["fp32", "multi_precision", "mixed_precision"]
    );
    assert_eq!(training[0].networks, ["fp32"]);
    assert!(training[0].scales.is_empty());
    let mixed = &training[2];
    assert_eq!((mixed.planned, mixed.networks.join(" ").as_str()), (2, "w8a8 w4a4 w2a2"));
    assert_eq!(mixed.epochs[1].loss, [0.75, 1.75, 2.75]);
    assert_eq!(mixed.scales.len(), 4);
    assert!(mixed.scales[0].weight.is_empty(), "weights of `stem` stay FP32");
    assert_eq!(mixed.scales[3].weight, [0.1 * 3.0, 0.1 * 4.0]);
    assert_eq!(mixed.scales[3].activations, [(8, vec![1.0, 1.0]), (4, vec![2.0, 2.0]), (2, vec![4.0, 5.0])]);
}

#[test]
fn agreement_is_the_measurement() {
    let agreement = collect(&findings()).agreement.unwrap();
    assert_eq!((agreement.samples, agreement.base, agreement.points.len()), (500, 0.3, 1 + 3 * 3));
    let last = agreement.points.last().unwrap();
    assert_eq!((last.layer, last.candidate.as_str(), last.predicted), (3, "w2a2", 0.15));
    close(last.measured, 0.12);
    assert_eq!((agreement.ranks[0].spearman, agreement.ranks[0].kendall), (Some(1.0), None));
    assert_eq!((agreement.joint[0].measured, agreement.joint[0].sum), (0.2, 0.18));
}

#[test]
fn a_run_that_has_not_begun_has_a_report() {
    let report = collect(&nothing());
    assert!(report.stages.iter().all(|s| s.state == StageState::Waiting));
    assert_eq!(report.decisions, ["There is no plan yet: FP32 training comes next."]);
    let names: Vec<&str> = report.networks.iter().map(|n| n.name.as_str()).collect();
    assert_eq!(names, ["fp32", "w8a8", "w4a4", "w2a2"]);
    assert!(report.networks.iter().all(|n| n.objective.is_none() && n.accuracy.is_none() && n.bitops > 0.0));
    assert_eq!(report.layers[0].pinned.as_deref(), Some("w8a8"));
    assert_eq!(report.layers[1].candidates[2].sensitivity, None);
    assert_eq!((report.training.len(), report.training[0].epochs.len()), (3, 0));
    assert_eq!((report.draws, report.agreement, report.memory, report.objective), (None, None, None, None));
    assert_eq!(report.remarks, ["A note of the network."]);
}

#[test]
fn weights_that_were_given_need_no_training_and_checkpoints_have_begun() {
    let mut found = nothing();
    (found.facts.float_epochs, found.facts.multi_precision_epochs) = (None, 0);
    found.done = ["sensitivity", "plans", "fronts"].map(String::from).into();
    found.histories = [("supernet".to_string(), findings().histories["supernet"][..1].to_vec())].into();
    let report = collect(&found);
    use StageState::{Begun, Done, NotNeeded, Waiting};
    let states: Vec<StageState> = report.stages.iter().map(|s| s.state).collect();
    assert_eq!(states, [NotNeeded, Done, Done, Done, Waiting, Begun, Waiting]);
    assert_eq!(report.stages[5].epochs, Some((1, 2)));
    assert_eq!(report.training.len(), 1);
    // What is done without epochs is no training.
    assert_eq!((report.stages[4].title.as_str(), report.stages[4].epochs), ("Scales of the quantisers", None));
    assert_eq!(report.decisions, ["There is no plan yet: the search for the scales of the quantisers comes next."]);
}

#[test]
fn sensitivities_alone_are_shown_before_there_is_a_table() {
    let mut found = nothing();
    found.sensitivity = findings().sensitivity;
    found.done = ["fp32", "sensitivity"].map(String::from).into();
    let report = collect(&found);
    assert_eq!(report.layers[3].candidates[1].sensitivity, Some(0.04));
    assert_eq!(report.objective.as_deref(), Some("hessian"));
    assert_eq!(report.decisions, ["There is no plan yet: planning comes next."]);
    assert!(report.networks.iter().all(|n| n.objective.is_none()));
    assert_eq!(report.remarks, ["A note of the network.", "b: the trace is not resolved"]);
}

#[test]
fn plans_without_an_evaluation_have_costs_and_objectives() {
    let mut found = findings();
    found.accuracies = None;
    found.done.remove("evaluation");
    let report = collect(&found);
    assert!(report.networks.iter().all(|n| n.accuracy.is_none()));
    assert_eq!(report.networks[4].bitops, 160_000.0);
    let waiting = "Its accuracy is not known yet: the evaluation comes next.";
    assert!(report.decisions[0].contains(waiting), "{}", report.decisions[0]);
    found.begun = Some("evaluation".into());
    let decision = collect(&found).decisions.swap_remove(0);
    assert!(decision.contains("Its accuracy is not known yet: the evaluation has begun."), "{decision}");
}

#[test]
fn plans_that_are_uniform_precisions_are_remarked() {
    let remarks = collect(&findings()).remarks;
    assert_eq!(
        remarks,
        ["A note of the network.", "b: the trace is not resolved", "Plan `small` is the uniform precision w4a4."]
    );
}

/// Every way in which a folder can hold other sizes than the facts, and what is missing then.
#[test]
fn a_damaged_folder_is_reported_without_its_damaged_parts() {
    type Harm = (&'static str, fn(&mut super::Findings), fn(&Report) -> bool);
    let harms: [Harm; 12] = [
        ("Uniform", |f| f.facts.uniforms[1].configuration[3] = 9, |r| r.training[2].networks.len() == 2),
        ("Groups", |f| f.facts.groups.push(vec![1, 77]), |r| r.groups.len() == 1),
        ("Sensitivities", |f| drop(f.sensitivity.as_mut().unwrap().layers.pop()), |r| r.draws.is_none()),
        (
            "Sensitivities",
            |f| f.sensitivity.as_mut().unwrap().layers[0].average_trace = f64::NAN,
            |r| r.layers[0].average_trace.is_none(),
        ),
        ("A planning table", |f| f.facts.layers[2].name = "other".into(), |r| r.layers[0].pinned.is_some()),
        ("Plan `half`", |f| drop(f.plans[0].1.layers.pop()), |r| r.plans.len() == 1),
        ("Plan `half`", |f| f.plans[0].1.objective = f64::NAN, |r| r.decisions.len() == 1),
        ("A front", |f| drop(f.fronts[0].points[1].layers.pop()), |r| r.fronts.is_empty()),
        (
            "Activation memory",
            |f| f.memory.as_mut().unwrap().profiles[1].peak = 2,
            |r| r.memory.as_ref().is_some_and(|m| m.profiles.len() == 1),
        ),
        (
            "Accuracies",
            |f| f.accuracies.as_mut().unwrap().rows[2].evaluation.correct = 2000,
            |r| r.networks.iter().all(|n| n.accuracy.is_none()),
        ),
        (
            "Epochs of the phase supernet",
            |f| f.histories.get_mut("supernet").unwrap()[1].loss.truncate(2),
            |r| r.training[2].epochs.len() == 1,
        ),
        (
            "Epochs of the phase fp32",
            |f| f.histories.get_mut("fp32").unwrap()[0].loss[0] = f64::INFINITY,
            |r| r.training[0].epochs.is_empty(),
        ),
    ];
    let mut all = findings();
    for (what, harm, expected) in harms {
        let mut found = findings();
        harm(&mut found);
        harm(&mut all);
        let report = collect(&found);
        assert!(report.remarks.iter().any(|r| r.starts_with(what)), "{what}: {:?}", report.remarks);
        assert!(expected(&report), "{what}");
    }
    collect(&all);
}

#[test]
fn draws_and_scales_of_other_sizes_are_left_out() {
    let mut found = findings();
    let records = found.histories.get_mut("supernet").unwrap();
    records[0].draws[1].pop();
    records[1].draws.truncate(2);
    records[0].scales.truncate(3);
    records[1].scales[1].activations.clear();
    let report = collect(&found);
    assert!(report.draws.is_none());
    let scales = &report.training[2].scales;
    assert_eq!(scales.iter().map(|s| (s.layer, s.activations.len())).collect::<Vec<_>>(), [(0, 3), (1, 0), (2, 3)]);
}

#[test]
fn numbers_of_zero_divide_nothing() {
    let mut found = findings();
    for layer in &mut found.facts.layers {
        layer.parameters = 0;
    }
    (found.facts.uniforms, found.facts.mixed_precision.epochs) = (Vec::new(), 0);
    for (_, plan) in &mut found.plans {
        plan.objective = 0.0;
        plan.budgets.iter_mut().for_each(|b| b.limit = 0.0);
        plan.layers.iter_mut().for_each(|l| l.cost.clear());
    }
    for row in &mut found.accuracies.as_mut().unwrap().rows {
        (row.evaluation.correct, row.evaluation.images) = (0, 0);
    }
    let report = collect(&found);
    let texts = report.decisions.iter().chain(report.settings.iter().map(|s| &s.text)).chain(&report.remarks);
    for text in texts {
        assert!(!text.contains("NaN") && !text.contains("inf "), "{text}");
    }
}

#[test]
fn settings_are_sentences() {
    let mut found = findings();
    let settings = collect(&found).settings;
    let has = |settings: &[Setting], sentence: &str| {
        assert!(settings.iter().any(|s| s.text == sentence), "{sentence:?} is not in {settings:#?}");
    };
    has(&settings, "Network `net`, seed 7, rounding half_even; the weights of an output channel share a scale.");
    has(
        &settings,
        "Hessian traces (gauss_newton): 1\u{202f}024 images, 2 probes of each batch, standard error at most 5.0 % of a trace, or of \
         1 % of the largest.",
    );
    has(
        &settings,
        "FP32 is trained for 2 epochs on 4\u{202f}000 images; the SuperNet, starting from it, is trained at all precisions \
         for 1 epoch and with mixtures for 2 epochs, and no network further by itself.",
    );
    has(
        &settings,
        "Mixtures: a layer leaves the precision of the step with a probability that grows to 0.5; then wider bits more \
         often in layers whose trace is above the mean.",
    );
    (found.facts.float_epochs, found.facts.multi_precision_epochs) = (None, 0);
    (found.facts.mixed_precision.warmup, found.facts.group_size) = (1, Some(32));
    found.facts.mixed_precision.strategy = crate::sampling::Strategy::Tempered { kappa: 1.5 };
    let settings = collect(&found).settings;
    has(
        &settings,
        "The FP32 weights were given; the SuperNet, starting from them, is trained on 4\u{202f}000 images with mixtures for \
         2 epochs, and no network further by itself.",
    );
    has(
        &settings,
        "Mixtures: a layer leaves the precision of the step with a probability that grows to 0.5, and 0 in the first epoch; \
         then wider bits more often the larger the trace (κ = 1.5).",
    );
    found.facts.mixed_precision.epochs = 0;
    has(&collect(&found).settings, "The FP32 weights were given; no network is trained after it is quantised.");
}
