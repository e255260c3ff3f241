//! Gradients of a quantised network against candle's autograd of the straight-through form
//!
//! ```text
//! x̂ = (clip(u) + stop(round(clip(u)) − clip(u))) · s,   u = x / s
//! ```
//!
//! whose derivatives are exactly LSQ's: `∂x̂/∂x = 1[inside]`, `∂x̂/∂s = round(u) − u` inside and the bound outside. In
//! f32, because the quantisers are; 1e-3 is the rounding of sums of some hundred f32 terms through seven layers.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

mod support;

use bitplan::exec::{Bindings, Loss, Network, backward, forward, host};
use bitplan::quant::{ActivationQuantizer, Rounding, ScaleGradient, WeightQuantizer};
use candle_core::{DType, Device, Tensor, Var};
use support::*;

const ROUNDING: f64 = 1e-3;
const LABELS: [u32; 4] = [2, 0, 1, 2];
const WEIGHTS: WeightQuantizer =
    WeightQuantizer { master_bits: 8, rounding: Rounding::HalfAway, scale_gradient: ScaleGradient::Paper };

fn single(t: &Tensor) -> Tensor {
    t.to_dtype(DType::F32).unwrap()
}

fn double(t: &Tensor) -> Vec<f64> {
    values(&t.to_dtype(DType::F64).unwrap())
}

/// The straight-through form; candle rounds half away from zero, so that is the mode here.
fn straight_through(x: &Tensor, scale: &Tensor, low: f64, high: f64) -> Tensor {
    let u = x.broadcast_div(scale).unwrap().clamp(low as f32, high as f32).unwrap();
    let rounded = u.round().unwrap();
    let gap = (rounded - &u).unwrap().detach();
    (u + gap).unwrap().broadcast_mul(scale).unwrap()
}

#[test]
fn gradients_of_weights_and_both_kinds_of_scales_agree_with_candle() {
    let graph = every_operator();
    let network = Network::new(graph.clone());
    let layers = graph.layers();
    let mut float: Bindings = bindings(&graph, true);
    float.layers.iter_mut().for_each(|l| {
        l.weight = single(&l.weight);
        l.bias = l.bias.as_ref().map(single);
    });
    float.norms.iter_mut().for_each(|n| (n.gamma, n.beta) = (single(&n.gamma), single(&n.beta)));
    let images = single(&tensor(wave(4 * 72, 5.0), &[4, 2, 6, 6]));

    // One scale for each output channel; then two for each row of a dense layer.
    for (bits, groups) in [(8, 1), (4, 1), (2, 1), (8, 2), (2, 2)] {
        let scales = |l: usize| layers[l].channels() * if layers[l].weight_shape.len() == 2 { groups } else { 1 };
        let activation = |l: usize| ActivationQuantizer::new(bits, layers[l].unsigned_input, Rounding::HalfAway);
        let range = |unsigned: bool| {
            if unsigned {
                (0.0, f64::from((1 << bits) - 1))
            } else {
                (-f64::from(1 << (bits - 1)), f64::from((1 << (bits - 1)) - 1))
            }
        };
        let weights = |l: usize| host::read::<f32>(&float.layers[l].weight).unwrap().to_vec();
        let weight_scales: Vec<Vec<f32>> =
            (0..layers.len()).map(|l| WEIGHTS.initial_scale(&weights(l), scales(l))).collect();
        // Scales that clip some inputs, so that both branches count.
        let input_scales: Vec<f32> =
            (0..layers.len()).map(|l| 1.4 / range(layers[l].unsigned_input).1 as f32).collect();

        let mut quantized = float.clone();
        for (l, binding) in quantized.layers.iter_mut().enumerate() {
            let data = WEIGHTS.fake_quantize(&weights(l), &weight_scales[l], bits);
            binding.weight = host::tensor(data, layers[l].weight_shape.as_slice()).unwrap();
            binding.activation = Some((activation(l), input_scales[l]));
        }
        let tape = forward::<f32>(&network, &quantized, &images).unwrap();
        let value = Loss::default().evaluate(&host::read::<f32>(tape.output().unwrap()).unwrap(), &LABELS, None);
        let seed = host::tensor(value.gradient, tape.output().unwrap().dims()).unwrap();
        let ours = backward::<f32>(&network, &quantized, &tape, seed).unwrap();

        let v = Variables::of(&float);
        let scale_vars: Vec<Var> = weight_scales
            .iter()
            .map(|s| {
                let at_bits: Vec<f32> = WEIGHTS.scale_at(s, bits);
                Var::from_tensor(&Tensor::from_vec(at_bits, (s.len(), 1), &Device::Cpu).unwrap()).unwrap()
            })
            .collect();
        let input_vars: Vec<Var> = input_scales
            .iter()
            .map(|&s| Var::from_tensor(&Tensor::new(&[s], &Device::Cpu).unwrap()).unwrap())
            .collect();
        // The codes come from Double Rounding, the slopes from the straight-through form around them.
        let plain_weights: Vec<Tensor> = (0..layers.len())
            .map(|l| {
                let s = scale_vars[l].as_tensor();
                let (low, high) = range(false);
                let rows = |w: &Tensor| w.reshape((scales(l), ())).unwrap().broadcast_div(s).unwrap();
                let u = rows(v.weights[l].as_tensor()).clamp(low as f32, high as f32).unwrap();
                let gap = (rows(&quantized.layers[l].weight) - &u).unwrap().detach();
                let rounded = (u + gap).unwrap().broadcast_mul(s).unwrap();
                rounded.reshape(layers[l].weight_shape.as_slice()).unwrap()
            })
            .collect();
        let layer_input = |l: usize, x: &Tensor| {
            let (low, high) = range(layers[l].unsigned_input);
            straight_through(x, input_vars[l].as_tensor(), low, high)
        };
        let logits = plain_quantized_forward(&graph, &float, &v, &plain_weights, &layer_input, &images);
        let difference = relative_difference(&double(tape.output().unwrap()), &double(&logits));
        assert!(difference < ROUNDING, "{bits} bits, logits: {difference}");
        let one_hot: Vec<f32> = LABELS.iter().flat_map(|&l| (0..3).map(move |k| f32::from(u8::from(k == l)))).collect();
        let normalizer = logits.exp().unwrap().sum_keepdim(1).unwrap().log().unwrap();
        let log_p = logits.broadcast_sub(&normalizer).unwrap();
        let picked = (log_p * Tensor::from_vec(one_hot, (4, 3), &Device::Cpu).unwrap()).unwrap();
        let theirs = (picked.sum_all().unwrap() * -0.25).unwrap().backward().unwrap();

        for (l, layer) in layers.iter().enumerate() {
            let upstream = host::read::<f32>(&ours.weights[l]).unwrap();
            let (dw, ds) = WEIGHTS.backward(&weights(l), &weight_scales[l], bits, &upstream);
            let wide = |x: &[f32]| x.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
            let per_scale = (layer.parameters() / scales(l)) as f64;
            let factor = 1.0 / (per_scale * range(false).1).sqrt();
            let expected: Vec<f64> =
                double(theirs.get(scale_vars[l].as_tensor()).unwrap()).iter().map(|g| g * factor).collect();
            for (what, ours, theirs) in [
                ("weight", wide(&dw), double(theirs.get(v.weights[l].as_tensor()).unwrap())),
                ("weight scale", wide(&ds), expected),
            ] {
                let difference = relative_difference(&ours, &theirs);
                assert!(difference < ROUNDING, "{bits} bits, {groups} groups, {what} of {}: {difference}", layer.name);
            }
            let elements: usize = graph.nodes()[graph.nodes()[layer.node].inputs[0]].shape.iter().product();
            let factor = 1.0 / (elements as f64 * range(layer.unsigned_input).1).sqrt();
            let expected = double(theirs.get(input_vars[l].as_tensor()).unwrap())[0] * factor;
            let found = f64::from(ours.activation_scales[l].unwrap());
            assert!(
                (found - expected).abs() < ROUNDING * expected.abs().max(1e-3),
                "{bits} bits, {}: {found} {expected}",
                layer.name
            );
        }
    }
}
