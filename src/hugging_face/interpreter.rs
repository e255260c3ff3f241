//! The operators of language models by their definitions, in f64, slow and simple: what tests hold a graph against.

use std::collections::BTreeMap;

use crate::graph::{Activation, Function, Graph, Node, Op};

type Tensor = Vec<f64>;

/// The output for this input, with these parameters.
pub fn run(graph: &Graph, parameters: &BTreeMap<String, Tensor>, input: &[f64]) -> Tensor {
    let mut values: Vec<Tensor> = Vec::new();
    for node in graph.nodes() {
        let inputs: Vec<&Tensor> = node.inputs.iter().map(|&id| &values[id]).collect();
        let shapes: Vec<&[usize]> = node.inputs.iter().map(|&id| graph.nodes()[id].shape.as_slice()).collect();
        let parameter = |what: &str| &parameters[&format!("{}.{what}", node.name)];
        let value = match &node.op {
            Op::Input => input.to_vec(),
            Op::Embedding(table) => {
                let row = |&token: &f64| &parameter("weight")[token as usize * table.features..][..table.features];
                inputs[0].iter().flat_map(|token| row(token).to_vec()).collect()
            }
            Op::Linear(layer) => {
                let dot = |x: &[f64], o: usize| -> f64 {
                    let row = &parameter("weight")[o * layer.inputs..][..layer.inputs];
                    let bias = if layer.bias { parameter("bias")[o] } else { 0.0 };
                    bias + x.iter().zip(row).map(|(x, w)| x * w).sum::<f64>()
                };
                rows(inputs[0], layer.inputs, |x| (0..layer.outputs).map(|o| dot(x, o)).collect())
            }
            Op::Add => inputs[0].iter().zip(inputs[1]).map(|(a, b)| a + b).collect(),
            Op::Relu => inputs[0].iter().map(|x| x.max(0.0)).collect(),
            Op::Function(f) => function(f, node, &inputs, &shapes, parameter),
            other => panic!("no operator of a language model: {other:?}"),
        };
        assert_eq!(value.len(), node.shape.iter().product::<usize>(), "node {}", node.name);
        values.push(value);
    }
    values.pop().unwrap()
}

fn rows(x: &[f64], width: usize, f: impl Fn(&[f64]) -> Tensor) -> Tensor {
    x.chunks(width).flat_map(f).collect()
}

fn function<'a>(
    function: &Function,
    node: &Node,
    x: &[&Tensor],
    shapes: &[&[usize]],
    parameter: impl Fn(&str) -> &'a Tensor,
) -> Tensor {
    let last = node.shape.last().copied().unwrap();
    match function {
        Function::Activation(Activation::Silu) => x[0].iter().map(|x| x / (1.0 + (-x).exp())).collect(),
        Function::Activation(Activation::Gelu) => {
            x[0].iter().map(|x| x / 2.0 * (1.0 + libm::erf(x / 2f64.sqrt()))).collect()
        }
        Function::Activation(Activation::GeluTanh) => {
            let inner = |x: f64| (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            x[0].iter().map(|&x| x / 2.0 * (1.0 + inner(x).tanh())).collect()
        }
        Function::Softmax { causal } => {
            let soft = |(i, x): (usize, &[f64])| {
                let seen = if *causal { i % last + 1 } else { last };
                let total: f64 = x[..seen].iter().map(|x| x.exp()).sum();
                (0..last).map(|j| if j < seen { x[j].exp() / total } else { 0.0 }).collect::<Tensor>()
            };
            x[0].chunks(last).enumerate().flat_map(soft).collect()
        }
        Function::LayerNorm { epsilon, affine: true } => rows(x[0], last, |x| {
            let mean = x.iter().sum::<f64>() / last as f64;
            let deviation = (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / last as f64 + epsilon).sqrt();
            let affine = parameter("weight").iter().zip(parameter("bias"));
            x.iter().zip(affine).map(|(x, (w, b))| (x - mean) / deviation * w + b).collect()
        }),
        Function::RmsNorm { epsilon } => rows(x[0], last, |x| {
            let root = (x.iter().map(|x| x * x).sum::<f64>() / last as f64 + epsilon).sqrt();
            x.iter().zip(parameter("weight")).map(|(x, w)| x / root * w).collect()
        }),
        Function::Multiply => x[0].iter().zip(x[1]).map(|(a, b)| a * b).collect(),
        Function::MatMul { transpose_right, scale } => {
            let (inner, height) = (*shapes[0].last().unwrap(), shapes[0][shapes[0].len() - 2]);
            let product = |(a, b): (&[f64], &[f64])| {
                let at = |k: usize, j: usize| if *transpose_right { b[j * inner + k] } else { b[k * last + j] };
                let cell = |i: usize, j: usize| scale * (0..inner).map(|k| a[i * inner + k] * at(k, j)).sum::<f64>();
                (0..height).flat_map(|i| (0..last).map(move |j| (i, j))).map(|(i, j)| cell(i, j)).collect::<Tensor>()
            };
            x[0].chunks(height * inner).zip(x[1].chunks(inner * last)).flat_map(product).collect()
        }
        Function::Reshape { .. } => x[0].clone(),
        Function::Constant { .. } => parameter("value").clone(),
        Function::Transpose { axes } => {
            let strides =
                |shape: &[usize]| (0..shape.len()).map(|a| shape[a + 1..].iter().product()).collect::<Vec<usize>>();
            let (from, to) = (strides(shapes[0]), strides(&node.shape));
            let source = |at: usize| (0..axes.len()).map(|a| at / to[a] % node.shape[a] * from[axes[a]]).sum::<usize>();
            (0..x[0].len()).map(|at| x[0][source(at)]).collect()
        }
        Function::Along { axis, map } => {
            let (extent, inner) = (shapes[0][*axis], shapes[0][axis + 1..].iter().product::<usize>());
            let element = |outer: usize, i: usize, k: usize| {
                let row = map.row(i, extent).into_iter();
                row.map(|(j, factor)| factor * x[0][(outer * extent + j) * inner + k]).sum::<f64>()
            };
            let (count, blocks) = (node.shape[*axis], x[0].len() / extent / inner);
            let places = (0..blocks).flat_map(|o| (0..count).flat_map(move |i| (0..inner).map(move |k| (o, i, k))));
            places.map(|(o, i, k)| element(o, i, k)).collect()
        }
        other => panic!("no function of a language model: {other:?}"),
    }
}
