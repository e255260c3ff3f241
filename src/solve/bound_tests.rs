use proptest::prelude::*;

use super::*;
use crate::solve::{Exhaustive, Outcome, Problem, Solver};
use crate::table::fixtures::{Kind, budgets, random};

/// The linear relaxation of a problem with one row, solved by its closed form: exchanges along the lower convex hulls
/// of the groups, steepest first, until the capacity is used up (Sinha and Zoltners 1979).
fn relaxation(scaled: &Scaled) -> f64 {
    let (mut value, mut used, mut exchanges) = (0.0, 0.0, Vec::new());
    for items in &scaled.steps {
        let mut points: Vec<(f64, f64)> = items.iter().map(|i| (i.weight[0] as f64, i.regret as f64)).collect();
        points.sort_by(|a, b| a.partial_cmp(b).unwrap());
        let mut at = points[0];
        (used, value) = (used + at.0, value + at.1);
        while let Some(&next) = points
            .iter()
            .filter(|p| p.0 > at.0 && p.1 < at.1)
            .max_by(|a, b| ((at.1 - a.1) / (a.0 - at.0)).total_cmp(&((at.1 - b.1) / (b.0 - at.0))))
        {
            exchanges.push(((at.1 - next.1) / (next.0 - at.0), next.0 - at.0));
            at = next;
        }
    }
    exchanges.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut room = scaled.capacity[0] as f64 - used;
    for (slope, weight) in exchanges {
        let taken = weight.min(room);
        (value, room) = (value - slope * taken, room - taken);
    }
    value
}

#[test]
fn with_one_budget_the_bound_is_the_linear_relaxation() {
    for (kind, seed) in [(Kind::Real, 1), (Kind::Uniform, 2), (Kind::Correlated, 3)] {
        for share in [0.05, 0.3, 0.6, 0.9] {
            let table = random(kind, 30, 4, false, seed);
            let problem = Problem::new(&table, &budgets(&table, &[share])).unwrap();
            let scaled = Scaled::new(&problem, 1024.0);
            if scaled.rows.is_empty() {
                continue;
            }
            let multipliers = scaled.multipliers();
            let bound = scaled.lagrangian(&multipliers, &mut [0.0]);
            let exact = relaxation(&scaled);
            assert!((bound - exact).abs() <= 1e-9 * exact.abs(), "{kind:?} {share}: {bound} {exact}");
        }
    }
}

#[test]
fn with_several_budgets_no_other_multipliers_are_better() {
    for kind in [Kind::Real, Kind::Uniform, Kind::Correlated, Kind::Tied] {
        let table = random(kind, 20, 4, false, 9);
        let problem = Problem::new(&table, &budgets(&table, &[0.3, 0.4])).unwrap();
        let scaled = Scaled::new(&problem, 32.0);
        let best = scaled.multipliers();
        assert_eq!(best.len(), 2);
        let mut gradient = vec![0.0; best.len()];
        let highest = scaled.lagrangian(&best, &mut gradient);
        for n in 0..400 {
            let (angle, radius) = (f64::from(n), 10f64.powi(-(n % 8)));
            let moved = [best[0] * (1.0 + radius * angle.cos()), best[1] * (1.0 + radius * angle.sin())];
            let value = scaled.lagrangian(&moved, &mut gradient);
            assert!(value <= highest + 1e-9 * highest.abs(), "{moved:?}: {value} {highest}");
        }
    }
}

proptest! {
    #[test]
    fn any_multipliers_give_a_bound(seed in 0u64..1000, factor in 0.0..4.0f64, share in 0.1..0.9f64) {
        let table = random(Kind::Uniform, 5, 4, false, seed);
        let problem = Problem::new(&table, &budgets(&table, &[share, 1.0 - share])).unwrap();
        let outcome = Exhaustive::default().solve(&problem, None).unwrap();
        if let Outcome::Optimal { choice, .. } = outcome {
            let scaled = Scaled::new(&problem, 8.0);
            let multipliers: Vec<f64> = scaled.multipliers().iter().map(|m| m * factor).collect();
            let suffixes = Suffixes::new(&scaled, &multipliers);
            // Along the optimal path no bound may be above its regret.
            let taken: Vec<&Item> = scaled.steps.iter().zip(&scaled.order)
                .map(|(items, &g)| items.iter().find(|i| i.option == choice[g]).unwrap()).collect();
            let best: i64 = taken.iter().map(|i| i.regret).sum();
            let (mut regret, mut weight) = (0, vec![0; scaled.rows.len()]);
            for (step, item) in taken.iter().enumerate() {
                prop_assert!(suffixes.bound(step, regret, &weight, best).is_some());
                regret += item.regret;
                weight.iter_mut().zip(&item.weight).for_each(|(w, i)| *w += i);
            }
            // And at the end the bound is the regret itself, so anything below it is refused.
            prop_assert_eq!(suffixes.bound(taken.len(), regret, &weight, best), Some(best as f64));
            prop_assert_eq!(suffixes.bound(taken.len(), regret, &weight, best - 1), None);
        }
    }
}
