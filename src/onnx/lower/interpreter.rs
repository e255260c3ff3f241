//! A slow interpreter of our graph in f64, straight from the definitions of its operators: the oracle's other side.

use std::collections::BTreeMap;

use crate::graph::{Activation, Conv2d, Function, Graph, Node, Op, Window};

use super::Imported;

/// Elements of a node.
type Values = Vec<f64>;

/// The model's output for one sample of its joint input.
pub fn run(model: &Imported, input: &[f64]) -> Vec<f64> {
    let mut made: Vec<Values> = Vec::new();
    for node in model.graph.nodes() {
        let inputs: Vec<(&[f64], &[usize])> =
            node.inputs.iter().map(|&id| (&made[id][..], &model.graph.nodes()[id].shape[..])).collect();
        let values = match &node.op {
            Op::Input => input.to_vec(),
            _ => compute(node, &inputs, &|what| parameter(model, node, what)),
        };
        assert_eq!(values.len(), node.shape.iter().product::<usize>(), "node {}", node.name);
        made.push(values);
    }
    made.pop().unwrap()
}

fn parameter(model: &Imported, node: &Node, what: &str) -> Values {
    let name = format!("{}.{what}", node.name);
    model.weights.get(&name).unwrap_or_else(|| panic!("no parameter {name}")).1.iter().map(|&x| f64::from(x)).collect()
}

/// The model's outputs by name for arrays of several samples, and their shapes.
pub fn outputs(
    model: &Imported,
    arrays: &BTreeMap<String, (Vec<usize>, Vec<f64>)>,
) -> BTreeMap<String, (Vec<usize>, Vec<f64>)> {
    let graph: &Graph = &model.graph;
    let batch = |axis: usize, shape: &[usize]| shape[axis];
    let samples =
        graph.inputs().iter().find_map(|port| Some(batch(port.batch_axis?, &arrays[&port.name].0))).unwrap_or(1);
    let mut results: Vec<Vec<f64>> = Vec::new();
    for sample in 0..samples {
        let mut joint = Vec::new();
        for port in graph.inputs() {
            let (shape, elements) = &arrays[&port.name];
            joint.extend(match port.batch_axis {
                None => elements.clone(),
                Some(axis) => {
                    let inner: usize = shape[axis + 1..].iter().product();
                    let rows = elements.chunks(inner * samples);
                    rows.flat_map(|row| row[sample * inner..(sample + 1) * inner].to_vec()).collect()
                }
            });
        }
        results.push(run(model, &joint));
    }
    let mut start = 0;
    let mut named = BTreeMap::new();
    for port in graph.outputs() {
        let count = port.elements();
        let parts: Vec<&[f64]> = results.iter().map(|result| &result[start..start + count]).collect();
        start += count;
        let (mut shape, mut elements) = (port.shape.clone(), parts[0].to_vec());
        if let Some(axis) = port.batch_axis {
            let inner: usize = shape[axis..].iter().product();
            let rows =
                (0..count / inner).flat_map(|row| parts.iter().map(move |part| &part[row * inner..(row + 1) * inner]));
            elements = rows.flatten().copied().collect();
            shape.insert(axis, samples);
        }
        named.insert(port.name.clone(), (shape, elements));
    }
    named
}

fn compute(node: &Node, inputs: &[(&[f64], &[usize])], parameter: &dyn Fn(&str) -> Values) -> Values {
    let x = || inputs[0].0.to_vec();
    let shape = || inputs[0].1;
    let zip = |f: fn(f64, f64) -> f64| inputs[0].0.iter().zip(inputs[1].0).map(|(&a, &b)| f(a, b)).collect();
    match &node.op {
        Op::Input => x(),
        Op::Relu => x().into_iter().map(|x| x.max(0.0)).collect(),
        Op::Add => zip(|a, b| a + b),
        Op::BatchNorm { epsilon } => {
            let [w, b, m, v] = ["weight", "bias", "running_mean", "running_var"].map(parameter);
            let inner = x().len() / shape()[0];
            let norm = |(i, x): (usize, f64)| {
                (x - m[i / inner]) / (v[i / inner] + epsilon).sqrt() * w[i / inner] + b[i / inner]
            };
            x().into_iter().enumerate().map(norm).collect()
        }
        Op::GlobalAveragePool => {
            let inner = shape()[1] * shape()[2];
            x().chunks(inner).map(|c| c.iter().sum::<f64>() / inner as f64).collect()
        }
        Op::Subsample { .. } => unimplemented!("no file has it"),
        Op::Conv2d(conv) => {
            convolution(conv, inputs[0], &node.shape, &parameter("weight"), conv.bias.then(|| parameter("bias")))
        }
        Op::Linear(l) => {
            let (w, b) = (parameter("weight"), if l.bias { parameter("bias") } else { vec![0.0; l.outputs] });
            let dot =
                |row: &[f64], o: usize| row.iter().zip(&w[o * l.inputs..]).map(|(a, b)| a * b).sum::<f64>() + b[o];
            x().chunks(l.inputs).flat_map(|row| (0..l.outputs).map(|o| dot(row, o)).collect::<Vec<_>>()).collect()
        }
        Op::Embedding(e) => {
            let w = parameter("weight");
            x().iter().flat_map(|&t| w[t as usize * e.features..][..e.features].to_vec()).collect()
        }
        Op::Function(function) => apply(function, inputs, &node.shape, parameter),
    }
}

fn apply(f: &Function, inputs: &[(&[f64], &[usize])], out: &[usize], parameter: &dyn Fn(&str) -> Values) -> Values {
    let x = || inputs[0].0.to_vec();
    let shape = || inputs[0].1;
    let zip = |f: fn(f64, f64) -> f64| inputs[0].0.iter().zip(inputs[1].0).map(|(&a, &b)| f(a, b)).collect();
    let last = || shape().last().copied().unwrap();
    match f {
        Function::Activation(a) => x().into_iter().map(|x| pointwise(*a, x)).collect(),
        Function::Softmax { causal } => {
            let rows = x().chunks(last()).map(<[f64]>::to_vec).collect::<Vec<_>>().into_iter().enumerate();
            rows.flat_map(|(r, row)| {
                let seen = if *causal { r % last() + 1 } else { last() };
                let most = row[..seen].iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let e: Vec<f64> =
                    row.iter().enumerate().map(|(i, x)| if i < seen { (x - most).exp() } else { 0.0 }).collect();
                let sum: f64 = e.iter().sum();
                e.into_iter().map(move |x| x / sum).collect::<Vec<_>>()
            })
            .collect()
        }
        Function::LayerNorm { epsilon, affine } => {
            let (w, b) =
                if *affine { (parameter("weight"), parameter("bias")) } else { (vec![1.0; last()], vec![0.0; last()]) };
            let norm = |row: &[f64]| {
                let mean = row.iter().sum::<f64>() / row.len() as f64;
                let var = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / row.len() as f64;
                row.iter()
                    .enumerate()
                    .map(|(i, x)| (x - mean) / (var + epsilon).sqrt() * w[i] + b[i])
                    .collect::<Vec<_>>()
            };
            x().chunks(last()).flat_map(norm).collect()
        }
        Function::RmsNorm { epsilon } => {
            let w = parameter("weight");
            let norm = |row: &[f64]| {
                let square = row.iter().map(|x| x * x).sum::<f64>() / row.len() as f64;
                row.iter().enumerate().map(|(i, x)| x / (square + epsilon).sqrt() * w[i]).collect::<Vec<_>>()
            };
            x().chunks(last()).flat_map(norm).collect()
        }
        Function::MaxPool(w) => windows(w, inputs[0], out, true),
        Function::AveragePool(w) => windows(w, inputs[0], out, false),
        Function::Multiply if inputs[0].1 == inputs[1].1 => zip(|a, b| a * b),
        Function::Multiply => {
            let inner = x().len() / shape()[0];
            x().into_iter().enumerate().map(|(i, x)| x * inputs[1].0[i / inner]).collect()
        }
        Function::MatMul { transpose_right, scale } => {
            let (a, b) = (inputs[0], inputs[1]);
            let [m, k] = a.1[a.1.len() - 2..] else { unreachable!() };
            let n = *out.last().unwrap();
            let mut y = Vec::new();
            for (a, b) in a.0.chunks(m * k).zip(b.0.chunks(k * n)) {
                for i in 0..m {
                    for j in 0..n {
                        let right = |l: usize| if *transpose_right { b[j * k + l] } else { b[l * n + j] };
                        y.push(scale * (0..k).map(|l| a[i * k + l] * right(l)).sum::<f64>());
                    }
                }
            }
            y
        }
        Function::Larger => zip(f64::max),
        Function::Smaller => zip(f64::min),
        Function::Select => (0..x().len()).map(|i| inputs[if inputs[0].0[i] != 0.0 { 1 } else { 2 }].0[i]).collect(),
        Function::Concat { axis } => {
            let outer: usize = shape()[..*axis].iter().product();
            let part =
                |o: usize, (x, _): &(&[f64], &[usize])| x[o * x.len() / outer..(o + 1) * x.len() / outer].to_vec();
            (0..outer).flat_map(|o| inputs.iter().flat_map(move |i| part(o, i)).collect::<Vec<_>>()).collect()
        }
        Function::Reshape { .. } => x(),
        Function::Along { axis, map } => {
            let (extent, inner) = (shape()[*axis], shape()[axis + 1..].iter().product::<usize>());
            let x = x();
            let mut y = Vec::new();
            for block in x.chunks(extent * inner) {
                for i in 0..out[*axis] {
                    let row = map.row(i, extent);
                    y.extend((0..inner).map(|c| row.iter().map(|&(j, a)| a * block[j * inner + c]).sum::<f64>()));
                }
            }
            y
        }
        Function::Constant { .. } => parameter("value"),
        Function::Transpose { axes } => {
            let stride = |axis: usize| shape()[axis + 1..].iter().product::<usize>();
            let place = |i: usize| {
                let (mut rest, mut from) = (i, 0);
                for (axis, &extent) in out.iter().enumerate().rev() {
                    from += rest % extent * stride(axes[axis]);
                    rest /= extent;
                }
                from
            };
            (0..inputs[0].0.len()).map(|i| inputs[0].0[place(i)]).collect()
        }
    }
}

fn convolution(c: &Conv2d, (x, shape): (&[f64], &[usize]), out: &[usize], w: &[f64], bias: Option<Values>) -> Values {
    let [_, height, width] = *shape else { unreachable!() };
    let (ins, outs) = (c.in_channels / c.groups, c.out_channels / c.groups);
    let mut y = Vec::new();
    for o in 0..out[0] {
        for i in 0..out[1] {
            for j in 0..out[2] {
                let mut sum = bias.as_ref().map_or(0.0, |b| b[o]);
                for k in 0..ins {
                    for a in 0..c.kernel[0] {
                        for b in 0..c.kernel[1] {
                            let row = (i * c.stride[0] + a * c.dilation[0]).wrapping_sub(c.padding.before[0]);
                            let column = (j * c.stride[1] + b * c.dilation[1]).wrapping_sub(c.padding.before[1]);
                            if row < height && column < width {
                                let channel = o / outs * ins + k;
                                let weight = w[((o * ins + k) * c.kernel[0] + a) * c.kernel[1] + b];
                                sum += weight * x[(channel * height + row) * width + column];
                            }
                        }
                    }
                }
                y.push(sum);
            }
        }
    }
    y
}

fn windows(w: &Window, (x, shape): (&[f64], &[usize]), out: &[usize], largest: bool) -> Values {
    let [channels, height, width] = *shape else { unreachable!() };
    let mut y = Vec::new();
    for c in 0..channels {
        for i in 0..out[1] {
            for j in 0..out[2] {
                let (mut sum, mut cells, mut most) = (0.0, 0.0, f64::NEG_INFINITY);
                for a in 0..w.kernel[0] {
                    for b in 0..w.kernel[1] {
                        let row = (i * w.stride[0] + a) as isize - w.padding.before[0] as isize;
                        let column = (j * w.stride[1] + b) as isize - w.padding.before[1] as isize;
                        let within = |place: isize, extent: usize, before: usize, after: usize| {
                            place >= -(before as isize) && place < (extent + after) as isize
                        };
                        if within(row, height, 0, 0) && within(column, width, 0, 0) {
                            let x = x[(c * height + row as usize) * width + column as usize];
                            (sum, cells, most) = (sum + x, cells + 1.0, most.max(x));
                        } else if within(row, height, w.counted.before[0], w.counted.after[0])
                            && within(column, width, w.counted.before[1], w.counted.after[1])
                        {
                            cells += 1.0;
                        }
                    }
                }
                y.push(if largest { most } else { sum / cells });
            }
        }
    }
    y
}

fn pointwise(a: Activation, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let hard = |x: f64| (x / 6.0 + 0.5).clamp(0.0, 1.0);
    match a {
        Activation::Clip { low, high } => x.max(low).min(high),
        Activation::LeakyRelu { slope } => {
            if x > 0.0 {
                x
            } else {
                slope * x
            }
        }
        Activation::Gelu => x / 2.0 * (1.0 + libm::erf(x / 2f64.sqrt())),
        Activation::GeluTanh => {
            x / 2.0 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).tanh())
        }
        Activation::Silu => x * sigmoid(x),
        Activation::Sigmoid => sigmoid(x),
        Activation::HardSigmoid => hard(x),
        Activation::HardSwish => x * hard(x),
        Activation::Tanh => x.tanh(),
        Activation::Affine { scale, shift } => scale * x + shift,
        Activation::Elu { alpha } => {
            if x > 0.0 {
                x
            } else {
                alpha * x.exp_m1()
            }
        }
        Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Activation::Absolute => x.abs(),
        Activation::Exp => x.exp(),
        Activation::Log => x.ln(),
        Activation::SquareRoot => x.sqrt(),
        Activation::Reciprocal => 1.0 / x,
        Activation::Power { exponent } => x.powf(exponent),
        Activation::Erf => libm::erf(x),
        Activation::Sine => x.sin(),
        Activation::Cosine => x.cos(),
        Activation::Floor => x.floor(),
        Activation::Ceil => x.ceil(),
        Activation::Round => x.round_ties_even(),
        Activation::Truncate => x.trunc(),
        Activation::IsPositive => f64::from(u8::from(x > 0.0)),
        Activation::IsZero => f64::from(u8::from(x == 0.0)),
    }
}
