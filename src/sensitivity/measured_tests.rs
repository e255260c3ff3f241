//! Measured increases against forward passes of the whole network, known interactions, and the coverage of their errors.

use super::*;
use crate::exec::{NormBinding, Statistics};
use crate::graph::{Graph, GraphBuilder};
use crate::numeric::rng::Stream;
use crate::progress::{Silent, Stage};
use crate::quant::Rounding;

const CLASSES: usize = 3;

/// Two residual branches, a shortcut, batch norms: values are read more than once, and steps before a layer matter.
fn residual() -> Graph {
    let mut b = GraphBuilder::new("residual", [2, 6, 6]).unwrap();
    let c = b.conv("a", b.input(), 4, 3, 1).unwrap();
    let n = b.batch_norm("na", c).unwrap();
    let trunk = b.relu("ra", n).unwrap();
    let c = b.conv("b", trunk, 4, 3, 1).unwrap();
    let n = b.batch_norm("nb", c).unwrap();
    let r = b.relu("rb", n).unwrap();
    let c = b.conv("c", r, 4, 3, 1).unwrap();
    let sum = b.add("sum", c, trunk).unwrap();
    let r = b.relu("rs", sum).unwrap();
    let pooled = b.global_average_pool("pool", r).unwrap();
    b.linear("fc", pooled, CLASSES).unwrap();
    b.finish()
}

/// Logits `mean over positions of (A + B) x`: two layers side by side.
fn parallel() -> Graph {
    let mut b = GraphBuilder::new("parallel", [4, 2, 2]).unwrap();
    let one = b.conv("a", b.input(), CLASSES, 1, 1).unwrap();
    let two = b.conv("b", b.input(), CLASSES, 1, 1).unwrap();
    let sum = b.add("sum", one, two).unwrap();
    b.global_average_pool("pool", sum).unwrap();
    b.finish()
}

fn random(stream: &mut Stream, shape: &[usize], scale: f64) -> Tensor {
    let n = shape.iter().product();
    host::tensor((0..n).map(|_| (scale * stream.normal()) as f32).collect(), shape).unwrap()
}

fn bind(network: &Network, seed: u64) -> Bindings {
    let mut stream = Stream::new(seed, "bindings", &[]);
    let layer = |l: usize| {
        let shape = &network.layers()[l].weight_shape;
        let bias = network.has_bias(l).then(|| random(&mut stream, &shape[..1], 0.3));
        LayerBinding { weight: random(&mut stream, shape, 0.5), bias, activation: None }
    };
    let layers = (0..network.layers().len()).map(layer).collect();
    let norm = |n: &crate::exec::NormSite| {
        let fill = |v: f32| host::tensor(vec![v; n.channels], n.channels).unwrap();
        NormBinding {
            gamma: fill(1.1),
            beta: fill(0.1),
            statistics: Statistics::Fixed { mean: fill(0.05), variance: fill(0.8) },
        }
    };
    Bindings { layers, norms: network.norms().iter().map(norm).collect(), functions: Vec::new() }
}

/// A layer with other weights and a quantised input.
fn variants(network: &Network, bindings: &Bindings, noise: f64, input: bool) -> Vec<Vec<LayerBinding>> {
    let mut stream = Stream::new(8, "variants", &[]);
    let variant = |l: usize, stream: &mut Stream, c: f64| {
        let weight = &bindings.layers[l].weight;
        let moved = random(stream, weight.dims(), noise * c);
        let weight = (weight + moved).unwrap();
        let activation = input.then(|| (ActivationQuantizer::new(4, false, Rounding::HalfEven), 0.2 * c as f32));
        LayerBinding { weight, bias: bindings.layers[l].bias.clone(), activation }
    };
    (0..network.layers().len()).map(|l| [1.0, 2.0].map(|c| variant(l, &mut stream, c)).to_vec()).collect()
}

fn images(network: &Network, seed: u64, n: usize) -> (Tensor, Vec<u32>) {
    let mut stream = Stream::new(seed, "images", &[n as u64]);
    let shape: Vec<usize> = std::iter::once(n).chain(network.graph().nodes()[0].shape.iter().copied()).collect();
    let labels = (0..n).map(|_| stream.below(CLASSES as u64) as u32).collect();
    (random(&mut stream, &shape, 1.0), labels)
}

fn whole(network: &Network, bindings: &Bindings, x: &Tensor, labels: &[u32]) -> Vec<f64> {
    losses(&forward::<f32>(network, bindings, x).unwrap(), labels).unwrap()
}

#[test]
fn a_forward_pass_continued_from_any_layer_has_the_bits_of_a_whole_one() {
    let network = Network::new(residual());
    let base = bind(&network, 1);
    let (x, _) = images(&network, 1, 5);
    let tape = forward::<f32>(&network, &base, &x).unwrap();
    for (l, variants) in variants(&network, &base, 0.3, true).iter().enumerate() {
        let mut changed = base.clone();
        changed.layers[l] = variants[0].clone();
        let continued = forward_from::<f32>(&network, &changed, &tape, l).unwrap();
        let again = forward::<f32>(&network, &changed, &x).unwrap();
        let bits =
            |t: &Tape| host::read::<f32>(t.output().unwrap()).unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&continued), bits(&again));
        assert_ne!(bits(&continued), bits(&tape));
        // Negative control: from the layer behind it the change is not seen.
        if l + 1 < network.layers().len() {
            assert_eq!(bits(&forward_from::<f32>(&network, &changed, &tape, l + 1).unwrap()), bits(&tape));
        }
    }
    assert!(forward_from::<f32>(&network, &base, &tape, 99).is_err());
}

#[test]
fn every_number_is_that_of_whole_forward_passes_bit_for_bit() {
    let network = Network::new(residual());
    let base = bind(&network, 2);
    let variants = variants(&network, &base, 0.2, true);
    let pairs = [Pair { layers: [0, 2], candidates: [1, 0] }, Pair { layers: [1, 3], candidates: [0, 1] }];
    let configurations = [vec![0; 4], vec![1, 0, 1, 1]];
    let mut measurement = Measurement::new(&network, &base, &variants, &pairs, &configurations);
    let batches = [images(&network, 3, 7), images(&network, 4, 4)];
    for (x, labels) in &batches {
        measurement.push(x, labels, &mut Silent).unwrap();
    }
    assert_eq!(measurement.done, 2 * measurement.pieces());
    let measured = measurement.finish().unwrap();
    assert_eq!(measured.images, 11);

    // All layers of `chosen` changed; increases of all images, from whole passes only.
    let increase = |chosen: &[(usize, usize)]| -> Vec<f64> {
        let mut changed = base.clone();
        chosen.iter().for_each(|&(l, c)| changed.layers[l] = variants[l][c].clone());
        let of_batch = |(x, labels): &(Tensor, Vec<u32>)| {
            let (new, old) = (whole(&network, &changed, x, labels), whole(&network, &base, x, labels));
            new.into_iter().zip(old).map(|(new, old)| new - old).collect::<Vec<_>>()
        };
        batches.iter().flat_map(of_batch).collect()
    };
    let estimate = |values: Vec<f64>| {
        let moments: Moments = values.into_iter().collect();
        Estimate { mean: moments.mean().unwrap(), stderr: moments.standard_error().unwrap() }
    };
    for (l, increases) in measured.increases.iter().enumerate() {
        for (c, found) in increases.iter().enumerate() {
            assert_eq!(*found, estimate(increase(&[(l, c)])), "{l} {c}");
            assert!(found.mean != 0.0);
        }
    }
    for (pair, (both, interaction)) in pairs.iter().zip(&measured.pairs) {
        let [first, second] = [0, 1].map(|i| (pair.layers[i], pair.candidates[i]));
        let (together, a, b) = (increase(&[first, second]), increase(&[first]), increase(&[second]));
        let rest = (0..11).map(|n| together[n] - a[n] - b[n]).collect();
        assert_eq!((*both, *interaction), (estimate(together), estimate(rest)));
    }
    for (configuration, found) in configurations.iter().zip(&measured.joint) {
        let all: Vec<(usize, usize)> = configuration.iter().copied().enumerate().collect();
        assert_eq!(found.joint, estimate(increase(&all)));
        let singles: Vec<Vec<f64>> = all.iter().map(|one| increase(&[*one])).collect();
        assert_eq!(found.sum, estimate((0..11).map(|n| singles.iter().map(|s| s[n]).sum()).collect()));
    }
}

/// `z = (A + B) x`. `A + δ` and `B − δ` together change nothing: `I = −ΔL(A) − ΔL(B)`. The same number added to every logit
/// changes no probability: `B + 1 vᵀ` costs nothing and interacts with nothing.
#[test]
fn known_interactions_are_found() {
    let network = Network::new(parallel());
    let base = bind(&network, 5);
    let weight = |l: usize| host::read::<f32>(&base.layers[l].weight).unwrap().to_vec();
    let with = |l: usize, weight: Vec<f32>| {
        let weight = host::tensor(weight, base.layers[l].weight.dims()).unwrap();
        LayerBinding { weight, ..base.layers[l].clone() }
    };
    let delta = [0.3f32, -0.2, 0.5, 0.1, 0.4, -0.6, 0.2, -0.3, 0.7, 0.0, -0.1, 0.25];
    let plus: Vec<f32> = weight(0).iter().zip(delta).map(|(w, d)| w + d).collect();
    let minus: Vec<f32> = weight(1).iter().zip(delta).map(|(w, d)| w - d).collect();
    let shifted: Vec<f32> = weight(1).iter().enumerate().map(|(i, w)| w + [0.5, -0.7, 0.2, 1.0][i % 4]).collect();
    let variants = [vec![with(0, plus)], vec![with(1, minus), with(1, shifted)]];
    let pairs = [Pair { layers: [0, 1], candidates: [0, 0] }, Pair { layers: [0, 1], candidates: [0, 1] }];
    let mut measurement = Measurement::new(&network, &base, &variants, &pairs, &[]);
    let (x, labels) = images(&network, 6, 40);
    measurement.push(&x, &labels, &mut Silent).unwrap();
    let measured = measurement.finish().unwrap();
    let (a, b) = (measured.increases[0][0].mean, measured.increases[1][0].mean);
    let (both, interaction) = measured.pairs[0];
    const ROUNDING: f64 = 1e-6; // f32 logits near 1
    assert!(both.mean.abs() < ROUNDING && (interaction.mean + a + b).abs() < ROUNDING, "{both:?} {interaction:?}");
    assert!((a + b).abs() > 1e-2, "there is something to find: {a} {b}");
    let (both, interaction) = measured.pairs[1];
    assert!(measured.increases[1][1].mean.abs() < ROUNDING && interaction.mean.abs() < ROUNDING);
    assert!((both.mean - a).abs() < ROUNDING);
}

/// Fresh images in every trial: one standard error holds the true increase in 68 % of them. With the standard error of two
/// independent samples it would in far more: the control must fail.
#[test]
fn the_paired_error_covers_the_truth_as_often_as_it_says_and_an_unpaired_one_does_not() {
    const TRIALS: u64 = 400;
    let network = Network::new(parallel());
    let base = bind(&network, 7);
    let variants = variants(&network, &base, 0.1, false);
    let measure = |seed: u64, n: usize| {
        let mut measurement = Measurement::new(&network, &base, &variants, &[], &[]);
        let (x, labels) = images(&network, seed, n);
        measurement.push(&x, &labels, &mut Silent).unwrap();
        measurement.finish().unwrap()
    };
    let truth = measure(1, 100_000).increases[0][0].mean;
    let (mut paired, mut unpaired) = (0.0, 0.0);
    for trial in 0..TRIALS {
        let measured = measure(1000 + trial, 100);
        let found = measured.increases[0][0];
        paired += f64::from((found.mean - truth).abs() <= found.stderr);
        unpaired += f64::from((found.mean - truth).abs() <= 2f64.sqrt() * measured.base.stderr);
    }
    // 0.683 ± 4.5 deviations of a binomial share of 400.
    let holds = |covered: f64| (covered / TRIALS as f64 - 0.683).abs() <= 0.105;
    assert!(holds(paired) && !holds(unpaired), "{paired} {unpaired}");
}

#[test]
fn one_image_has_no_error_and_stopping_stops() {
    struct Stopped;
    impl Observer for Stopped {
        fn start(&mut self, _: Stage<'_>) {}
        fn at(&mut self, _: u64, _: &str) {}
        fn finish(&mut self, _: &str) {}
        fn warn(&mut self, _: &str) {}
        fn stop_requested(&self) -> bool {
            true
        }
    }
    let network = Network::new(parallel());
    let base = bind(&network, 9);
    let variants = variants(&network, &base, 0.1, false);
    let mut measurement = Measurement::new(&network, &base, &variants, &[], &[]);
    let (x, labels) = images(&network, 1, 1);
    assert!(matches!(measurement.push(&x, &labels, &mut Stopped), Err(Error::Interrupted)));
    measurement.push(&x, &labels, &mut Silent).unwrap();
    assert!(measurement.finish().unwrap_err().to_string().contains("fewer than two images"));
}
