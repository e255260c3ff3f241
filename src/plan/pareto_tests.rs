use super::*;
use crate::plan::totals::Totals;
use crate::progress::Silent;
use crate::table::RawTable;
use crate::table::fixtures::{Kind, Uniform, budgets, layer, random, raw, table};

/// Far above rounding, far below every difference in these tables.
const CLOSE: f64 = 1e-11;

fn extent(points: Option<usize>) -> Extent {
    points.map_or(Extent::Whole { most: MOST_POINTS }, Extent::Limits)
}

fn front(table: &PlanningTable, others: &[Budget], points: Option<usize>) -> Front {
    pareto(table, "cost0", others, extent(points), None, &mut Silent).unwrap()
}

/// `(cost, objective)` of every plan that no other beats, cheapest first, by enumeration.
fn enumerated(table: &PlanningTable, column: usize, others: &[Budget]) -> Vec<(f64, f64)> {
    let mut plans: Vec<Vec<usize>> = vec![vec![]];
    for (l, layer) in table.layers().iter().enumerate() {
        let grow = |p: &Vec<usize>| (0..layer.candidates.len()).map(|c| [&p[..], &[c]].concat()).collect::<Vec<_>>();
        plans = plans.iter().flat_map(grow).collect();
        plans.retain(|p| table.pins().get(&l).is_none_or(|&c| p[l] == c));
        let tied = |g: &&Vec<usize>| g.contains(&l);
        plans.retain(|p| table.groups().iter().filter(tied).flatten().all(|&other| other > l || p[other] == p[l]));
    }
    plans.retain(|p| {
        let used = Totals::new(table, p).used(others);
        others.iter().all(|b| used[&b.name] <= b.limit * (1.0 + CLOSE))
    });
    let numbers = |p: &Vec<usize>| (Totals::new(table, p).cost(column), Totals::new(table, p).objective());
    let mut all: Vec<(f64, f64)> = plans.iter().map(numbers).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut best: Vec<(f64, f64)> = Vec::new();
    for (cost, objective) in all {
        match best.last_mut() {
            Some(last) if objective >= last.1 - CLOSE => {}
            // Equal costs with different rounding are one cost.
            Some(last) if cost <= last.0 * (1.0 + CLOSE) => *last = (cost, objective),
            _ => best.push((cost, objective)),
        }
    }
    best
}

/// Whether no chord of the front passes below the point.
fn on_hull(front: &[(f64, f64)], p: usize) -> bool {
    let ((c, f), (cheaper, dearer)) = (front[p], (&front[..p], &front[p + 1..]));
    cheaper.iter().all(|a| dearer.iter().all(|b| f <= a.1 + (b.1 - a.1) * (c - a.0) / (b.0 - a.0) + CLOSE))
}

/// How the numbers of a test table are rounded.
#[derive(Debug, Clone, Copy)]
enum Numbers {
    Whole,
    Fractional,
    /// Few different whole numbers: ties in objective and cost.
    Coarse,
    /// Multiples of 0.1 for both, whose sums round differently.
    Decimal,
    /// The dearest candidate of each layer is fractional, the others whole.
    Mixed,
}

/// Six layers of three candidates with three costs; every other seed with a group, every third with a pin.
fn numbered(numbers: Numbers, seed: u64) -> PlanningTable {
    let mut u = Uniform(seed.wrapping_mul(77) + 1);
    let mut number = |top: bool| match numbers {
        Numbers::Whole => (1000.0 * u.next()).floor(),
        Numbers::Fractional => u.next(),
        Numbers::Coarse => (4.0 * u.next()).floor(),
        Numbers::Decimal => (8.0 * u.next()).floor() / 10.0,
        Numbers::Mixed if top => 20.0 + 10.0 * u.next(),
        Numbers::Mixed => (20.0 * u.next()).floor(),
    };
    let mut candidates = || -> Vec<(f64, Vec<f64>)> {
        (0..3).map(|i| (number(false), (0..3).map(|_| number(i == 2)).collect())).collect()
    };
    let mut raw = raw((0..6).map(|l| layer(&format!("l{l}"), &candidates())).collect());
    if seed.is_multiple_of(2) {
        raw.groups.push(vec!["l1".into(), "l4".into()]);
    }
    if seed.is_multiple_of(3) {
        raw.pins.insert("l2".into(), "c1".into());
    }
    PlanningTable::check(raw, "test").unwrap()
}

fn others(table: &PlanningTable, count: usize) -> Vec<Budget> {
    budgets(table, &[1.0, 0.7, 0.8])
        .into_iter()
        .map(|b| Budget::new(b.name, b.limit + 0.5))
        .skip(1)
        .take(count)
        .collect()
}

fn same(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= CLOSE * (1.0 + expected.abs())
}

const ALL: [Numbers; 5] = [Numbers::Whole, Numbers::Fractional, Numbers::Coarse, Numbers::Decimal, Numbers::Mixed];

#[test]
fn the_whole_front_is_that_of_the_enumeration() {
    let (mut points, mut unsupported) = (0, 0);
    for numbers in ALL {
        for seed in 0..24 {
            let table = numbered(numbers, seed);
            let others = others(&table, seed as usize % 3);
            let expected = enumerated(&table, 0, &others);
            if expected.is_empty() {
                continue;
            }
            let found = front(&table, &others, None);
            let pairs: Vec<(f64, f64)> = found.points.iter().map(|p| (p.limit_used, p.objective)).collect();
            let place = format!("{numbers:?} {seed}: {pairs:?} {expected:?}");
            assert!(found.complete && pairs.len() == expected.len(), "{place}");
            for (p, point) in found.points.iter().enumerate() {
                assert!(same(point.limit_used, expected[p].0) && same(point.objective, expected[p].1), "{place}");
                assert_eq!((point.proved, point.supported), (true, Some(on_hull(&expected, p))), "{p} {place}");
                assert!(point.bound <= point.objective && same(point.bound, point.objective), "{place}");
                // The listed candidates are a plan of these numbers.
                let index = |(l, id): (usize, &String)| table.layers()[l].candidate(id).unwrap();
                let chosen: Vec<usize> = point.layers.iter().enumerate().map(index).collect();
                let totals = Totals::new(&table, &chosen);
                assert_eq!((totals.cost(0), totals.objective()), (point.limit_used, point.objective));
                points += 1;
                unsupported += usize::from(point.supported == Some(false));
            }
        }
    }
    assert!(points > 500 && unsupported > 100, "{points} {unsupported}");
}

#[test]
fn the_points_at_equally_spaced_limits_are_those_of_the_whole_front() {
    let (mut points, mut unsupported) = (0, 0);
    for numbers in ALL {
        for seed in 0..24 {
            let table = numbered(numbers, seed);
            let others = others(&table, seed as usize % 3);
            let all = enumerated(&table, 0, &others);
            let (Some(first), Some(last)) = (all.first(), all.last()) else { continue };
            for n in [2, 5, 30] {
                let mut expected: Vec<usize> = (0..n)
                    .map(|i| first.0 + (last.0 - first.0) * (i as f64 / (n - 1) as f64))
                    .map(|limit| all.iter().rposition(|p| p.0 <= limit * (1.0 + CLOSE)).unwrap())
                    .collect();
                expected.dedup();
                let found = front(&table, &others, Some(n));
                let pairs: Vec<(f64, f64)> = found.points.iter().map(|p| (p.limit_used, p.objective)).collect();
                let place = format!("{numbers:?} {seed} {n}: {pairs:?} {expected:?} {all:?}");
                assert!(found.complete && pairs.len() == expected.len(), "{place}");
                for (point, &e) in found.points.iter().zip(&expected) {
                    assert!(same(point.limit_used, all[e].0) && same(point.objective, all[e].1), "{place}");
                    assert_eq!((point.proved, point.supported), (true, Some(on_hull(&all, e))), "{e} {place}");
                    points += 1;
                    unsupported += usize::from(point.supported == Some(false));
                }
            }
        }
    }
    assert!(points > 500 && unsupported > 50, "{points} {unsupported}");
}

#[test]
fn the_published_table_has_its_published_optima_on_its_fronts() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/golden/hawqv3_resnet18.json")).unwrap();
    let table = PlanningTable::parse(&golden["table"].to_string(), "golden").unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let (name, limit) = case["budget"].as_object().unwrap().iter().next().unwrap();
        let (limit, expected) = (limit.as_f64().unwrap(), case["objective"].as_f64().unwrap());
        let found = pareto(&table, name, &[], extent(Some(40)), None, &mut Silent).unwrap();
        assert!(found.complete && found.points.windows(2).all(|p| p[0].objective > p[1].objective));
        let within = |p: &&FrontPoint| p.limit_used <= limit;
        // No point within the limit is better, and none that is worse is dearer.
        assert!(found.points.iter().filter(within).all(|p| p.objective >= expected * (1.0 - 1e-9)), "{case}");
        assert!(found.points.iter().filter(|p| !within(p)).all(|p| p.objective < expected), "{case}");
    }
    // Seventeen choices of two: the whole fronts, by enumeration.
    for (column, name) in table.cost_names().iter().enumerate() {
        let expected = enumerated(&table, column, &[]);
        let found = pareto(&table, name, &[], extent(None), None, &mut Silent).unwrap();
        assert!(found.complete && found.points.len() == expected.len(), "{name}: {}", found.points.len());
        for (point, e) in found.points.iter().zip(&expected) {
            assert!(same(point.limit_used, e.0) && same(point.objective, e.1), "{name}");
        }
    }
}

#[test]
fn a_straight_front_is_supported_everywhere_and_a_dent_is_not() {
    let straight = table((0..5).map(|l| layer(&format!("l{l}"), &[(0.3, vec![0.0]), (0.0, vec![0.1])])).collect());
    for points in [None, Some(6)] {
        let found = front(&straight, &[], points);
        assert_eq!(found.points.len(), 6);
        assert!(found.points.iter().all(|p| p.supported == Some(true)), "{found:?}");
    }
    for (dent, supported) in [(0.51, false), (0.49, true)] {
        let bent = table(vec![layer("a", &[(1.0, vec![0.0]), (dent, vec![1.0]), (0.0, vec![2.0])])]);
        for points in [None, Some(3)] {
            let flags: Vec<_> = front(&bent, &[], points).points.iter().map(|p| p.supported).collect();
            assert_eq!(flags, [Some(true), Some(supported), Some(true)]);
        }
    }
}

#[test]
fn a_front_survives_its_file_and_repeats_to_the_byte() {
    let table = numbered(Numbers::Mixed, 6);
    let found = front(&table, &others(&table, 2), None);
    let text = found.to_json().unwrap();
    assert_eq!(serde_json::from_str::<Front>(&text).unwrap(), found);
    assert_eq!(front(&table, &others(&table, 2), None).to_json().unwrap(), text);
    assert!(text.starts_with("{\n  \"format\": \"bitplan.pareto/1\",\n  \"budget\": \"cost0\","), "{text}");
    assert!(serde_json::from_str::<Front>(&text.replace("\"complete\"", "\"finished\"")).is_err());
}

#[test]
fn a_front_that_was_cut_off_says_so_and_claims_nothing_of_its_hull() {
    // Thousands of points.
    let large = random(Kind::Correlated, 300, 5, false, 1);
    let found = pareto(&large, "cost0", &[], extent(None), Some(Duration::from_millis(100)), &mut Silent).unwrap();
    assert!(!found.complete && !found.points.is_empty());
    assert!(found.points.iter().all(|p| p.supported.is_none()));
    // As many searches as are allowed, from the dearest on.
    let capped = pareto(&large, "cost0", &[], Extent::Whole { most: 20 }, None, &mut Silent).unwrap();
    assert!(!capped.complete && (2..=20).contains(&capped.points.len()));
    let error = pareto(&large, "cost0", &[], extent(None), Some(Duration::ZERO), &mut Silent).unwrap_err();
    assert_eq!(error.exit_code(), 5);
}

#[test]
fn budgets_that_fit_no_front_are_refused() {
    let table = numbered(Numbers::Whole, 1);
    let refused = |name: &str, others: &[Budget], points: Option<usize>| {
        let error = pareto(&table, name, others, extent(points), None, &mut Silent).unwrap_err();
        (error.exit_code(), error.to_string())
    };
    let (code, message) = refused("coast0", &[], None);
    assert!(code == 2 && message.contains("did you mean `cost0`?"), "{message}");
    assert_eq!(refused("cost0", &[Budget::new("cost0", 1.0)], None).0, 2);
    assert_eq!(refused("cost0", &[Budget::new("cost1", 0.0)], None).0, 4);
    for points in [0, 1, MOST_POINTS + 1] {
        assert_eq!(refused("cost0", &[], Some(points)).0, 2);
    }
}

#[test]
fn a_table_with_one_plan_has_a_front_of_one_point() {
    let single = table(vec![layer("a", &[(1.0, vec![0.0])]), layer("b", &[(1.0, vec![0.5])])]);
    for points in [None, Some(4)] {
        let found = front(&single, &[], points);
        assert_eq!((found.points.len(), found.points[0].limit_used, found.points[0].supported), (1, 0.5, Some(true)));
        assert!(found.complete);
    }
    // Bounds come from the raw table: the same front from a table that was written and read.
    let again = PlanningTable::check(RawTable::from(&single), "test").unwrap();
    assert_eq!(front(&again, &[], None), front(&single, &[], None));
}
