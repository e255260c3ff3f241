use super::*;
use crate::numeric::rng::Stream;
use crate::numeric::stats::{Moments, chi_square};
use crate::report::Report;
use crate::report::collect::Findings;
use crate::report::collect::samples::findings;
use crate::sampling::Sampler;

/// A z-test that a right mean fails once in 150 000.
const SIGMAS: f64 = 4.5;

/// Probabilities of `a` and its group (trace 0.5 above the mean 0.8/3 of `a`, `b` and `c`), and of `c` (below it).
const WIDE: [f64; 3] = [8.0 / 14.0, 4.0 / 14.0, 2.0 / 14.0];
const EVEN: [f64; 3] = [1.0 / 3.0; 3];

/// What training writes after `steps` steps in each of the epochs.
fn train(found: &mut Findings, steps: u64, seed: u64) {
    let sampler = Sampler::new(vec![vec![1.0], WIDE.to_vec(), EVEN.to_vec(), EVEN.to_vec()], &[vec![1, 2]]);
    let records = found.histories.get_mut("supernet").unwrap();
    for (epoch, record) in records.iter_mut().enumerate() {
        let sigma = 0.5 * (epoch + 1) as f64 / 2.0;
        record.draws = vec![vec![0], vec![0; 3], vec![0; 3], vec![0; 3]];
        for (step, base) in (0..steps).flat_map(|s| (0..3).map(move |b| (s, b))) {
            let mut stream = Stream::new(seed, "draws", &[epoch as u64, step, base as u64]);
            let drawn = sampler.draw(&[0, base, base, base], sigma, &mut stream);
            drawn.iter().zip(&mut record.draws).for_each(|(&c, counts)| counts[c] += 1);
        }
    }
}

fn drawn(found: &Findings) -> Draws {
    Report::collect(found).draws.unwrap()
}

/// With n = 100 steps: `Σ_e n (σ_e · 3 p(c) + 1 − σ_e)` over σ = ¼ and ½.
#[test]
fn intended_counts_are_those_of_algorithm_one() {
    let draws = drawn(&findings());
    assert_eq!((draws.strategy.as_str(), draws.sigma), ("hasb", 0.5));
    assert_eq!(draws.layers.iter().map(|l| l.layer).collect::<Vec<_>>(), [1, 2, 3]);
    for (layer, p) in [(0, WIDE), (1, WIDE), (2, EVEN)] {
        for (c, count) in draws.layers[layer].candidates.iter().enumerate() {
            let expected = 100.0 * (0.25 * 3.0 * p[c] + 0.75) + 100.0 * (0.5 * 3.0 * p[c] + 0.5);
            assert!((count.intended - expected).abs() < 1e-9, "{} instead of {expected}", count.intended);
        }
    }
    let first = &draws.layers[0].candidates;
    assert!((first[0].intended - 253.571_428_571).abs() < 1e-8);
    assert_eq!(first.iter().map(|c| c.drawn).collect::<Vec<_>>(), [251, 192, 157]);
    assert_eq!(first[2].candidate, "w2a2");
}

/// The share of small p-values is that share of runs, also for the group; Pearson's statistic finds the counts too good.
#[test]
fn simulated_runs_agree_with_the_intended_counts() {
    const RUNS: u64 = 400;
    let mut found = findings();
    let mut means = [[Moments::new(); 3]; 3];
    let (mut small, mut pearson) = (0, Moments::new());
    for seed in 0..RUNS {
        train(&mut found, 40, seed);
        let layers = drawn(&found).layers;
        assert_eq!(layers[0].candidates, layers[1].candidates, "tied layers draw together");
        for (layer, means) in layers.iter().zip(&mut means) {
            for (count, mean) in layer.candidates.iter().zip(means) {
                mean.push(count.drawn as f64 - count.intended);
            }
        }
        small += u64::from(layers[2].p_value.unwrap() < 0.1);
        let counts: Vec<u64> = layers[2].candidates.iter().map(|c| c.drawn).collect();
        pearson.push(chi_square(&counts, &EVEN).unwrap().p_value);
    }
    for mean in means.iter().flatten() {
        let z = mean.mean().unwrap() / mean.standard_error().unwrap();
        assert!(z.abs() < SIGMAS, "z = {z}");
    }
    let z = (small as f64 - 0.1 * RUNS as f64) / (0.09 * RUNS as f64).sqrt();
    assert!(z.abs() < SIGMAS, "{small} of {RUNS} p-values are below 0.1");
    // Of uniform p-values the mean is ½ with the variance 1/12.
    let z = (pearson.mean().unwrap() - 0.5) / (1.0 / 12.0 / RUNS as f64).sqrt();
    assert!(z > SIGMAS, "Pearson's p-values have the mean {:?}", pearson.mean());
}

#[test]
fn a_sampler_with_another_sigma_or_another_roulette_is_refused() {
    let mut found = findings();
    train(&mut found, 1500, 1);
    let right = drawn(&found);
    assert!(right.layers.iter().all(|l| l.p_value.unwrap() > 1e-4), "{right:?}");
    found.facts.mixed_precision.sigma = 0.7;
    assert!(drawn(&found).layers[0].p_value.unwrap() < 1e-6);
    found.facts.mixed_precision.sigma = 0.5;
    found.facts.mixed_precision.strategy = Strategy::Uniform;
    assert!(drawn(&found).layers[0].p_value.unwrap() < 1e-6);
    found.facts.mixed_precision.strategy = Strategy::Hasb;
    // Too regular is wrong, too: here only Pearson's statistic would not mind more noise.
    for record in found.histories.get_mut("supernet").unwrap() {
        record.draws[3] = vec![1620, 1440, 1440];
    }
    assert!(drawn(&found).layers[2].p_value.unwrap() < 1e-6);
    assert!(chi_square(&[3240, 2880, 2880], &EVEN).unwrap().p_value < 1e-5);
}

#[test]
fn where_every_draw_is_random_the_test_is_pearson_s() {
    let mut intended = Intended::new(3);
    for base in 0..3 {
        intended.add(100.0, &WIDE, base, 1.0);
    }
    let counts = [190, 75, 35];
    let expected = chi_square(&counts, &WIDE).unwrap().p_value;
    let found = intended.p_value(&counts).unwrap();
    assert!((found - expected).abs() < 1e-9, "{found} instead of {expected}");
}

#[test]
fn draws_that_are_not_random_are_right_or_wrong() {
    let mut found = findings();
    found.facts.mixed_precision.sigma = 0.0;
    for record in found.histories.get_mut("supernet").unwrap() {
        record.draws = vec![vec![30], vec![10; 3], vec![10; 3], vec![11, 10, 9]];
    }
    let p: Vec<Option<f64>> = drawn(&found).layers.iter().map(|l| l.p_value).collect();
    assert_eq!(p, [Some(1.0), Some(1.0), Some(0.0)]);
}

#[test]
fn few_random_draws_have_no_test() {
    let mut found = findings();
    train(&mut found, 4, 1);
    let draws = drawn(&found);
    assert!(draws.layers.iter().all(|l| l.p_value.is_none()), "{draws:?}");
    assert_eq!(draws.layers[0].candidates.iter().map(|c| c.drawn).sum::<u64>(), 24);
}
