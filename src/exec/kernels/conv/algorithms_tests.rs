//! Every algorithm on scratch that holds NaN, against the definition in f64, columns, and as adjoints.

use proptest::prelude::*;

use super::super::im2col;
use super::super::tests::{Case, PerImage, any_shape, inner};
use super::*;

/// The three results by the algorithm of the shape.
fn run(case: &Case<f32>) -> [Vec<f32>; 3] {
    let forward = Forward::new(&case.shape, &case.w);
    let input_gradient = InputGradient::new(&case.shape, &case.w);
    let weight_gradient = WeightGradient::new(&case.shape);
    let scratch = [forward.scratch_len(), input_gradient.scratch_len(), weight_gradient.scratch_len()];
    PerImage {
        lengths: [scratch[0], scratch[1], scratch[2], weight_gradient.sums_len()],
        forward: &|x, scratch, y| forward.image(x, scratch, y),
        input_gradient: &|dy, scratch, dx| input_gradient.image(dy, scratch, dx),
        weight_gradient: &|x, dy, scratch, sums| weight_gradient.image(x, dy, scratch, sums),
        finish: &|sums, dw| weight_gradient.finish(sums, dw),
    }
    .run(case)
}

/// `[batch, in, out, height, width, kernel, stride, padding, groups]`, one of each kind and the usual networks' corners.
const SHAPES: [[usize; 9]; 12] = [
    [2, 3, 8, 9, 9, 3, 1, 1, 1],
    [1, 1, 6, 12, 12, 5, 1, 2, 1],
    [2, 40, 24, 7, 7, 1, 1, 0, 1],
    [2, 24, 40, 1, 1, 1, 1, 0, 1],
    [1, 17, 17, 14, 15, 3, 1, 1, 17],
    [1, 17, 34, 14, 15, 5, 2, 2, 17],
    [2, 8, 8, 8, 8, 3, 1, 1, 2],
    [2, 32, 32, 7, 7, 3, 2, 1, 8],
    [1, 12, 6, 9, 5, 1, 1, 0, 3],
    [1, 6, 12, 2, 3, 5, 1, 2, 3],
    [1, 4, 4, 1, 1, 3, 1, 1, 4],
    [1, 4, 4, 1, 1, 3, 1, 1, 2],
];

fn shapes() -> impl Iterator<Item = ConvShape> {
    SHAPES.into_iter().map(
        |[batch, in_channels, out_channels, in_height, in_width, kernel, stride, padding, groups]| ConvShape {
            batch,
            in_channels,
            out_channels,
            in_height,
            in_width,
            kernel_height: kernel,
            kernel_width: kernel,
            stride: [stride; 2],
            padding: [padding; 2],
            padding_after: [padding; 2],
            groups,
        },
    )
}

#[test]
fn every_algorithm_agrees_with_the_definition_and_with_columns() {
    for shape in shapes() {
        let case = Case::<f32>::new(shape);
        let found = run(&case);
        assert_eq!(case.agrees(&found), Ok(()));
        let mut columns = found.clone();
        im2col::forward(&shape, &case.x, &case.w, &mut columns[0]);
        im2col::input_gradient(&shape, &case.dy, &case.w, &mut columns[1]);
        im2col::weight_gradient(&shape, &case.x, &case.dy, &mut columns[2]);
        for (found, columns) in found.iter().zip(&columns) {
            let difference: Vec<f32> = found.iter().zip(columns).map(|(a, b)| a - b).collect();
            assert!(inner(&difference, &difference) <= 1e-10 * inner(columns, columns), "{shape:?}");
        }
    }
}

#[test]
fn the_gradients_are_the_adjoints() {
    for shape in shapes() {
        let case = Case::<f32>::new(shape);
        let [y, dx, dw] = run(&case);
        let (by_y, by_x, by_w) = (inner(&y, &case.dy), inner(&case.x, &dx), inner(&case.w, &dw));
        let scale = (inner(&y, &y) * inner(&case.dy, &case.dy)).sqrt();
        assert!((by_y - by_x).abs() <= 1e-5 * scale && (by_y - by_w).abs() <= 1e-5 * scale, "{shape:?}");
    }
}

#[test]
fn every_algorithm_is_chosen() {
    let kinds: Vec<u8> = shapes()
        .map(|shape| match Algorithm::of(&shape, Operation::Forward) {
            Algorithm::Direct | Algorithm::Winograd => 0,
            Algorithm::Depthwise => 1,
            Algorithm::Grouped => 2,
        })
        .collect();
    assert_eq!(kinds, [0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 1, 2]);
}

#[test]
fn a_layer_of_a_residual_network_takes_half_of_the_multiplications_where_that_pays() {
    let layer = |channels, map| ConvShape {
        batch: 1,
        in_channels: channels,
        out_channels: channels,
        in_height: map,
        in_width: map,
        kernel_height: 3,
        kernel_width: 3,
        stride: [1; 2],
        padding: [1; 2],
        padding_after: [1; 2],
        groups: 1,
    };
    let chosen = |shape: &ConvShape| {
        [Operation::Forward, Operation::InputGradient, Operation::WeightGradient]
            .map(|operation| matches!(Algorithm::of(shape, operation), Algorithm::Winograd))
    };
    for shape in [layer(16, 32), layer(32, 16), layer(64, 8)] {
        assert_eq!(chosen(&shape), [true; 3], "{shape:?}");
        assert_eq!(chosen(&ConvShape { stride: [2; 2], ..shape }), [false; 3], "only stride 1");
    }
    assert_eq!(chosen(&layer(1, 28)), [false; 3], "one channel has nothing to gain");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_small_shape_agrees_with_the_definition(shape in any_shape()) {
        prop_assume!(!shape.is_empty());
        let case = Case::<f32>::new(shape);
        prop_assert_eq!(case.agrees(&run(&case)), Ok(()));
    }
}
