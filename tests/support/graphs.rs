//! Small networks that have every operator between them.

use bitplan::graph::{Activation, Conv2d, Graph, GraphBuilder, NodeId, Window};

/// One of each.
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

/// Convolutions and one activation function, twice.
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
