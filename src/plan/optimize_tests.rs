use serde_json::Value;

use super::*;
use crate::table::RawTable;
use crate::table::fixtures::{Kind, budgets, layer, random, table};

fn plan(table: &PlanningTable, budgets: &[Budget]) -> Plan {
    optimize(table, budgets, Search::default(), Provenance::default()).unwrap().0
}

#[test]
fn the_nine_published_budgets_give_their_published_optima() {
    let golden: Value = serde_json::from_str(include_str!("../../tests/golden/hawqv3_resnet18.json")).unwrap();
    let table = PlanningTable::parse(&golden["table"].to_string(), "golden").unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 9);
    for case in cases {
        let limits = case["budget"].as_object().unwrap();
        let budgets: Vec<Budget> = limits.iter().map(|(n, v)| Budget::new(n, v.as_f64().unwrap())).collect();
        let plan = plan(&table, &budgets);
        let expected = case["objective"].as_f64().unwrap();
        assert_eq!(plan.status, Status::Optimal);
        assert!((plan.objective - expected).abs() <= 1e-9 * expected, "{case}: {}", plan.objective);
        assert!(plan.gap <= 1e-12 && plan.budgets[0].shadow_price > 0.0, "{case}");
        for (a, b) in
            [("stage2.unit1.conv1", "stage2.unit1.downsample"), ("stage4.unit1.conv1", "stage4.unit1.downsample")]
        {
            let of = |name: &str| plan.layers.iter().find(|l| l.name == name).unwrap().candidate.clone();
            assert_eq!(of(a), of(b));
        }
    }
}

#[test]
fn permuting_the_layers_permutes_the_plan() {
    // The tied kind too: among equal plans the choice must not depend on the order of the table.
    for kind in [Kind::Real, Kind::Uniform, Kind::Tied] {
        let first = random(kind, 12, 4, false, 21);
        let limits = budgets(&first, &[0.4, 0.4]);
        let mut raw = RawTable::from(&first);
        if matches!(kind, Kind::Tied) {
            let numbers: Vec<_> = raw.layers[0].candidates.clone();
            raw.layers.iter_mut().for_each(|l| l.candidates = numbers.clone());
        }
        let first = PlanningTable::check(raw.clone(), "test").unwrap();
        raw.layers.rotate_left(5);
        raw.layers.swap(1, 9);
        let second = PlanningTable::check(raw, "test").unwrap();
        let by_name = |plan: Plan| {
            let mut layers = plan.layers;
            layers.sort_by(|a, b| a.name.cmp(&b.name));
            layers
        };
        assert_eq!(by_name(plan(&first, &limits)), by_name(plan(&second, &limits)), "{kind:?}");
    }
}

#[test]
fn a_looser_budget_never_raises_the_objective_and_the_shadow_price_bounds_its_fall() {
    let table = random(Kind::Real, 20, 4, true, 4);
    let mut last: Option<Plan> = None;
    for share in 1..20 {
        let plan = plan(&table, &budgets(&table, &[f64::from(share) / 20.0, 0.5]));
        if let Some(last) = last {
            assert!(plan.objective <= last.objective);
            // L is convex in the limit: at the old multipliers it is a bound for the new limit too.
            let more = plan.budgets[0].limit - last.budgets[0].limit;
            let gap = last.objective - last.budgets[0].shadow_price * more;
            assert!(plan.objective >= gap - 0.05 * last.objective, "{} {gap}", plan.objective);
        }
        last = Some(plan);
    }
}

#[test]
fn the_shadow_price_of_an_exchange_is_its_rate() {
    // One unit of cost buys 3 of sensitivity in each of ten equal layers, in whole steps.
    let layers = (0..10).map(|l| layer(&format!("l{l}"), &[(3.0, vec![0.0]), (0.0, vec![1.0])]));
    let plan = plan(&table(layers.collect()), &[Budget::new("cost0", 4.5)]);
    assert_eq!((plan.objective, plan.budgets[0].used), (18.0, 4.0));
    assert!((plan.budgets[0].shadow_price - 3.0).abs() < 1e-9, "{:?}", plan.budgets);
    let layers = (0..10).map(|l| layer(&format!("l{l}"), &[(3.0, vec![0.0]), (0.0, vec![1.0])]));
    let plan = super::tests::plan(&table(layers.collect()), &[Budget::new("cost0", 10.0)]);
    assert_eq!((plan.objective, plan.budgets[0].shadow_price), (0.0, 0.0));
}

/// Average Hessian traces of ResNet-20 on CIFAR-10 as the authors published them (method.md §3).
const RESNET20_TRACES: [f64; 20] = [
    0.16552, 0.03124, 0.00546, 0.04537, 0.00874, 0.06348, 0.01369, 0.04474, 0.00096, 0.01548, 0.00457, 0.01283,
    0.00755, 0.01605, 0.00229, 0.00628, 0.00358, 0.00411, -0.00049, -0.00241,
];

#[test]
fn the_papers_linear_objective_is_bang_bang_on_its_own_traces() {
    // Maximise Σ t·b with a mean of bits: the most sensitive layers take the most bits, the others the fewest, and at
    // most one layer lies between (method.md §5).
    let mut sorted = RESNET20_TRACES;
    sorted.sort_by(|a, b| b.total_cmp(a));
    for (bits, mean, high) in
        [(&[8.0, 6.0, 4.0, 2.0][..], 5.0, 10), (&[4.0, 3.0, 2.0], 3.0, 10), (&[8.0, 4.0, 2.0], 2.6, 2)]
    {
        let options = |t: f64| bits.iter().map(|&b| (-t * b, vec![b])).collect::<Vec<_>>();
        let named = RESNET20_TRACES.iter().enumerate().map(|(l, &t)| layer(&format!("l{l:02}"), &options(t)));
        let plan = plan(&table(named.collect()), &[Budget::new("cost0", mean * 20.0)]);
        assert_eq!(plan.status, Status::Optimal);
        for (layer, t) in plan.layers.iter().zip(&RESNET20_TRACES) {
            let rank = sorted.iter().position(|s| s == t).unwrap();
            let expected = if rank < high { bits[0] } else { bits[bits.len() - 1] };
            assert_eq!(layer.cost["cost0"], expected, "{mean}: {}", layer.name);
        }
    }
}

#[test]
fn sensitivities_far_below_absolute_tolerances_are_planned_exactly() {
    // 54 layers whose whole objective is 1e-9 and whose best plans differ in the seventh digit; the dedicated answer
    // must be the same as for the same numbers times 2^30, where absolute tolerances do no harm.
    for seed in 0..4 {
        let mut raw = RawTable::from(&random(Kind::Tied, 54, 4, false, seed));
        let limits = budgets(&random(Kind::Tied, 54, 4, false, seed), &[0.41, 0.37]);
        let large = plan(&PlanningTable::check(raw.clone(), "test").unwrap(), &limits);
        raw.layers.iter_mut().flat_map(|l| &mut l.candidates).for_each(|c| c.sensitivity *= 2f64.powi(-30));
        let small = plan(&PlanningTable::check(raw, "test").unwrap(), &limits);
        assert!(small.objective < 1e-8 && small.status == Status::Optimal);
        assert_eq!(small.objective * 2f64.powi(30), large.objective);
        let ids = |p: &Plan| p.layers.iter().map(|l| l.candidate.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&small), ids(&large));
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let table = random(Kind::Correlated, 14, 4, false, 2);
    let text = || plan(&table, &budgets(&table, &[0.4, 0.5])).to_json().unwrap();
    let first = text();
    assert_eq!(first, text());
    assert!(
        !first.contains("seconds")
            && first.starts_with("{\n  \"format\": \"bitplan.plan/1\",\n  \"status\": \"optimal\",")
    );
    let search = Search { timed: true, ..Search::default() };
    let (timed, _) = optimize(&table, &budgets(&table, &[0.4]), search, Provenance::default()).unwrap();
    assert!(timed.solver.seconds.is_some_and(|s| s > 0.0));
}

#[test]
fn no_plan_is_an_error_with_its_exit_code_and_the_smallest_feasible_value() {
    let table = table(vec![layer("a", &[(1.0, vec![600.0]), (0.0, vec![900.0])])]);
    let none = |limit: Option<Duration>| {
        let search = Search::default().within(limit);
        optimize(&table, &[Budget::new("cost0", 599.0)], search, Provenance::default()).unwrap_err()
    };
    assert_eq!(none(None).exit_code(), 4);
    assert!(none(None).to_string().contains("`cost0` is 599, the smallest feasible value is 600"));
    // This takes no time to see.
    assert_eq!(none(Some(Duration::ZERO)).exit_code(), 4);
}

#[test]
fn without_budgets_every_layer_takes_its_best_candidate() {
    let table = random(Kind::Uniform, 9, 4, false, 6);
    let plan = plan(&table, &[]);
    let best = |l: &crate::table::Layer| l.candidates.iter().map(|c| c.sensitivity).fold(f64::INFINITY, f64::min);
    assert_eq!(plan.objective, sum(table.layers().iter().map(best)));
    assert_eq!(plan.status, Status::Optimal);
}

#[test]
fn a_general_solver_is_believed_only_as_far_as_it_is_right() {
    for &backend in Backend::ALL {
        let search = Search { method: Method::General(backend), ..Search::default() };
        // Scaled to its tolerances it is right on an easy table.
        let easy = random(Kind::Real, 20, 4, false, 3);
        let limits = budgets(&easy, &[0.4]);
        let (plan, remark) = optimize(&easy, &limits, search, Provenance::default()).unwrap();
        assert_eq!((plan.status, &remark), (Status::Optimal, &None));
        assert_eq!(plan.objective, self::plan(&easy, &limits).objective);
        assert!(plan.solver.name.ends_with("+ proof"));
    }
    // A worse plan that is called the best gets its gap and a remark.
    let table = table(vec![layer("a", &[(1.0, vec![1.0]), (0.5, vec![2.0])]), layer("b", &[(1.0, vec![1.0])])]);
    let problem = Problem::new(&table, &[Budget::new("cost0", 3.0)]).unwrap();
    let proof = Exact::default().best(&problem, 1, None).unwrap();
    let stop = StopReason::NoProof;
    let lie = Outcome::Feasible { choice: vec![0, 0], objective: 2.0, bound: 2.0, stop };
    let said = remark(&problem, "liar", &lie, &proof).unwrap();
    assert_eq!(said, "liar claims that 2 is the least, and a choice has 1.5");
    let solution = claimed(&problem, &lie, proof);
    assert_eq!((solution.stop, &solution.choices), (Some(stop), &vec![vec![0, 0]]));
    assert!(solution.bound <= 1.5);
}

#[test]
fn a_limit_that_rounding_put_just_below_a_sum_admits_it_where_some_cost_is_a_fraction() {
    // 29 % of 100 is 28.999999999999996 in f64.
    let table = table(vec![layer("a", &[(0.0, vec![29.0]), (1.0, vec![0.5])])]);
    let plan = plan(&table, &[Budget::new("cost0", 29.0 / 100.0 * 100.0)]);
    assert_eq!(plan.objective, 0.0);
}

#[test]
fn whole_costs_whose_sums_leave_the_exact_range_are_planned_and_verified() {
    let layers = (0..60).map(|l| layer(&format!("l{l}"), &[(1.0, vec![1e15]), (0.0, vec![1e15 + 1.0])]));
    let plan = plan(&table(layers.collect()), &[Budget::new("cost0", 60e15)]);
    assert!(plan.budgets[0].used <= 60e15 * (1.0 + 1e-11));
}
