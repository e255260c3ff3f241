use super::*;
use crate::solve::Exact;
use crate::table::fixtures::{Kind, budgets, random};
use crate::table::{PlanningTable, RawTable};

#[test]
fn scaled_to_its_tolerances_every_backend_finds_the_optimum_of_tiny_sensitivities() {
    for seed in 0..3 {
        let table = random(Kind::Real, 54, 4, false, seed);
        let limits = budgets(&table, &[0.3, 0.35]);
        let mut raw = RawTable::from(&table);
        raw.layers.iter_mut().flat_map(|l| &mut l.candidates).for_each(|c| c.sensitivity *= 1e-9);
        let problem = Problem::new(&PlanningTable::check(raw, "test").unwrap(), &limits).unwrap();
        let proved = Exact::default().solve(&problem, None).unwrap();
        for &backend in Backend::ALL {
            let found = Ilp::new(backend).solve(&problem, None).unwrap();
            assert_eq!(found.choice(), proved.choice(), "{backend:?}, {seed}");
            assert!(matches!(found, Outcome::Feasible { stop: StopReason::NoProof, .. }), "{backend:?}: {found:?}");
        }
    }
}

#[test]
fn a_problem_without_a_plan_is_left_to_the_proof() {
    let table = random(Kind::Real, 5, 3, false, 1);
    let problem = Problem::new(&table, &[crate::table::Budget::new("cost0", 1.0)]).unwrap();
    for &backend in Backend::ALL {
        let outcome = Ilp::new(backend).solve(&problem, None).unwrap();
        assert_eq!(outcome, Outcome::Unknown { stop: StopReason::NoProof }, "{backend:?}");
    }
}

#[test]
fn a_stop_at_the_time_limit_is_told_from_a_claim_of_the_best() {
    // Far from what any backend proves in this time.
    let table = random(Kind::Correlated, 400, 4, false, 1);
    let problem = Problem::new(&table, &budgets(&table, &[0.4, 0.45])).unwrap();
    for &backend in Backend::ALL {
        let outcome = Ilp::new(backend).solve(&problem, Some(Duration::from_millis(200))).unwrap();
        assert!(!matches!(outcome, Outcome::Feasible { stop: StopReason::NoProof, .. }), "{backend:?}: {outcome:?}");
    }
}
