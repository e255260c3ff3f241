//! Every path against the definition in f64, the adjoint identities, and the same bits for every number of threads.

use proptest::prelude::*;

use super::*;
use crate::exec::kernels::pieces::FEWEST_IMAGES;

/// `[batch, in, out, height, width, kernel_height, kernel_width, stride_y, stride_x, pad_y, pad_x, groups]`.
const SHAPES: [[usize; 12]; 20] = [
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1],
    [2, 1, 16, 28, 28, 3, 3, 1, 1, 1, 1, 1],
    [2, 3, 16, 32, 32, 3, 3, 1, 1, 1, 1, 1],
    [1, 16, 16, 28, 28, 3, 3, 1, 1, 1, 1, 1],
    [2, 16, 32, 28, 28, 3, 3, 2, 2, 1, 1, 1],
    [19, 16, 32, 14, 14, 1, 1, 2, 2, 0, 0, 1],
    [1, 32, 32, 14, 14, 3, 3, 1, 1, 1, 1, 1],
    [19, 8, 40, 7, 7, 3, 3, 1, 1, 1, 1, 1],
    [3, 5, 7, 9, 11, 3, 3, 2, 2, 1, 1, 1],
    [2, 4, 6, 8, 8, 5, 5, 2, 2, 2, 2, 1],
    [2, 17, 3, 5, 13, 2, 4, 1, 3, 0, 2, 1],
    [3, 2, 5, 6, 4, 1, 1, 1, 1, 1, 2, 1],
    [1, 3, 4, 10, 10, 3, 3, 4, 3, 0, 0, 1],
    [2, 2, 2, 3, 3, 7, 5, 1, 2, 3, 2, 1],
    [1, 2, 3, 1, 40, 1, 9, 1, 1, 0, 4, 1],
    [2, 3, 5, 2, 9, 1, 3, 3, 1, 0, 1, 1],
    [19, 4, 6, 7, 7, 3, 3, 1, 1, 1, 1, 2],
    [2, 6, 6, 14, 14, 3, 3, 1, 1, 1, 1, 6],
    [2, 4, 8, 9, 7, 5, 3, 2, 1, 2, 1, 4],
    [1, 64, 8, 40, 40, 3, 3, 1, 1, 1, 1, 2],
];

/// As [`SHAPES`], with other padding behind; the first four pad as TensorFlow's "same" does at stride 2.
const UNEVEN: [([usize; 12], [usize; 2]); 12] = [
    ([2, 16, 32, 32, 32, 3, 3, 2, 2, 0, 0, 1], [1, 1]),
    ([3, 32, 64, 16, 16, 3, 3, 2, 2, 0, 0, 1], [1, 1]),
    ([2, 3, 5, 9, 8, 4, 2, 2, 2, 1, 0, 1], [2, 0]),
    ([2, 6, 6, 14, 14, 3, 3, 2, 2, 0, 0, 6], [1, 1]),
    ([5, 7, 9, 7, 11, 3, 3, 1, 1, 2, 0, 1], [0, 2]),
    ([2, 3, 4, 7, 9, 5, 4, 3, 3, 0, 2, 1], [4, 1]),
    ([3, 2, 3, 5, 5, 2, 3, 2, 3, 1, 0, 1], [0, 5]),
    ([1, 3, 5, 11, 13, 3, 5, 3, 2, 4, 1, 1], [1, 0]),
    ([2, 4, 6, 1, 2, 3, 3, 2, 1, 0, 3, 1], [7, 0]),
    ([2, 2, 17, 6, 6, 1, 1, 3, 2, 0, 2, 1], [3, 0]),
    ([19, 4, 8, 9, 7, 3, 3, 2, 3, 0, 1, 1], [1, 2]),
    ([19, 4, 8, 9, 7, 3, 3, 2, 3, 0, 1, 4], [1, 2]),
];

fn shapes() -> impl Iterator<Item = ConvShape> {
    SHAPES.into_iter().map(|shape| (shape, [shape[9], shape[10]])).chain(UNEVEN).map(
        |(
            [batch, in_channels, out_channels, in_height, in_width, kernel_height, kernel_width, a, b, c, d, groups],
            padding_after,
        )| {
            let (stride, padding) = ([a, b], [c, d]);
            ConvShape {
                batch,
                in_channels,
                out_channels,
                in_height,
                in_width,
                kernel_height,
                kernel_width,
                stride,
                padding,
                padding_after,
                groups,
            }
        },
    )
}

/// Numbers in [-1, 1) that single precision holds exactly.
pub(super) fn numbers<T: Real>(length: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        T::from_f64((state >> 40) as f64 / f64::from(1 << 23) - 1.0)
    };
    (0..length).map(|_| next()).collect()
}

/// Calls `visit` with the indices into x, w and y of every product of the definition.
pub(super) fn products(s: &ConvShape, mut visit: impl FnMut(usize, usize, usize)) {
    let (out_height, out_width) = (s.out_height(), s.out_width());
    let (inputs, outputs) = (s.in_channels / s.groups, s.out_channels / s.groups);
    for (b, o) in (0..s.batch).flat_map(|b| (0..s.out_channels).map(move |o| (b, o))) {
        for (oy, ox) in (0..out_height).flat_map(|oy| (0..out_width).map(move |ox| (oy, ox))) {
            for c in 0..inputs {
                for (ky, kx) in (0..s.kernel_height).flat_map(|ky| (0..s.kernel_width).map(move |kx| (ky, kx))) {
                    let (y, x) = (oy * s.stride[0] + ky, ox * s.stride[1] + kx);
                    let (Some(y), Some(x)) = (y.checked_sub(s.padding[0]), x.checked_sub(s.padding[1])) else {
                        continue;
                    };
                    if y < s.in_height && x < s.in_width {
                        let channel = b * s.in_channels + o / outputs * inputs + c;
                        visit(
                            (channel * s.in_height + y) * s.in_width + x,
                            ((o * inputs + c) * s.kernel_height + ky) * s.kernel_width + kx,
                            ((b * s.out_channels + o) * out_height + oy) * out_width + ox,
                        );
                    }
                }
            }
        }
    }
}

/// The operands of one shape, and the three results by the definition with their bounds on the rounding error.
pub(super) struct Case<T> {
    pub(super) shape: ConvShape,
    pub(super) x: Vec<T>,
    pub(super) w: Vec<T>,
    pub(super) dy: Vec<T>,
    expected: [Vec<f64>; 3],
    bound: [Vec<f64>; 3],
}

impl<T: Real> Case<T> {
    pub(super) fn new(shape: ConvShape) -> Self {
        let x: Vec<T> = numbers(shape.input_len(), 1);
        let w: Vec<T> = numbers(shape.weight_len(), 2);
        let dy: Vec<T> = numbers(shape.output_len(), 3);
        let zeros = || [vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]];
        let (mut expected, mut sizes, mut terms) = (zeros(), zeros(), zeros());
        products(&shape, |i, j, k| {
            let (a, b, g) = (x[i].to_f64(), w[j].to_f64(), dy[k].to_f64());
            for (result, at, product) in [(0, k, a * b), (1, i, b * g), (2, j, a * g)] {
                expected[result][at] += product;
                sizes[result][at] += product.abs();
                terms[result][at] += 1.0;
            }
        });
        // n roundings of relative size ε/2 each in random directions: √n·ε/2 of Σ|products|, doubled. A product left
        // out is a share 1/n of that sum, far above the bound for all n here but sums over a whole batch. Winograd's
        // algorithm has sums in common for the elements of a tile: where padding leaves one few products, its error is that
        // of its neighbours, so half of the largest sum counts at least.
        let bound = [0, 1, 2].map(|result: usize| {
            let most = |of: &[f64]| of.iter().copied().fold(0.0, f64::max);
            let (size, count) = (most(&sizes[result]) / 2.0, most(&terms[result]) / 2.0);
            let pairs = sizes[result].iter().zip(&terms[result]);
            pairs.map(|(&s, &n): (&f64, &f64)| n.max(count).sqrt() * T::EPSILON.to_f64() * s.max(size)).collect()
        });
        Self { shape, x, w, dy, expected, bound }
    }

    /// The three results through `operations`, in buffers that hold NaN before.
    fn run(&self, operations: &Operations<T>) -> [Vec<T>; 3] {
        let nan = |length| vec![T::from_f64(f64::NAN); length];
        let (mut y, mut dx, mut dw) = (nan(self.dy.len()), nan(self.x.len()), nan(self.w.len()));
        operations[0](&self.shape, &self.x, &self.w, &mut y);
        operations[1](&self.shape, &self.dy, &self.w, &mut dx);
        operations[2](&self.shape, &self.x, &self.dy, &mut dw);
        [y, dx, dw]
    }

    /// Whether `found` is within the bounds, and where not.
    pub(super) fn agrees(&self, found: &[Vec<T>; 3]) -> Result<(), String> {
        for (result, name) in ["y", "dx", "dw"].into_iter().enumerate() {
            for (i, found) in found[result].iter().enumerate() {
                let (expected, bound) = (self.expected[result][i], self.bound[result][i]);
                let error = (found.to_f64() - expected).abs();
                if error.is_nan() || error > bound {
                    return Err(format!("{:?}: {name}[{i}] = {found:?}, not {expected} ± {bound:e}", self.shape));
                }
            }
        }
        Ok(())
    }
}

/// `(source, scratch, target)` of one image.
type Image<'a> = &'a dyn Fn(&[f32], &mut [f32], &mut [f32]);

/// `(x, dy, scratch, sums)` of one image.
type Sum<'a> = &'a dyn Fn(&[f32], &[f32], &mut [f32], &mut [f32]);

/// One algorithm, image by image.
pub(super) struct PerImage<'a> {
    /// Lengths of the scratch of the three operations, and of the running sums.
    pub(super) lengths: [usize; 4],
    pub(super) forward: Image<'a>,
    pub(super) input_gradient: Image<'a>,
    pub(super) weight_gradient: Sum<'a>,
    /// `(sums, dw)`.
    pub(super) finish: &'a dyn Fn(&[f32], &mut [f32]),
}

impl PerImage<'_> {
    /// The three results; scratch and results hold NaN before.
    pub(super) fn run(&self, case: &Case<f32>) -> [Vec<f32>; 3] {
        let [mut y, mut dx, mut dw] = [&case.dy, &case.x, &case.w].map(|like| vec![f32::NAN; like.len()]);
        let mut scratch = [0, 1, 2].map(|operation| vec![f32::NAN; self.lengths[operation]]);
        let mut sums = vec![0.0; self.lengths[3]];
        let (input, output) = (case.x.len() / case.shape.batch, case.dy.len() / case.shape.batch);
        for image in 0..case.shape.batch {
            let (i, o) = (image * input..(image + 1) * input, image * output..(image + 1) * output);
            (self.forward)(&case.x[i.clone()], &mut scratch[0], &mut y[o.clone()]);
            (self.input_gradient)(&case.dy[o.clone()], &mut scratch[1], &mut dx[i.clone()]);
            (self.weight_gradient)(&case.x[i], &case.dy[o], &mut scratch[2], &mut sums);
        }
        (self.finish)(&sums, &mut dw);
        [y, dx, dw]
    }
}

type Operations<T> = [fn(&ConvShape, &[T], &[T], &mut [T]); 3];

fn dispatched<T: Real>() -> Operations<T> {
    [forward, input_gradient, weight_gradient]
}

fn columns<T: Real>() -> Operations<T> {
    [im2col::forward, im2col::input_gradient, im2col::weight_gradient]
}

#[test]
fn every_path_agrees_with_the_definition() {
    for shape in shapes() {
        let single = Case::<f32>::new(shape);
        let double = Case::<f64>::new(shape);
        assert_eq!(single.agrees(&single.run(&dispatched())), Ok(()), "dispatched, f32");
        assert_eq!(single.agrees(&single.run(&columns())), Ok(()), "columns, f32");
        assert_eq!(double.agrees(&double.run(&dispatched())), Ok(()), "f64");
    }
}

#[test]
fn single_and_double_precision_differ_by_rounding_only() {
    for shape in shapes().filter(|shape| shape.groups == 1) {
        let (single, double) = (Case::<f32>::new(shape), Case::<f64>::new(shape));
        let expected = double.run(&dispatched());
        let reference = Case { expected, ..single };
        assert_eq!(reference.agrees(&reference.run(&dispatched())), Ok(()));
    }
}

/// Small shapes of every kind, among them strides larger than kernels, padding larger than images and padding that differs
/// before and behind.
pub(super) fn any_shape() -> impl Strategy<Value = ConvShape> {
    let pair = |values: std::ops::RangeInclusive<usize>| (values.clone(), values);
    let channels = (1..=3usize, 1..=6usize, 1..=6usize);
    (1..=6usize, channels, pair(1..=9), pair(1..=5), pair(1..=4), pair(0..=5), pair(0..=5)).prop_map(
        |(batch, (groups, inputs, outputs), (in_height, in_width), kernel, stride, padding, after)| ConvShape {
            batch,
            in_channels: groups * inputs,
            out_channels: groups * outputs,
            in_height,
            in_width,
            kernel_height: kernel.0,
            kernel_width: kernel.1,
            stride: [stride.0, stride.1],
            padding: [padding.0, padding.1],
            padding_after: [after.0, after.1],
            groups,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_small_shape_agrees_with_the_definition(shape in any_shape()) {
        let (single, double) = (Case::<f32>::new(shape), Case::<f64>::new(shape));
        prop_assert_eq!(single.agrees(&single.run(&dispatched())), Ok(()));
        prop_assert_eq!(double.agrees(&double.run(&dispatched())), Ok(()));
        let shape = ConvShape { groups: 1, ..shape };
        let single = Case::<f32>::new(shape);
        prop_assert_eq!(single.agrees(&single.run(&dispatched())), Ok(()));
    }
}

#[test]
fn a_missing_product_is_seen() {
    for shape in shapes().take(6) {
        let case = Case::<f32>::new(shape);
        let mut found = case.run(&dispatched());
        found[0][0] -= case.x[0] * case.w[case.shape.weight_len() / shape.out_channels / 2];
        found[1][0] -= 0.01 * case.dy[0];
        assert!(case.agrees(&found).is_err(), "{shape:?}");
    }
}

#[test]
fn padding_on_the_wrong_side_is_seen() {
    for (shape, after) in shapes().skip(SHAPES.len()).map(|shape| (shape, shape.padding_after)) {
        let swapped = ConvShape { padding: after, padding_after: shape.padding, ..shape };
        let (single, double) = (Case::<f32>::new(shape), Case::<f64>::new(shape));
        let (single_found, double_found) = (
            Case { shape: swapped, ..Case::<f32>::new(shape) }.run(&dispatched()),
            Case { shape: swapped, ..Case::<f64>::new(shape) }.run(&dispatched()),
        );
        assert!(single.agrees(&single_found).is_err() && double.agrees(&double_found).is_err(), "{shape:?}");
    }
}

pub(super) fn inner<T: Real>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a.to_f64() * b.to_f64()).sum()
}

/// The largest relative difference of the three inner products, the measure being |a|·|b|.
fn adjoint_error<T: Real>(shape: ConvShape) -> f64 {
    let case = Case::<T>::new(shape);
    let [y, dx, dw] = case.run(&dispatched());
    let (by_y, by_x, by_w) = (inner(&y, &case.dy), inner(&case.x, &dx), inner(&case.w, &dw));
    let scale = (inner(&y, &y) * inner(&case.dy, &case.dy)).sqrt();
    (by_y - by_x).abs().max((by_y - by_w).abs()) / scale
}

#[test]
fn the_gradients_are_the_adjoints() {
    for shape in shapes() {
        let (double, single) = (adjoint_error::<f64>(shape), adjoint_error::<f32>(shape));
        assert!(double <= 1e-10, "{shape:?}: {double:e} in f64");
        // Each result is off by about √n·ε/2 of its size in random directions, n ≤ 15 000, and the inner product
        // averages over many: far below ε·√n = 1.5e-5.
        assert!(single <= 1e-5, "{shape:?}: {single:e} in f32");
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let run = |threads: usize, shape: ConvShape| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
        let (case, double) = (Case::<f32>::new(shape), Case::<f64>::new(shape));
        let bits = |values: [Vec<f32>; 3]| values.concat().iter().map(|v| v.to_bits()).collect::<Vec<u32>>();
        let double_bits = |values: [Vec<f64>; 3]| values.concat().iter().map(|v| v.to_bits()).collect::<Vec<u64>>();
        pool.install(|| {
            (bits(case.run(&dispatched())), bits(case.run(&columns())), double_bits(double.run(&dispatched())))
        })
    };
    for shape in shapes().filter(|shape| shape.batch > FEWEST_IMAGES) {
        let one = run(1, shape);
        assert!(one == run(3, shape), "{shape:?}");
    }
}

#[test]
fn a_kernel_larger_than_the_image_gives_nothing() {
    let mut shape = ConvShape {
        batch: 2,
        in_channels: 1,
        out_channels: 1,
        in_height: 2,
        in_width: 2,
        kernel_height: 3,
        kernel_width: 3,
        stride: [1, 1],
        padding: [0, 0],
        padding_after: [0, 0],
        groups: 1,
    };
    assert_eq!((shape.out_height(), shape.output_len()), (0, 0));
    let (mut dx, mut dw) = ([f32::NAN; 8], [f32::NAN; 9]);
    forward(&shape, &[1.0f32; 8], &[1.0; 9], &mut []);
    input_gradient(&shape, &[], &[1.0; 9], &mut dx);
    weight_gradient(&shape, &[1.0; 8], &[], &mut dw);
    assert!(dx.iter().chain(&dw).all(|&v| v == 0.0));
    shape.batch = 0;
    forward::<f32>(&shape, &[], &[1.0; 9], &mut []);
}

#[test]
fn the_batch_is_cut_the_same_way_everywhere() {
    for (batch, images, count) in [(1, 1, 1), (16, 4, 4), (19, 4, 5), (64, 4, 16), (250, 16, 16)] {
        let cut: Vec<Range<usize>> = pieces(batch).collect();
        assert_eq!((cut[0].len(), cut.len()), (images, count));
        assert_eq!(cut.into_iter().flatten().collect::<Vec<usize>>(), (0..batch).collect::<Vec<usize>>());
    }
}
