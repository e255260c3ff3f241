use super::super::reading::{at, close, drawn, ticks};
use super::super::waterfall_steps::NAMED;
use super::*;
use crate::report::fixture;
use crate::report::plot::oracle::Read;

fn bars(elements: &[Read]) -> Vec<Read> {
    elements.iter().filter(|e| e.has("bar") && e.has("mark")).cloned().collect()
}

fn ends(bar: &Read) -> (f64, f64) {
    (bar.number("x"), bar.number("x") + bar.number("width"))
}

#[test]
fn bars_fall_from_the_widest_candidates_to_the_plan_each_by_what_its_layer_saves() {
    let report = fixture::report();
    let elements = drawn(|| waterfall(&report, 0));
    let x = ticks(&elements, true);
    let bars = bars(&elements);
    let (plan, layers) = (&report.plans[0], &report.layers);
    let mut cost: f64 = layers.iter().map(|layer| layer.candidates[0].bitops).sum();
    close(ends(&bars[0]).1, at(&x, false, cost / 1e6));
    assert_eq!(bars.len(), 2 + 3, "the pinned stem and fc keep their widest candidates");
    for bar in &bars[1..4] {
        let layer: usize = bar.get("data-layer").parse().unwrap();
        let saved = layers[layer].candidates[0].bitops - plan.choices[layer].cost["bitops"];
        close(ends(bar).1, at(&x, false, cost / 1e6));
        cost -= saved;
        close(ends(bar).0, at(&x, false, cost / 1e6));
    }
    close(ends(&bars[4]).1, at(&x, false, plan.budgets[0].used / 1e6));
    assert!((cost - plan.budgets[0].used).abs() < 1.0, "what is left is what the plan uses");
    let limit = elements.iter().filter(|e| e.has("budget")).find(|e| e.get("x1") == e.get("x2")).unwrap();
    close(limit.number("x1"), at(&x, false, plan.budgets[0].limit / 1e6));
    assert!((limit.number("x1") - at(&x, false, plan.budgets[0].used / 1e6)).abs() > 0.06, "limit and use differ");
}

#[test]
fn other_costs_pile_up_from_zero() {
    let mut report = fixture::report();
    let plan = &mut report.plans[0];
    plan.budgets[0].name = "cycles".into();
    for (layer, choice) in plan.choices.iter_mut().enumerate() {
        choice.cost.insert("cycles".into(), 100.0 * (layer + 1) as f64);
    }
    (plan.budgets[0].used, plan.budgets[0].limit) = (1500.0, 2000.0);
    let elements = drawn(|| waterfall(&report, 0));
    let x = ticks(&elements, true);
    let bars = bars(&elements);
    assert_eq!(bars.len(), 5 + 1);
    let mut cost = 0.0;
    for (bar, uses) in bars.iter().zip([500.0, 400.0, 300.0, 200.0, 100.0]) {
        close(ends(bar).0, at(&x, false, cost / 1e3));
        cost += uses;
        close(ends(bar).1, at(&x, false, cost / 1e3));
    }
    assert!(bars[0].get("data-tip").starts_with("fc · w8a8\nuses 500"));
}

#[test]
fn of_many_layers_the_largest_have_bars_and_the_others_are_summed() {
    let mut report = fixture::report();
    for index in 0..40 {
        let (mut layer, mut choice) = (report.layers[1].clone(), report.plans[0].choices[1].clone());
        layer.name = format!("more{index}");
        choice.cost.insert("bitops".into(), layer.candidates[0].bitops - 100.0 * (index + 1) as f64);
        report.layers.push(layer);
        report.plans[0].choices.push(choice);
    }
    let elements = drawn(|| waterfall(&report, 0));
    let bars = bars(&elements);
    assert_eq!(bars.len(), 2 + NAMED + 1);
    let rest = &bars[NAMED + 1];
    assert!(rest.get("data-tip").starts_with(&format!("{} other layers", 43 - NAMED)), "{rest:?}");
}

#[test]
fn without_a_plan_or_its_costs_there_is_no_chart() {
    assert!(waterfall(&fixture::partial(), 0).is_none());
    let mut report = fixture::report();
    assert!(waterfall(&report, 2).is_none());
    report.plans[0].budgets[1].name = "unknown".into();
    assert!(waterfall(&report, 1).is_none());
    for budget in 0..2 {
        drawn(|| waterfall(&fixture::hostile(), budget));
    }
}
