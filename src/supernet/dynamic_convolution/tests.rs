//! Against the definitions: explicit Kronecker products, differences, and convolutions written out.

use super::grouped::grouped;
use super::resources::{Gated, learnt_products, order_term, resource_factor};
use super::*;
use crate::numeric::rng::Stream;

const GATES: usize = 3;
const CHANNELS: usize = 1 << GATES;
const CELLS: usize = 9;

/// A central difference of a polynomial of degree one in each variable is exact but for rounding.
const ROUNDING: f64 = 1e-9;

type Matrix = Vec<Vec<f64>>;

fn kronecker(a: &Matrix, b: &Matrix) -> Matrix {
    let (n, m) = (a.len(), b.len());
    (0..n * m).map(|i| (0..n * m).map(|j| a[i / m][j / m] * b[i % m][j % m]).collect()).collect()
}

/// `U` by its definition.
fn explicit(states: &[f64]) -> Matrix {
    states.iter().fold(vec![vec![1.0]], |product, &s| kronecker(&product, &vec![vec![1.0, s], vec![s, 1.0]]))
}

fn numbers(name: &str, count: usize) -> Vec<f32> {
    let mut stream = Stream::new(7, name, &[]);
    (0..count).map(|_| stream.normal() as f32).collect()
}

/// All gates of the given number whose states differ.
fn all_gates(count: usize) -> impl Iterator<Item = Vec<f32>> {
    (0..1usize << count).map(move |bits| (0..count).map(|k| if bits >> k & 1 == 1 { 0.5 } else { -0.5 }).collect())
}

#[test]
fn the_mask_is_the_kronecker_product_of_its_definition() {
    let kernel = numbers("kernel", CHANNELS * CHANNELS * CELLS);
    for gates in all_gates(GATES) {
        let mask = Mask::of_gates("l", &gates).unwrap();
        let expected = explicit(&mask.states);
        let masked = mask.apply(&kernel).unwrap();
        for (at, (masked, weight)) in masked.iter().zip(&kernel).enumerate() {
            let (i, j) = (at / CELLS / CHANNELS, at / CELLS % CHANNELS);
            assert_eq!(f64::from(*masked), f64::from(*weight) * expected[i][j], "{gates:?}");
        }
        let ones = expected.iter().flatten().sum::<f64>();
        assert_eq!(learnt_products(&[(&mask, &gates)]), ones);
        assert_eq!(mask.split() as f64, (CHANNELS * CHANNELS) as f64 / ones, "each group sees one d-th");
    }
    // The first gate is the highest bit: closed, the halves do not see each other.
    let halves = Mask::of_gates("l", &[-1.0, 1.0, 0.0]).unwrap();
    assert_eq!((halves.product(4, None), halves.product(3, None), halves.split()), (0.0, 1.0, 2));
}

#[test]
fn the_gradient_of_the_gates_is_that_of_the_kronecker_product() {
    let (kernel, upstream) = (numbers("kernel", CHANNELS * CHANNELS * CELLS), numbers("upstream", 64 * CELLS));
    let loss = |states: &[f64]| -> f64 {
        let mask = explicit(states);
        let terms = kernel.iter().zip(&upstream).enumerate();
        terms
            .map(|(at, (&w, &g))| f64::from(w) * f64::from(g) * mask[at / CELLS / CHANNELS][at / CELLS % CHANNELS])
            .sum()
    };
    for mut gates in all_gates(GATES) {
        let mask = Mask::of_gates("l", &gates).unwrap();
        let found = mask.gate_gradient(&gates, &kernel, &upstream).unwrap();
        for (k, gradient) in found.iter().enumerate() {
            let moved = |by: f64| {
                let mut states = mask.states.clone();
                states[k] += by;
                loss(&states)
            };
            let expected = 0.5 * (moved(0.25) - moved(-0.25)) / 0.5;
            assert!((gradient - expected).abs() <= ROUNDING * expected.abs().max(1.0), "{gates:?} {k}");
        }
        // Beyond 1 nothing flows, and the others keep theirs.
        gates[1] *= 3.0;
        let clipped = mask.gate_gradient(&gates, &kernel, &upstream).unwrap();
        assert_eq!(clipped, [found[0], 0.0, found[2]]);
        assert_ne!(found[1], 0.0);
    }
}

#[test]
fn between_the_states_the_gradient_is_exact_too() {
    let (kernel, upstream) = (numbers("kernel", CHANNELS * CHANNELS), numbers("upstream", CHANNELS * CHANNELS));
    let loss = |states: Vec<f64>| -> f64 {
        let masked = Mask { states }.values();
        let terms = kernel.iter().zip(&upstream).enumerate();
        terms.map(|(at, (&w, &g))| f64::from(w) * f64::from(g) * masked[(at / CHANNELS) ^ (at % CHANNELS)]).sum()
    };
    let states = vec![0.3, 0.8, 0.1];
    let found = Mask { states: states.clone() }.state_gradient(&kernel, &upstream).unwrap();
    for (k, gradient) in found.into_iter().enumerate() {
        let moved = |by: f64| loss(states.iter().enumerate().map(|(m, s)| if m == k { s + by } else { *s }).collect());
        assert!((gradient - (moved(0.1) - moved(-0.1)) / 0.2).abs() < ROUNDING);
    }
}

#[test]
fn the_resource_factor_follows_its_equation_and_its_gradient_its_differences() {
    let gates = [vec![0.5, -0.5, 0.2], vec![0.1, 0.3, -0.9, 0.7]];
    let masks: Vec<Mask> = gates.iter().map(|gates| Mask::of_gates("l", gates).unwrap()).collect();
    let factor = |masks: &[Mask]| {
        let layers: Vec<Gated<'_>> = masks.iter().zip(&gates).map(|(mask, gates)| (mask, gates.as_slice())).collect();
        resource_factor(&layers, 4.0, -0.01)
    };
    let term = factor(&masks);
    // R = 2^(3+2) + 2^(4+3) = 160, G = 64/16 + 256/16 = 20.
    assert!((term.value - 8f64.powf(0.01)).abs() < 1e-15);
    for (l, k) in [(0, 0), (0, 1), (1, 2), (1, 3)] {
        let moved = |by: f64| {
            let mut masks = masks.clone();
            masks[l].states[k] += by;
            factor(&masks).value
        };
        let expected = 0.5 * (moved(1e-4) - moved(-1e-4)) / 2e-4;
        assert!((term.gradients[l][k] - expected).abs() < 1e-9, "{l} {k}: {} {expected}", term.gradients[l][k]);
        assert!(term.gradients[l][k] > 0.0, "more ones cost more");
    }
    let closed = vec![-0.5f32; 4];
    let small = Mask::of_gates("l", &closed).unwrap();
    let free = resource_factor(&[(&small, &closed)], 4.0, -0.01);
    assert_eq!((free.value, free.gradients), (1.0, vec![vec![0.0; 4]]), "16 products where 16 are allowed");
}

#[test]
fn the_order_term_is_zero_exactly_where_zeros_stand_before_ones() {
    for gates in all_gates(4) {
        let mask = Mask::of_gates("l", &gates).unwrap();
        let term = order_term(&[(&mask, &gates)]);
        assert_eq!(term.value == 0.0, mask.states.is_sorted(), "{gates:?}");
        for k in 0..4 {
            let moved = |by: f64| {
                let mut mask = mask.clone();
                mask.states[k] += by;
                order_term(&[(&mask, &gates)]).value
            };
            assert!((term.gradients[0][k] - 0.5 * (moved(0.25) - moved(-0.25)) / 0.5).abs() < ROUNDING);
        }
        assert_eq!(grouped(&mask, &[1.0; 256]).unwrap().is_in_order(), mask.states.is_sorted(), "{gates:?}");
    }
}

/// 3×3 convolution in groups, zeros around a map of 4×5, in f64.
fn convolve(weight: &[f32], x: &[Vec<f64>], groups: usize) -> Vec<Vec<f64>> {
    let (height, width, size) = (4, 5, x.len() / groups);
    let place = |y: usize, x: usize, cell: usize| {
        let (v, u) = ((y + cell / 3).checked_sub(1)?, (x + cell % 3).checked_sub(1)?);
        (v < height && u < width).then_some(v * width + u)
    };
    let output = |out: usize, at: usize| -> f64 {
        let first = out / size * size;
        let term = |input: usize, cell: usize| {
            let weight = f64::from(weight[(out * size + input) * CELLS + cell]);
            place(at / width, at % width, cell).map_or(0.0, |at| weight * x[first + input][at])
        };
        (0..size).flat_map(|input| (0..CELLS).map(move |cell| (input, cell))).map(|(i, c)| term(i, c)).sum()
    };
    (0..x.len()).map(|out| (0..height * width).map(|at| output(out, at)).collect()).collect()
}

#[test]
fn the_exported_groups_compute_what_the_masked_kernel_does() {
    let kernel = numbers("kernel", CHANNELS * CHANNELS * CELLS);
    let x: Vec<Vec<f64>> =
        numbers("x", CHANNELS * 20).chunks(20).map(|c| c.iter().map(|&v| f64::from(v)).collect()).collect();
    for gates in all_gates(GATES) {
        let mask = Mask::of_gates("l", &gates).unwrap();
        let dense = convolve(&mask.apply(&kernel).unwrap(), &x, 1);
        let export = grouped(&mask, &kernel).unwrap();
        assert_eq!(export.weight.len() * export.groups, kernel.len());
        let moved: Vec<Vec<f64>> = export.order.iter().map(|&channel| x[channel].clone()).collect();
        let found = convolve(&export.weight, &moved, export.groups);
        for (place, &channel) in export.order.iter().enumerate() {
            let equal = found[place].iter().zip(&dense[channel]).all(|(a, b)| (a - b).abs() < ROUNDING);
            assert!(equal, "{gates:?}, channel {channel}");
        }
        if !export.is_in_order() {
            let unmoved = convolve(&export.weight, &x, export.groups);
            assert_ne!(unmoved, dense, "the order matters");
        }
    }
}

#[test]
fn what_has_no_mask_is_refused() {
    assert_eq!(Mask::gates_of("l", 64, 64).unwrap(), 6);
    for (inputs, outputs) in [(64, 32), (12, 12), (0, 0), (1 << 13, 1 << 13)] {
        let error = Mask::gates_of("conv1", inputs, outputs).unwrap_err().to_string();
        assert!(error.contains("`conv1`") && error.contains("power of 2"), "{error}");
    }
    assert!(Mask::of_gates("l", &[f32::NAN]).is_err() && Mask::of_gates("l", &[1.0; 13]).is_err());
    let mask = Mask::of_gates("l", &[1.0, 1.0]).unwrap();
    assert!(mask.apply(&[1.0; 15]).is_err() && mask.apply(&[]).is_err());
    assert!(mask.gate_gradient(&[1.0, 1.0], &[1.0; 16], &[1.0; 15]).is_err());
}
