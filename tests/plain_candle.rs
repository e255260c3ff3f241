//! The plain executor against the host kernels: two implementations that share the graph and nothing that computes.
//!
//! In f64, 1e-10 of the largest entry: rounding of sums of some hundred terms, with a margin of 10⁴. In f32 the quantised
//! network is one whose values are exact in both, ties included, up to its last quantiser; so codes must agree, and what
//! follows differs by the rounding of sums of some hundred f32 terms, 1e-5.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

mod support;

use bitplan::exec::{Bindings, Gradients, Network, NormState, backward, forward, kernels::Real, plain};
use bitplan::graph::{Conv2d, Graph, GraphBuilder, Op, Padding};
use bitplan::quant::{ActivationQuantizer, Rounding};
use bitplan::zoo::{resnet8, resnet8_keras, resnet20};
use candle_core::{DType, Tensor};
use support::networks::{ACTIVATIONS, arranged, gated_cnn, random_network, transformer, with_activation};
use support::*;

const ROUNDING: f64 = 1e-10;
const SINGLE_ROUNDING: f64 = 1e-5;

/// Everything that a forward and a reverse pass compute, with names.
type Results = Vec<(String, Vec<f64>)>;

fn results(output: &Tensor, norms: &[NormState], gradients: &Gradients) -> Results {
    let wide = |t: &Tensor| values(&t.to_dtype(DType::F64).unwrap());
    let mut all = vec![("output".to_string(), wide(output))];
    for (n, state) in norms.iter().enumerate() {
        all.push((format!("mean {n}"), state.mean.clone()));
        all.push((format!("variance {n}"), state.variance.clone()));
    }
    all.extend(gradients.weights.iter().enumerate().map(|(l, w)| (format!("weight {l}"), wide(w))));
    // Together, because a bias in front of batch statistics has a gradient of nothing but rounding.
    all.push(("biases".into(), gradients.biases.concat()));
    all.push(("gammas".into(), gradients.gammas.concat()));
    all.push(("betas".into(), gradients.betas.concat()));
    all.push(("functions".into(), gradients.functions.concat().concat()));
    let scales = gradients.activation_scales.iter().enumerate();
    all.extend(scales.filter_map(|(l, s)| Some((format!("activation scale {l}"), vec![f64::from((*s)?)]))));
    all
}

fn on_host<T: Real>(network: &Network, bindings: &Bindings, x: &Tensor, d: &Tensor) -> Results {
    let tape = forward::<T>(network, bindings, x).unwrap();
    let gradients = backward::<T>(network, bindings, &tape, d.clone()).unwrap();
    results(tape.output().unwrap(), &tape.norms, &gradients)
}

fn plainly(network: &Network, bindings: &Bindings, x: &Tensor, d: &Tensor) -> Results {
    let tape = plain::forward(network, bindings, x).unwrap();
    let gradients = plain::backward(network, bindings, &tape, d).unwrap();
    results(tape.output().unwrap(), tape.norms(), &gradients)
}

/// The first result that is not finite or differs by more than `tolerance` of its largest entry (or of 1, if larger).
fn disagreement(ours: &Results, theirs: &Results, tolerance: f64) -> Option<String> {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).find_map(|((name, a), (other, b))| {
        assert_eq!(name, other);
        let largest = b.iter().fold(1.0f64, |m, v| m.max(v.abs()));
        let same = a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance * largest);
        (!same).then(|| format!("{name}: {a:?} against {b:?}"))
    })
}

const BATCH: usize = 3;

/// Images, or token numbers below 6; and a gradient of the output.
fn samples(graph: &Graph) -> (Tensor, Tensor) {
    let (input, output) = (&graph.nodes()[0].shape, &graph.nodes()[graph.output()].shape);
    let n = BATCH * input.iter().product::<usize>();
    let x = match graph.nodes()[1].op {
        Op::Embedding(_) => (0..n).map(|i| ((i * i + i / 5) % 6) as f64).collect(),
        _ => wave(n, 5.0),
    };
    let d = wave(BATCH * output.iter().product::<usize>(), 0.8);
    (tensor(x, &[&[BATCH], input.as_slice()].concat()), tensor(d, &[&[BATCH], output.as_slice()].concat()))
}

fn assert_same_in_f64(graph: Graph) {
    for batch_statistics in [true, false] {
        let ((x, d), bindings) = (samples(&graph), bindings(&graph, batch_statistics));
        let network = Network::new(graph.clone());
        let ours = on_host::<f64>(&network, &bindings, &x, &d);
        let difference = disagreement(&plainly(&network, &bindings, &x, &d), &ours, ROUNDING);
        assert_eq!(difference, None, "{}, batch statistics {batch_statistics}", graph.name);
    }
}

#[test]
fn built_in_networks_agree_in_values_and_gradients() {
    assert_same_in_f64(resnet8([1, 10, 7], 5).unwrap());
    assert_same_in_f64(resnet8_keras([3, 9, 9], 4).unwrap());
    assert_same_in_f64(resnet20([2, 6, 8], 3).unwrap());
}

#[test]
fn every_operator_agrees_in_values_and_gradients() {
    assert_same_in_f64(arranged());
    ACTIVATIONS.into_iter().for_each(|activation| assert_same_in_f64(with_activation(activation)));
    [every_operator(), gated_cnn(), transformer(false), transformer(true)].into_iter().for_each(assert_same_in_f64);
}

#[test]
fn random_networks_agree_in_values_and_gradients() {
    (0..120).map(random_network).for_each(assert_same_in_f64);
}

#[test]
fn the_comparison_sees_a_weight_that_is_a_millionth_off_and_an_output_gradient_that_is() {
    let graph = gated_cnn();
    let ((x, d), bindings) = (samples(&graph), bindings(&graph, true));
    let network = Network::new(graph);
    let ours = on_host::<f64>(&network, &bindings, &x, &d);
    for layer in 0..bindings.layers.len() {
        let mut moved = bindings.clone();
        moved.layers[layer].weight = (&moved.layers[layer].weight * (1.0 + 1e-6)).unwrap();
        assert!(disagreement(&plainly(&network, &moved, &x, &d), &ours, ROUNDING).is_some(), "layer {layer}");
    }
    let d = (d * (1.0 + 1e-6)).unwrap();
    assert!(disagreement(&plainly(&network, &bindings, &x, &d), &ours, ROUNDING).is_some());
}

/// Three quantised layers, strided, grouped and unevenly padded, then a norm and a dense layer in float.
fn quantized_graph() -> Graph {
    let mut b = GraphBuilder::new("quantized", [2, 7, 6]).unwrap();
    let x = b.conv("stem", 0, 4, 3, 1).unwrap();
    let strided = Conv2d::square(6, 3, 2).padded(Padding::uneven(0, 1)).grouped(2).biased();
    let y = b.conv_general("grouped", x, strided).unwrap();
    let y = b.relu("relu", y).unwrap();
    let depthwise = Conv2d::square(6, 2, 1).padded(Padding::uneven(1, 0)).grouped(6);
    let y = b.conv_general("depthwise", y, depthwise).unwrap();
    let y = b.batch_norm("norm", y).unwrap();
    let y = b.relu("norm.relu", y).unwrap();
    let y = b.global_average_pool("pool", y).unwrap();
    b.linear("fc", y, 3).unwrap();
    b.finish()
}

/// Multiples of 1/8 of at most 1 in size: sums and products of them are exact in f32.
fn eighths(n: usize, shift: f64) -> Vec<f64> {
    wave(n, shift).iter().map(|v| (v * 4.0).round() / 8.0).collect()
}

fn quantized_bindings(graph: &Graph, bits: u32, rounding: Rounding) -> Bindings {
    let mut bindings = bindings(graph, true);
    let layers = graph.layers();
    for (l, binding) in bindings.layers.iter_mut().enumerate() {
        let single = |t: &Tensor| {
            let data = eighths(t.elem_count(), l as f64);
            tensor(data, t.dims()).to_dtype(DType::F32).unwrap()
        };
        (binding.weight, binding.bias) = (single(&binding.weight), binding.bias.as_ref().map(single));
        // A step of a quarter of the eighths that arrive, or more: ties and, with few bits, clipped values.
        let quantizer = ActivationQuantizer::new(bits, layers[l].unsigned_input, rounding);
        binding.activation = (l < 3).then_some((quantizer, 0.25));
    }
    for norm in &mut bindings.norms {
        let single = |t: &Tensor| t.to_dtype(DType::F32).unwrap();
        (norm.gamma, norm.beta) = (single(&norm.gamma), single(&norm.beta));
    }
    bindings
}

fn quantized_samples() -> (Tensor, Tensor) {
    let single = |data: Vec<f64>, shape: &[usize]| tensor(data, shape).to_dtype(DType::F32).unwrap();
    (single(eighths(BATCH * 84, 5.0), &[BATCH, 2, 7, 6]), single(wave(BATCH * 3, 0.8), &[BATCH, 3]))
}

#[test]
fn quantised_networks_agree_in_every_rounding_mode_and_no_other_mode_does() {
    let graph = quantized_graph();
    let network = Network::new(graph.clone());
    let (x, d) = quantized_samples();
    for bits in [2, 4, 8] {
        for mode in Rounding::ALL {
            let ours = on_host::<f32>(&network, &quantized_bindings(&graph, bits, mode), &x, &d);
            for other in Rounding::ALL {
                let theirs = plainly(&network, &quantized_bindings(&graph, bits, other), &x, &d);
                let difference = disagreement(&theirs, &ours, SINGLE_ROUNDING);
                assert_eq!(difference.is_none(), mode == other, "{bits} bits, {mode:?}, {other:?}: {difference:?}");
            }
        }
    }
}

/// The same on the first CUDA device, in f64, and quantised in f32.
#[cfg(feature = "cuda")]
#[test]
fn a_cuda_device_agrees_with_the_host() {
    let device = bitplan::exec::Device::Cuda(0).open().unwrap();
    let graphs = [every_operator(), gated_cnn(), transformer(true), resnet8([1, 10, 7], 5).unwrap()];
    let double = graphs.into_iter().chain((0..20).map(random_network)).map(|graph| {
        let (samples, bindings) = (samples(&graph), bindings(&graph, true));
        let network = Network::new(graph);
        let ours = on_host::<f64>(&network, &bindings, &samples.0, &samples.1);
        (network, bindings, samples, ours, ROUNDING)
    });
    let single = Rounding::ALL.into_iter().map(|mode| {
        let (graph, (x, d)) = (quantized_graph(), quantized_samples());
        let (bindings, network) = (quantized_bindings(&graph, 4, mode), Network::new(graph));
        let ours = on_host::<f32>(&network, &bindings, &x, &d);
        (network, bindings, (x, d), ours, SINGLE_ROUNDING)
    });
    for (network, bindings, (x, d), ours, tolerance) in double.chain(single) {
        let theirs = plainly(&network, &bindings, &x.to_device(&device).unwrap(), &d);
        assert_eq!(disagreement(&theirs, &ours, tolerance), None, "{}", network.graph().name);
    }
}

#[test]
fn what_does_not_fit_is_refused_and_what_is_no_token_is_seen() {
    let graph = quantized_graph();
    let network = Network::new(graph.clone());
    let x = tensor(wave(BATCH * 84, 0.0), &[BATCH, 2, 7, 6]);
    assert!(plain::forward(&network, &bindings(&graph, true), &x.narrow(2, 0, 6).unwrap()).is_err());
    assert!(plain::forward(&network, &bindings(&graph, true), &x.to_dtype(DType::U8).unwrap()).is_err());
    let mut quantized = bindings(&graph, true);
    let quantizer = ActivationQuantizer::new(4, false, Rounding::HalfEven);
    quantized.layers[0].activation = Some((quantizer, 0.25));
    let error = plain::forward(&network, &quantized, &x).unwrap_err().to_string();
    assert!(error.contains("quantiser on F64"), "{error}");

    let graph = transformer(true);
    let network = Network::new(graph.clone());
    for wrong in [6.0, -1.0, 0.5, f64::NAN] {
        let x = tensor(vec![0.0, 1.0, 2.0, 3.0, wrong], &[1, 5]);
        let ours = plain::forward(&network, &bindings(&graph, false), &x).unwrap();
        let host = forward::<f64>(&network, &bindings(&graph, false), &x).unwrap();
        let seen = |t: &Tensor| values(t).iter().map(|v| v.is_nan()).collect::<Vec<_>>();
        assert_eq!(seen(ours.output().unwrap()), seen(host.output().unwrap()), "{wrong}");
        assert!(seen(ours.output().unwrap())[24..].iter().all(|&nan| nan), "{wrong}");
    }
}
