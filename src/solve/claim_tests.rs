use super::*;
use crate::solve::{Exact, Solver, StopReason};
use crate::table::Budget;
use crate::table::fixtures::{Kind, budgets, random};

#[test]
fn a_solver_that_lies_is_caught() {
    let table = random(Kind::Real, 12, 4, false, 3);
    let problem = Problem::new(&table, &[Budget::new("cost0", 1e12)]).unwrap();
    let truth = Exact::default().solve(&problem, None).unwrap();
    let choice = truth.choice().unwrap().to_vec();
    let objective = problem.objective(&choice);
    // The best plan but for one group, which takes another option.
    let mut other = choice.clone();
    other[0] = usize::from(other[0] == 0);
    let worse = problem.objective(&other);
    let stop = StopReason::NoProof;
    let claims = [
        (Outcome::Optimal { choice: other, objective: worse, bound: worse }, "is the least"),
        (Outcome::Optimal { choice: choice.clone(), objective: objective * 0.9, bound: 0.0 }, "claims objective"),
        (Outcome::Infeasible, "no plan"),
        (Outcome::Optimal { choice: vec![99; choice.len()], objective, bound: objective }, "do not exist"),
        (Outcome::Feasible { choice: choice.clone(), objective, bound: objective + 1.0, stop }, "is the least"),
    ];
    for (claim, message) in claims {
        let found = fault(&problem, &claim, &truth).expect(message);
        assert!(found.contains(message), "{message}: {found}");
    }
    assert_eq!(fault(&problem, &truth, &truth), None);
    assert_eq!(fault(&problem, &Outcome::Unknown { stop }, &truth), None);
    let tight = Problem::new(&table, &budgets(&table, &[0.5])).unwrap();
    let best = Exact::default().solve(&tight, None).unwrap();
    assert!(fault(&tight, &truth, &best).unwrap().contains("exceeds a budget"));
}
