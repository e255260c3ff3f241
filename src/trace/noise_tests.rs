use super::*;
use crate::numeric::rng::Stream;
use crate::trace::ProbeDistribution::Rademacher;
use crate::trace::fixtures::{STANDARD_ERRORS, Tridiagonal, UNLIKELY, binomial_p_value, deviation};
use crate::trace::hutchinson;

/// Entries of the diagonal, and what stands beside it: `vᵀAv` is a sum of this many independent signs, nearly normal.
const N: usize = 40;
const BESIDE: f64 = 0.1;

/// `Var` of one Rademacher probe on a block, whatever its diagonal.
const PROBE: f64 = 4.0 * (N - 1) as f64 * BESIDE * BESIDE;

/// Population: block matrices with the diagonal `1 + τ z/(√w N)`, z normal: trace `N + τ z/√w`.
const TRUTH: f64 = N as f64;

/// Draws of `rounds` rounds over blocks whose matrices are drawn from the population (`data`: stream of that draw).
fn cells(shares: &[f64], rounds: u64, tau: f64, data: u64, probes: u64, bias: f64) -> Cells {
    let mut cells = Cells::new("k", "hutchinson", vec!["a".into()], shares.to_vec()).unwrap();
    for (b, share) in shares.iter().enumerate() {
        let z = Stream::new(data, "data", &[b as u64]).normal();
        let mut operator = Tridiagonal::new(vec![1.0 + tau * z / (share.sqrt() * N as f64); N], BESIDE);
        operator.bias = bias;
        for r in 0..rounds {
            let mut stream = Stream::new(probes, "probe", &[r, b as u64]);
            cells.insert(r, b, hutchinson(&operator, Rademacher, &mut stream).unwrap()).unwrap();
        }
    }
    cells
}

/// `Σ w_b Tr(A_b)` of those blocks.
fn on_these_data(shares: &[f64], tau: f64, data: u64) -> f64 {
    let of = |(b, w): (usize, &f64)| w * (TRUTH + tau * Stream::new(data, "data", &[b as u64]).normal() / w.sqrt());
    shares.iter().enumerate().map(of).sum()
}

fn of(cells: &Cells, rounds: u64) -> TraceEstimate {
    estimates(cells, rounds, true)[0]
}

const UNEQUAL: [f64; 5] = [0.4, 0.3, 0.15, 0.1, 0.05];
const SEEDS: u64 = 1500;

#[test]
fn both_variances_are_unbiased_for_unequal_shares_and_the_formula_for_equal_ones_is_seen_to_be_wrong() {
    let (rounds, tau) = (3, 0.3);
    let probe = UNEQUAL.iter().map(|w| w * w * PROBE).sum::<f64>();
    // The share cancels in w² τ²/w; all of them together are τ².
    let total = probe + tau * tau;
    let draws: Vec<Cells> = (0..SEEDS).map(|seed| cells(&UNEQUAL, rounds, tau, seed, seed, 1.0)).collect();
    let off =
        |value: &dyn Fn(&Cells) -> f64, truth: f64| deviation(&draws.iter().map(value).collect::<Moments>(), truth);
    // One round: the total as it stands, without the floor that the probes' error gives it.
    let traces = off(&|cells| of(cells, 1).trace, TRUTH);
    let totals = off(&|cells| of(cells, 1).stderr.unwrap().powi(2), total);
    let probes = off(&|cells| of(cells, rounds).probe_stderr.unwrap().powi(2), probe / rounds as f64);
    assert!(traces.max(probes).max(totals) <= STANDARD_ERRORS, "{traces} {probes} {totals}");
    // The spread of the estimates themselves agrees, without any formula of ours.
    let squares = off(&|cells| (of(cells, 1).trace - TRUTH).powi(2), total);
    assert!(squares <= STANDARD_ERRORS, "{squares}");
    let for_equal = |cells: &Cells| {
        let (trace, blocks) = (of(cells, 1).trace, UNEQUAL.len() as f64);
        let spread = |(b, w): (usize, &f64)| w * w * (cells.get(0, b).unwrap()[0] - trace).powi(2);
        UNEQUAL.iter().enumerate().map(spread).sum::<f64>() * blocks / (blocks - 1.0)
    };
    let wrong = off(&for_equal, total);
    assert!(wrong > STANDARD_ERRORS, "blind: {wrong}");
}

#[test]
fn the_error_is_never_given_below_that_of_the_probes_and_is_made_of_its_two_parts() {
    let mut below = 0;
    for seed in 0..100 {
        let cells = cells(&[0.25; 4], 3, 0.0, 0, seed, 1.0);
        let (e, total) = (of(&cells, 3), estimates(&cells, 3, false)[0].stderr.unwrap());
        let (error, probe, data) = (e.stderr.unwrap(), e.probe_stderr.unwrap(), e.data_stderr.unwrap());
        assert!((error - probe.hypot(data)).abs() <= 1e-12 && error >= probe, "{e:?}");
        below += u64::from(total < probe);
    }
    // Without data noise about every second total is.
    assert!((30..80).contains(&below), "{below}");
}

/// p-value of the count of intervals that hold their truth: `interval` gives centre, half width and truth.
fn coverage(interval: impl Fn(u64) -> (f64, f64, f64)) -> f64 {
    let holds = |seed: &u64| {
        let (centre, half_width, truth) = interval(*seed);
        (centre - truth).abs() <= half_width
    };
    binomial_p_value((0..SEEDS).filter(holds).count() as u64, SEEDS, 0.95)
}

#[test]
fn the_interval_of_the_probes_covers_the_trace_on_one_block_in_95_of_100() {
    let interval = |seed: u64, bias: f64, shrink: f64| {
        let e = of(&cells(&[1.0], 12, 0.0, 0, seed, bias), 12);
        (e.trace, shrink * e.half_width.unwrap(), TRUTH)
    };
    let correct = coverage(|seed| interval(seed, 1.0, 1.0));
    assert!(correct > UNLIKELY, "{correct:e}");
    assert!(coverage(|seed| interval(seed, 1.0, 0.8)) < UNLIKELY, "blind for an interval shrunk by 0.8");
    assert!(coverage(|seed| interval(seed, 1.01, 1.0)) < UNLIKELY, "blind for a bias of 1 %");
}

#[test]
fn the_probe_noise_of_many_blocks_covers_the_trace_on_these_data_in_95_of_100() {
    let (shares, rounds, data) = ([0.125; 8], 6, 77);
    // (R − 1) degrees of freedom in each block.
    let quantile = student_t_quantile(UPPER, 8 * (rounds - 1));
    let truth = on_these_data(&shares, 1.0, data);
    let interval = |seed: u64, bias: f64, shrink: f64| {
        let e = of(&cells(&shares, rounds, 1.0, data, seed, bias), rounds);
        (e.trace, shrink * quantile * e.probe_stderr.unwrap(), truth)
    };
    let correct = coverage(|seed| interval(seed, 1.0, 1.0));
    assert!(correct > UNLIKELY, "{correct:e}");
    assert!(coverage(|seed| interval(seed, 1.0, 0.8)) < UNLIKELY, "blind for an interval shrunk by 0.8");
    assert!(coverage(|seed| interval(seed, 1.01, 1.0)) < UNLIKELY, "blind for a bias of 1 %");
}

#[test]
fn the_total_interval_covers_the_trace_of_the_population_in_95_of_100() {
    for rounds in [1, 3] {
        let shares = [0.1; 10];
        let interval = |seed: u64, shrink: f64| {
            let e = of(&cells(&shares, rounds, 1.0, seed, seed, 1.0), rounds);
            (e.trace, shrink * e.half_width.unwrap(), TRUTH)
        };
        let correct = coverage(|seed| interval(seed, 1.0));
        assert!(correct > UNLIKELY, "{correct:e}");
        assert!(coverage(|seed| interval(seed, 0.8)) < UNLIKELY, "blind for an interval shrunk by 0.8");
    }
    let probes_only = |seed: u64| {
        let e = of(&cells(&[0.1; 10], 3, 1.0, seed, seed, 1.0), 3);
        (e.trace, student_t_quantile(UPPER, 20) * e.probe_stderr.unwrap(), TRUTH)
    };
    assert!(coverage(probes_only) < UNLIKELY, "blind for data noise that is left out");
}

#[test]
fn what_is_not_known_is_none() {
    let one = of(&cells(&[1.0], 1, 0.0, 0, 0, 1.0), 1);
    assert_eq!((one.stderr, one.probe_stderr, one.data_stderr, one.half_width), (None, None, None, None));
    let first_round = of(&cells(&[0.5, 0.5], 1, 1.0, 0, 0, 1.0), 1);
    assert!(first_round.stderr.is_some() && first_round.half_width.is_some());
    assert_eq!((first_round.probe_stderr, first_round.data_stderr), (None, None));
    let one_block = of(&cells(&[1.0], 4, 0.0, 0, 0, 1.0), 4);
    assert_eq!((one_block.stderr, one_block.data_stderr), (one_block.probe_stderr, None));
    assert!(one_block.stderr.is_some());
    // Without randomness the probes have no error, and all of the spread is the data's.
    let exact = estimates(&cells(&[0.5, 0.5], 1, 1.0, 0, 0, 1.0), 1, false)[0];
    assert_eq!((exact.probe_stderr, exact.data_stderr), (Some(0.0), exact.stderr));
    let exact = estimates(&cells(&[1.0], 1, 1.0, 0, 0, 1.0), 1, false)[0];
    assert_eq!((exact.stderr, exact.half_width, exact.data_stderr), (None, None, None));
}

#[test]
fn the_numbers_are_those_worked_out_by_hand() {
    let mut cells = Cells::new("k", "e", vec!["a".into()], vec![0.25, 0.75]).unwrap();
    for (round, block, value) in [(0, 0, 1.0), (0, 1, 4.0), (1, 0, 3.0), (1, 1, 8.0), (2, 0, 100.0)] {
        cells.insert(round, block, vec![value]).unwrap();
    }
    // x̄ = (2, 6), t = 5, s² = (2, 8): probe² = (2/16 + 8 · 9/16)/2 = 2.3125; a share above ½: total² = ¼ 9 + ¾ 1 = 3.
    let e = of(&cells, 2);
    assert_eq!(e.trace, 5.0);
    assert_eq!(e.stderr, Some(3f64.sqrt()));
    assert_eq!((e.probe_stderr, e.data_stderr), (Some(2.3125f64.sqrt()), Some(0.6875f64.sqrt())));
    assert!((e.half_width.unwrap() - 12.706_204_736_174_7 * 3f64.sqrt()).abs() <= 1e-9);
    // Equal shares: Σ e²/(B(B − 1)).
    for (coefficient, equal) in total_coefficients(&[0.25; 4]).unwrap().iter().zip([1.0 / 12.0; 4]) {
        assert!((coefficient - equal).abs() <= 1e-15);
    }
    assert_eq!(total_coefficients(&[0.5, 0.5]).unwrap(), [0.5, 0.5]);
    // The third round has one block: it alone counts, with all of the share.
    assert_eq!(of(&cells, 3).trace, 104.0 / 3.0);
}
