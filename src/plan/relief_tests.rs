use super::*;
use crate::plan::{Provenance, Search, Status, optimize};
use crate::solve::{Exhaustive, Outcome, Solver};
use crate::table::fixtures::{Kind, budgets, layer, random, raw};

fn exhaustive(table: &PlanningTable, limits: &[Budget]) -> Option<f64> {
    match Exhaustive::default().solve(&Problem::new(table, limits).unwrap(), None).unwrap() {
        Outcome::Optimal { objective, .. } => Some(objective),
        _ => None,
    }
}

fn planned(table: &PlanningTable, limits: &[Budget]) -> Plan {
    let (mut plan, _) = optimize(table, limits, Search::default(), Provenance::default()).unwrap();
    plan.relieve(table, None).unwrap();
    plan
}

/// A table from `(sensitivity, costs)` of each candidate of each layer.
fn small(layers: &[&[(f64, [f64; 2])]]) -> PlanningTable {
    let layers = layers.iter().enumerate().map(|(l, candidates)| {
        let candidates: Vec<(f64, Vec<f64>)> = candidates.iter().map(|(s, cost)| (*s, cost.to_vec())).collect();
        layer(&format!("layer{l}"), &candidates)
    });
    PlanningTable::check(raw(layers.collect()), "test").unwrap()
}

#[test]
fn every_relief_is_the_difference_of_two_enumerations() {
    let (mut bind, mut free, mut priced) = (0, 0, 0);
    for kind in [Kind::Real, Kind::Uniform, Kind::Correlated, Kind::Tied] {
        for seed in 0..12 {
            let table = random(kind, 7, 3, false, seed);
            let limits = budgets(&table, &[0.45, 0.6]);
            let Some(best) = exhaustive(&table, &limits) else { continue };
            let plan = planned(&table, &limits);
            let close = |relief: &Relief, limits: &[Budget]| {
                let expected = exhaustive(&table, limits).unwrap();
                assert!((relief.objective - expected).abs() <= 1e-12 * best.abs(), "{kind:?} {seed} {relief:?}");
                assert!(relief.proved && relief.gain >= 0.0 && relief.gain == plan.objective - relief.objective);
                assert_eq!(relief.helps(), Some(expected < best - 1e-12 * best.abs()));
            };
            close(plan.unlimited.as_ref().unwrap(), &[]);
            for (k, row) in plan.budgets.iter().enumerate() {
                let mut others = limits.clone();
                others.remove(k);
                close(row.without.as_ref().unwrap(), &others);
                let mut higher = limits.clone();
                higher[k].limit *= 1.01;
                close(row.higher.as_ref().unwrap(), &higher);
                let binds = row.without.unwrap().helps().unwrap();
                if binds {
                    bind += 1
                } else {
                    free += 1
                }
                priced += usize::from(!binds && row.shadow_price * row.limit > 1e-9 * best);
            }
        }
    }
    // A positive price alone would have called the last ones binding.
    assert!(bind > 20 && free > 10 && priced > 0, "{bind} {free} {priced}");
}

/// The better candidate costs 3 of either kind: with one limit it is still too much, without both it is not.
#[test]
fn limits_may_bind_together_and_not_alone() {
    let table = small(&[&[(0.0, [3.0, 3.0]), (1.0, [1.0, 1.0])], &[(0.0, [1.0, 1.0])]]);
    let plan = planned(&table, &[Budget::new("cost0", 2.0), Budget::new("cost1", 2.0)]);
    let helps: Vec<_> = plan.budgets.iter().map(|b| b.without.unwrap().helps()).collect();
    assert_eq!((helps, plan.objective, plan.unlimited.unwrap().gain), (vec![Some(false); 2], 1.0, 1.0));
}

#[test]
fn one_per_cent_more_is_worth_what_fits_into_it() {
    let table = small(&[&[(0.0, [101.0, 0.0]), (1.0, [1.0, 0.0])]]);
    let higher = |limit: f64| planned(&table, &[Budget::new("cost0", limit)]).budgets[0].higher.unwrap();
    assert_eq!((higher(100.0).gain, higher(99.9).gain), (1.0, 0.0));
    let without = planned(&table, &[]);
    assert_eq!((without.budgets.len(), without.unlimited.unwrap().gain), (0, 0.0));
}

#[test]
fn without_time_nothing_is_settled() {
    let table = random(Kind::Correlated, 60, 5, false, 1);
    let limits = budgets(&table, &[0.4, 0.5]);
    let (mut plan, _) = optimize(&table, &limits, Search::default(), Provenance::default()).unwrap();
    assert_eq!(plan.status, Status::Optimal);
    plan.relieve(&table, Some(Duration::ZERO)).unwrap();
    let higher = plan.budgets[0].higher.unwrap();
    assert!(!higher.proved && higher.gain >= 0.0);
    assert!(higher.gain > 0.0 || higher.helps().is_none());
}
