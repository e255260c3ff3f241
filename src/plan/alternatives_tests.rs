use super::*;
use crate::plan::{Method, Provenance, Search, optimize, verify};
use crate::solve::Backend;
use crate::table::fixtures::{Kind, budgets, random};
use crate::table::{Budget, RawTable};

/// A small table with a tie and a pin.
fn small(kind: Kind, seed: u64) -> PlanningTable {
    let mut raw = RawTable::from(&random(kind, 7, 3, false, seed));
    raw.groups.push(vec!["layer0001".into(), "layer0004".into()]);
    raw.pins.insert("layer0006".into(), "c1".into());
    PlanningTable::check(raw, "test").unwrap()
}

fn best(table: &PlanningTable, limits: &[Budget], keep: usize) -> Plan {
    optimize(table, limits, Search { keep, ..Search::default() }, Provenance::default()).unwrap().0
}

/// The objectives of all plans within the budgets, ascending, by enumeration of the table.
fn enumerated(table: &PlanningTable, limits: &[Budget]) -> Vec<f64> {
    let mut plans: Vec<Vec<usize>> = vec![vec![]];
    for layer in table.layers() {
        let grow = |p: &Vec<usize>| (0..layer.candidates.len()).map(|c| [&p[..], &[c]].concat()).collect::<Vec<_>>();
        plans = plans.iter().flat_map(grow).collect();
    }
    plans.retain(|p| table.pins().iter().all(|(&l, &c)| p[l] == c));
    plans.retain(|p| table.groups().iter().all(|g| g.iter().all(|&l| p[l] == p[g[0]])));
    plans.retain(|p| {
        let used = Totals::new(table, p).used(limits);
        limits.iter().all(|b| used[&b.name] <= b.limit * (1.0 + 1e-12))
    });
    let mut objectives: Vec<f64> = plans.iter().map(|p| Totals::new(table, p).objective()).collect();
    objectives.sort_by(f64::total_cmp);
    objectives
}

#[test]
fn the_best_plans_are_those_of_the_enumeration() {
    let mut checked = 0;
    for kind in [Kind::Real, Kind::Uniform, Kind::Correlated, Kind::Tied] {
        for seed in 0..6 {
            let table = small(kind, seed);
            let limits = budgets(&table, &[0.5, 0.6]);
            let expected = enumerated(&table, &limits);
            for keep in [2, 7, 40, 400] {
                if expected.is_empty() {
                    continue;
                }
                let plan = best(&table, &limits, keep);
                let found: Vec<f64> =
                    [plan.objective].into_iter().chain(plan.alternatives.iter().map(|a| a.objective)).collect();
                assert_eq!(found.len(), expected.len().min(keep), "{kind:?} {seed}");
                for (f, e) in found.iter().zip(&expected) {
                    assert!((f - e).abs() <= 1e-12 * e.abs(), "{kind:?} {seed}: {found:?} {expected:?}");
                }
                assert_eq!((plan.status, plan.alternatives_proved), (Status::Optimal, Some(true)));
                verify(&plan, &table, Origin::Computed).unwrap();
                checked += found.len();
            }
        }
    }
    assert!(checked > 1000, "{checked}");
}

#[test]
fn the_plan_does_not_depend_on_how_many_others_are_asked_for() {
    for kind in [Kind::Real, Kind::Correlated, Kind::Tied] {
        let table = random(kind, 40, 4, false, 3);
        let limits = budgets(&table, &[0.4, 0.5]);
        let (one, many) = (best(&table, &limits, 1), best(&table, &limits, 20));
        assert_eq!((one.layers, one.objective, one.status), (many.layers.clone(), many.objective, many.status));
        assert_eq!((many.alternatives.len(), one.alternatives.len(), one.alternatives_proved), (19, 0, None));
        let text = many.to_json().unwrap();
        assert_eq!(Plan::parse(&text, "p").unwrap(), many);
        assert_eq!(text, best(&table, &limits, 20).to_json().unwrap());
    }
}

#[test]
fn a_table_with_one_plan_has_no_alternative_and_says_that_this_is_proved() {
    let table = random(Kind::Real, 1, 1, false, 0);
    let plan = best(&table, &[], 5);
    assert_eq!((plan.alternatives.len(), plan.alternatives_proved), (0, Some(true)));
}

#[test]
fn numbers_of_plans_that_are_not_offered_and_general_solvers_are_refused() {
    let table = small(Kind::Real, 0);
    let refused = |search: Search| optimize(&table, &[], search, Provenance::default()).unwrap_err();
    for keep in [0, MOST_PLANS + 1] {
        let error = refused(Search { keep, ..Search::default() });
        assert!(error.exit_code() == 2 && error.to_string().contains("expected 1 to 1000"), "{error}");
    }
    for &backend in Backend::ALL {
        let error = refused(Search { keep: 2, method: Method::General(backend), ..Search::default() });
        assert!(error.exit_code() == 2 && error.to_string().contains("exact"), "{error}");
    }
}

#[test]
fn without_time_the_alternatives_are_not_proved() {
    let table = random(Kind::Correlated, 60, 5, false, 1);
    let limits = budgets(&table, &[0.4, 0.5]);
    let search = Search { keep: 30, limit: Some(Duration::ZERO), ..Search::default() };
    let plan = optimize(&table, &limits, search, Provenance::default()).unwrap().0;
    assert_eq!((plan.status, plan.alternatives_proved), (Status::Feasible, Some(false)));
}

#[test]
fn every_forged_alternative_is_refused() {
    type Forge = fn(&mut Plan);
    let forgeries: &[(&str, Forge)] = &[
        ("objective", |p| p.alternatives[0].objective *= 1.0 + 1e-9),
        ("above", |p| p.alternatives[1].above += 1e-9 * p.objective),
        ("used", |p| *p.alternatives[0].used.values_mut().next().unwrap() += 1.0),
        ("used", |p| p.alternatives[0].used.clear()),
        ("rank", |p| p.alternatives[2].rank = 9),
        ("those of another plan", |p| p.alternatives[1] = Alternative { rank: 3, ..p.alternatives[0].clone() }),
        ("those of another plan", |p| p.alternatives[0].changes.clear()),
        ("expected at least", |p| {
            p.alternatives.swap(0, 3);
            (p.alternatives[0].rank, p.alternatives[3].rank) = (2, 5);
        }),
        ("no such layer", |p| {
            p.alternatives[0].changes.insert("layer9".into(), "c0".into());
        }),
        ("id of another candidate", |p| {
            let (name, id) = (p.layers[0].name.clone(), p.layers[0].candidate.clone());
            p.alternatives[0].changes.insert(name, id);
        }),
        ("pinned layer", |p| {
            p.alternatives[0].changes.insert("layer0006".into(), "c0".into());
        }),
        ("alternatives_proved", |p| p.alternatives_proved = None),
        ("alternatives_proved", |p| p.status = Status::Feasible),
    ];
    let table = small(Kind::Real, 1);
    let plan = best(&table, &budgets(&table, &[0.5, 0.6]), 6);
    for (message, forge) in forgeries {
        let mut forged = plan.clone();
        forge(&mut forged);
        let error = verify(&forged, &table, Origin::File("p.json")).expect_err(message);
        assert!(error.to_string().contains(message) && error.exit_code() == 3, "{message}: {error}");
    }
    // A budget that the plan keeps and an alternative does not, everything else consistent.
    let mut tight = best(&table, &budgets(&table, &[0.5, 0.6]), 60);
    let dearer = |b: &&mut crate::plan::PlanBudget| {
        let used: Vec<f64> = tight.alternatives.iter().map(|a| a.used[&b.name]).collect();
        used.into_iter().any(|used| used > b.used)
    };
    let budget = tight.budgets.iter_mut().find(dearer).unwrap();
    (budget.limit, budget.slack) = (budget.used, 0.0);
    let error = verify(&tight, &table, Origin::File("p.json")).unwrap_err();
    assert!(error.to_string().contains("at most"), "{error}");
}
