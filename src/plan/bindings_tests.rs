use super::*;
use crate::plan::{Provenance, Search, Status, optimize};
use crate::solve::{Exhaustive, Outcome, Problem, Solver};
use crate::table::RawTable;
use crate::table::fixtures::{Kind, budgets, layer, random, raw};

/// A random table with a group of three layers and two pins.
fn document(kind: Kind, seed: u64) -> RawTable {
    let mut raw = RawTable::from(&random(kind, 7, 3, false, seed));
    raw.groups.push(vec!["layer0001".into(), "layer0004".into(), "layer0002".into()]);
    raw.pins.insert("layer0000".into(), "c2".into());
    raw.pins.insert("layer0006".into(), "c0".into());
    raw
}

fn exhaustive(raw: &RawTable, limits: &[Budget]) -> Option<f64> {
    let table = PlanningTable::check(raw.clone(), "test").unwrap();
    match Exhaustive::default().solve(&Problem::new(&table, limits).unwrap(), None).unwrap() {
        Outcome::Optimal { objective, .. } => Some(objective),
        _ => None,
    }
}

#[test]
fn every_cost_is_the_difference_of_two_enumerations() {
    let (mut costly, mut free) = (0, 0);
    for kind in [Kind::Real, Kind::Uniform, Kind::Correlated, Kind::Tied] {
        for seed in 0..8 {
            let raw = document(kind, seed);
            let table = PlanningTable::check(raw.clone(), "test").unwrap();
            let limits = budgets(&table, &[0.6, 0.7]);
            let Some(best) = exhaustive(&raw, &limits) else { continue };
            let found = bindings(&table, &limits, best, None).unwrap();
            let named: Vec<_> = found.iter().map(|b| (b.kind, b.layers.len(), b.candidate.as_deref())).collect();
            let pin = |id| (BindingKind::Pin, 1, Some(id));
            assert_eq!(named, [pin("c2"), pin("c0"), (BindingKind::Group, 3, None)]);
            for binding in &found {
                let mut freed = raw.clone();
                match binding.kind {
                    BindingKind::Pin => assert!(freed.pins.remove(&binding.layers[0]).is_some()),
                    BindingKind::Group => assert_eq!(freed.groups.remove(0), binding.layers),
                }
                let expected = exhaustive(&freed, &limits).unwrap();
                assert!((binding.objective - expected).abs() <= 1e-12 * best.abs(), "{kind:?} {seed} {binding:?}");
                assert!(binding.proved && binding.cost >= 0.0 && binding.cost == best - binding.objective);
                if binding.cost > 0.0 { costly += 1 } else { free += 1 }
            }
        }
    }
    assert!(costly > 20 && free > 5, "{costly} {free}");
}

#[test]
fn a_pin_on_what_the_plan_chooses_anyway_costs_nothing_and_the_document_says_so() {
    let free = random(Kind::Real, 30, 4, false, 5);
    let limits = budgets(&free, &[0.5]);
    let (plan, _) = optimize(&free, &limits, Search::default(), Provenance::default()).unwrap();
    assert_eq!(plan.status, Status::Optimal);
    let pinned = free.with_pin("layer0003", &plan.layers[3].candidate).unwrap();
    let found = bindings(&pinned, &limits, plan.objective, None).unwrap();
    assert_eq!((found.len(), found[0].cost, found[0].objective), (1, 0.0, plan.objective));
    let text = serde_json::to_string(&found).unwrap();
    assert!(text.starts_with(r#"[{"kind":"pin","layers":["layer0003"],"candidate":""#), "{text}");
    assert_eq!(serde_json::from_str::<Vec<Binding>>(&text).unwrap(), found);
    assert!(serde_json::from_str::<Vec<Binding>>(&text.replace("\"cost\"", "\"coast\"")).is_err());
}

#[test]
fn without_time_nothing_is_proved_and_without_any_plan_there_is_an_error() {
    let raw_table = document(Kind::Correlated, 1);
    let table = PlanningTable::check(raw_table, "test").unwrap();
    let large = random(Kind::Correlated, 60, 5, false, 1).with_pin("layer0000", "c4").unwrap();
    let found = bindings(&large, &budgets(&large, &[0.4, 0.5]), 1e6, Some(Duration::ZERO)).unwrap();
    assert!(!found[0].proved && found[0].objective <= 1e6);
    let error = bindings(&table, &[Budget::new("cost0", 0.0)], 0.0, None).unwrap_err();
    assert_eq!(error.exit_code(), 4);
    let plain = PlanningTable::check(raw(vec![layer("a", &[(1.0, vec![1.0])])]), "test").unwrap();
    assert_eq!(bindings(&plain, &[], 1.0, None).unwrap(), []);
}
