use super::*;
use crate::solve::Exhaustive;
use crate::table::Budget;
use crate::table::fixtures::{Kind, budgets, layer, random, table};

const BLANK: Outcome = Outcome::Unknown { stop: StopReason::NoProof };

#[test]
fn a_solver_that_lies_is_caught() {
    struct Liar;
    impl Solver for Liar {
        fn name(&self) -> &str {
            "liar"
        }
        fn solve(&self, problem: &Problem, limit: Option<Duration>) -> Result<Outcome> {
            // The best plan but for one group, which takes its second best.
            let Outcome::Optimal { mut choice, .. } = Certifier::default().solve(problem, limit)? else {
                unreachable!()
            };
            choice[0] = usize::from(choice[0] == 0);
            Ok(Outcome::Optimal { objective: problem.objective(&choice), bound: problem.objective(&choice), choice })
        }
    }
    let table = random(Kind::Real, 12, 4, false, 3);
    let problem = Problem::new(&table, &[Budget::new("cost0", 1e12)]).unwrap();
    let truth = Certifier::default().solve(&problem, None).unwrap();
    let lie = Liar.solve(&problem, None).unwrap();
    let certificate = certify(&problem, &lie, None).unwrap();
    assert_eq!(certificate.outcome, truth);
    assert!(certificate.fault.unwrap().contains("is the least"));

    let choice = truth.choice().unwrap().to_vec();
    let objective = problem.objective(&choice);
    let claims = [
        (
            Outcome::Optimal { choice: choice.clone(), objective: objective * 0.9, bound: objective * 0.9 },
            "claims objective",
        ),
        (Outcome::Infeasible, "no plan"),
        (Outcome::Optimal { choice: vec![99; choice.len()], objective, bound: objective }, "do not exist"),
        (Outcome::Feasible { choice, objective, bound: objective + 1.0, stop: StopReason::NoProof }, "is the least"),
    ];
    for (claim, message) in claims {
        let certificate = certify(&problem, &claim, None).unwrap();
        assert_eq!(certificate.outcome, truth);
        assert!(certificate.fault.unwrap().contains(message), "{message}");
    }
    assert_eq!(certify(&problem, &truth, None).unwrap().fault, None);
    let tight = Problem::new(&table, &budgets(&table, &[0.5])).unwrap();
    let fault = certify(&tight, &truth, None).unwrap().fault.unwrap();
    assert!(fault.contains("exceeds a budget"), "{fault}");
}

#[test]
fn the_proof_does_not_depend_on_the_claim() {
    for kind in [Kind::Real, Kind::Uniform, Kind::Tied] {
        let table = random(kind, 15, 4, false, 11);
        let problem = Problem::new(&table, &budgets(&table, &[0.4, 0.45])).unwrap();
        let blank = certify(&problem, &Outcome::Unknown { stop: StopReason::NoProof }, None).unwrap();
        let choice = blank.outcome.choice().unwrap().to_vec();
        let known = certify(&problem, &blank.outcome, None).unwrap();
        assert_eq!(blank, known, "{kind:?}");
        // A poor claim: every group at its cheapest.
        let cheapest = vec![0; choice.len()];
        let poor = Outcome::Feasible {
            objective: problem.objective(&cheapest),
            choice: cheapest,
            bound: -1.0,
            stop: StopReason::NoProof,
        };
        let poor = Certificate { fault: None, ..certify(&problem, &poor, None).unwrap() };
        assert_eq!(blank, poor, "{kind:?}");
    }
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
    let outcome = Certifier::default().solve(&problem, None).unwrap();
    assert_eq!(outcome.choice(), truth.choice());
}

#[test]
fn real_sized_problems_are_proved_with_few_states() {
    // States, not seconds, so that a busy machine changes nothing: 10,000 states are some 20 ms.
    for (layers, widths, square) in [(20, 4, true), (54, 4, false)] {
        for kind in [Kind::Real, Kind::Uniform, Kind::Tied, Kind::Correlated] {
            for shares in [&[0.3][..], &[0.3, 0.35], &[0.5, 0.3]] {
                // Two budgets that both nearly determine the sensitivity are the hard case of the literature.
                if matches!(kind, Kind::Correlated) && shares.len() > 1 {
                    continue;
                }
                let table = random(kind, layers, widths, square, 1);
                let problem = Problem::new(&table, &budgets(&table, shares)).unwrap();
                let certificate = certify(&problem, &BLANK, None).unwrap();
                assert!(matches!(certificate.outcome, Outcome::Optimal { .. }), "{kind:?} {layers} {shares:?}");
                assert!(certificate.states <= 20_000, "{kind:?} {layers} {shares:?}: {}", certificate.states);
            }
        }
    }
}

#[test]
fn a_proof_that_is_cut_short_gives_a_plan_and_a_true_bound() {
    let table = random(Kind::Correlated, 12, 4, false, 1);
    let problem = Problem::new(&table, &budgets(&table, &[0.5, 0.5])).unwrap();
    let Outcome::Optimal { objective: best, .. } = Certifier::default().solve(&problem, None).unwrap() else {
        panic!("no proof")
    };
    let mut last = f64::NEG_INFINITY;
    for widest in [1, 4, 16] {
        let Outcome::Feasible { choice, objective, bound, stop } =
            (Certifier { widest }).solve(&problem, None).unwrap()
        else {
            panic!("a proof with {widest} states")
        };
        assert_eq!(stop, StopReason::StateLimit);
        assert!(problem.is_feasible(&choice) && bound <= best && best <= objective, "{bound} {best} {objective}");
        assert!(bound > trivial(&problem) + 0.9 * (best - trivial(&problem)), "{widest}: {bound} {best}");
        last = last.max(bound);
    }
    let outcome = Certifier::default().solve(&problem, Some(Duration::ZERO)).unwrap();
    assert_eq!(outcome, Outcome::Unknown { stop: StopReason::TimeLimit });
    let cheapest = problem.groups().iter().map(|g| {
        let weight = |o: &usize| g.options[*o].weight.iter().sum::<i64>();
        (0..g.options.len()).min_by_key(weight).unwrap()
    });
    let choice: Vec<usize> = cheapest.collect();
    let claim =
        Outcome::Feasible { objective: problem.objective(&choice), choice, bound: 0.0, stop: StopReason::NoProof };
    let outcome = certify(&problem, &claim, Some(Duration::ZERO)).unwrap().outcome;
    assert!(
        matches!(outcome, Outcome::Feasible { stop: StopReason::TimeLimit, bound, .. } if bound <= best),
        "{outcome:?}"
    );
}

#[test]
fn budgets_that_conflict_are_proved_infeasible() {
    // Each layer is cheap in one cost and dear in the other; each budget alone is easy.
    let layers = (0..12).map(|l| layer(&format!("l{l}"), &[(0.0, vec![1.0, 2.0]), (1.0, vec![2.0, 1.0])]));
    let table = table(layers.collect());
    for (limit, feasible) in [(18.0, true), (17.0, false)] {
        let budgets = [Budget::new("cost0", limit), Budget::new("cost1", 18.0)];
        let problem = Problem::new(&table, &budgets).unwrap();
        let outcome = Certifier::default().solve(&problem, None).unwrap();
        assert_eq!(outcome.choice().is_some(), feasible, "{outcome:?}");
        assert_eq!(outcome == Outcome::Infeasible, !feasible);
    }
}
