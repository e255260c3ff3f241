//! Every version against the definition in f64.

use proptest::prelude::*;

use super::super::tests::{Case, PerImage, any_shape};
use super::*;

type Steps = fn(&Correlation, usize, &[f32], &[f32], &mut [f32], &mut [f32]);
type Add = fn(&WeightGradient, &[f32], &[f32], &mut [f32], &mut [f32]);

/// The versions of all instruction sets are ordinary code, which any machine can run.
const VERSIONS: [(Steps, Add); 4] = [
    (channels, weight_gradient::add_image),
    (steps::<Plain<16, false>>, WeightGradient::add::<Plain<16, false>>),
    (steps::<Plain<8, false>>, WeightGradient::add::<Plain<8, false>>),
    (steps::<Plain<4, false>>, WeightGradient::add::<Plain<4, false>>),
];

/// A square map and kernel; `[batch, channels, multiplier, extent, kernel, stride, padding]`.
const SHAPES: [[usize; 7]; 14] = [
    [2, 5, 1, 16, 3, 1, 1],
    [2, 5, 1, 16, 3, 2, 1],
    [1, 3, 1, 35, 3, 1, 1],
    [1, 3, 1, 35, 3, 2, 1],
    [2, 3, 2, 20, 5, 1, 2],
    [2, 3, 3, 33, 5, 2, 2],
    [1, 2, 1, 18, 7, 1, 3],
    [1, 2, 2, 18, 7, 2, 3],
    [3, 7, 1, 7, 3, 1, 1],
    [3, 7, 1, 7, 5, 2, 2],
    [2, 4, 2, 1, 3, 1, 1],
    [2, 4, 2, 2, 5, 1, 2],
    [2, 4, 1, 9, 1, 1, 0],
    [2, 4, 1, 70, 1, 2, 0],
];

fn shapes() -> impl Iterator<Item = ConvShape> {
    SHAPES.into_iter().map(|[batch, channels, multiplier, extent, kernel, stride, padding]| ConvShape {
        batch,
        in_channels: channels,
        out_channels: channels * multiplier,
        in_height: extent,
        in_width: extent,
        kernel_height: kernel,
        kernel_width: kernel,
        stride: [stride; 2],
        padding: [padding; 2],
        padding_after: [padding; 2],
        groups: channels,
    })
}

/// The three results of one version.
fn run(case: &Case<f32>, (steps, add): (Steps, Add)) -> [Vec<f32>; 3] {
    let forward = Forward::new(&case.shape, &case.w);
    let input_gradient = InputGradient::new(&case.shape, &case.w);
    let weight_gradient = WeightGradient::new(&case.shape);
    let (ahead, back) = (&forward.correlation, &input_gradient.correlation);
    let lengths = [forward.scratch_len(), input_gradient.scratch_len(), weight_gradient.scratch_len()];
    PerImage {
        lengths: [lengths[0], lengths[1], lengths[2], weight_gradient.sums_len()],
        forward: &|x, scratch, y| steps(ahead, forward.multiplier, x, &forward.weights, scratch, y),
        input_gradient: &|dy, scratch, dx| steps(back, 1, dy, &input_gradient.weights, scratch, dx),
        weight_gradient: &|x, dy, scratch, sums| add(&weight_gradient, x, dy, scratch, sums),
        finish: &|sums, dw| weight_gradient.finish(sums, dw),
    }
    .run(case)
}

#[test]
fn the_version_of_every_instruction_set_agrees_with_the_definition() {
    for shape in shapes() {
        let case = Case::<f32>::new(shape);
        for version in VERSIONS {
            assert_eq!(case.agrees(&run(&case, version)), Ok(()));
        }
    }
}

#[test]
fn a_kernel_that_is_turned_round_is_seen() {
    for shape in shapes().filter(|shape| shape.kernel_height > 1 && shape.in_height > 1) {
        let case = Case::<f32>::new(shape);
        let mut turned = Case::<f32>::new(shape);
        turned.w.chunks_exact_mut(shape.kernel_height * shape.kernel_width).for_each(<[f32]>::reverse);
        assert!(case.agrees(&run(&turned, VERSIONS[0])).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_small_shape_agrees_with_the_definition(
        shape in any_shape(), channels in 1..=5usize, multiplier in 1..=3usize, version in 0..VERSIONS.len(),
    ) {
        let shape = ConvShape { in_channels: channels, out_channels: channels * multiplier, groups: channels, ..shape };
        prop_assume!(!shape.is_empty());
        let case = Case::<f32>::new(shape);
        prop_assert_eq!(case.agrees(&run(&case, VERSIONS[version])), Ok(()));
    }
}
