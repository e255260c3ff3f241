use proptest::prelude::*;

use super::*;
use crate::solve::Exhaustive;
use crate::table::fixtures::{Kind, budgets, layer, random, raw, table};
use crate::table::{Budget, PlanningTable, RawTable};

/// Objectives of all feasible choices, ascending.
fn all_objectives(problem: &Problem) -> Vec<f64> {
    let sizes: Vec<usize> = problem.groups().iter().map(|g| g.options.len()).collect();
    let count: usize = sizes.iter().product();
    let choice = |mut n: usize| -> Vec<usize> {
        sizes
            .iter()
            .map(|&s| {
                let digit = n % s;
                n /= s;
                digit
            })
            .collect()
    };
    let feasible = (0..count).map(choice).filter(|c| problem.is_feasible(c));
    let mut objectives: Vec<f64> = feasible.map(|c| problem.objective(&c)).collect();
    objectives.sort_by(f64::total_cmp);
    objectives
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]
    #[test]
    fn the_k_best_are_those_of_enumeration(
        layers in prop::collection::vec(prop::collection::vec(prop::collection::vec(0u8..12, 4), 1..=4), 1..=5),
        limits in prop::collection::vec(0u8..40, 0..=3), keep in 1usize..30, whole in any::<bool>(),
    ) {
        let unit = if whole { 1.0 } else { 0.1 };
        let candidates = |l: &Vec<Vec<u8>>| -> Vec<(f64, Vec<f64>)> {
            l.iter().map(|v| (f64::from(v[0]) * unit, v[1..].iter().map(|&x| f64::from(x) * unit).collect())).collect()
        };
        let layers = layers.iter().enumerate().map(|(l, c)| layer(&format!("l{l}"), &candidates(c))).collect();
        let limits: Vec<Budget> =
            limits.iter().enumerate().map(|(k, &w)| Budget::new(format!("cost{k}"), f64::from(w) * unit)).collect();
        let problem = Problem::new(&table(layers), &limits).unwrap();
        let all = all_objectives(&problem);
        let found = Exact::default().best(&problem, keep, None).unwrap();
        prop_assert_eq!(found.stop, None);
        prop_assert_eq!(found.choices.len(), keep.min(all.len()));
        for (choice, expected) in found.choices.iter().zip(&all) {
            prop_assert!(problem.is_feasible(choice));
            prop_assert!((problem.objective(choice) - expected).abs() <= 1e-12 * expected.abs());
        }
        for (i, a) in found.choices.iter().enumerate() {
            prop_assert!(found.choices[..i].iter().all(|b| a != b), "a choice twice");
        }
    }
}

#[test]
fn hard_kinds_are_proved_and_agree_with_the_oracle() {
    for kind in [Kind::Real, Kind::Uniform, Kind::Tied, Kind::Correlated] {
        for seed in 0..6 {
            for shares in [&[0.4][..], &[0.4, 0.45], &[0.0, 0.5], &[0.9, 0.1]] {
                let table = random(kind, 8, 4, false, seed);
                let problem = Problem::new(&table, &budgets(&table, shares)).unwrap();
                let truth = Exhaustive::default().solve(&problem, None).unwrap();
                let outcome = Exact::default().solve(&problem, None).unwrap();
                let objective = |o: &Outcome| o.choice().map(|c| problem.objective(c));
                assert_eq!(objective(&truth), objective(&outcome), "{kind:?} {seed} {shares:?}");
            }
        }
    }
}

#[test]
fn large_problems_are_proved_with_little_work() {
    // Work, not seconds, so that a busy machine changes nothing: a hundred million are half a second.
    for (layers, widths, square) in [(20, 4, true), (54, 4, false), (1000, 4, false)] {
        for kind in [Kind::Real, Kind::Uniform, Kind::Tied, Kind::Correlated] {
            for shares in [&[0.3][..], &[0.3, 0.35], &[0.5, 0.3]] {
                let table = random(kind, layers, widths, square, 1);
                let problem = Problem::new(&table, &budgets(&table, shares)).unwrap();
                let solution = Exact::default().best(&problem, 1, None).unwrap();
                assert_eq!(solution.stop, None, "{kind:?} {layers} {shares:?}");
                // Strongly correlated with two budgets is the hard case of the literature.
                let most = if matches!(kind, Kind::Correlated) && shares.len() > 1 { 400_000_000 } else { 100_000_000 };
                assert!(solution.states <= most, "{kind:?} {layers} {shares:?}: {}", solution.states);
            }
        }
    }
}

#[test]
fn a_search_that_is_cut_short_gives_a_plan_and_a_true_bound() {
    let table = random(Kind::Correlated, 54, 4, false, 1);
    let problem = Problem::new(&table, &budgets(&table, &[0.5, 0.5])).unwrap();
    let best = Exact::default().best(&problem, 1, None).unwrap();
    let optimum = problem.objective(&best.choices[0]);
    assert_eq!(best.stop, None);
    let mut last = f64::NEG_INFINITY;
    for work in [0, 100_000, 1_000_000] {
        let cut = Exact { states: 16, work }.best(&problem, 1, None).unwrap();
        let objective = problem.objective(&cut.choices[0]);
        assert!(cut.bound <= optimum && optimum <= objective, "{work}: {} {optimum} {objective}", cut.bound);
        // A bound that said nothing would pass the above.
        assert!(cut.bound > optimum - 0.01 * (optimum - problem.floor()), "{work}: {} {optimum}", cut.bound);
        assert!(cut.bound >= last);
        last = cut.bound;
    }
    assert_eq!(Exact { states: 16, work: 0 }.best(&problem, 1, None).unwrap().stop, Some(StopReason::StateLimit));
    // Without time there is still a plan.
    let late = Exact::default().best(&problem, 1, Some(Duration::ZERO)).unwrap();
    assert!(problem.is_feasible(&late.choices[0]) && late.bound <= optimum);
    assert_eq!(late.stop, Some(StopReason::TimeLimit));
}

#[test]
fn huge_and_tiny_sensitivities_in_one_table_are_both_resolved() {
    // The first candidates lose 1e15, the optimum must still tell 1e-9 from 2e-9.
    let layers = (0..6).map(|l| {
        let tiny = 1e-9 * (1.0 + f64::from(l) / 7.0);
        layer(&format!("l{l}"), &[(1e15, vec![1.0]), (2.0 * tiny, vec![2.0]), (tiny, vec![3.0])])
    });
    let problem = Problem::new(&table(layers.collect()), &[Budget::new("cost0", 15.0)]).unwrap();
    let truth = Exhaustive::default().solve(&problem, None).unwrap();
    let outcome = Exact::default().solve(&problem, None).unwrap();
    assert_eq!(outcome.choice(), truth.choice());
}

#[test]
fn budgets_that_conflict_only_together_are_proved_infeasible() {
    // Each layer is cheap in one cost and dear in the other; each budget alone is easy.
    let layers = (0..12).map(|l| layer(&format!("l{l}"), &[(0.0, vec![1.0, 2.0]), (1.0, vec![2.0, 1.0])]));
    let table = table(layers.collect());
    for (limit, feasible) in [(18.0, true), (17.0, false)] {
        let budgets = [Budget::new("cost0", limit), Budget::new("cost1", 18.0)];
        let problem = Problem::new(&table, &budgets).unwrap();
        let outcome = Exact::default().solve(&problem, None).unwrap();
        assert_eq!(outcome.choice().is_some(), feasible, "{outcome:?}");
        assert_eq!(outcome == Outcome::Infeasible, !feasible);
    }
}

#[test]
fn other_units_of_sensitivity_and_cost_change_nothing_else() {
    for kind in [Kind::Real, Kind::Uniform, Kind::Correlated] {
        let table = random(kind, 40, 4, false, 7);
        let limits = budgets(&table, &[0.4, 0.45]);
        let plain = Exact::default().best(&Problem::new(&table, &limits).unwrap(), 1, None).unwrap();
        for (sensitivity, cost) in [(1e-12, 1.0), (1e12, 1.0), (1.0, 1e-6), (1.0, 1e9), (1e-12, 1e9), (1e12, 1e-6)] {
            let mut raw = RawTable::from(&table);
            for candidate in raw.layers.iter_mut().flat_map(|l| &mut l.candidates) {
                candidate.sensitivity *= sensitivity;
                for name in ["cost0", "cost1"] {
                    *candidate.cost.get_mut(name).unwrap() *= cost;
                }
            }
            let scaled = PlanningTable::check(raw, "scaled").unwrap();
            let limits: Vec<Budget> = limits.iter().map(|b| Budget::new(b.name.clone(), b.limit * cost)).collect();
            let other = Exact::default().best(&Problem::new(&scaled, &limits).unwrap(), 1, None).unwrap();
            assert_eq!(plain.choices, other.choices, "{kind:?} {sensitivity} {cost}");
            for (a, b) in plain.multipliers.iter().zip(&other.multipliers) {
                // In the unit of the objective per whole budget: a budget that does not bind has a price near 0.
                let (a, b) = (a * limits[0].limit / cost, b * limits[0].limit / sensitivity);
                assert!((a - b).abs() <= 1e-6, "{kind:?} {sensitivity} {cost}: {a} {b}");
            }
        }
    }
}

#[test]
fn shadow_prices_of_an_exchange_are_its_rate() {
    // One unit of cost buys 3 of sensitivity in each of ten equal layers, in whole steps.
    let layers = (0..10).map(|l| layer(&format!("l{l}"), &[(3.0, vec![0.0]), (0.0, vec![1.0])]));
    let problem = Problem::new(&table(layers.collect()), &[Budget::new("cost0", 4.5)]).unwrap();
    let solution = Exact::default().best(&problem, 1, None).unwrap();
    assert!((solution.multipliers[0] - 3.0).abs() < 1e-9, "{:?}", solution.multipliers);
    // The capacity is rounded down to what can be used, so the bound is the optimum.
    assert!((solution.bound - 18.0).abs() < 1e-9);
}

#[test]
fn a_group_without_options_that_fit_has_no_plan() {
    let table = PlanningTable::check(raw(vec![layer("a", &[(0.0, vec![5.0])]), layer("b", &[(0.0, vec![1.0])])]), "t");
    let problem = Problem::new(&table.unwrap(), &[Budget::new("cost0", 5.9)]).unwrap();
    assert_eq!(Exact::default().solve(&problem, None).unwrap(), Outcome::Infeasible);
}

/// The best objective of a table with one budget.
fn best_of(layers: &[Vec<(f64, f64)>], limit: f64) -> Option<f64> {
    let options = |l: &Vec<(f64, f64)>| l.iter().map(|&(s, c)| (s, vec![c])).collect::<Vec<_>>();
    let layers = layers.iter().enumerate().map(|(l, c)| layer(&format!("l{l:05}"), &options(c)));
    let problem = Problem::new(&table(layers.collect()), &[Budget::new("cost0", limit)]).unwrap();
    let solution = Exact::default().best(&problem, 1, None).unwrap();
    assert_eq!(solution.stop, None);
    solution.choices.first().map(|c| problem.objective(c))
}

#[test]
fn an_outlier_does_not_hide_what_every_choice_loses() {
    // In units that hold 1e15, 0.1 is nothing: a cap made from such regrets left no choice at all.
    for small in [1, 2, 3, 4, 8] {
        let mut layers = vec![vec![(1e15, 0.5), (0.0, 0.25)]];
        layers.extend((0..small).map(|_| vec![(0.1, 0.0), (0.0, 1.0)]));
        layers.push(vec![(0.3, 0.0), (0.0, 1.0)]);
        let best = best_of(&layers, 0.25).unwrap();
        assert!((best - (0.3 + 0.1 * f64::from(small))).abs() < 1e-9, "{small}: {best}");
    }
}

#[test]
fn the_tiniest_sensitivities_end_with_a_plan() {
    let e = 1e-250;
    assert_eq!(best_of(&vec![vec![(2.0 * e, 0.0), (e, 1.0), (0.0, 2.0)]; 3], 4.0), Some(2.0 * e));
    // Below what the units reach there is at least an end.
    assert!(best_of(&vec![vec![(2e-280, 0.0), (1e-280, 1.0), (0.0, 2.0)]; 3], 4.0).is_some());
}

#[test]
fn as_many_equal_layers_as_a_table_may_have_do_not_exhaust_the_stack() {
    assert_eq!(best_of(&vec![vec![(1.0, 0.0), (0.0, 1.0)]; 65_536], 32_768.0), Some(32_768.0));
}
