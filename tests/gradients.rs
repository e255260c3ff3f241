//! Our forward, reverse and Hessian passes against candle's operators and autograd, in f64, on a network with every
//! operator. Tolerance 1e-10: rounding of sums of some hundred terms, with a margin of 10⁴; a wrong term is of order 1.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

mod support;

use bitplan::exec::{HessianPass, Loss, Network, Variation, backward, forward, host};
use candle_core::{Tensor, Var};
use support::*;

const ROUNDING: f64 = 1e-10;
const BATCH: usize = 4;
const LABELS: [u32; BATCH] = [2, 0, 1, 2];

fn images() -> Tensor {
    tensor(wave(BATCH * 72, 5.0), &[BATCH, 2, 6, 6])
}

#[test]
fn forward_and_every_gradient_agree_with_candle() {
    let graph = every_operator();
    let network = Network::new(graph.clone());
    for batch_statistics in [true, false] {
        let bindings = bindings(&graph, batch_statistics);
        let tape = forward::<f64>(&network, &bindings, &images()).unwrap();
        let value = Loss::default().evaluate(&host::read::<f64>(tape.output().unwrap()).unwrap(), &LABELS, None);
        let d_output = tensor(value.gradient, tape.output().unwrap().dims());
        let ours = backward::<f64>(&network, &bindings, &tape, d_output).unwrap();

        let v = Variables::of(&bindings);
        let logits = plain_forward(&graph, &bindings, &v, &images());
        assert!(relative_difference(&values(tape.output().unwrap()), &values(&logits)) < ROUNDING);
        let loss = plain_loss(&logits, &LABELS);
        assert!((loss.to_scalar::<f64>().unwrap() - value.loss).abs() < ROUNDING);
        let theirs = loss.backward().unwrap();
        let gradient = |var: &Var| values(theirs.get(var.as_tensor()).unwrap());
        for (l, layer) in network.layers().iter().enumerate() {
            let difference = relative_difference(&values(&ours.weights[l]), &gradient(&v.weights[l]));
            assert!(difference < ROUNDING, "{}: {difference}", layer.name);
        }
        for (n, norm) in network.norms().iter().enumerate() {
            for (ours, theirs) in [(&ours.gammas[n], &v.gammas[n]), (&ours.betas[n], &v.betas[n])] {
                let difference = relative_difference(ours, &gradient(theirs));
                assert!(difference < ROUNDING, "{}: {difference}", norm.name);
            }
        }
        // Together, because a bias in front of batch statistics has a gradient of nothing but rounding.
        let biases: Vec<f64> = v.biases.iter().flatten().flat_map(gradient).collect();
        assert!(relative_difference(&ours.biases.concat(), &biases) < ROUNDING);
    }
}

/// Central differences of candle's gradients: a Hessian that shares no code with ours.
fn dense_hessian() -> Vec<Vec<f64>> {
    const STEP: f64 = 1e-5;
    let graph = every_operator();
    let base = bindings(&graph, false);
    let gradient_at = |layer: usize, entry: usize, step: f64| -> Vec<f64> {
        let mut moved = base.clone();
        let weight = &moved.layers[layer].weight;
        let mut data = values(weight);
        data[entry] += step;
        moved.layers[layer].weight = tensor(data, weight.dims());
        let v = Variables::of(&moved);
        let gradients = plain_loss(&plain_forward(&graph, &moved, &v, &images()), &LABELS).backward().unwrap();
        v.weights.iter().flat_map(|w| values(gradients.get(w.as_tensor()).unwrap())).collect()
    };
    let sizes = base.layers.iter().map(|l| l.weight.elem_count()).enumerate();
    let entries: Vec<(usize, usize)> = sizes.flat_map(|(l, n)| (0..n).map(move |e| (l, e))).collect();
    let column = |&(l, e): &(usize, usize)| {
        let (up, down) = (gradient_at(l, e, STEP), gradient_at(l, e, -STEP));
        up.iter().zip(&down).map(|(u, d)| (u - d) / (2.0 * STEP)).collect()
    };
    entries.iter().map(column).collect()
}

/// 1e-7: the error of central differences with step 1e-5 in f64 (1e-10 from truncation, 1e-11/1e-5·ε from rounding).
#[test]
fn hessian_products_equal_the_dense_hessian() {
    const DIFFERENCES: f64 = 1e-7;
    let graph = every_operator();
    let network = Network::new(graph.clone());
    let bindings = bindings(&graph, false);
    let pass = HessianPass::new::<f64>(&network, &bindings, &Loss::default(), &images(), &LABELS).unwrap();
    let split = |flat: &[f64]| -> Vec<Tensor> {
        let mut rest = flat;
        let cut = |l: &bitplan::graph::Layer| {
            let (head, tail) = rest.split_at(l.parameters());
            rest = tail;
            tensor(head.to_vec(), &l.weight_shape)
        };
        network.layers().iter().map(cut).collect()
    };
    let apply = |v: &[f64]| -> Vec<f64> {
        pass.apply::<f64>(&Variation::of_weights(split(v))).unwrap().weights.iter().flatten().flat_map(values).collect()
    };

    let dense = dense_hessian();
    let n = dense.len();
    for shift in [0.0, 1.0, 2.0] {
        let v = wave(n, shift);
        let expected: Vec<f64> = (0..n).map(|row| (0..n).map(|column| dense[column][row] * v[column]).sum()).collect();
        let difference = relative_difference(&apply(&v), &expected);
        assert!(difference < DIFFERENCES, "{difference}");
        assert!(relative_difference(&apply(&v), &expected.iter().map(|e| e * 1.001).collect::<Vec<_>>()) > DIFFERENCES);
    }
    // Symmetric to rounding, which no finite difference is.
    let (u, v) = (wave(n, 3.0), wave(n, 4.0));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (left, right) = (dot(&u, &apply(&v)), dot(&v, &apply(&u)));
    assert!((left - right).abs() < ROUNDING * left.abs().max(1.0), "{left} {right}");
}

#[test]
fn a_quantised_or_training_network_has_no_hessian_pass() {
    let graph = every_operator();
    let network = Network::new(graph.clone());
    assert!(HessianPass::new::<f64>(&network, &bindings(&graph, true), &Loss::default(), &images(), &LABELS).is_err());
}
