//! The three operations against the definition in f64, with the direct path beside them.

use super::super::tests::{numbers, products};
use super::super::{direct, input_gradient as direct_input, weight_gradient as direct_weight};
use super::*;

/// `[in, out, height, width, padding, padding, padding after, padding after]`.
const SHAPES: [[usize; 8]; 22] = [
    [1, 1, 1, 1, 1, 1, 1, 1],
    [1, 16, 28, 28, 1, 1, 1, 1],
    [3, 16, 32, 32, 1, 1, 1, 1],
    [16, 16, 28, 28, 1, 1, 1, 1],
    [32, 32, 14, 14, 1, 1, 1, 1],
    [32, 33, 16, 16, 1, 1, 1, 1],
    [70, 64, 7, 7, 1, 1, 1, 1],
    [64, 70, 8, 8, 1, 1, 1, 1],
    [5, 7, 9, 11, 0, 0, 0, 0],
    [7, 5, 11, 9, 2, 2, 2, 2],
    [2, 3, 10, 5, 0, 2, 1, 0],
    [3, 2, 13, 6, 2, 0, 0, 1],
    [4, 6, 5, 1, 1, 1, 0, 1],
    [6, 4, 1, 19, 1, 0, 1, 0],
    [3, 5, 3, 3, 0, 0, 0, 0],
    [2, 2, 2, 2, 3, 4, 4, 3],
    [3, 3, 6, 4, 5, 3, 0, 7],
    [1, 2, 1, 1, 5, 5, 0, 5],
    [2, 2, 3, 40, 0, 17, 0, 20],
    [17, 19, 20, 17, 1, 1, 1, 1],
    [24, 20, 60, 61, 1, 1, 1, 1],
    [9, 18, 130, 70, 1, 1, 1, 1],
];

fn shape([in_channels, out_channels, in_height, in_width, a, b, c, d]: [usize; 8]) -> ConvShape {
    ConvShape {
        batch: 2,
        in_channels,
        out_channels,
        in_height,
        in_width,
        kernel_height: 3,
        kernel_width: 3,
        stride: [1, 1],
        padding: [a, b],
        padding_after: [c, d],
        groups: 1,
    }
}

fn shapes() -> impl Iterator<Item = ConvShape> {
    SHAPES.into_iter().map(shape)
}

/// The operands of one shape and the three results by the definition.
struct Case {
    shape: ConvShape,
    x: Vec<f32>,
    w: Vec<f32>,
    dy: Vec<f32>,
    expected: [Vec<f64>; 3],
    /// Σ of the squares of all products: that of the results, but for the chance of their signs.
    squares: [f64; 3],
}

impl Case {
    fn new(shape: ConvShape) -> Self {
        let x: Vec<f32> = numbers(shape.input_len(), 1);
        let w: Vec<f32> = numbers(shape.weight_len(), 2);
        let dy: Vec<f32> = numbers(shape.output_len(), 3);
        let (mut y, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
        let mut squares = [0.0; 3];
        products(&shape, |i, j, k| {
            let (x, w, dy) = (f64::from(x[i]), f64::from(w[j]), f64::from(dy[k]));
            y[k] += x * w;
            dx[i] += dy * w;
            dw[j] += x * dy;
            for (square, product) in squares.iter_mut().zip([x * w, dy * w, x * dy]) {
                *square += product * product;
            }
        });
        Self { shape, x, w, dy, expected: [y, dx, dw], squares }
    }

    /// The three results in buffers and scratch that hold `old` before.
    fn winograd(&self, old: f32) -> [Vec<f32>; 3] {
        let (forward, input) = (Forward::new(&self.shape, &self.w), InputGradient::new(&self.shape, &self.w));
        let weight = WeightGradient::new(&self.shape);
        self.results(
            old,
            [forward.scratch_len(), input.scratch_len(), weight.scratch_len(), weight.sums_len()],
            |x, scratch, y| forward.image(x, scratch, y),
            |dy, scratch, dx| input.image(dy, scratch, dx),
            |x, dy, scratch, sums| weight.image(x, dy, scratch, sums),
            |sums, dw| weight.finish(sums, dw),
        )
    }

    fn direct(&self) -> [Vec<f32>; 3] {
        let forward = direct::Forward::new(&self.shape, &self.w);
        let input = direct_input::InputGradient::new(&self.shape, &self.w);
        let weight = direct_weight::WeightGradient::new(&self.shape);
        self.results(
            0.0,
            [forward.scratch_len(), input.scratch_len(), weight.scratch_len(), weight.sums_len()],
            |x, scratch, y| forward.image(x, scratch, y),
            |dy, scratch, dx| input.image(dy, scratch, dx),
            |x, dy, scratch, sums| weight.image(x, dy, scratch, sums),
            |sums, dw| weight.finish(sums, dw),
        )
    }

    fn results(
        &self,
        old: f32,
        lengths: [usize; 4],
        forward: impl Fn(&[f32], &mut [f32], &mut [f32]),
        input: impl Fn(&[f32], &mut [f32], &mut [f32]),
        weight: impl Fn(&[f32], &[f32], &mut [f32], &mut [f32]),
        finish: impl Fn(&[f32], &mut [f32]),
    ) -> [Vec<f32>; 3] {
        let (mut y, mut dx, mut dw) = (vec![old; self.dy.len()], vec![old; self.x.len()], vec![old; self.w.len()]);
        let mut sums = vec![0.0; lengths[3]];
        for image in 0..self.shape.batch {
            let (input_len, output_len) = (self.x.len() / self.shape.batch, self.dy.len() / self.shape.batch);
            let (x, dy) = (&self.x[image * input_len..][..input_len], &self.dy[image * output_len..][..output_len]);
            forward(x, &mut vec![old; lengths[0]], &mut y[image * output_len..][..output_len]);
            input(dy, &mut vec![old; lengths[1]], &mut dx[image * input_len..][..input_len]);
            weight(x, dy, &mut vec![old; lengths[2]], &mut sums);
        }
        finish(&sums, &mut dw);
        [y, dx, dw]
    }

    /// Of each result: √(Σ error² / Σ size²), and the largest error relative to the root mean square of the size.
    fn errors(&self, found: &[Vec<f32>; 3]) -> [[f64; 2]; 3] {
        std::array::from_fn(|result| {
            let expected = &self.expected[result];
            let square = self.squares[result];
            let errors = || expected.iter().zip(&found[result]).map(|(e, &f)| (f64::from(f) - e).abs());
            let root = errors().map(|e| e * e).sum::<f64>().sqrt();
            // A NaN has to stay one.
            let largest = errors().fold(0.0, |largest, e| if e <= largest { largest } else { e });
            [root / square.sqrt(), largest / (square / expected.len() as f64).sqrt()]
        })
    }
}

fn inner(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// Rounding of the transforms, which also tiny sums have: a dozen operations whose terms are a few times their result.
const TRANSFORMS: f64 = 5.0 * f32::EPSILON as f64;

/// Whether the errors are within a small factor of those of the direct path.
fn agree(found: &[[f64; 2]; 3], direct: &[[f64; 2]; 3]) -> bool {
    let limits = |found: &[f64; 2], direct: &[f64; 2]| {
        // The largest of many errors scatters more than their root mean square.
        found[0] <= 2.5 * direct[0] + TRANSFORMS / 3.0 && found[1] <= 4.0 * direct[1] + TRANSFORMS
    };
    found.iter().zip(direct).all(|(found, direct)| limits(found, direct))
}

#[test]
fn every_shape_agrees_with_the_definition_whatever_the_buffers_held_before() {
    for shape in shapes() {
        let case = Case::new(shape);
        let found = case.winograd(f32::NAN);
        let (errors, direct) = (case.errors(&found), case.errors(&case.direct()));
        assert!(agree(&errors, &direct), "{shape:?}: {errors:?}, direct {direct:?}");
        assert_eq!(found, case.winograd(1e30), "{shape:?}");
    }
}

#[test]
fn heights_and_widths_of_every_remainder_agree_with_the_definition() {
    for (height, width) in (1..=20).flat_map(|height| [1, 2, 6, 7, 14, 15, 16, 17, 31].map(|width| (height, width))) {
        let padding = [height % 3, width % 3, (height + 1) % 3, (width + 1) % 3];
        if height + padding[0] + padding[2] < 3 || width + padding[1] + padding[3] < 3 {
            continue;
        }
        let [a, b, c, d] = padding;
        let case = Case::new(shape([1 + height % 5, 1 + 3 * width % 37, height, width, a, b, c, d]));
        let errors = case.errors(&case.winograd(f32::NAN));
        // Some results are too small for the statistics of rounding. A wrong product is an error above 0.01.
        assert!(errors.iter().all(|[root, most]| *root <= 1e-6 && *most <= 1e-5), "{:?}: {errors:?}", case.shape);
    }
}

/// The documented errors hold from both sides: [`Forward`], [`InputGradient`], [`WeightGradient`].
#[test]
fn the_error_is_what_the_documentation_says() {
    let documented = [
        ([1, 16, 28, 28], [1.4e-7, 2.7e-7, 6.2e-7]),
        ([16, 16, 28, 28], [3.0e-7, 3.0e-7, 5.6e-7]),
        ([64, 70, 8, 8], [5.6e-7, 5.9e-7, 2.1e-7]),
    ];
    for ([inputs, outputs, height, width], expected) in documented {
        let case = Case::new(shape([inputs, outputs, height, width, 1, 1, 1, 1]));
        for (found, expected) in case.errors(&case.winograd(0.0)).iter().zip(expected) {
            // Other instruction sets round products twice and sum in other tiles.
            assert!(found[0] > 0.5 * expected && found[0] < 2.0 * expected, "{inputs} {outputs}: {found:?} {expected}");
        }
    }
}

#[test]
fn the_gradients_are_the_adjoints() {
    for shape in shapes() {
        let case = Case::new(shape);
        let [y, dx, dw] = case.winograd(f32::NAN);
        let (by_y, by_x, by_w) = (inner(&y, &case.dy), inner(&case.x, &dx), inner(&case.w, &dw));
        let scale = (inner(&y, &y) * inner(&case.dy, &case.dy)).sqrt();
        // Errors below 1e-6 in random directions, of which an inner product averages many.
        assert!((by_y - by_x).abs().max((by_y - by_w).abs()) <= 2e-6 * scale, "{shape:?}: {by_y} {by_x} {by_w}");
    }
}

#[test]
fn one_wrong_tap_and_a_shift_by_one_are_seen() {
    for shape in shapes().filter(|shape| shape.weight_len() > 9 && shape.in_height > 2) {
        let case = Case::new(shape);
        let direct = case.errors(&case.direct());
        let mut wrong = Case::new(shape);
        wrong.w[4] += 1e-3;
        let [y, dx, dw] = case.winograd(0.0);
        let [wrong_y, wrong_dx, _] = wrong.winograd(0.0);
        assert!(!agree(&case.errors(&[wrong_y, dx.clone(), dw.clone()]), &direct), "{shape:?}");
        assert!(!agree(&case.errors(&[y.clone(), wrong_dx, dw.clone()]), &direct), "{shape:?}");
        let shifted: Vec<f32> = dw.iter().skip(1).chain(&dw[..1]).copied().collect();
        assert!(!agree(&case.errors(&[y, dx, shifted]), &direct), "{shape:?}");
    }
}

#[test]
fn other_kernels_strides_and_groups_are_refused() {
    let good = shape([4, 4, 8, 8, 1, 1, 1, 1]);
    assert!(applies(&good));
    for bad in [
        ConvShape { kernel_height: 5, ..good },
        ConvShape { kernel_width: 1, ..good },
        ConvShape { stride: [1, 2], ..good },
        ConvShape { groups: 2, ..good },
        ConvShape { in_channels: 0, ..good },
        ConvShape { in_height: 1, padding: [0, 1], ..good },
    ] {
        assert!(!applies(&bad) && !pays(&bad, Operation::Forward), "{bad:?}");
    }
}

#[test]
fn it_pays_for_wide_layers_and_not_for_narrow_ones() {
    let all = [Operation::Forward, Operation::InputGradient, Operation::WeightGradient];
    for [channels, size] in [[16, 28], [32, 14], [64, 7], [64, 8], [64, 56], [256, 14]] {
        let shape = shape([channels, channels, size, size, 1, 1, 1, 1]);
        assert!(all.iter().all(|&operation| pays(&shape, operation)), "{channels} {size}");
    }
    for [inputs, outputs, size] in [[1, 16, 28], [4, 4, 7], [64, 64, 5], [64, 64, 1], [16, 16, 5]] {
        let shape = shape([inputs, outputs, size, size, 1, 1, 1, 1]);
        assert!(all.iter().all(|&operation| !pays(&shape, operation)), "{inputs} {outputs} {size}");
    }
}
