use super::*;
use crate::plan::{Provenance, Search, optimize};
use crate::table::RawTable;
use crate::table::fixtures::{Kind, budgets, layer, random, table};

#[test]
fn the_best_uniform_plan_is_the_best_column_that_fits() {
    let mut some = 0;
    for seed in 0..20 {
        let table = random(Kind::Real, 9, 4, false, seed);
        for share in [0.1, 0.4, 0.7, 1.0] {
            let limits = budgets(&table, &[share]);
            // By hand: the sum of column `c<i>`, if it fits.
            let column = |i: usize, of: &dyn Fn(&crate::table::Candidate) -> f64| -> f64 {
                table.layers().iter().map(|l| of(&l.candidates[i])).sum()
            };
            let fits = (0..4).filter(|&i| column(i, &|c| c.cost[0]) <= limits[0].limit);
            let least = fits.min_by(|&a, &b| column(a, &|c| c.sensitivity).total_cmp(&column(b, &|c| c.sensitivity)));
            let found = best_uniform(&table, &limits).unwrap();
            assert_eq!(found.as_ref().map(|u| u.candidate.clone()), least.map(|i| format!("c{i}")));
            if let (Some(found), Some(i)) = (found, least) {
                assert!((found.objective - column(i, &|c| c.sensitivity)).abs() <= 1e-12 * found.objective);
                assert_eq!(found.used["cost0"], column(i, &|c| c.cost[0]));
                let plan = optimize(&table, &limits, Search::default(), Provenance::default()).unwrap().0;
                assert!(found.objective >= plan.objective * (1.0 - 1e-12));
                assert_eq!(found.is_as_good_as(plan.objective), found.objective <= plan.objective * (1.0 + 1e-9));
                some += 1;
            }
        }
    }
    assert!(some > 30, "{some}");
}

#[test]
fn pins_and_ties_are_kept_and_a_table_without_a_uniform_plan_has_none() {
    let mut raw = RawTable::from(&random(Kind::Real, 5, 3, false, 2));
    raw.groups.push(vec!["layer0001".into(), "layer0003".into()]);
    raw.pins.insert("layer0003".into(), "c0".into());
    let pinned = PlanningTable::check(raw, "test").unwrap();
    let found = best_uniform(&pinned, &[]).unwrap().unwrap();
    let chosen: Vec<usize> = (0..5).map(|l| if l == 1 || l == 3 { 0 } else { 2 }).collect();
    assert_eq!((found.candidate.as_str(), found.objective), ("c2", Totals::new(&pinned, &chosen).objective()));
    let two = table(vec![layer("a", &[(0.0, vec![1.0]), (1.0, vec![0.0])]), layer("b", &[(1.0, vec![1.0])])]);
    assert_eq!(best_uniform(&two, &[Budget::new("cost0", 0.5)]).unwrap(), None);
    assert_eq!(best_uniform(&two, &[Budget::new("coast0", 0.5)]).unwrap_err().exit_code(), 2);
}

#[test]
fn as_good_means_to_a_thousand_millionth() {
    let plan = |objective| UniformPlan { candidate: "c".into(), objective, used: BTreeMap::new() };
    assert!(plan(1.0 + 0.9e-9).is_as_good_as(1.0) && !plan(1.0 + 1.1e-9).is_as_good_as(1.0));
    assert!(plan(-1.0).is_as_good_as(-1.0) && !plan(-0.9).is_as_good_as(-1.0) && plan(0.0).is_as_good_as(0.0));
}
