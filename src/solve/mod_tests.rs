use proptest::prelude::*;

use super::*;
use crate::table::fixtures::{Kind, layer, random, raw, table};
use crate::table::{Budget, PlanningTable};

fn solvers() -> Vec<Box<dyn Solver>> {
    let ours: [Box<dyn Solver>; 2] = [Box::new(Exhaustive::default()), Box::new(Exact::default())];
    let general = Backend::ALL.iter().map(|&backend| Box::new(Ilp::new(backend)) as Box<dyn Solver>);
    ours.into_iter().chain(general).collect()
}

/// The contract of [`Solver`], against the oracle.
fn keeps_the_contract(solver: &dyn Solver, problem: &Problem) {
    let name = solver.name();
    let truth = Exhaustive::default().solve(problem, None).unwrap();
    let outcome = solver.solve(problem, None).unwrap();
    let best = truth.choice().map(|c| problem.objective(c));
    if let Some(choice) = outcome.choice() {
        assert!(problem.is_choice(choice) && problem.is_feasible(choice), "{name}: {outcome:?}");
    }
    let scale = problem.groups().iter().flat_map(|g| &g.options).map(|o| o.objective.abs()).sum::<f64>();
    match &outcome {
        Outcome::Optimal { choice, objective, bound } => {
            let best = best.expect("an optimum of an infeasible problem");
            assert_eq!(*objective, problem.objective(choice), "{name}");
            assert!((objective - best).abs() <= 1e-13 * scale, "{name}: {objective} against {best}");
            assert!(*bound <= best + 1e-15 * scale && objective - bound <= 1e-13 * scale, "{name}: {outcome:?}");
        }
        Outcome::Feasible { choice, objective, bound, .. } => {
            assert_eq!(*objective, problem.objective(choice), "{name}");
            assert!(*bound <= best.expect("a choice of an infeasible problem") + 1e-15 * scale, "{name}");
        }
        Outcome::Infeasible => assert_eq!(best, None, "{name}"),
        Outcome::Unknown { .. } => {}
    }
    assert_eq!(outcome, solver.solve(problem, None).unwrap(), "{name}: a second answer");
}

prop_compose! {
    /// Up to 4^6 choices and 4 budgets; values from a few levels, so that ties and infeasible problems are common.
    fn problems()(count in 1usize..=6, budgets in 0usize..=4, levels in prop_oneof![Just(3.0), Just(7.0), Just(1e9)])(
        layers in prop::collection::vec(prop::collection::vec(prop::collection::vec(0.0..=1.0f64, 5), 1..=4), count),
        shares in prop::collection::vec(0.0..=1.0f64, budgets),
        tie in any::<bool>(), pin in any::<bool>(), whole in any::<bool>(), levels in Just(levels),
    ) -> Problem {
        let value = |x: f64| (x * levels).round() / if whole { 1.0 } else { levels };
        let named = layers.iter().enumerate().map(|(l, candidates)| {
            let candidates: Vec<(f64, Vec<f64>)> =
                candidates.iter().map(|v| (value(v[0]) - value(0.3), v[1..].iter().map(|&x| value(x)).collect())).collect();
            layer(&format!("l{l}"), &candidates)
        });
        let mut raw = raw(named.collect());
        if tie && layers.len() > 2 {
            raw.groups.push(vec!["l2".into(), "l0".into()]);
        }
        if pin {
            raw.pins.insert("l0".into(), "c0".into());
        }
        let table = PlanningTable::check(raw, "test").unwrap();
        let most = value(1.0) * layers.len() as f64;
        let budgets: Vec<Budget> =
            shares.iter().enumerate().map(|(k, s)| Budget::new(format!("cost{k}"), value(s * 0.8) * most / value(1.0))).collect();
        Problem::new(&table, &budgets).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]
    #[test]
    fn every_solver_keeps_the_contract_on_random_problems(problem in problems()) {
        for solver in solvers() {
            keeps_the_contract(solver.as_ref(), &problem);
        }
    }
}

#[test]
fn both_sides_of_every_breakpoint_agree_with_the_oracle() {
    let table = random(Kind::Real, 4, 3, false, 5);
    let all = Problem::new(&table, &[Budget::new("cost0", 1e300)]).unwrap();
    let mut values: Vec<f64> = (0..81).map(|n: usize| all.used(&[n % 3, n / 3 % 3, n / 9 % 3, n / 27], 0)).collect();
    values.sort_by(f64::total_cmp);
    for value in values {
        for limit in [value - 1.0, value, value + 1.0] {
            let problem = Problem::new(&table, &[Budget::new("cost0", limit)]).unwrap();
            keeps_the_contract(&Exact::default(), &problem);
        }
    }
}

#[test]
fn breakpoints_of_decimal_costs_admit_their_own_sum_and_nothing_above() {
    let three = || table((0..3).map(|l| layer(&format!("l{l}"), &[(1.0, vec![0.0]), (0.0, vec![0.1])])).collect());
    for (limit, taken) in [(0.3, 3.0), (0.3 * (1.0 - 1e-11), 2.0), (0.1, 1.0), (0.1 - 1e-12, 0.0), (0.0, 0.0)] {
        let problem = Problem::new(&three(), &[Budget::new("cost0", limit)]).unwrap();
        for solver in solvers() {
            let outcome = solver.solve(&problem, None).unwrap();
            // The integer solver may take a sum just above the limit for feasible; its choice is then not used.
            if !matches!(outcome, Outcome::Unknown { .. }) {
                let objective = outcome.choice().map(|c| problem.objective(c));
                assert_eq!(objective, Some(3.0 - taken), "{} at {limit}", solver.name());
            }
        }
    }
}
