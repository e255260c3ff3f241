//! Traces of small networks, f64, every estimator against the diagonal of the Hessian by central differences of gradients
//! (which `tests/operators.rs` compares with candle).
//!
//! Tolerances: 1e-6 for differences with step 1e-5; 4.5 standard errors for what is drawn (a chance of 7e-6 each).

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

mod support;

use bitplan::data::{Dataset, Images, Labels, Normalization, Pixels};
use bitplan::exec::{Bindings, Loss, Network, Samples, backward, forward, host};
use bitplan::graph::{Activation, Graph, GraphBuilder};
use bitplan::progress::Silent;
use bitplan::sensitivity::{Estimator, NetworkTraces};
use bitplan::space::ActivationSite;
use bitplan::trace::{Cells, ProbeDistribution, TraceEstimator, TraceOptions, TraceSource, Traces, estimate};
use support::*;

const DIFFERENCES: f64 = 1e-6;
const STANDARD_ERRORS: f64 = 4.5;
const IMAGES: usize = 5;
/// Blocks of 3 and 2 images.
const BLOCK: usize = 3;

/// A convolution with a ReLU or a GELU, a strided one, a dense layer.
fn small(smooth: bool) -> Graph {
    let mut b = GraphBuilder::new("small", [2, 4, 4]).unwrap();
    let x = b.conv("first", 0, 3, 3, 1).unwrap();
    let x = b.batch_norm("norm", x).unwrap();
    let x = match smooth {
        true => b.activation("act", x, Activation::Gelu).unwrap(),
        false => b.relu("act", x).unwrap(),
    };
    let x = b.conv("second", x, 4, 3, 2).unwrap();
    let x = match smooth {
        true => b.activation("act2", x, Activation::Gelu).unwrap(),
        false => b.relu("act2", x).unwrap(),
    };
    let x = b.global_average_pool("pool", x).unwrap();
    b.linear("fc", x, 3).unwrap();
    b.finish()
}

struct Case {
    network: Network,
    bindings: Bindings,
    dataset: Dataset,
}

impl Case {
    fn new(smooth: bool) -> Self {
        let graph = small(smooth);
        let pixels = wave(IMAGES * 32, 5.0).iter().map(|&v| 2.0 * v as f32).collect();
        let images = Images { pixels: Pixels::Floats(pixels), shape: [2, 4, 4], place: "test".into() };
        let labels = Labels { values: (0..IMAGES as u32).map(|i| i * 2 % 3).collect(), place: "test".into() };
        let dataset = Dataset::new(images, labels, [2, 4, 4], 3).unwrap();
        Self { bindings: bindings(&graph, false), network: Network::new(graph), dataset }
    }

    fn samples(&self) -> Samples<'_> {
        let plain = Normalization::new(vec![0.0; 2], vec![1.0; 2]).unwrap();
        Samples::new(&self.dataset, &plain, BLOCK, None, usize::MAX).unwrap()
    }

    /// Weight gradients of the mean loss over images `range`.
    fn gradients(&self, bindings: &Bindings, range: std::ops::Range<usize>) -> Vec<Vec<f64>> {
        let Pixels::Floats(pixels) = self.dataset.pixels() else { panic!("floats") };
        let data = pixels[range.start * 32..range.end * 32].iter().map(|&v| f64::from(v)).collect();
        let x = tensor(data, &[range.len(), 2, 4, 4]);
        let tape = forward::<f64>(&self.network, bindings, &x).unwrap();
        let logits = host::read::<f64>(tape.output().unwrap()).unwrap();
        let d = Loss::default().evaluate(&logits, &self.dataset.labels()[range], None).gradient;
        let d = tensor(d, tape.output().unwrap().dims());
        backward::<f64>(&self.network, bindings, &tape, d).unwrap().weights.iter().map(values).collect()
    }

    /// `Σ_i ∂²L/∂w_i²` of every layer.
    fn traces_by_differences(&self) -> Vec<f64> {
        const STEP: f64 = 1e-5;
        let at = |layer: usize, entry: usize, step: f64| {
            let mut moved = self.bindings.clone();
            let mut data = values(&moved.layers[layer].weight);
            data[entry] += step;
            moved.layers[layer].weight = tensor(data, moved.layers[layer].weight.dims());
            self.gradients(&moved, 0..IMAGES)[layer][entry]
        };
        let layers = self.bindings.layers.iter().map(|l| l.weight.elem_count()).enumerate();
        layers.map(|(l, n)| (0..n).map(|e| (at(l, e, STEP) - at(l, e, -STEP)) / (2.0 * STEP)).sum()).collect()
    }

    fn estimate(&self, estimator: Estimator, site: Option<ActivationSite>, rounds: u64) -> Traces {
        let samples = self.samples();
        let source = NetworkTraces::<f64>::new(&self.network, &self.bindings, &samples, estimator, site, 3);
        let mut cells = Cells::new("test", &estimator.to_string(), source.names(), source.shares().to_vec()).unwrap();
        let options = TraceOptions { min_rounds: rounds, max_rounds: rounds, relative_error: 1e-12, max_seconds: None };
        estimate(&source, &options, &mut cells, &mut |_| Ok(()), &mut Silent).unwrap()
    }
}

const EXACT: Estimator = Estimator::Products(TraceEstimator::Exact);
const ALL_CLASSES: Estimator = Estimator::GaussNewton { exact: true };
const HUTCHINSON: Estimator =
    Estimator::Products(TraceEstimator::Hutchinson { distribution: ProbeDistribution::Rademacher });

#[test]
fn exact_traces_are_the_sums_of_second_differences() {
    for smooth in [false, true] {
        let case = Case::new(smooth);
        let expected = case.traces_by_differences();
        let found = case.estimate(EXACT, None, 1);
        for (found, expected) in found.quantities.iter().zip(&expected) {
            assert!((found.trace - expected).abs() < DIFFERENCES * expected.abs().max(1.0), "{found:?} {expected}");
        }
    }
}

/// The network with ReLUs is linear in pieces; with GELUs the two matrices differ, and this test must see it.
#[test]
fn the_gauss_newton_traces_are_the_hessians_where_the_network_is_linear_in_pieces_and_only_there() {
    for smooth in [false, true] {
        let case = Case::new(smooth);
        let (hessian, gauss_newton) = (case.estimate(EXACT, None, 1), case.estimate(ALL_CLASSES, None, 1));
        let differs = |(h, g): (&bitplan::trace::TraceEstimate, &bitplan::trace::TraceEstimate)| {
            (h.trace - g.trace).abs() / h.trace.abs()
        };
        let pairs = hessian.quantities.iter().zip(&gauss_newton.quantities);
        let largest = pairs.map(differs).fold(0.0, f64::max);
        assert_eq!(largest > 1e-9, smooth, "{largest}");
        assert!(!smooth || largest > 0.01, "{largest}");
        assert_eq!(ALL_CLASSES.is_hessian(case.network.graph()), !smooth);
    }
}

#[test]
fn every_estimator_agrees_with_the_exact_trace_within_its_standard_error() {
    let case = Case::new(false);
    let exact = case.estimate(EXACT, None, 1);
    let gaussian = Estimator::Products(TraceEstimator::Hutchinson { distribution: ProbeDistribution::Gaussian });
    let hutchpp = Estimator::Products(TraceEstimator::HutchPlusPlus { products: 4 });
    let xtrace = Estimator::Products(TraceEstimator::XTrace { products: 4 });
    let draws = [(Estimator::GaussNewton { exact: false }, 400), (HUTCHINSON, 4000), (gaussian, 4000)];
    for (estimator, rounds) in draws.into_iter().chain([(hutchpp, 400), (xtrace, 400)]) {
        let found = case.estimate(estimator, None, rounds);
        let mut seen = false;
        for (found, exact) in found.quantities.iter().zip(&exact.quantities) {
            let error = found.probe_stderr.unwrap();
            assert!((found.trace - exact.trace).abs() <= STANDARD_ERRORS * error, "{estimator}: {found:?} {exact:?}");
            // Negative control, in every layer: 15 % more would have been refused. Hutchinson's noise from the other layers
            // is too large for that in the small ones: there some layer must refuse half as much again.
            let refuses = |bias: f64| (bias * found.trace - exact.trace).abs() > STANDARD_ERRORS * error;
            match estimator {
                Estimator::Products(TraceEstimator::Hutchinson { .. }) => seen |= refuses(1.5),
                _ => assert!(refuses(1.15), "{estimator}: {found:?} would have passed with a bias of 15 %"),
            }
        }
        let needs = matches!(estimator, Estimator::Products(TraceEstimator::Hutchinson { .. }));
        assert!(seen == needs, "{estimator}: an estimator that is off by a half would have passed");
    }
}

/// A layer whose output nothing reads minds nothing; the others are as without it.
#[test]
fn a_layer_that_does_not_reach_the_output_has_the_trace_zero() {
    let mut b = GraphBuilder::new("dead_end", [2, 4, 4]).unwrap();
    let x = b.conv("first", 0, 3, 3, 1).unwrap();
    b.conv("dead", x, 2, 3, 1).unwrap();
    let x = b.global_average_pool("pool", x).unwrap();
    b.linear("fc", x, 3).unwrap();
    let graph = b.finish();
    let case =
        Case { bindings: bindings(&graph, false), network: Network::new(graph), dataset: Case::new(false).dataset };
    let exact = case.estimate(EXACT, None, 1);
    assert!(exact.quantities[0].trace > 0.0 && exact.quantities[2].trace > 0.0);
    let xtrace = Estimator::Products(TraceEstimator::XTrace { products: 4 });
    for estimator in [EXACT, ALL_CLASSES, Estimator::Fisher, HUTCHINSON, xtrace] {
        assert_eq!(case.estimate(estimator, Some(ActivationSite::Input), 2).quantities[1].trace, 0.0, "{estimator}");
    }
    let all = case.estimate(ALL_CLASSES, None, 1);
    assert!((all.quantities[0].trace - exact.quantities[0].trace).abs() < 1e-12);
}

#[test]
fn fisher_traces_are_the_squared_gradients_of_single_images() {
    let case = Case::new(true);
    let found = case.estimate(Estimator::Fisher, None, 1);
    for (l, found) in found.quantities.iter().enumerate() {
        let squares = |n: usize| case.gradients(&case.bindings, n..n + 1)[l].iter().map(|g| g * g).sum::<f64>();
        let expected = (0..IMAGES).map(squares).sum::<f64>() / IMAGES as f64;
        assert!((found.trace - expected).abs() < 1e-12 * expected.max(1.0), "{found:?} {expected}");
    }
}

/// The Hessian in the outputs of the last layer is `diag p − p pᵀ`, with the trace `1 − Σ p²`; everywhere else the drawn
/// Hessian traces must agree with the Gauss–Newton ones, which for this network are the same.
#[test]
fn traces_in_activations_agree_with_the_closed_form_and_with_each_other() {
    let case = Case::new(false);
    let layers = case.network.layers().len();
    for site in [ActivationSite::Input, ActivationSite::Output] {
        let exact = case.estimate(ALL_CLASSES, Some(site), 1);
        let drawn = case.estimate(HUTCHINSON, Some(site), 400);
        for (found, exact) in drawn.quantities[layers..].iter().zip(&exact.quantities[layers..]) {
            let error = found.probe_stderr.unwrap();
            assert!((found.trace - exact.trace).abs() <= STANDARD_ERRORS * error, "{site}: {found:?} {exact:?}");
            assert!(error < 0.25 * exact.trace, "{site}: nothing to be seen in {found:?}");
        }
        if site == ActivationSite::Output {
            let Pixels::Floats(pixels) = case.dataset.pixels() else { panic!("floats") };
            let x = tensor(pixels.iter().map(|&v| f64::from(v)).collect(), &[IMAGES, 2, 4, 4]);
            let logits = values(forward::<f64>(&case.network, &case.bindings, &x).unwrap().output().unwrap());
            let curvature = |z: &[f64]| {
                let e: Vec<f64> = z.iter().map(|z| z.exp()).collect();
                let sum: f64 = e.iter().sum();
                1.0 - e.iter().map(|e| (e / sum).powi(2)).sum::<f64>()
            };
            let expected = logits.chunks(3).map(curvature).sum::<f64>() / IMAGES as f64;
            let found = exact.quantities[2 * layers - 1].trace;
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }
}
