//! Against the definition in f64.

use super::super::tests::numbers;
use super::*;

/// The three results by the definition, with bounds on the rounding error as `(value, bound)`.
fn expected(x: &[f32], w: &[f32], dy: &[f32], inputs: usize, outputs: usize) -> [Vec<(f64, f64)>; 3] {
    let zeros = |like: &[f32]| vec![(0.0, 0.0); like.len()];
    let mut results = [zeros(dy), zeros(x), zeros(w)];
    let mut terms = [zeros(dy), zeros(x), zeros(w)];
    for n in 0..x.len() / inputs {
        for (o, i) in (0..outputs).flat_map(|o| (0..inputs).map(move |i| (o, i))) {
            let (at_y, at_x, at_w) = (n * outputs + o, n * inputs + i, o * inputs + i);
            let (x, w, g) = (f64::from(x[at_x]), f64::from(w[at_w]), f64::from(dy[at_y]));
            for (result, at, product) in [(0, at_y, x * w), (1, at_x, w * g), (2, at_w, x * g)] {
                results[result][at].0 += product;
                results[result][at].1 += product.abs();
                terms[result][at].0 += 1.0;
            }
        }
    }
    // √n·ε of Σ|products|: see the tests of the convolutions.
    for (results, terms) in results.iter_mut().zip(&terms) {
        for (result, (terms, _)) in results.iter_mut().zip(terms) {
            result.1 *= terms.sqrt() * f64::from(f32::EPSILON);
        }
    }
    results
}

fn agrees(found: &[f32], expected: &[(f64, f64)]) -> bool {
    found.iter().zip(expected).all(|(&found, (value, bound))| (f64::from(found) - value).abs() <= *bound)
}

#[test]
fn the_three_maps_agree_with_the_definition() {
    for vectors in [1usize, 3, 4, 8, 13, 29] {
        for (inputs, outputs) in [(1, 1), (7, 10), (32, 64), (33, 31), (100, 40), (64, 1), (1, 65)] {
            let (x, w) = (numbers::<f32>(vectors * inputs, 1), numbers::<f32>(outputs * inputs, 2));
            let dy = numbers::<f32>(vectors * outputs, 3);
            let [expected_y, expected_dx, expected_dw] = expected(&x, &w, &dy, inputs, outputs);
            let (mut y, mut dx) = (vec![f32::NAN; dy.len()], vec![f32::NAN; x.len()]);
            let mut dw = vec![f32::NAN; w.len()];
            Forward::new(inputs, outputs, &w).image(&x, &mut y);
            InputGradient::new(inputs, outputs, &w).image(&dy, &mut dx);
            let map = WeightGradient::new(inputs, outputs);
            let mut sums = vec![0.0; map.sums_len()];
            // Two images, the first of one vector.
            for (x, dy) in [(&x[..inputs], &dy[..outputs]), (&x[inputs..], &dy[outputs..])] {
                let mut scratch = vec![f32::NAN; map.scratch_len(x.len() / inputs)];
                map.image(x, dy, &mut scratch, &mut sums);
            }
            map.finish(&sums, &mut dw);
            assert!(agrees(&y, &expected_y), "y: {vectors} {inputs} {outputs}");
            assert!(agrees(&dx, &expected_dx), "dx: {vectors} {inputs} {outputs}");
            assert!(agrees(&dw, &expected_dw), "dw: {vectors} {inputs} {outputs}");
            dw[0] += 0.01 * x[0] * dy[0];
            assert!(!agrees(&dw, &expected_dw), "an error is not seen: {vectors} {inputs} {outputs}");
        }
    }
}

type Sweep = fn(usize, Factors<'_>, usize, &[[f32; PANEL]], &mut Target<'_>);

#[test]
fn the_versions_of_all_instruction_sets_agree() {
    let portable: [[(Sweep, usize); 2]; 2] = [
        [(sweep::<Plain<4, false>, 2, false>, 4), (sweep::<Plain<8, false>, 2, false>, 4)],
        [(sweep::<Plain<4, false>, 2, true>, 4), (sweep::<Plain<16, false>, 2, true>, 8)],
    ];
    for (count, depth, columns) in [(1usize, 5usize, 32usize), (13, 20, 32), (29, 3, 17)] {
        // Small integers: every sum is exact in any order.
        let integers = |length: usize, a: usize| (0..length).map(move |i| (i * a % 11) as f32 - 5.0);
        let factors: Vec<f32> = integers(count * depth, 7).collect();
        let panel = pack(depth, PANEL, |k, c| ((k * 3 + c * 5) % 7) as f32 - 3.0);
        for (is_across, versions) in [false, true].into_iter().zip(portable) {
            let factor = |m: usize, k: usize| factors[if is_across { k * count + m } else { m * depth + k }];
            let sum = |m: usize, c: usize| 1.0 + (0..depth).map(|k| factor(m, k) * panel[k][c]).sum::<f32>();
            let expected: Vec<f32> =
                (0..count).flat_map(|m| (0..columns).map(move |c| (m, c))).map(|(m, c)| sum(m, c)).collect();
            let factors = Factors { data: &factors, step: if is_across { count } else { depth } };
            let check = |run: &dyn Fn(&mut Target<'_>)| {
                let mut data = vec![1.0; count * columns];
                run(&mut Target { data: &mut data, step: columns, columns, accumulate: true });
                assert_eq!(data, expected, "{count} {depth} {columns} {is_across}");
            };
            for (version, most) in versions {
                check(&|target| version(most, factors, count, &panel, target));
            }
            check(&|target| {
                if is_across { across(factors, count, &panel, target) } else { along(factors, count, &panel, target) }
            });
        }
    }
}
