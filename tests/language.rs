//! Language models: several predictions per sample, some of which do not count. Curvatures of a small transformer in f64
//! against second differences, training on a toy text, and the whole program on a folder of a tiny Llama.
//!
//! Tolerances: 1e-6 for differences with step 1e-5; 4.5 standard errors for what is drawn (a chance of 7e-6 each).

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

#[path = "support/stopping.rs"]
mod stopping;
mod support;

use std::path::Path;

use bitplan::data::{Dataset, IGNORED, Normalization, Pixels, Windows, counted};
use bitplan::exec::{Backend, Bindings, Loss, Network, Samples, backward, forward, host};
use bitplan::progress::Silent;
use bitplan::sensitivity::{Estimator, NetworkTraces};
use bitplan::space::{ActivationSite, Space};
use bitplan::supernet::{Session, Split, TrainState, bind_float, evaluate, initial_float, train_float};
use bitplan::trace::{Cells, ProbeDistribution, TraceEstimator, TraceOptions, TraceSource, Traces, estimate};
use stopping::Stopping;
use support::networks::transformer;
use support::*;

const DIFFERENCES: f64 = 1e-6;
const STANDARD_ERRORS: f64 = 4.5;
const STEP: f64 = 1e-5;
const VOCABULARY: usize = 6;
const POSITIONS: usize = 5;
/// Blocks of 2 and 1 windows.
const BLOCK: usize = 2;

/// Three windows, of which 5, 2 and 4 predictions count: the blocks weigh 7 and 4.
fn windows() -> Windows {
    let inputs = (0..3 * POSITIONS).map(|i| (i * i + i / 5) as u32 % 6).collect();
    let mut labels: Vec<u32> = (0..3 * POSITIONS).map(|i| (i * 7 + 1) as u32 % 6).collect();
    [5, 6, 8, 14].into_iter().for_each(|ignored| labels[ignored] = IGNORED);
    Windows { inputs, labels, positions: POSITIONS, place: "test".into() }
}

struct Case {
    network: Network,
    bindings: Bindings,
    dataset: Dataset,
}

impl Case {
    fn new() -> Self {
        let graph = transformer(true);
        let dataset = Dataset::of_windows(windows(), VOCABULARY).unwrap();
        Self { bindings: bindings(&graph, false), network: Network::new(graph), dataset }
    }

    fn inputs(&self) -> Vec<f64> {
        let Pixels::Tokens(tokens) = self.dataset.pixels() else { panic!("tokens") };
        tokens.iter().map(|&token| f64::from(token)).collect()
    }

    fn labels(&self) -> &[u32] {
        self.dataset.labels()
    }

    fn logits(&self, bindings: &Bindings) -> Vec<f64> {
        let x = tensor(self.inputs(), &[self.dataset.len(), POSITIONS]);
        values(forward::<f64>(&self.network, bindings, &x).unwrap().output().unwrap())
    }

    /// `Σ_r w_r ℓ_r` over predictions, from its definition.
    fn loss(&self, bindings: &Bindings, weight: impl Fn(usize) -> f64) -> f64 {
        let rows = self.logits(bindings);
        let of_row = |(r, (z, &label)): (usize, (&[f64], &u32))| match label {
            IGNORED => 0.0,
            _ => weight(r) * (z.iter().map(|z| z.exp()).sum::<f64>().ln() - z[label as usize]),
        };
        rows.chunks(VOCABULARY).zip(self.labels()).enumerate().map(of_row).sum()
    }

    /// Weight gradients of the mean loss, by the reverse pass; and of the sum over one window's predictions.
    fn gradients(&self, bindings: &Bindings, window: Option<usize>) -> Vec<Vec<f64>> {
        let (n, rows) = match window {
            None => (self.dataset.len(), 0..self.labels().len()),
            Some(n) => (1, n * POSITIONS..(n + 1) * POSITIONS),
        };
        let x = tensor(self.inputs()[rows.clone()].to_vec(), &[n, POSITIONS]);
        let tape = forward::<f64>(&self.network, bindings, &x).unwrap();
        let labels = &self.labels()[rows];
        let logits = host::read::<f64>(tape.output().unwrap()).unwrap();
        let scale = if window.is_some() { counted(labels) as f64 } else { 1.0 };
        let d: Vec<f64> = Loss::default().evaluate(&logits, labels, None).gradient.iter().map(|g| g * scale).collect();
        let d = tensor(d, tape.output().unwrap().dims());
        backward::<f64>(&self.network, bindings, &tape, d).unwrap().weights.iter().map(values).collect()
    }

    fn moved(&self, layer: usize, entry: usize, step: f64) -> Bindings {
        let mut moved = self.bindings.clone();
        let mut data = values(&moved.layers[layer].weight);
        data[entry] += step;
        moved.layers[layer].weight = tensor(data, moved.layers[layer].weight.dims());
        moved
    }

    /// `f(layer, entry)` added over the weights of every layer.
    fn over_weights(&self, f: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let layers = self.bindings.layers.iter().map(|l| l.weight.elem_count()).enumerate();
        layers.map(|(l, n)| (0..n).map(|e| f(l, e)).sum()).collect()
    }

    fn estimate(&self, estimator: Estimator, site: Option<ActivationSite>, rounds: u64) -> Traces {
        let plain = Normalization::identity(1);
        let samples = Samples::new(&self.dataset, &plain, BLOCK, None, usize::MAX).unwrap();
        assert_eq!((samples.sizes(), samples.counted()), (&[2, 1][..], &[7, 4][..]));
        let source = NetworkTraces::<f64>::new(&self.network, &self.bindings, &samples, estimator, site, 3);
        let mut cells = Cells::new("test", &estimator.to_string(), source.names(), source.shares().to_vec()).unwrap();
        let options = TraceOptions { min_rounds: rounds, max_rounds: rounds, relative_error: 1e-12, max_seconds: None };
        estimate(&source, &options, &mut cells, &mut |_| Ok(()), &mut Silent).unwrap()
    }
}

const EXACT: Estimator = Estimator::Products(TraceEstimator::Exact);
const ALL_OUTPUTS: Estimator = Estimator::GaussNewton { exact: true };
const HUTCHINSON: Estimator =
    Estimator::Products(TraceEstimator::Hutchinson { distribution: ProbeDistribution::Rademacher });

#[test]
fn the_loss_is_the_mean_over_the_predictions_that_count() {
    let case = Case::new();
    assert_eq!(counted(case.labels()), 11);
    let found = Loss::default().evaluate(&case.logits(&case.bindings), case.labels(), None).loss;
    assert!((found - case.loss(&case.bindings, |_| 1.0 / 11.0)).abs() < 1e-14);
    // Negative control: the mean over windows of their means is another number.
    let of_windows = case.loss(&case.bindings, |r| [5.0, 2.0, 4.0].map(|n: f64| 1.0 / (3.0 * n))[r / POSITIONS]);
    assert!((found - of_windows).abs() > 1e-3, "{found} {of_windows}");
}

#[test]
fn exact_traces_are_the_sums_of_second_differences() {
    let case = Case::new();
    let at = |l: usize, e: usize, step: f64| case.gradients(&case.moved(l, e, step), None)[l][e];
    let expected = case.over_weights(|l, e| (at(l, e, STEP) - at(l, e, -STEP)) / (2.0 * STEP));
    // The gradients themselves, in one entry of each layer, from the definition of the loss.
    let gradients = case.gradients(&case.bindings, None);
    for (l, gradient) in gradients.iter().enumerate() {
        let loss = |step: f64| case.loss(&case.moved(l, 1, step), |_| 1.0 / 11.0);
        let slope = (loss(STEP) - loss(-STEP)) / (2.0 * STEP);
        assert!((slope - gradient[1]).abs() < 1e-8, "{l}: {slope} {}", gradient[1]);
    }
    let found = case.estimate(EXACT, None, 1);
    for (found, expected) in found.quantities.iter().zip(&expected) {
        assert!((found.trace - expected).abs() < DIFFERENCES * expected.abs().max(1.0), "{found:?} {expected}");
    }
}

/// `Σ_r (∂z_r/∂w)ᵀ (diag p_r − p_r p_rᵀ) ∂z_r/∂w / N` by differences of the logits.
#[test]
fn gauss_newton_traces_are_those_of_the_jacobian_of_all_predictions() {
    let case = Case::new();
    let logits = case.logits(&case.bindings);
    let expected = case.over_weights(|l, e| {
        let (up, down) = (case.logits(&case.moved(l, e, STEP)), case.logits(&case.moved(l, e, -STEP)));
        let slope: Vec<f64> = up.iter().zip(&down).map(|(up, down)| (up - down) / (2.0 * STEP)).collect();
        let rows = logits.chunks(VOCABULARY).zip(slope.chunks(VOCABULARY)).zip(case.labels());
        let of_row = |((z, d), _): ((&[f64], &[f64]), &u32)| {
            let sum: f64 = z.iter().map(|z| z.exp()).sum();
            let mean = |f: &dyn Fn(f64) -> f64| z.iter().zip(d).map(|(z, &d)| z.exp() / sum * f(d)).sum::<f64>();
            mean(&|d| d * d) - mean(&|d| d).powi(2)
        };
        rows.filter(|(_, label)| **label != IGNORED).map(of_row).sum::<f64>() / 11.0
    });
    let exact = case.estimate(ALL_OUTPUTS, None, 1);
    for (found, expected) in exact.quantities.iter().zip(&expected) {
        assert!((found.trace - expected).abs() < DIFFERENCES * expected.abs().max(1.0), "{found:?} {expected}");
    }
    let drawn = case.estimate(Estimator::GaussNewton { exact: false }, None, 2000);
    for (found, exact) in drawn.quantities.iter().zip(&exact.quantities) {
        let error = found.probe_stderr.unwrap();
        assert!((found.trace - exact.trace).abs() <= STANDARD_ERRORS * error, "{found:?} {exact:?}");
        assert!((1.2 * found.trace - exact.trace).abs() > STANDARD_ERRORS * error, "20 % more would have passed");
    }
}

#[test]
fn fisher_traces_are_the_squared_gradients_of_whole_windows() {
    let case = Case::new();
    let found = case.estimate(Estimator::Fisher, None, 1);
    for (l, found) in found.quantities.iter().enumerate() {
        let squares = |n: usize| case.gradients(&case.bindings, Some(n))[l].iter().map(|g| g * g).sum::<f64>();
        let expected = (0..3).map(squares).sum::<f64>() / 11.0;
        assert!((found.trace - expected).abs() < 1e-12 * expected.max(1.0), "{found:?} {expected}");
    }
}

#[test]
fn every_estimator_agrees_with_the_exact_trace_within_its_standard_error() {
    let case = Case::new();
    let exact = case.estimate(EXACT, None, 1);
    let hutchpp = Estimator::Products(TraceEstimator::HutchPlusPlus { products: 4 });
    let xtrace = Estimator::Products(TraceEstimator::XTrace { products: 4 });
    for (estimator, rounds) in [(HUTCHINSON, 3000), (hutchpp, 200), (xtrace, 200)] {
        let found = case.estimate(estimator, None, rounds);
        for (found, exact) in found.quantities.iter().zip(&exact.quantities) {
            let error = found.probe_stderr.unwrap();
            assert!((found.trace - exact.trace).abs() <= STANDARD_ERRORS * error, "{estimator}: {found:?} {exact:?}");
        }
        // Negative control: in some layer half as much again would have been refused.
        let refused = found.quantities.iter().zip(&exact.quantities).any(|(found, exact)| {
            (1.5 * found.trace - exact.trace).abs() > STANDARD_ERRORS * found.probe_stderr.unwrap()
        });
        assert!(refused, "{estimator}: an estimator that is off by a half would have passed");
    }
}

/// In the outputs of the last layer the curvature is that of the criterion, where a prediction counts.
#[test]
fn traces_in_the_last_activations_have_a_closed_form() {
    let case = Case::new();
    let layers = case.network.layers().len();
    let logits = case.logits(&case.bindings);
    let rows = logits.chunks(VOCABULARY).zip(case.labels()).filter(|(_, label)| **label != IGNORED);
    let of_row = |(z, _): (&[f64], &u32)| {
        let sum: f64 = z.iter().map(|z| z.exp()).sum();
        1.0 - z.iter().map(|z| (z.exp() / sum).powi(2)).sum::<f64>()
    };
    let expected = rows.map(of_row).sum::<f64>() / 11.0;
    let found = case.estimate(ALL_OUTPUTS, Some(ActivationSite::Output), 1).quantities[2 * layers - 1].trace;
    assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    let drawn = case.estimate(HUTCHINSON, Some(ActivationSite::Output), 400);
    let (found, error) =
        (drawn.quantities[2 * layers - 1].trace, drawn.quantities[2 * layers - 1].probe_stderr.unwrap());
    assert!((found - expected).abs() <= STANDARD_ERRORS * error && error < 0.2 * expected, "{found} {expected}");
}

#[test]
fn labels_of_another_number_than_the_outputs_are_refused() {
    let case = Case::new();
    let short = Windows { inputs: vec![1; 8], labels: vec![2; 8], positions: 4, place: "test".into() };
    let dataset = Dataset::of_windows(short, VOCABULARY).unwrap();
    let samples = Samples::new(&dataset, &Normalization::identity(1), 2, None, 2).unwrap();
    let source = NetworkTraces::<f64>::new(&case.network, &case.bindings, &samples, HUTCHINSON, None, 3);
    let message = source.draw(0, 0, &|| Ok(())).unwrap_err().to_string();
    assert!(message.contains("outputs of shape [5, 6] for 4 labels of a sample"), "{message}");
}

/// A text that repeats itself, in windows; the last two predictions of every window are ignored, with `hidden` in their
/// places: nothing may depend on it.
fn toy(hidden: u32) -> Dataset {
    let text: Vec<u32> = (0..400).map(|i| [0, 1, 2, 3, 0, 4, 5][i % 7]).collect();
    let starts = (0..text.len() - POSITIONS - 1).step_by(POSITIONS);
    let inputs = starts.clone().flat_map(|s| text[s..s + POSITIONS].iter().copied()).collect();
    let label = |(i, &token): (usize, &u32)| if i >= POSITIONS - 2 { hidden } else { token };
    let labels = starts.flat_map(|s| text[s + 1..=s + POSITIONS].iter().enumerate().map(label)).collect();
    Dataset::of_windows(Windows { inputs, labels, positions: POSITIONS, place: "toy".into() }, VOCABULARY).unwrap()
}

fn train(network: &Network, dataset: &Dataset, checkpoint: &Path, stop: u64) -> Option<TrainState> {
    let text = "format: bitplan.space/1\nname: x\nmodel: {file: x}\nsearch: {candidates: [w8a8]}\n\
        data: {train: {tokens: {file: a}}, test: {tokens: {file: a}}}\n\
        training: {fp32: {epochs: 6, batch_size: 8, learning_rate: 2e-2}}\n";
    let recipe = Space::parse(text, Path::new("x")).unwrap().training.fp32;
    let normalization = Normalization::identity(1);
    let session = Session {
        dataset,
        normalization: &normalization,
        augmentation: None,
        seed: 5,
        backend: Backend::default(),
        checkpoint,
        checkpoint_every: 1000,
        key: "key",
    };
    let start = TrainState::new(initial_float(&network.graph().clone().into(), 5).unwrap());
    let state = TrainState::resume(checkpoint, "key", &start).unwrap_or(start);
    train_float(network, &recipe, &session, state, &mut Stopping(0, stop)).ok()
}

#[test]
fn training_on_a_text_lowers_the_loss_and_an_interrupted_one_ends_with_the_same_bits() {
    let (network, folder) = (Network::new(transformer(true)), tempfile::tempdir().unwrap());
    let dataset = toy(IGNORED);
    let calm = train(&network, &dataset, &folder.path().join("calm"), u64::MAX).unwrap();
    let split = Split {
        dataset: &dataset,
        normalization: &Normalization::identity(1),
        batch_size: 7,
        order: None,
        backend: Backend::default(),
    };
    let of = |parameters| {
        let bound = bind_float(&network, parameters, false).unwrap();
        evaluate(&network, &bound, &split).unwrap().evaluation(true).unwrap()
    };
    let (before, after) = (of(&initial_float(&network.graph().clone().into(), 5).unwrap()), of(&calm.parameters));
    assert!(after.loss < 0.7 * before.loss, "{} {}", before.loss, after.loss);
    assert_eq!((after.images, after.predictions), (dataset.len() as u64, Some(3 * dataset.len() as u64)));
    assert!((after.perplexity().unwrap().ln() - after.loss).abs() < 1e-12);
    assert!(after.accuracy() > before.accuracy() && after.accuracy() <= 1.0);

    let checkpoint = folder.path().join("stopped");
    let bits = |state: &TrainState| {
        let all =
            state.parameters.iter().map(|(name, t)| (name.clone(), t.flatten_all().unwrap().to_vec1::<f32>().unwrap()));
        all.flat_map(|(_, values)| values.into_iter().map(f32::to_bits)).collect::<Vec<_>>()
    };
    for stop in [3, 5] {
        assert!(train(&network, &dataset, &checkpoint, stop).is_none() && checkpoint.exists());
    }
    assert_eq!(bits(&train(&network, &dataset, &checkpoint, u64::MAX).unwrap()), bits(&calm));
    // Negative control: predictions that count would have changed the weights.
    assert_ne!(bits(&train(&network, &toy(3), &folder.path().join("other"), u64::MAX).unwrap()), bits(&calm));
}
