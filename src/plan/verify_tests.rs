use super::*;
use crate::plan::{Provenance, Search, optimize};
use crate::table::fixtures::{Kind, budgets, layer, random, raw};
use crate::table::{Budget, RawTable};

/// A table with a tie and a pin, and its best plan.
fn planned() -> (PlanningTable, Plan) {
    let mut raw = RawTable::from(&random(Kind::Real, 8, 4, false, 1));
    raw.groups.push(vec!["layer0002".into(), "layer0005".into()]);
    raw.pins.insert("layer0007".into(), "c3".into());
    let table = PlanningTable::check(raw, "test").unwrap();
    let plan = optimize(&table, &budgets(&table, &[0.6, 0.6]), Search::default(), Provenance::default());
    (table, plan.unwrap().0)
}

/// Makes a plan consistent again after its choices were changed, as a careful forger would.
fn resum(plan: &mut Plan) {
    plan.objective = sum(plan.layers.iter().map(|l| l.sensitivity));
    plan.bound = plan.objective;
    plan.gap = 0.0;
    for budget in &mut plan.budgets {
        budget.used = sum(plan.layers.iter().map(|l| l.cost[&budget.name]));
        budget.slack = budget.limit - budget.used;
    }
}

fn choose(plan: &mut Plan, table: &PlanningTable, layer: usize, candidate: usize) {
    let c = &table.layers()[layer].candidates[candidate];
    let l = &mut plan.layers[layer];
    (l.candidate, l.weight_bits, l.sensitivity) = (c.id.clone(), c.weight_bits, c.sensitivity);
    l.cost = table.cost_names().iter().cloned().zip(c.cost.iter().copied()).collect();
}

#[test]
fn a_plan_of_ours_passes_before_and_after_a_round_trip() {
    let (table, plan) = planned();
    verify(&plan, &table, Origin::Computed).unwrap();
    let text = plan.to_json().unwrap();
    let read = Plan::parse(&text, "p.json").unwrap();
    assert_eq!(read, plan);
    assert_eq!(read.to_json().unwrap(), text);
    verify(&read, &table, Origin::File("p.json")).unwrap();
}

#[test]
fn every_forgery_is_refused() {
    type Forge = fn(&mut Plan, &PlanningTable);
    let forgeries: &[(&str, Forge)] = &[
        ("objective", |p, _| p.objective *= 1.0 + 1e-9),
        ("objective", |p, _| p.objective = f64::NAN),
        // A budget one below what the plan uses, everything else consistent.
        ("budget `cost0`", |p, _| {
            p.budgets[0].limit = p.budgets[0].used - 1.0;
            resum(p);
        }),
        ("used", |p, _| p.budgets[1].used -= 1.0),
        ("slack", |p, _| p.budgets[1].slack += 1.0),
        ("shadow_price", |p, _| p.budgets[1].shadow_price = -1.0),
        ("no such cost", |p, _| p.budgets[1].name = "cost0".into()),
        // The id alone swapped, and then its numbers too.
        ("layer `layer0000`", |p, _| {
            p.layers[0].candidate = if p.layers[0].candidate == "c0" { "c1" } else { "c0" }.into()
        }),
        ("objective", |p, t| choose(p, t, 0, usize::from(p.layers[0].candidate == "c0"))),
        ("at most", |p, t| {
            (0..8).for_each(|l| choose(p, t, l, 3));
            resum(p);
        }),
        ("tied", |p, t| {
            choose(p, t, 5, usize::from(p.layers[5].candidate == "c0"));
            p.budgets.clear();
            resum(p);
        }),
        ("pinned", |p, t| {
            choose(p, t, 7, 0);
            resum(p);
        }),
        ("sensitivity", |p, _| p.layers[3].sensitivity = 0.0),
        ("cost", |p, _| p.layers[3].cost.values_mut().for_each(|v| *v = 0.0)),
        ("weight and", |p, _| p.layers[3].weight_bits = None),
        ("layers", |p, _| drop(p.layers.pop())),
        ("layers", |p, _| p.layers.swap(0, 1)),
        ("the id of a candidate", |p, _| p.layers[0].candidate = "w".into()),
        ("bound", |p, _| p.bound = p.objective * 1.01),
        ("gap", |p, _| p.gap = 0.1),
        ("optimal", |p, _| {
            p.bound = 0.0;
            p.gap = 1.0;
        }),
        ("a plan to verify", |p, _| p.status = Status::Infeasible),
        ("format", |p, _| p.format = "bitplan.plan/2".into()),
    ];
    let (table, plan) = planned();
    for (message, forge) in forgeries {
        let mut forged = plan.clone();
        forge(&mut forged, &table);
        let error = verify(&forged, &table, Origin::File("p.json")).expect_err(message);
        assert!(error.to_string().contains(message) && error.to_string().starts_with("p.json: "), "{message}: {error}");
        assert_eq!(error.exit_code(), 3);
        assert_eq!(verify(&forged, &table, Origin::Computed).unwrap_err().exit_code(), 1);
    }
}

#[test]
fn a_decimal_budget_that_equals_its_sum_passes_and_one_below_does_not() {
    let layers = (0..3).map(|l| layer(&format!("l{l}"), &[(1.0, vec![0.1])]));
    let table = PlanningTable::check(raw(layers.collect()), "test").unwrap();
    let (plan, _) = optimize(&table, &[Budget::new("cost0", 0.3)], Search::default(), Provenance::default()).unwrap();
    let mut off = plan.clone();
    off.budgets[0].limit = 0.3 * (1.0 - 1e-11);
    resum(&mut off);
    assert!(verify(&off, &table, Origin::File("p")).unwrap_err().to_string().contains("at most"));
}

#[test]
fn a_document_that_is_not_a_plan_is_refused_with_its_place() {
    let (_, plan) = planned();
    let text = plan.to_json().unwrap();
    for (good, bad, message) in [
        ("\"status\"", "\"state\"", "unknown field `state`"),
        ("\"optimal\"", "\"best\"", "unknown variant `best`"),
        ("plan/1", "plan/9", "p.json: format: found `bitplan.plan/9`"),
    ] {
        let error = Plan::parse(&text.replacen(good, bad, 1), "p.json").unwrap_err();
        assert!(error.to_string().contains(message) && error.exit_code() == 3, "{error}");
    }
}
