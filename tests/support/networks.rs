//! Small networks that together have every operator, and random ones.

use bitplan::graph::{Activation, Conv2d, Graph, GraphBuilder, NodeId, Window};

/// Every activation; the clips with ends on both sides of zero.
pub const ACTIVATIONS: [Activation; 10] = [
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
];

/// Two convolutions with the activation behind each.
pub fn with_activation(activation: Activation) -> Graph {
    let mut b = GraphBuilder::new("activation", [2, 5, 5]).unwrap();
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
    let depthwise =
        Conv2d { in_channels: 0, out_channels: 4, kernel: 3, stride: 1, padding: [1, 1], groups: 4, bias: true };
    let y = b.conv_general("depthwise", x, depthwise).unwrap();
    let gate = b.global_average_pool("squeeze", y).unwrap();
    let gate = b.linear("excite", gate, 4).unwrap();
    let gate = b.activation("gate", gate, Activation::Sigmoid).unwrap();
    let gated = b.multiply("gated", y, gate).unwrap();
    let large = b.max_pool("max", gated, Window { kernel: 3, stride: 2, padding: 1 }).unwrap();
    let mean = b.average_pool("mean", x, Window { kernel: 3, stride: 2, padding: 1 }).unwrap();
    let square = b.multiply("square", mean, mean).unwrap();
    let both = b.concat("both", &[large, square, mean]).unwrap();
    let small = b.average_pool("small", both, Window { kernel: 2, stride: 2, padding: 0 }).unwrap();
    let flat = b.reshape("flat", small, &[12 * 2 * 2]).unwrap();
    b.linear("fc", flat, 3).unwrap();
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

/// A network of ten random operators on a map that need not be square, and a classifier behind them.
pub fn random_network(seed: u64) -> Graph {
    let mut dice = Dice(seed);
    let input = [1 + dice.below(4), 4 + dice.below(5), 4 + dice.below(5)];
    let mut b = GraphBuilder::new(&format!("random_{seed}"), input).unwrap();
    let mut x = b.conv("stem", 0, 4, 3, 1).unwrap();
    let mut shape = [4, input[1], input[2]];
    for step in 0..10 {
        let name = format!("n{step}");
        x = match dice.below(12) {
            0..3 => {
                let groups = [1, 2, shape[0]][dice.below(3)];
                let groups = if shape[0].is_multiple_of(groups) { groups } else { 1 };
                let kernel = 1 + dice.below(shape[1].min(shape[2]).min(4));
                let conv = Conv2d {
                    in_channels: 0,
                    out_channels: groups * (1 + dice.below(3)),
                    kernel,
                    stride: 1 + dice.below(3),
                    padding: [dice.below(kernel + 1), dice.below(kernel + 1)],
                    groups,
                    bias: dice.below(2) == 0,
                };
                let extent = |size: usize| (conv.padding[0] + size + conv.padding[1] - kernel) / conv.stride + 1;
                shape = [conv.out_channels, extent(shape[1]), extent(shape[2])];
                b.conv_general(&name, x, conv).unwrap()
            }
            3 => b.batch_norm(&name, x).unwrap(),
            4 => b.relu(&name, x).unwrap(),
            5 => b.activation(&name, x, ACTIVATIONS[dice.below(ACTIVATIONS.len())]).unwrap(),
            6 => {
                let kernel = 1 + dice.below(shape[1].min(shape[2]).min(3));
                let window = Window { kernel, stride: 1 + dice.below(2), padding: dice.below(kernel / 2 + 1) };
                let extent = |size: usize| (size + 2 * window.padding - kernel) / window.stride + 1;
                shape = [shape[0], extent(shape[1]), extent(shape[2])];
                let max = dice.below(2) == 0;
                if max { b.max_pool(&name, x, window).unwrap() } else { b.average_pool(&name, x, window).unwrap() }
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
            _ => match dice.below(4) {
                0 => b.softmax(&name, x, false).unwrap(),
                1 => b.layer_norm(&name, x).unwrap(),
                2 => b.rms_norm(&name, x).unwrap(),
                _ => {
                    shape[0] *= 2;
                    b.concat(&name, &[x, x]).unwrap()
                }
            },
        };
    }
    let x = b.linear("rows", x, 2).unwrap();
    let x = b.reshape("flat", x, &[shape[0] * shape[1] * 2]).unwrap();
    b.linear("fc", x, 3).unwrap();
    b.finish()
}
