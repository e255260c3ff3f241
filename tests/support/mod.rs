//! Shared by the integration tests: an independent execution of the graph with candle's own operators and autograd.
//!
//! Uses only operators whose first derivative in f64 agrees with finite differences (conv2d, mean, relu, add, pad,
//! matmul, log-softmax composed), and no second derivative: candle's are silently wrong by default.

#![allow(dead_code)] // Each test file uses a part.

pub mod networks;

use bitplan::exec::{Bindings, LayerBinding, NormBinding, Statistics};
use bitplan::graph::{Activation, Conv2d, Function, Graph, GraphBuilder, Op, Padding};
use candle_core::{D, DType, Device, Tensor, Var};

/// Values that are neither symmetric nor periodic in any axis.
pub fn wave(n: usize, shift: f64) -> Vec<f64> {
    (0..n).map(|i| (i as f64 * 0.7312 + shift).sin() + 0.4 * (i as f64 * 0.193 + 2.0 * shift).cos()).collect()
}

pub fn tensor(data: Vec<f64>, shape: &[usize]) -> Tensor {
    Tensor::from_vec(data, shape, &Device::Cpu).unwrap()
}

/// A small network with every operator: 3×3, strided, grouped and 1×1 convolutions, with and without bias, evenly and
/// unevenly padded, both shortcuts, a ReLU of its own.
/// Square maps: candle 0.11.1 cannot differentiate a strided convolution on others.
pub fn every_operator() -> Graph {
    let mut b = GraphBuilder::new("every_operator", [2, 6, 6]).unwrap();
    let input = b.input();
    let stem = b.conv("stem", input, 4, 3, 1).unwrap();
    let x = b.batch_norm("stem.norm", stem).unwrap();
    let x = b.relu("stem.relu", x).unwrap();
    let strided = Conv2d::square(4, 3, 2).padded(Padding::uneven(0, 1)).biased();
    let y = b.conv_general("grouped", x, strided.grouped(2)).unwrap();
    let y = b.batch_norm("grouped.norm", y).unwrap();
    let side = b.conv_general("side", x, Conv2d::square(4, 1, 2).biased()).unwrap();
    let sum = b.add("sum", y, side).unwrap();
    let x = b.relu("sum.relu", sum).unwrap();
    let y = b.conv_general("wide", x, Conv2d::square(6, 2, 2).padded(Padding::uneven(0, 1))).unwrap();
    let y = b.batch_norm("wide.norm", y).unwrap();
    let skip = b.subsample("skip", x, 6, 2).unwrap();
    let both = b.add("both", y, skip).unwrap();
    // `both` is read twice, so its ReLU cannot be fused.
    let r = b.relu("both.relu", both).unwrap();
    let x = b.add("again", both, r).unwrap();
    let pooled = b.global_average_pool("pool", x).unwrap();
    b.linear("fc", pooled, 3).unwrap();
    b.finish()
}

/// Bindings in f64 with unremarkable values. `statistics`: batch or fixed.
pub fn bindings(graph: &Graph, batch_statistics: bool) -> Bindings {
    let layers = graph.layers();
    let layer = |(l, layer): (usize, &bitplan::graph::Layer)| {
        let fan_in = (layer.parameters() / layer.channels()) as f64;
        let weight = wave(layer.parameters(), l as f64).iter().map(|w| w / fan_in.sqrt()).collect();
        let bias = graph.nodes()[layer.node].op.has_bias();
        let bias = bias.then(|| tensor(wave(layer.channels(), 9.0 + l as f64), &[layer.channels()]));
        LayerBinding { weight: tensor(weight, &layer.weight_shape), bias, activation: None }
    };
    let norms = graph.nodes().iter().filter(|n| matches!(n.op, Op::BatchNorm { .. })).enumerate();
    let norm = |(n, node): (usize, &bitplan::graph::Node)| {
        let c = node.shape[0];
        let positive = |shift: f64| wave(c, shift).iter().map(|v| 1.0 + 0.3 * v).collect();
        let statistics = if batch_statistics {
            Statistics::Batch
        } else {
            Statistics::Fixed { mean: tensor(wave(c, 3.0), &[c]), variance: tensor(positive(4.0), &[c]) }
        };
        let beta = wave(c, n as f64 + 0.5).iter().map(|v| 0.3 * v).collect();
        NormBinding { gamma: tensor(positive(n as f64), &[c]), beta: tensor(beta, &[c]), statistics }
    };
    let parameters = |node: &bitplan::graph::Node| match &node.op {
        Op::Function(f) => {
            let shape = f.parameter_shape(&node.shape);
            let values =
                |i: usize| wave(shape.iter().product(), i as f64 + 6.0).iter().map(|v| 1.0 + 0.3 * v).collect();
            Some((0..f.parameters().len()).map(|i| tensor(values(i), &shape)).collect())
        }
        _ => None,
    };
    Bindings {
        layers: layers.iter().enumerate().map(layer).collect(),
        norms: norms.map(norm).collect(),
        functions: graph.nodes().iter().filter_map(parameters).collect(),
    }
}

/// Everything that the plain execution can differentiate.
pub struct Variables {
    pub weights: Vec<Var>,
    pub biases: Vec<Option<Var>>,
    pub gammas: Vec<Var>,
    pub betas: Vec<Var>,
}

impl Variables {
    pub fn of(bindings: &Bindings) -> Self {
        let var = |t: &Tensor| Var::from_tensor(t).unwrap();
        Self {
            weights: bindings.layers.iter().map(|l| var(&l.weight)).collect(),
            biases: bindings.layers.iter().map(|l| l.bias.as_ref().map(var)).collect(),
            gammas: bindings.norms.iter().map(|n| var(&n.gamma)).collect(),
            betas: bindings.norms.iter().map(|n| var(&n.beta)).collect(),
        }
    }
}

/// Logits by candle's operators.
pub fn plain_forward(graph: &Graph, bindings: &Bindings, v: &Variables, images: &Tensor) -> Tensor {
    let weights: Vec<Tensor> = v.weights.iter().map(|w| w.as_tensor().clone()).collect();
    plain_quantized_forward(graph, bindings, v, &weights, &|_, x| x.clone(), images)
}

/// Logits by candle's operators, with other weights than the variables' and something done to every layer's input.
pub fn plain_quantized_forward(
    graph: &Graph,
    bindings: &Bindings,
    v: &Variables,
    weights: &[Tensor],
    layer_input: &dyn Fn(usize, &Tensor) -> Tensor,
    images: &Tensor,
) -> Tensor {
    let layers = graph.layers();
    let mut norm = 0;
    let mut functions = bindings.functions.iter();
    let mut values: Vec<Tensor> = vec![];
    for (id, node) in graph.nodes().iter().enumerate() {
        let input = |i: usize| values[node.inputs[i]].clone();
        let layer = layers.iter().position(|l| l.node == id);
        let value = match &node.op {
            Op::Input => images.clone(),
            Op::Conv2d(c) => {
                let layer = layer.unwrap();
                let (before, after) = (c.padding.before, c.padding.after);
                let x = layer_input(layer, &input(0)).pad_with_zeros(2, before[0], after[0]).unwrap();
                let x = x.pad_with_zeros(3, before[1], after[1]).unwrap();
                assert_eq!(c.dilation[0], c.dilation[1], "candle knows one dilation");
                // candle knows one stride, too: of every place, those that a stride leaves.
                let strides = if c.stride[0] == c.stride[1] { [1; 2] } else { c.stride };
                let stride = if strides == [1; 2] { c.stride[0] } else { 1 };
                let y = x.conv2d(&weights[layer], 0, stride, c.dilation[0], c.groups).unwrap();
                let y = every(&every(&y, 2, strides[0]), 3, strides[1]);
                match &v.biases[layer] {
                    Some(bias) => y.broadcast_add(&bias.reshape((1, (), 1, 1)).unwrap()).unwrap(),
                    None => y,
                }
            }
            Op::Linear(_) => {
                let layer = layer.unwrap();
                let w = weights[layer].t().unwrap();
                let y = layer_input(layer, &input(0)).broadcast_matmul(&w).unwrap();
                match &v.biases[layer] {
                    Some(bias) => y.broadcast_add(bias).unwrap(),
                    None => y,
                }
            }
            Op::Embedding(e) => {
                let table = &weights[layer.unwrap()];
                let numbers = input(0).flatten_all().unwrap().to_dtype(DType::U32).unwrap();
                let rows = table.index_select(&numbers, 0).unwrap();
                rows.reshape([input(0).dims(), &[e.features]].concat()).unwrap()
            }
            Op::Function(f) => {
                let parameters = functions.next().unwrap();
                let inputs: Vec<Tensor> = (0..node.inputs.len()).map(input).collect();
                plain_function(f, &inputs, parameters, &node.shape)
            }
            &Op::BatchNorm { epsilon } => {
                let x = input(0);
                let channels = |t: &Tensor| t.reshape((1, (), 1, 1)).unwrap();
                let (mean, variance) = match &bindings.norms[norm].statistics {
                    Statistics::Batch => {
                        let mean = x.mean_keepdim((0, 2, 3)).unwrap();
                        let centred = x.broadcast_sub(&mean).unwrap();
                        (mean, centred.sqr().unwrap().mean_keepdim((0, 2, 3)).unwrap())
                    }
                    Statistics::Fixed { mean, variance } => (channels(mean), channels(variance)),
                };
                let deviation = (variance + epsilon).unwrap().sqrt().unwrap();
                let normal = x.broadcast_sub(&mean).unwrap().broadcast_div(&deviation).unwrap();
                let scaled = normal.broadcast_mul(&channels(v.gammas[norm].as_tensor())).unwrap();
                let value = scaled.broadcast_add(&channels(v.betas[norm].as_tensor())).unwrap();
                norm += 1;
                value
            }
            Op::Relu => input(0).relu().unwrap(),
            Op::Add => input(0).broadcast_add(&input(1)).unwrap(),
            Op::GlobalAveragePool => input(0).mean((2, 3)).unwrap(),
            &Op::Subsample { stride, before, after } => {
                let small = every(&every(&input(0), 2, stride), 3, stride);
                small.pad_with_zeros(1, before, after).unwrap()
            }
        };
        values.push(value);
    }
    values.pop().unwrap()
}

/// Every `stride`-th element along an axis.
fn every(x: &Tensor, axis: usize, stride: usize) -> Tensor {
    let places = Tensor::arange_step(0u32, x.dims()[axis] as u32, stride as u32, &Device::Cpu).unwrap();
    x.index_select(&places, axis).unwrap()
}

/// Mean cross-entropy by candle's operators.
pub fn plain_loss(logits: &Tensor, labels: &[u32]) -> Tensor {
    let largest = logits.max_keepdim(D::Minus1).unwrap().detach();
    let shifted = logits.broadcast_sub(&largest).unwrap();
    let normalizer = shifted.exp().unwrap().sum_keepdim(D::Minus1).unwrap().log().unwrap();
    let classes = logits.dims()[1];
    let one_hot: Vec<f64> =
        labels.iter().flat_map(|&l| (0..classes).map(move |k| f64::from(u8::from(k == l as usize)))).collect();
    let picked = (shifted.broadcast_sub(&normalizer).unwrap() * tensor(one_hot, logits.dims())).unwrap();
    (picked.sum_all().unwrap() * (-1.0 / labels.len() as f64)).unwrap()
}

pub fn values(t: &Tensor) -> Vec<f64> {
    t.flatten_all().unwrap().to_vec1::<f64>().unwrap()
}

/// Largest difference relative to the largest entry of `b`.
pub fn relative_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(1e-300, |m: f64, v| m.max(v.abs()));
    a.iter().zip(b).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs())) / largest
}

/// A function by candle's operators, whose values (not all of their gradients) agree with PyTorch's.
fn plain_function(f: &Function, x: &[Tensor], parameters: &[Tensor], shape: &[usize]) -> Tensor {
    let normal = |epsilon: f64, centred: bool| {
        let mean = x[0].mean_keepdim(D::Minus1).unwrap();
        let moved = if centred { x[0].broadcast_sub(&mean).unwrap() } else { x[0].clone() };
        let square = moved.sqr().unwrap().mean_keepdim(D::Minus1).unwrap();
        let normal = moved.broadcast_div(&(square + epsilon).unwrap().sqrt().unwrap()).unwrap();
        if parameters.is_empty() { normal } else { normal.broadcast_mul(&parameters[0]).unwrap() }
    };
    // Cells outside the map: far below every value for a maximum, left out of a mean by dividing by the mean of ones.
    let padded = |x: &Tensor, padding: Padding, value: f64| {
        let inner = (x - value).unwrap();
        let Padding { before, after } = padding;
        let wide = inner.pad_with_zeros(2, before[0], after[0]).unwrap();
        (wide.pad_with_zeros(3, before[1], after[1]).unwrap() + value).unwrap()
    };
    match f {
        Function::Activation(a) => match *a {
            Activation::Clip { low, high } => x[0].clamp(low, high).unwrap(),
            Activation::LeakyRelu { slope } => {
                (x[0].relu().unwrap() - (x[0].neg().unwrap().relu().unwrap() * slope).unwrap()).unwrap()
            }
            Activation::Gelu => x[0].gelu_erf().unwrap(),
            Activation::GeluTanh => x[0].gelu().unwrap(),
            Activation::Silu => x[0].silu().unwrap(),
            Activation::Sigmoid => (x[0].neg().unwrap().exp().unwrap() + 1.0).unwrap().recip().unwrap(),
            Activation::HardSigmoid => ((&x[0] / 6.0).unwrap() + 0.5).unwrap().clamp(0.0, 1.0).unwrap(),
            Activation::HardSwish => {
                (&x[0] * ((&x[0] / 6.0).unwrap() + 0.5).unwrap().clamp(0.0, 1.0).unwrap()).unwrap()
            }
            Activation::Tanh => x[0].tanh().unwrap(),
            Activation::Affine { scale, shift } => ((&x[0] * scale).unwrap() + shift).unwrap(),
            Activation::Elu { alpha } => x[0].elu(alpha).unwrap(),
            Activation::Softplus => (x[0].exp().unwrap() + 1.0).unwrap().log().unwrap(),
            Activation::Absolute => x[0].abs().unwrap(),
            Activation::Exp => x[0].exp().unwrap(),
            Activation::Erf => x[0].erf().unwrap(),
            Activation::Sine => x[0].sin().unwrap(),
            Activation::Cosine => x[0].cos().unwrap(),
            Activation::Power { exponent } => {
                (1..exponent as usize).fold(x[0].clone(), |power, _| (&power * &x[0]).unwrap())
            }
            Activation::IsPositive => x[0].gt(0.0).unwrap().to_dtype(x[0].dtype()).unwrap(),
            Activation::IsZero => x[0].eq(0.0).unwrap().to_dtype(x[0].dtype()).unwrap(),
            other => panic!("{other:?} has no oracle here"),
        },
        Function::Softmax { causal } => {
            let n = shape[shape.len() - 1];
            let hidden = |i: usize| if *causal && i % n > i / n { f64::NEG_INFINITY } else { 0.0 };
            let masked = match causal {
                true => x[0].broadcast_add(&tensor((0..n * n).map(hidden).collect(), &[n, n])).unwrap(),
                false => x[0].clone(),
            };
            let e = masked.broadcast_sub(&masked.max_keepdim(D::Minus1).unwrap()).unwrap().exp().unwrap();
            e.broadcast_div(&e.sum_keepdim(D::Minus1).unwrap()).unwrap()
        }
        Function::LayerNorm { epsilon, affine: true } => normal(*epsilon, true).broadcast_add(&parameters[1]).unwrap(),
        Function::LayerNorm { epsilon, affine: false } => normal(*epsilon, true),
        Function::RmsNorm { epsilon } => normal(*epsilon, false),
        Function::MaxPool(w) => {
            let pair = |pair: [usize; 2]| (pair[0], pair[1]);
            padded(&x[0], w.padding, -100.0).max_pool2d_with_stride(pair(w.kernel), pair(w.stride)).unwrap()
        }
        Function::AveragePool(w) => {
            let pair = |pair: [usize; 2]| (pair[0], pair[1]);
            let mean = |x: &Tensor| x.avg_pool2d_with_stride(pair(w.kernel), pair(w.stride)).unwrap();
            // What counts: ones in the map and in the counted cells around it.
            let rest = [0, 1].map(|side| {
                let cells = |padding: Padding| if side == 0 { padding.before } else { padding.after };
                [0, 1].map(|axis| cells(w.padding)[axis] - cells(w.counted)[axis])
            });
            let ones = padded(&x[0].ones_like().unwrap(), w.counted, 1.0);
            let counted = padded(&ones, Padding { before: rest[0], after: rest[1] }, 0.0);
            (mean(&padded(&x[0], w.padding, 0.0)) / mean(&counted)).unwrap()
        }
        Function::Multiply if x[0].dims() == x[1].dims() => (&x[0] * &x[1]).unwrap(),
        Function::Multiply => {
            let gate = [x[1].dims(), &vec![1; x[0].rank() - 2]].concat();
            x[0].broadcast_mul(&x[1].reshape(gate).unwrap()).unwrap()
        }
        Function::MatMul { transpose_right, scale } => {
            let right = if *transpose_right { x[1].t().unwrap() } else { x[1].clone() };
            (x[0].contiguous().unwrap().matmul(&right.contiguous().unwrap()).unwrap() * *scale).unwrap()
        }
        Function::Larger => x[0].ge(&x[1]).unwrap().where_cond(&x[0], &x[1]).unwrap(),
        Function::Smaller => x[0].le(&x[1]).unwrap().where_cond(&x[0], &x[1]).unwrap(),
        Function::Select => x[0].ne(0.0).unwrap().where_cond(&x[1], &x[2]).unwrap(),
        Function::Constant { shape, .. } => parameters[0].reshape(shape.as_slice()).unwrap().unsqueeze(0).unwrap(),
        Function::Along { axis, map } => {
            // Row by row, from the definition.
            let (axis, extent) = (axis + 1, x[0].dims()[axis + 1]);
            let element = |j: usize| x[0].narrow(axis, j, 1).unwrap();
            let row = |i: usize| {
                let zero = (element(0) * 0.0).unwrap();
                map.row(i, extent).into_iter().fold(zero, |sum, (j, a)| (sum + (element(j) * a).unwrap()).unwrap())
            };
            let rows: Vec<Tensor> = (0..map.output(extent).unwrap()).map(row).collect();
            Tensor::cat(&rows, axis).unwrap()
        }
        Function::Concat { axis } => Tensor::cat(x, axis + 1).unwrap(),
        Function::Reshape { .. } => x[0].reshape([&[x[0].dims()[0]], shape].concat()).unwrap(),
        Function::Transpose { axes } => {
            let axes: Vec<usize> = std::iter::once(0).chain(axes.iter().map(|a| a + 1)).collect();
            x[0].permute(axes).unwrap().contiguous().unwrap()
        }
    }
}

/// The same values in f64.
pub fn wide_bindings(bindings: &Bindings) -> Bindings {
    let wide = |t: &Tensor| t.to_dtype(DType::F64).unwrap();
    let layer = |l: &LayerBinding| LayerBinding {
        weight: wide(&l.weight),
        bias: l.bias.as_ref().map(wide),
        activation: l.activation,
    };
    let norm = |n: &NormBinding| NormBinding {
        gamma: wide(&n.gamma),
        beta: wide(&n.beta),
        statistics: match &n.statistics {
            Statistics::Batch => Statistics::Batch,
            Statistics::Fixed { mean, variance } => Statistics::Fixed { mean: wide(mean), variance: wide(variance) },
        },
    };
    Bindings {
        layers: bindings.layers.iter().map(layer).collect(),
        norms: bindings.norms.iter().map(norm).collect(),
        functions: bindings.functions.iter().map(|f| f.iter().map(wide).collect()).collect(),
    }
}
