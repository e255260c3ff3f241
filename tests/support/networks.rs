//! Small networks that together have every operator, and random ones.

use bitplan::graph::{
    Activation, AxisMap, Border, Conv2d, Coordinates, Function, Graph, GraphBuilder, Interpolation, NodeId, Padding,
    Window,
};

/// The first of [`ACTIVATIONS`], which can follow each other without leaving the numbers' range.
const TAME: usize = 17;

/// Activations of every kind; the clips with ends on both sides of zero.
pub const ACTIVATIONS: [Activation; 21] = [
    Activation::Clip { low: 0.0, high: 0.6 },
    Activation::Clip { low: -0.3, high: 0.2 },
    Activation::LeakyRelu { slope: 0.1 },
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::Silu,
    Activation::Sigmoid,
    Activation::HardSigmoid,
    Activation::HardSwish,
    Activation::Tanh,
    Activation::Affine { scale: -1.5, shift: 0.3 },
    Activation::Elu { alpha: 0.7 },
    Activation::Softplus,
    Activation::Absolute,
    Activation::Erf,
    Activation::Sine,
    Activation::Cosine,
    Activation::Power { exponent: 2.0 },
    Activation::Power { exponent: 3.0 },
    Activation::IsPositive,
    Activation::IsZero,
];

/// Two convolutions with the activation behind each.
pub fn with_activation(activation: Activation) -> Graph {
    let mut b = GraphBuilder::new(&format!("{activation:?}"), [2, 5, 5]).unwrap();
    // Large enough to reach every piece.
    let x = b.conv("conv", 0, 3, 3, 1).unwrap();
    let x = b.batch_norm("norm", x).unwrap();
    let x = b.activation("act", x, activation).unwrap();
    let x = b.conv("again", x, 3, 3, 2).unwrap();
    let x = b.activation("act2", x, activation).unwrap();
    let x = b.global_average_pool("pool", x).unwrap();
    b.linear("fc", x, 4).unwrap();
    b.finish()
}

/// Depthwise convolution, windows of both kinds on odd maps, a gate per channel, a join.
pub fn gated_cnn() -> Graph {
    let mut b = GraphBuilder::new("gated_cnn", [2, 7, 7]).unwrap();
    let x = b.conv("stem", 0, 4, 3, 1).unwrap();
    let x = b.activation("swish", x, Activation::Silu).unwrap();
    let depthwise = Conv2d::square(4, 3, 1).grouped(4).biased();
    let y = b.conv_general("depthwise", x, depthwise).unwrap();
    let gate = b.global_average_pool("squeeze", y).unwrap();
    let gate = b.linear("excite", gate, 4).unwrap();
    let gate = b.activation("gate", gate, Activation::Sigmoid).unwrap();
    let gated = b.multiply("gated", y, gate).unwrap();
    let large = b.max_pool("max", gated, Window::square(3, 2, 1)).unwrap();
    let mean = b.average_pool("mean", x, Window::square(3, 2, 1)).unwrap();
    let square = b.multiply("square", mean, mean).unwrap();
    let both = b.concat("both", 0, &[large, square, mean]).unwrap();
    let small = b.average_pool("small", both, Window::square(2, 2, 0)).unwrap();
    let flat = b.reshape("flat", small, &[12 * 2 * 2]).unwrap();
    b.linear("fc", flat, 3).unwrap();
    b.finish()
}

/// A dilated convolution, a transposed one made of stuffed zeros, maps along axes, choices, constants, a plain norm of rows.
pub fn arranged() -> Graph {
    let mut b = GraphBuilder::new("arranged", [2, 6, 5]).unwrap();
    let dilated = Conv2d { kernel: [2, 3], dilation: [2; 2], padding: Padding::even(1), ..Conv2d::square(3, 1, 1) };
    let x = b.conv_general("dilated", 0, dilated).unwrap();
    let table = b.constant("table", &[3, 6, 3]).unwrap();
    let x = b.add("placed", x, table).unwrap();
    let side = b.activation("side", x, Activation::Sine).unwrap();
    let larger = b.function("larger", Function::Larger, &[side, x]).unwrap();
    let smaller = b.function("smaller", Function::Smaller, &[side, x]).unwrap();
    let condition = b.activation("condition", side, Activation::IsPositive).unwrap();
    let chosen = b.function("chosen", Function::Select, &[condition, larger, smaller]).unwrap();
    let joined = b.concat("joined", 1, &[chosen, larger]).unwrap();
    let stuffed = b.along("stuffed", joined, 1, AxisMap::Stuff { stride: 2 }).unwrap();
    let stuffed = b.along("stuffed.columns", stuffed, 2, AxisMap::Stuff { stride: 2 }).unwrap();
    let up = b.conv("up", stuffed, 4, 3, 1).unwrap();
    let resize = AxisMap::Resize {
        count: 7,
        scale: 7.0 / 23.0,
        coordinates: Coordinates::AlignCorners,
        interpolation: Interpolation::Linear,
    };
    let down = b.along("down", up, 1, resize).unwrap();
    let turned = b.transpose("turned", down, &[1, 0, 2]).unwrap();
    let normal = b.function("normal", Function::LayerNorm { epsilon: 1e-3, affine: false }, &[turned]).unwrap();
    let mean = b.along("mean", normal, 0, AxisMap::Mean).unwrap();
    let wide = b.along("wide", mean, 0, AxisMap::Repeat { count: 3 }).unwrap();
    let part = b.along("part", normal, 0, AxisMap::Slice { start: 6, step: -2, count: 3 }).unwrap();
    let both = b.multiply("both", wide, part).unwrap();
    let flat = b.reshape("flat", both, &[3 * 4 * 5]).unwrap();
    b.linear_with("fc", flat, 3, false).unwrap();
    b.finish()
}

/// Token numbers to a prediction for each position: embedding, attention, both norms, a gated MLP.
pub fn transformer(causal: bool) -> Graph {
    let mut b = GraphBuilder::new("transformer", [5]).unwrap();
    let mut x = b.embedding("tokens", 0, 6, 4).unwrap();
    let normal = b.layer_norm("norm1", x).unwrap();
    let mut project = |what: &str, x: NodeId, width: usize| b.linear(what, x, width).unwrap();
    let [q, k, v] = ["q", "k", "v"].map(|what| project(what, normal, 4));
    let mixed = b.attention("attention", [q, k, v], 2, causal).unwrap();
    let out = b.linear("o", mixed, 4).unwrap();
    x = b.add("residual", x, out).unwrap();
    let normal = b.rms_norm("norm2", x).unwrap();
    let gate = b.linear("gate", normal, 6).unwrap();
    let gate = b.activation("silu", gate, Activation::Silu).unwrap();
    let up = b.linear("up", normal, 6).unwrap();
    let product = b.multiply("product", gate, up).unwrap();
    let down = b.linear("down", product, 4).unwrap();
    x = b.add("residual2", x, down).unwrap();
    b.linear("head", x, 6).unwrap();
    b.finish()
}

/// Numbers of a linear congruential generator (Knuth's MMIX constants), upper bits.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// A map that an axis of this extent has; extents stay small.
fn random_map(dice: &mut Dice, extent: usize) -> AxisMap {
    let resize = |interpolation| AxisMap::Resize {
        count: extent + 1,
        scale: (extent + 1) as f64 / extent as f64,
        coordinates: Coordinates::HalfPixel,
        interpolation,
    };
    match dice.below(9) {
        0 => AxisMap::Slice { start: extent - 1, step: -1, count: extent.div_ceil(2) },
        1 => AxisMap::Gather { indices: vec![extent - 1, 0, extent / 2] },
        2 => AxisMap::Pad { before: 1, after: 2, border: Border::Zero },
        3 => AxisMap::Pad { before: 2, after: 0, border: Border::Edge },
        4 if extent < 5 => AxisMap::Stuff { stride: 2 },
        5 => resize(Interpolation::Linear),
        6 => resize(Interpolation::Cubic { a: -0.75 }),
        7 => AxisMap::Mean,
        _ => AxisMap::Sum,
    }
}

/// A network of ten random operators on a map that need not be square, and a classifier behind them.
pub fn random_network(seed: u64) -> Graph {
    let mut dice = Dice(seed);
    let input = [1 + dice.below(4), 4 + dice.below(5), 4 + dice.below(5)];
    let mut b = GraphBuilder::new(&format!("random_{seed}"), input).unwrap();
    let mut x = b.conv("stem", 0, 4, 3, 1).unwrap();
    let mut shape = [4, input[1], input[2]];
    for step in 0..10 {
        let name = format!("n{step}");
        x = match dice.below(15) {
            0..3 => {
                let groups = [1, 2, shape[0]][dice.below(3)];
                let groups = if shape[0].is_multiple_of(groups) { groups } else { 1 };
                let kernel = 1 + dice.below(shape[1].min(shape[2]).min(4));
                let mut pair = |n: usize| [dice.below(n), dice.below(n)];
                let padding = Padding { before: pair(kernel + 1), after: pair(kernel + 1) };
                let stride = pair(3).map(|step| step + 1);
                let apart = 2 * (kernel - 1) < shape[1].min(shape[2]);
                let conv = Conv2d {
                    in_channels: 0,
                    out_channels: groups * (1 + dice.below(3)),
                    kernel: [kernel, 1 + dice.below(kernel)],
                    stride,
                    padding,
                    dilation: [1 + usize::from(apart && dice.below(3) == 0); 2],
                    groups,
                    bias: dice.below(2) == 0,
                };
                let y = b.conv_general(&name, x, conv).unwrap();
                shape = b.shape(y).try_into().unwrap();
                y
            }
            3 => b.batch_norm(&name, x).unwrap(),
            4 => b.relu(&name, x).unwrap(),
            5 => b.activation(&name, x, ACTIVATIONS[dice.below(TAME)]).unwrap(),
            6 => {
                let kernel = 1 + dice.below(shape[1].min(shape[2]).min(3));
                let square = Window::square(kernel, 1 + dice.below(2), dice.below(kernel / 2 + 1));
                let counted = if dice.below(2) == 0 { square.padding } else { Padding::default() };
                let window = Window { kernel: [kernel, 1 + dice.below(kernel)], counted, ..square };
                // Windows of one column reach no further than the map.
                let window = if window.kernel[1] <= window.padding.before[1] { square } else { window };
                let max = dice.below(2) == 0;
                let y = if max { b.max_pool(&name, x, window) } else { b.average_pool(&name, x, window) };
                let y = y.or_else(|_| b.max_pool(&name, x, Window::square(1, 1, 0))).unwrap();
                shape = b.shape(y).try_into().unwrap();
                y
            }
            7 => {
                let (more, stride) = (dice.below(4), 1 + dice.below(2));
                shape = [shape[0] + more, shape[1].div_ceil(stride), shape[2].div_ceil(stride)];
                b.subsample(&name, x, shape[0], stride).unwrap()
            }
            8 => {
                let side = b.activation(&format!("{name}.side"), x, Activation::Tanh).unwrap();
                b.add(&name, x, side).unwrap()
            }
            9 => {
                let gate = b.global_average_pool(&format!("{name}.gate"), x).unwrap();
                b.multiply(&name, x, gate).unwrap()
            }
            10 => {
                shape = [shape[2], shape[0], shape[1]];
                b.transpose(&name, x, &[2, 0, 1]).unwrap()
            }
            11 => {
                let axis = dice.below(3);
                let map = random_map(&mut dice, shape[axis]);
                let y = b.along(&name, x, axis, map).unwrap();
                shape = b.shape(y).try_into().unwrap();
                y
            }
            12 => {
                let side = b.activation(&format!("{name}.side"), x, Activation::Tanh).unwrap();
                let condition = b.activation(&format!("{name}.if"), x, Activation::IsPositive).unwrap();
                match dice.below(3) {
                    0 => b.function(&name, Function::Larger, &[side, x]).unwrap(),
                    1 => b.function(&name, Function::Smaller, &[side, x]).unwrap(),
                    _ => b.function(&name, Function::Select, &[condition, side, x]).unwrap(),
                }
            }
            13 => {
                let table = b.constant(&format!("{name}.table"), &shape).unwrap();
                b.add(&name, x, table).unwrap()
            }
            _ => match dice.below(5) {
                4 => b.function(&name, Function::LayerNorm { epsilon: 1e-3, affine: false }, &[x]).unwrap(),
                0 => b.softmax(&name, x, false).unwrap(),
                1 => b.layer_norm(&name, x).unwrap(),
                2 => b.rms_norm(&name, x).unwrap(),
                _ => {
                    shape[0] *= 2;
                    b.concat(&name, 0, &[x, x]).unwrap()
                }
            },
        };
    }
    let x = b.linear("rows", x, 2).unwrap();
    let x = b.reshape("flat", x, &[shape[0] * shape[1] * 2]).unwrap();
    b.linear("fc", x, 3).unwrap();
    b.finish()
}
