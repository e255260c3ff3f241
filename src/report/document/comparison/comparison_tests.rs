use proptest::prelude::*;

use super::*;
use crate::report::document::fixture;
use crate::report::document::{Choice, Kind, LayerRow, Setting};

/// The fixture with other bits for layer 3, a layer that only it has, and better accuracies.
fn other() -> Report {
    let mut report = fixture::report();
    report.name = "other".into();
    report.provenance.seed = 8;
    for plan in &mut report.plans {
        let choice = &mut plan.choices[3];
        (choice.candidate, choice.weight_bits, choice.activation_bits) = ("w4a4".into(), 4, 4);
        let extra = Choice { ..plan.choices[4].clone() };
        plan.choices.insert(2, extra);
    }
    let extra = LayerRow { name: "block1.extra".into(), ..report.layers[4].clone() };
    report.layers.insert(2, extra);
    report.networks.iter_mut().filter(|n| n.kind == Kind::Plan).for_each(|n| n.accuracy = Some(0.9));
    report
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let compared = Comparison::new(vec![fixture::report(), fixture::report()]);
    assert!(compared.settings.iter().chain(&compared.provenance).all(|value| !value.differs));
    assert!(compared.networks.iter().all(|network| !network.differs));
    assert!(compared.plans.iter().all(|plan| !plan.differs));
    assert!(compared.layers.iter().all(|layer| !layer.differs));
    assert!(compared.ranks[0].ranks.iter().all(|rank| rank.spearman == Some(1.0)));
    assert_eq!(compared.remarks, ["The first plans choose the same bits for every layer."]);
}

#[test]
fn layers_are_matched_by_name_and_none_is_lost() {
    let compared = Comparison::new(vec![fixture::report(), other()]);
    let names: Vec<&str> = compared.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["stem", "block1.conv1", "block1.extra", "block1.conv2", "block1.shortcut", "fc"]);
    let differs: Vec<bool> = compared.layers.iter().map(|layer| layer.differs).collect();
    assert_eq!(differs, [false, false, true, false, true, false]);
    assert!(compared.layers[2].runs[0].is_none());
    let bits: Vec<Option<u32>> =
        compared.layers[4].runs.iter().map(|run| run.as_ref().and_then(|layer| layer.weight_bits)).collect();
    assert_eq!(bits, [Some(2), Some(4)]);
    assert!(compared.remarks.contains(&"1 of 6 layers are in some of the runs only.".to_string()));
    let changed: Vec<Option<u64>> =
        compared.plans[0].runs.iter().map(|run| run.as_ref().and_then(|plan| plan.other_layers)).collect();
    assert_eq!(changed, [None, Some(1)], "block1.shortcut; the extra layer is in one run only");
}

#[test]
fn accuracies_are_subtracted_with_the_error_of_the_difference() {
    let compared = Comparison::new(vec![fixture::report(), other()]);
    let plan = compared.networks.iter().find(|network| network.name == "small").unwrap();
    let change = plan.changes[1].unwrap();
    assert!((change.difference - 0.198).abs() < 1e-12);
    let expected = 2f64.sqrt() * (0.702 * 0.298 / 1000.0f64).sqrt();
    assert!((change.stderr.unwrap() - expected).abs() < 1e-12);
    assert_eq!(change.clear, Some(true));
    // 0.9 − 0.881 is 1.3 standard errors.
    let plan = compared.networks.iter().find(|network| network.name == "plan").unwrap();
    assert_eq!((plan.changes[0], plan.changes[1].unwrap().clear), (None, Some(false)));
}

#[test]
fn what_cannot_be_compared_is_said() {
    let mut other = other();
    other.network = "larger".into();
    other.objective = Some("measured".into());
    other.plans[0].budgets[0].limit *= 2.0;
    let (mut first, hash) = (fixture::report(), |text: &str| ("held-out data".to_string(), text.to_string()));
    first.provenance.inputs.extend([hash("aa")]);
    other.provenance.inputs.extend([hash("bb")]);
    let compared = Comparison::new(vec![first, other, fixture::partial()]);
    assert!(compared.networks.iter().all(|network| network.changes[1].is_none()));
    let remarks = compared.remarks.join("\n");
    for expected in [
        "different networks (small: tiny; other: larger; small #2: tiny)",
        "different objectives (small: hessian; other: measured; small #2: hessian)",
        "other was judged on other held-out data than small",
        "Plan plan has other budgets in other than in small",
        "small #2 is not finished; not done: FP32 training, Sensitivities",
    ] {
        assert!(remarks.contains(expected), "no remark with {expected:?} in\n{remarks}");
    }
}

#[test]
fn names_of_runs_are_unique() {
    let named = |name: &str| Report { name: name.into(), ..fixture::partial() };
    let compared = Comparison::new(["a", "a #2", "a", "a"].map(named).to_vec());
    let names: Vec<&str> = compared.runs.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(names, ["a", "a #2", "a #3", "a #4"]);
    let folders =
        [("runs/1", "a"), ("runs/2", "a"), ("runs/3", "b")].map(|(folder, name)| (folder.into(), named(name)));
    let compared = Comparison::of_folders(folders.to_vec());
    let names: Vec<&str> = compared.runs.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(names, ["a (runs/1)", "a (runs/2)", "b"]);
}

#[test]
fn one_run_and_none_have_nothing_to_differ_from() {
    assert_eq!(Comparison::new(Vec::new()).layers, []);
    let compared = Comparison::new(vec![fixture::report()]);
    assert!(compared.layers.len() == 5 && !compared.layers.iter().any(|layer| layer.differs));
    assert!(compared.ranks.is_empty() && compared.remarks.is_empty());
}

#[test]
fn settings_stand_beside_those_of_the_same_topic() {
    let with = |settings: &[(&str, &str)]| Report {
        settings: settings
            .iter()
            .map(|(topic, text)| Setting { topic: (*topic).into(), text: (*text).into() })
            .collect(),
        ..fixture::partial()
    };
    let first = with(&[("traces", "four probes"), ("network", "even")]);
    let compared = Comparison::new(vec![first, with(&[("network", "even"), ("training", "none"), ("traces", "two")])]);
    let rows: Vec<(&str, Vec<Option<&str>>, bool)> = compared
        .settings
        .iter()
        .filter(|value| value.name.starts_with("how: "))
        .map(|value| (value.name.as_str(), value.runs.iter().map(Option::as_deref).collect(), value.differs))
        .collect();
    assert_eq!(
        rows,
        [
            ("how: traces", vec![Some("four probes"), Some("two")], true),
            ("how: network", vec![Some("even"), Some("even")], false),
            ("how: training", vec![None, Some("none")], true),
        ]
    );
}

#[test]
fn a_front_shows_the_best_objective_within_every_limit() {
    let mut cheaper = fixture::report();
    cheaper.fronts[0].points.iter_mut().for_each(|point| point.objective *= 0.5);
    cheaper.fronts[0].points.remove(0);
    let compared = Comparison::new(vec![fixture::report(), cheaper.clone()]);
    let front = &compared.fronts[0];
    assert_eq!((front.steps.len(), front.steps[0].objectives[1]), (9, None), "the second front begins later");
    for step in &front.steps {
        for (report, objective) in [fixture::report(), cheaper.clone()].iter().zip(&step.objectives) {
            let within = report.fronts[0].points.iter().filter(|point| point.cost <= step.limit);
            assert_eq!(*objective, within.map(|point| point.objective).reduce(f64::min));
        }
    }
    assert!(front.steps[8].objectives.iter().all(Option::is_some));
}

#[test]
fn a_comparison_is_read_back_as_it_was_written() {
    let compared = Comparison::new(vec![fixture::report(), other(), fixture::hostile(), fixture::partial()]);
    let text = serde_json::to_string(&compared).unwrap();
    assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap(), compared);
    assert_eq!(compared.format, COMPARISON_FORMAT);
}

proptest! {
    #[test]
    fn every_item_of_every_list_is_in_one_row(lists in prop::collection::vec(prop::collection::vec(0u8..6, 0..8), 0..4)) {
        let slices: Vec<&[u8]> = lists.iter().map(Vec::as_slice).collect();
        let rows = matching::matched(&slices, |item| *item);
        for (run, list) in lists.iter().enumerate() {
            let mut places: Vec<usize> = rows.iter().filter_map(|row| row[run]).collect();
            places.sort_unstable();
            prop_assert_eq!(places, (0..list.len()).collect::<Vec<_>>());
        }
        for row in &rows {
            let mut values = matching::items(&slices, row).into_iter().flatten();
            let first = values.next();
            prop_assert!(first.is_some() && values.all(|value| Some(value) == first));
        }
        if let Some(first) = lists.first() {
            let order: Vec<usize> = rows.iter().filter_map(|row| row[0]).collect();
            prop_assert_eq!(order, (0..first.len()).collect::<Vec<_>>(), "the first list keeps its order");
        }
    }
}
