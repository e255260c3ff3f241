use super::*;
use crate::plan::{Provenance, Search, optimize};
use crate::progress::Silent;
use crate::table::RawTable;
use crate::table::fixtures::{Kind, Uniform, budgets, layer, random, raw};

/// A share of a fixed number of draws is normal to good measure; beyond this many standard errors it is wrong.
const FAR: f64 = 4.5;

fn best(table: &PlanningTable, limits: &[Budget]) -> Plan {
    optimize(table, limits, Search::default(), Provenance::default()).unwrap().0
}

fn run(table: &PlanningTable, limits: &[Budget], draws: u64, seed: u64) -> Stability {
    stability(table, limits, &best(table, limits), draws, seed, None, &mut Silent).unwrap()
}

/// Two layers, one of which may take the better candidate, which costs 1 and loses nothing; the other loses 1 or `1 − gap`,
/// gap`, with these standard errors.
fn two(gap: f64, errors: [f64; 2]) -> PlanningTable {
    let layers = [("a", 1.0), ("b", 1.0 - gap)].map(|(n, s)| layer(n, &[(s, vec![0.0]), (0.0, vec![1.0])]));
    let mut raw = raw(layers.to_vec());
    raw.layers.iter_mut().zip(errors).for_each(|(l, e)| l.candidates[0].stderr = Some(e));
    PlanningTable::check(raw, "test").unwrap()
}

/// `Φ(−x)` for x ≥ 0 by the trapezoidal rule, 1e-12 off at most.
fn normal_tail(x: f64) -> f64 {
    let density = |t: f64| (-t * t / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let step = 1e-4;
    0.5 - (0..(x / step).round() as usize)
        .map(|i| step * 0.5 * (density(i as f64 * step) + density((i + 1) as f64 * step)))
        .sum::<f64>()
}

/// Standard errors between a share and a probability.
fn z(share: f64, p: f64, draws: u64) -> f64 {
    ((share - p) / (p * (1.0 - p) / draws as f64).sqrt()).abs()
}

#[test]
fn two_layers_swap_as_often_as_the_normal_distribution_says() {
    // a keeps the unit of cost unless Ω'_b > Ω'_a: gap + σ_a z_a − σ_b z_b < 0, probability Φ(−gap / √(σ_a² + σ_b²)).
    let (gap, errors, draws) = (0.1f64, [0.08f64, 0.06], 4000);
    let p = normal_tail(gap / (errors[0] * errors[0] + errors[1] * errors[1]).sqrt());
    assert!((p - 0.158_655_253_931_457).abs() < 1e-7);
    let found = run(&two(gap, errors), &[Budget::new("cost0", 1.0)], draws, 1);
    let swapped = found.layers[0].shares["c0"];
    assert!(z(swapped, p, draws) <= FAR, "{swapped} {p}");
    assert_eq!((found.layers[1].shares["c1"], found.same_plan), (swapped, 1.0 - swapped));
    assert_eq!((found.layers[0].stays, found.layers[1].stays, found.proved), (1.0 - swapped, 1.0 - swapped, 1.0));
    // Negative controls: one z for both layers (σ = 0.02) and errors that add up (σ = 0.14) are told apart.
    assert!(z(swapped, normal_tail(gap / 0.02).max(1e-6), draws) > FAR);
    assert!(z(swapped, normal_tail(gap / 0.14), draws) > FAR);
    // The regret of a swap is |d| / min(Ω') with d ~ N(gap, 0.1²); E max(−d, 0) = σ·φ(1) − gap·Φ(−1) = 0.00833.
    assert!((0.007..0.012).contains(&found.regret_mean) && found.regret_max > 0.1, "{found:?}");
}

#[test]
fn the_candidates_of_a_layer_share_their_error() {
    // Errors that move both candidates of `a` together never change which layer gains more.
    let mut raw = RawTable::from(&two(0.1, [0.5, 0.0]));
    for (candidate, sensitivity) in raw.layers[0].candidates.iter_mut().zip([11.0, 10.0]) {
        (candidate.sensitivity, candidate.stderr) = (sensitivity, Some(0.5));
    }
    let table = PlanningTable::check(raw, "test").unwrap();
    let found = run(&table, &[Budget::new("cost0", 1.0)], 300, 2);
    assert_eq!((found.same_plan, found.regret_max), (1.0, 0.0));
}

#[test]
fn sensitivities_are_not_drawn_below_zero_unless_they_were() {
    let mut raw = RawTable::from(&two(0.1, [50.0, 0.0]));
    raw.layers[1].candidates[0].sensitivity = -1.0;
    raw.layers[1].candidates[0].stderr = Some(50.0);
    let table = PlanningTable::check(raw, "test").unwrap();
    let mut resampled = Resampled::new(&table, 3).unwrap();
    let (mut zeros, mut negative) = (0, 0);
    for _ in 0..1000 {
        resampled.draw();
        let drawn = |l: usize| resampled.table.layers()[l].candidates[0].sensitivity;
        assert!(drawn(0) >= 0.0);
        zeros += u64::from(drawn(0) == 0.0);
        negative += u64::from(drawn(1) < 0.0);
    }
    assert!(z(zeros as f64 / 1000.0, 0.492, 1000) <= FAR && z(negative as f64 / 1000.0, 0.508, 1000) <= FAR);
}

/// A table with standard errors of this share of the sensitivities, on every other layer.
fn estimated(kind: Kind, layers: usize, share: f64) -> PlanningTable {
    let mut raw = RawTable::from(&random(kind, layers, 3, false, 8));
    for layer in raw.layers.iter_mut().step_by(2) {
        layer.candidates.iter_mut().for_each(|c| c.stderr = Some(share * c.sensitivity));
    }
    PlanningTable::check(raw, "test").unwrap()
}

#[test]
fn exact_sensitivities_leave_every_plan_as_it_is() {
    for kind in [Kind::Real, Kind::Correlated, Kind::Tied] {
        let table = estimated(kind, 20, 0.0);
        let found = run(&table, &budgets(&table, &[0.4, 0.5]), 20, 1);
        assert!(
            found.layers.iter().all(|l| l.stays == 1.0 && l.shares.len() == 1 && l.shares.values().all(|&s| s == 1.0))
        );
        assert_eq!((found.same_plan, found.regret_mean, found.regret_max), (1.0, 0.0, 0.0));
    }
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let table = estimated(Kind::Real, 24, 0.3);
    let limits = budgets(&table, &[0.4, 0.5]);
    let text = |seed| serde_json::to_string(&run(&table, &limits, 60, seed)).unwrap();
    let first = text(5);
    assert_eq!(first, text(5));
    assert_ne!(first.replace("\"seed\":5", ""), text(6).replace("\"seed\":6", ""));
    let read: Stability = serde_json::from_str(&first).unwrap();
    assert!(read.same_plan < 1.0 && read.regret_max > 0.0);
    for layer in &read.layers {
        assert!((layer.shares.values().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn permuting_the_layers_permutes_the_shares() {
    let table = estimated(Kind::Uniform, 15, 0.3);
    let limits = budgets(&table, &[0.4, 0.5]);
    let mut raw = RawTable::from(&table);
    let mut u = Uniform(1);
    raw.layers.sort_by_cached_key(|_| (u.next() * 1e9) as u64);
    let other = PlanningTable::check(raw, "test").unwrap();
    let by_name = |table: &PlanningTable| {
        let mut found = run(table, &limits, 60, 5);
        found.layers.sort_by(|a, b| a.name.cmp(&b.name));
        found
    };
    let (a, b) = (by_name(&table), by_name(&other));
    assert_eq!((a.layers, a.same_plan), (b.layers, b.same_plan));
    assert!((a.regret_mean - b.regret_mean).abs() <= 1e-12 && (a.regret_max - b.regret_max).abs() <= 1e-12);
}

#[test]
fn what_cannot_be_resampled_is_refused() {
    let table = two(0.1, [0.1, 0.1]);
    let (limits, plan) = ([Budget::new("cost0", 1.0)], best(&table, &[Budget::new("cost0", 1.0)]));
    let refused = |table: &PlanningTable, plan: &Plan, limits: &[Budget], draws: u64| {
        stability(table, limits, plan, draws, 0, None, &mut Silent).unwrap_err()
    };
    let plain = random(Kind::Real, 3, 3, false, 0);
    let error = refused(&plain, &best(&plain, &[]), &[], 10);
    assert!(error.exit_code() == 2 && error.to_string().contains("`stderr`"), "{error}");
    assert!(refused(&table, &plan, &limits, 0).to_string().contains("0 draws"));
    let error = refused(&table, &plan, &[Budget::new("cost0", 0.0)], 10);
    assert!(error.exit_code() == 2 && error.to_string().contains("within these budgets"), "{error}");
    assert_eq!(refused(&table, &best(&plain, &[]), &limits, 10).exit_code(), 2);
    let hard = estimated(Kind::Correlated, 60, 0.1);
    let limits = budgets(&hard, &[0.4, 0.5]);
    let late = stability(&hard, &limits, &best(&hard, &limits), 5, 0, Some(Duration::ZERO), &mut Silent);
    assert_eq!(late.unwrap_err().exit_code(), 5);
}
