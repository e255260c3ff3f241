use super::*;
use crate::table::fixtures::{layer, raw, table};

#[test]
fn tied_layers_become_one_group_of_their_common_ids_with_summed_numbers() {
    let mut raw = raw(vec![
        layer("a", &[(1.0, vec![10.0]), (2.0, vec![20.0]), (3.0, vec![30.0])]),
        layer("b", &[(5.0, vec![50.0])]),
        layer("c", &[(0.1, vec![1.0]), (0.2, vec![2.0])]),
    ]);
    raw.groups.push(vec!["c".into(), "a".into()]);
    let table = PlanningTable::check(raw.clone(), "test").unwrap();
    let problem = Problem::new(&table, &[Budget::new("cost0", 100.0)]).unwrap();
    let numbers: Vec<(usize, f64, f64)> =
        problem.groups().iter().map(|g| (g.options.len(), g.options[0].objective, g.options[0].cost[0])).collect();
    assert_eq!(numbers, [(2, 1.1, 11.0), (1, 5.0, 50.0)]);
    assert_eq!(problem.candidates(&[1, 0]), [1, 0, 1]);
    assert_eq!((problem.objective(&[1, 0]), problem.used(&[1, 0], 0)), (7.2, 72.0));

    raw.pins.insert("a".into(), "c1".into());
    let table = PlanningTable::check(raw, "test").unwrap();
    let problem = Problem::new(&table, &[]).unwrap();
    assert_eq!(problem.groups()[0].options.len(), 1);
    assert_eq!(problem.candidates(&[0, 0]), [1, 0, 1]);
}

#[test]
fn whole_costs_are_counted_exactly_up_to_a_budget_off_by_one() {
    let big = 2f64.powi(51);
    let table = table(vec![layer("a", &[(0.0, vec![big])]), layer("b", &[(0.0, vec![big + 1.0])])]);
    for (limit, feasible) in [(2.0 * big, false), (2.0 * big + 1.0, true), (2.0 * big + 0.5, false)] {
        let problem = Problem::new(&table, &[Budget::new("cost0", limit)]).unwrap();
        assert_eq!(problem.is_feasible(&[0, 0]), feasible, "{limit}");
    }
}

#[test]
fn whole_costs_whose_sums_leave_the_exact_range_are_not_cut_off_there() {
    let big = 2f64.powi(52);
    let table = table((0..4).map(|l| layer(&format!("l{l}"), &[(0.0, vec![big])])).collect());
    for (limit, feasible) in [(4.0 * big, true), (3.9 * big, false)] {
        let problem = Problem::new(&table, &[Budget::new("cost0", limit)]).unwrap();
        assert_eq!(problem.is_feasible(&[0; 4]), feasible, "{limit}");
    }
}

#[test]
fn feasibility_does_not_depend_on_the_order_of_the_layers() {
    let costs = [1e16, 0.1, 0.7, 3e8, 1e-9, 0.2];
    let sum: f64 = costs.iter().sum();
    for rotate in 0..costs.len() {
        let mut costs = costs;
        costs.rotate_left(rotate);
        let layers = costs.iter().enumerate().map(|(l, &c)| layer(&format!("l{l}"), &[(0.0, vec![c])]));
        let table = table(layers.collect());
        let feasible = |limit: f64| Problem::new(&table, &[Budget::new("cost0", limit)]).unwrap().is_feasible(&[0; 6]);
        assert!(feasible(sum) && !feasible(sum * (1.0 - 1e-11)), "{rotate}");
    }
}

#[test]
fn budgets_that_do_not_fit_the_table_are_refused_with_a_remedy() {
    let table = table(vec![layer("a", &[(0.0, vec![1.0, 2.0])])]);
    let message = |budgets: &[Budget]| Problem::new(&table, budgets).unwrap_err().to_string();
    assert!(message(&[Budget::new("cost", 1.0)]).contains("did you mean `cost0`?"));
    assert!(message(&[Budget::new("cost0", 1.0), Budget::new("cost0", 2.0)]).contains("second limit"));
    for limit in [f64::NAN, f64::INFINITY, -1.0] {
        let error = Problem::new(&table, &[Budget::new("cost1", limit)]).unwrap_err();
        assert!(error.to_string().contains("`cost1`: found limit"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}
