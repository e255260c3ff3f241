//! Every operator of the graph, in f64: values against candle's operators, gradients against central differences of
//! those values, Hessian products against central differences of the gradients.
//!
//! Tolerances: values and symmetry 1e-11, rounding of sums of some hundred terms; gradients and products 1e-7, the error
//! of central differences with step 1e-5. A wrong term is of order 1.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

mod support;

use bitplan::exec::{
    Bindings, Criterion, HessianPass, Loss, Network, Variation, backward, forward, host, sample_norms,
};
use bitplan::graph::{Activation, Conv2d, Graph, GraphBuilder, NodeId, Padding};
use candle_core::Tensor;
use support::networks::{ACTIVATIONS, arranged, gated_cnn, transformer, with_activation};
use support::*;

const ROUNDING: f64 = 1e-11;
const DIFFERENCES: f64 = 1e-7;
const STEP: f64 = 1e-5;
const BATCH: usize = 3;

struct Case {
    network: Network,
    bindings: Bindings,
    x: Tensor,
    labels: Vec<u32>,
    loss: Loss,
}

impl Case {
    fn new(graph: Graph, criterion: Criterion) -> Self {
        let bindings = bindings(&graph, false);
        let (input, output) = (graph.nodes()[0].shape.clone(), graph.nodes()[graph.output()].shape.clone());
        let n = BATCH * input.iter().product::<usize>();
        let values = match input.len() {
            1 => (0..n).map(|i| ((i * i + i / 5) % 6) as f64).collect(),
            _ => wave(n, 5.0).iter().map(|v| 2.0 * v).collect(),
        };
        let predictions = BATCH * output[..output.len() - 1].iter().product::<usize>();
        let labels = (0..predictions).map(|i| (i * 7 % output[output.len() - 1]) as u32).collect();
        let x = tensor(values, &[&[BATCH], input.as_slice()].concat());
        let loss = Loss { criterion, ..Loss::default() };
        Self { network: Network::new(graph), bindings, x, labels, loss }
    }

    fn plain_logits(&self, bindings: &Bindings) -> Vec<f64> {
        let weights: Vec<Tensor> = bindings.layers.iter().map(|l| l.weight.clone()).collect();
        let v = Variables::of(bindings);
        values(&plain_quantized_forward(self.network.graph(), bindings, &v, &weights, &|_, x| x.clone(), &self.x))
    }

    /// The loss of candle's values.
    fn plain_loss(&self, bindings: &Bindings) -> f64 {
        self.loss.evaluate(&self.plain_logits(bindings), &self.labels, None).loss
    }

    fn gradients(&self, bindings: &Bindings) -> bitplan::exec::Gradients {
        let tape = forward::<f64>(&self.network, bindings, &self.x).unwrap();
        let logits = host::read::<f64>(tape.output().unwrap()).unwrap();
        let d = tensor(self.loss.evaluate(&logits, &self.labels, None).gradient, tape.output().unwrap().dims());
        backward::<f64>(&self.network, bindings, &tape, d).unwrap()
    }

    /// All weights moved by `step` times a direction.
    fn moved(&self, direction: &[Tensor], step: f64) -> Bindings {
        let mut moved = self.bindings.clone();
        for (layer, d) in moved.layers.iter_mut().zip(direction) {
            layer.weight = (&layer.weight + (d * step).unwrap()).unwrap();
        }
        moved
    }

    fn direction(&self, shift: f64) -> Vec<Tensor> {
        let layers = self.bindings.layers.iter().enumerate();
        layers.map(|(l, b)| tensor(wave(b.weight.elem_count(), shift + l as f64), b.weight.dims())).collect()
    }
}

fn dot(a: &[Tensor], b: &[Tensor]) -> f64 {
    a.iter().zip(b).map(|(a, b)| values(a).iter().zip(values(b)).map(|(a, b)| a * b).sum::<f64>()).sum()
}

fn cases() -> Vec<Case> {
    // An |x| of these networks is nearer to 0 than the step of the differences.
    let smooth = ACTIVATIONS.into_iter().filter(|a| *a != Activation::Absolute);
    let mut graphs: Vec<Graph> = smooth.map(with_activation).collect();
    graphs.extend([gated_cnn(), arranged(), transformer(false), transformer(true), every_operator()]);
    let mut cases: Vec<Case> = graphs.into_iter().map(|g| Case::new(g, Criterion::CrossEntropy)).collect();
    cases.push(Case::new(gated_cnn(), Criterion::SquaredError));
    cases
}

#[test]
fn values_agree_with_candle() {
    for case in cases() {
        let tape = forward::<f64>(&case.network, &case.bindings, &case.x).unwrap();
        let difference = relative_difference(&values(tape.output().unwrap()), &case.plain_logits(&case.bindings));
        assert!(difference < ROUNDING, "{:?}: {difference}", case.network.graph().name);
    }
}

#[test]
fn gradients_agree_with_central_differences_of_candles_loss() {
    for case in cases() {
        let gradients = case.gradients(&case.bindings);
        for shift in [0.3, 1.9] {
            let direction = case.direction(shift);
            let slope = (case.plain_loss(&case.moved(&direction, STEP))
                - case.plain_loss(&case.moved(&direction, -STEP)))
                / (2.0 * STEP);
            let ours = dot(&gradients.weights, &direction);
            let name = &case.network.graph().name;
            assert!((ours - slope).abs() < DIFFERENCES * (1.0 + slope.abs()), "{name}: {ours} {slope}");
        }
        // Parameters of the functions.
        for (f, parameters) in case.bindings.functions.iter().enumerate() {
            for (p, parameter) in parameters.iter().enumerate() {
                let at = |step: f64| {
                    let mut moved = case.bindings.clone();
                    let direction = tensor(wave(parameter.elem_count(), 2.0), parameter.dims());
                    moved.functions[f][p] = (parameter + (direction * step).unwrap()).unwrap();
                    case.plain_loss(&moved)
                };
                let slope = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                let direction = wave(parameter.elem_count(), 2.0);
                let ours: f64 = gradients.functions[f][p].iter().zip(&direction).map(|(g, d)| g * d).sum();
                assert!((ours - slope).abs() < DIFFERENCES * (1.0 + slope.abs()), "function {f}.{p}: {ours} {slope}");
            }
        }
    }
}

#[test]
fn hessian_products_agree_with_central_differences_of_gradients_and_are_symmetric() {
    for case in cases() {
        let name = &case.network.graph().name;
        let pass = HessianPass::new::<f64>(&case.network, &case.bindings, &case.loss, &case.x, &case.labels).unwrap();
        let apply = |v: &[Tensor]| -> Vec<Tensor> {
            let product = pass.apply::<f64>(&Variation::of_weights(v.to_vec())).unwrap();
            product.weights.into_iter().flatten().collect()
        };
        let (u, v) = (case.direction(0.3), case.direction(1.9));
        let (hu, hv) = (apply(&u), apply(&v));
        let (up, down) =
            (case.gradients(&case.moved(&v, STEP)).weights, case.gradients(&case.moved(&v, -STEP)).weights);
        for (l, product) in hv.iter().enumerate() {
            let expected = ((&up[l] - &down[l]).unwrap() / (2.0 * STEP)).unwrap();
            let scale = values(&expected).iter().fold(1.0f64, |m, v| m.max(v.abs()));
            for (ours, expected) in values(product).iter().zip(values(&expected)) {
                assert!((ours - expected).abs() < DIFFERENCES * scale, "{name} {l}: {ours} {expected}");
            }
        }
        let forms = pass.forms::<f64>(&Variation::of_weights(v.clone())).unwrap();
        for (l, form) in forms.iter().enumerate() {
            let expected = dot(&v[l..=l], &hv[l..=l]);
            assert!((form - expected).abs() < ROUNDING * (1.0 + expected.abs()), "{name} {l}: {form} {expected}");
        }
        let (a, b) = (dot(&u, &hv), dot(&v, &hu));
        assert!((a - b).abs() < ROUNDING * (a.abs() + 1.0), "{name}: {a} {b}");
    }
}

/// A product with one layer's block is the full product's part, although only that layer moves.
#[test]
fn a_block_product_is_the_part_of_the_full_product() {
    for case in cases() {
        let pass = HessianPass::new::<f64>(&case.network, &case.bindings, &case.loss, &case.x, &case.labels).unwrap();
        let layers = case.bindings.layers.len();
        for l in 0..layers {
            let v = case.direction(0.7)[l].clone();
            let mut alone = Variation::none(layers);
            alone.weights[l] = Some(v.clone());
            let block = pass.apply::<f64>(&alone).unwrap();
            assert!(block.weights.iter().enumerate().all(|(m, w)| w.is_some() == (m == l)));
            let mut all: Vec<Tensor> = case.bindings.layers.iter().map(|b| b.weight.zeros_like().unwrap()).collect();
            all[l] = v;
            let full = pass.apply::<f64>(&Variation::of_weights(all)).unwrap();
            let (ours, full) = (block.weights[l].clone().unwrap(), full.weights[l].clone().unwrap());
            let largest = values(&full).iter().fold(1e-9f64, |m, v| m.max(v.abs()));
            let difference = values(&ours).iter().zip(values(&full)).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
            assert!(difference < ROUNDING * largest.max(1.0), "{} {l}", case.network.graph().name);
        }
    }
}

/// `H = 2 XᵀX/N` for each output of a linear model with squared error, and nothing between outputs.
#[test]
fn the_hessian_of_linear_regression_has_its_closed_form() {
    let mut b = GraphBuilder::new("regression", [3]).unwrap();
    b.linear("fc", 0, 2).unwrap();
    let case = Case { x: tensor(wave(BATCH * 3, 1.0), &[BATCH, 3]), ..Case::new(b.finish(), Criterion::SquaredError) };
    let pass = HessianPass::new::<f64>(&case.network, &case.bindings, &case.loss, &case.x, &case.labels).unwrap();
    let x = values(&case.x);
    for entry in 0..6 {
        let unit = tensor((0..6).map(|i| f64::from(u8::from(i == entry))).collect(), &[2, 3]);
        let column =
            values(pass.apply::<f64>(&Variation::of_weights(vec![unit])).unwrap().weights[0].as_ref().unwrap());
        for (i, value) in column.iter().enumerate() {
            let product: f64 = (0..BATCH).map(|n| x[n * 3 + i % 3] * x[n * 3 + entry % 3]).sum();
            let expected = if i / 3 == entry / 3 { 2.0 * product / BATCH as f64 } else { 0.0 };
            assert!((value - expected).abs() < 1e-14, "{i} {entry}: {value} {expected}");
        }
    }
}

/// A disturbance of a dense layer's output, the same for every vector, is a change of its bias.
#[test]
fn curvature_in_activations_is_that_of_a_bias() {
    let case = Case::new(transformer(false), Criterion::CrossEntropy);
    let layers = case.bindings.layers.len();
    let pass = HessianPass::new::<f64>(&case.network, &case.bindings, &case.loss, &case.x, &case.labels).unwrap();
    for l in (0..layers).filter(|&l| case.network.has_bias(l)) {
        let bias = case.bindings.layers[l].bias.clone().unwrap();
        let d = tensor(wave(bias.elem_count(), 0.4), bias.dims());
        let gradient_at = |step: f64| {
            let mut moved = case.bindings.clone();
            moved.layers[l].bias = Some((&bias + (&d * step).unwrap()).unwrap());
            case.gradients(&moved).biases[l].clone()
        };
        let mut v = Variation::none(layers);
        let rows = BATCH * 5;
        let disturbance = values(&d).repeat(rows);
        v.outputs[l] = Some(tensor(disturbance, &[BATCH, 5, bias.elem_count()]));
        let product = pass.apply::<f64>(&v).unwrap().outputs[l].clone().unwrap();
        let sums = values(&product.reshape((rows, bias.elem_count())).unwrap().sum(0).unwrap());
        let (up, down) = (gradient_at(STEP), gradient_at(-STEP));
        for (i, ours) in sums.iter().enumerate() {
            let expected = (up[i] - down[i]) / (2.0 * STEP);
            assert!((ours - expected).abs() < DIFFERENCES, "{l} {i}: {ours} {expected}");
        }
    }
}

/// Layers for which positions times channels happen to be as many as weights, and one for which the norm may be taken as a
/// product of norms.
#[test]
fn norms_of_single_samples_are_those_of_gradients_of_single_samples() {
    let conv = |kernel: usize, padding: [usize; 2], groups: usize| {
        move |b: &mut GraphBuilder, channels: usize| {
            let conv =
                Conv2d::square(channels, kernel, 1).padded(Padding::uneven(padding[0], padding[1])).grouped(groups);
            b.conv_general("layer", 0, conv).unwrap()
        }
    };
    type Build = Box<dyn Fn(&mut GraphBuilder, usize) -> NodeId>;
    let cases: [([usize; 3], usize, Build); 4] = [
        ([1, 3, 1], 2, Box::new(conv(3, [1, 1], 1))),
        ([3, 2, 2], 2, Box::new(conv(4, [1, 2], 1))),
        ([9, 1, 1], 9, Box::new(conv(3, [1, 1], 9))),
        ([4, 1, 1], 3, Box::new(conv(1, [0, 0], 1))),
    ];
    let mut graphs: Vec<Graph> = cases
        .iter()
        .map(|(shape, channels, build)| {
            let mut b = GraphBuilder::new("norms", shape).unwrap();
            let x = build(&mut b, *channels);
            let x = b.activation("act", x, Activation::Tanh).unwrap();
            let x = b.global_average_pool("pool", x).unwrap();
            b.linear("fc", x, 3).unwrap();
            b.finish()
        })
        .collect();
    let mut b = GraphBuilder::new("norms", [4]).unwrap();
    // 4 numbers times 12 features are as many as the table has entries.
    let x = b.embedding("layer", 0, 16, 3).unwrap();
    let x = b.reshape("flat", x, &[12]).unwrap();
    b.linear("fc", x, 3).unwrap();
    graphs.push(b.finish());
    for graph in graphs {
        let case = Case::new(graph, Criterion::CrossEntropy);
        let tape = forward::<f64>(&case.network, &case.bindings, &case.x).unwrap();
        let e = wave(BATCH * 3, 0.9);
        let norms = sample_norms::<f64>(&case.network, &case.bindings, &tape, tensor(e.clone(), &[BATCH, 3])).unwrap();
        for n in 0..BATCH {
            let x = case.x.narrow(0, n, 1).unwrap().contiguous().unwrap();
            let tape = forward::<f64>(&case.network, &case.bindings, &x).unwrap();
            let one = tensor(e[3 * n..3 * n + 3].to_vec(), &[1, 3]);
            let gradients = backward::<f64>(&case.network, &case.bindings, &tape, one).unwrap();
            for (l, gradient) in gradients.weights.iter().enumerate() {
                let expected: f64 = values(gradient).iter().map(|g| g * g).sum();
                let found = norms.weights[l][n];
                assert!((found - expected).abs() < ROUNDING * (1.0 + expected), "{n} {l}: {found} {expected}");
            }
        }
    }
}
