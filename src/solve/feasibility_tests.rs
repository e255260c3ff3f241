use super::*;
use crate::table::fixtures::{Kind, layer, random, table};
use crate::table::{Budget, PlanningTable};

fn answer(table: &PlanningTable, budgets: &[Budget]) -> Outcome {
    Exact::default().solve(&Problem::new(table, budgets).unwrap(), None).unwrap()
}

fn explain(table: &PlanningTable, budgets: &[Budget]) -> Infeasibility {
    assert_eq!(answer(table, budgets), Outcome::Infeasible);
    diagnose(&Problem::new(table, budgets).unwrap(), None).unwrap()
}

#[test]
fn one_budget_below_the_cheapest_plan_is_named_with_that_plan() {
    let table = table((0..4).map(|l| layer(&format!("l{l}"), &[(1.0, vec![600e3]), (0.0, vec![900e3])])).collect());
    let why = explain(&table, &[Budget::new("cost0", 1e6)]);
    assert_eq!(
        why.to_string(),
        "no plan satisfies the budgets\n  `cost0` is 1000000, the smallest feasible value is 2400000 (every layer at its \
         cheapest candidate or its pin)\n  hint: the smallest change is `cost0` to 2400000, 140.00 % more"
    );
}

#[test]
fn conflicting_budgets_are_told_from_innocent_ones() {
    let options = [(0.0, vec![1.0, 2.0, 1.0]), (1.0, vec![2.0, 1.0, 1.0])];
    let table = table((0..10).map(|l| layer(&format!("l{l}"), &options)).collect());
    let budgets = [Budget::new("cost2", 11.0), Budget::new("cost0", 13.0), Budget::new("cost1", 14.0)];
    let why = explain(&table, &budgets);
    assert_eq!(why.conflict, ["cost0", "cost1"]);
    assert_eq!(why.budgets[1].beside_others, Some(16.0));
    assert_eq!(why.budgets[2].beside_others, Some(17.0));
    assert_eq!(why.budgets[0].beside_others, None);
    assert_eq!((why.budgets[1].alone, why.budgets[2].alone), (10.0, 10.0));
    let text = why.to_string();
    assert!(
        text.contains("`cost0` is 13, the smallest feasible value is 16 beside the other budgets, 10 alone"),
        "{text}"
    );
    assert!(text.contains("hint: the smallest change is `cost1` to 17, 21.43 % more"), "{text}");
    assert_eq!((why.cheapest.as_deref(), why.together), (Some("cost1"), None));
    assert!(text.contains("these 2 budgets conflict") && !text.contains("cost2"), "{text}");
}

#[test]
fn two_budgets_that_each_have_no_plan_are_both_named() {
    let table = table(vec![layer("a", &[(0.0, vec![5.0, 7.0])])]);
    let text = explain(&table, &[Budget::new("cost0", 1.0), Budget::new("cost1", 2.0)]).to_string();
    assert!(text.contains("`cost0` is 1, the smallest feasible value is 5"), "{text}");
    assert!(text.contains("`cost1` is 2, the smallest feasible value is 7"), "{text}");
    // Neither alone is enough: 5 is five times the first limit, 7 three and a half times the second.
    assert!(text.contains("all limits times 5 have a plan"), "{text}");
}

#[test]
fn the_smallest_feasible_value_is_feasible_and_anything_less_is_not() {
    for (kind, seed) in [(Kind::Real, 1), (Kind::Uniform, 4), (Kind::Uniform, 8)] {
        let table = random(kind, 6, 4, false, seed);
        let problem = Problem::new(&table, &[Budget::new("cost0", 0.0), Budget::new("cost1", 1e12)]).unwrap();
        let why = diagnose(&problem, None).unwrap();
        let least = why.budgets[0].beside_others.unwrap();
        assert_eq!(least, why.budgets[0].alone);
        assert!(answer(&table, &[Budget::new("cost0", least)]).choice().is_some());
        assert_eq!(answer(&table, &[Budget::new("cost0", least * (1.0 - 1e-9))]), Outcome::Infeasible);
    }
}

#[test]
fn values_are_rounded_up_and_never_below_themselves() {
    for (value, shown) in [
        (31.911935999999997, "31.911936"),
        (0.1 + 0.2, "0.3000000001"),
        (6.4453125, "6.4453125"),
        (2400000.0, "2400000"),
    ] {
        assert_eq!(Least(value).to_string(), shown);
    }
    for n in 1..2000 {
        let value = 1.0 / f64::from(n) * 10f64.powi(n % 30 - 15);
        let shown: f64 = Least(value).to_string().parse().unwrap();
        assert!(shown >= value && shown <= value * (1.0 + 2e-9), "{value} {shown}");
    }
}
