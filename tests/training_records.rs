//! What training records for the report: scales at the end of every epoch, and what mixed-precision training drew, against
//! the parameters and the streams of the seed.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

#[path = "support/stopping.rs"]
mod stopping;

use std::path::Path;

use bitplan::data::{Dataset, Images, Labels, Normalization, Pixels};
use bitplan::exec::{Backend, Network};
use bitplan::graph::{Graph, GraphBuilder};
use bitplan::numeric::rng::Stream;
use bitplan::numeric::stats::chi_square;
use bitplan::progress::{Observer, Silent};
use bitplan::quant::WeightScale;
use bitplan::sampling::{Sampler, Strategy, roulette};
use bitplan::scheme::Scheme;
use bitplan::space::{Candidate, LayerChoice, MixedPrecision, QuantizerSpec, Space};
use bitplan::supernet::{
    EpochRecord, MixedPhase, Parameters, Session, SuperNet, TrainState, initial_float, train_mixed_precision,
    train_multi_precision,
};
use stopping::Stopping;

const SHAPE: [usize; 3] = [1, 4, 4];
const SEED: u64 = 5;

/// Layers: stem (pinned), left and right (tied), head of two widths of weights, fc (FP32).
const CANDIDATES: [&[&str]; 5] =
    [&["w8a8"], &["w8a8", "w4a16", "w2a2"], &["w8a8", "w4a16", "w2a2"], &["w8a8", "w4a8"], &["fp32"]];
const TIED: [usize; 2] = [1, 2];

/// Hessian traces; their mean lies below those of `left` and `right`, above that of `head`.
const TRACES: [f64; 5] = [1.0, 0.9, 0.8, 0.1, 1.0];

fn graph() -> Graph {
    let mut b = GraphBuilder::new("toy", SHAPE).unwrap();
    let mut x = b.input();
    for name in ["stem", "left", "right", "head"] {
        x = b.conv(name, x, 3, 3, 1).unwrap();
        x = b.batch_norm(&format!("{name}.norm"), x).unwrap();
        x = b.relu(&format!("{name}.relu"), x).unwrap();
    }
    x = b.global_average_pool("pool", x).unwrap();
    b.linear("fc", x, 3).unwrap();
    b.finish()
}

fn net() -> SuperNet {
    let graph = graph();
    let choice = |(layer, candidates): (bitplan::graph::Layer, &&[&str])| {
        let candidates: Vec<Candidate> = candidates.iter().map(|c| c.parse().unwrap()).collect();
        LayerChoice { name: layer.name, pinned: candidates.len() == 1, candidates }
    };
    let choices = graph.layers().into_iter().zip(&CANDIDATES).map(choice).collect();
    let scheme = Scheme::from_choices(choices, vec![TIED.to_vec()], &QuantizerSpec::default(), &graph).unwrap();
    SuperNet::new(Network::new(graph), scheme)
}

fn sampler() -> Sampler {
    Sampler::new(probabilities(), &[TIED.to_vec()])
}

fn probabilities() -> Vec<Vec<f64>> {
    let bits = |of: &&[&str]| -> Vec<u32> {
        of.iter().map(|c| u32::from(c.parse::<Candidate>().unwrap().weight_bits())).collect()
    };
    roulette(Strategy::Hasb, &CANDIDATES.iter().map(bits).collect::<Vec<_>>(), &TRACES)
}

fn dataset(images: usize) -> Dataset {
    let mut stream = Stream::new(11, "pixels", &[]);
    let pixels = Pixels::Floats((0..images * 16).map(|_| stream.normal() as f32).collect());
    let labels = Labels { values: (0..images as u32).map(|n| n * n % 3).collect(), place: "test".into() };
    Dataset::new(Images { pixels, shape: SHAPE, place: "test".into() }, labels, SHAPE, 3).unwrap()
}

fn recipes(training: &str) -> bitplan::space::Training {
    let text = format!(
        "format: bitplan.space/1\nname: x\nmodel: {{zoo: resnet8, input: [1, 8, 8], classes: 3}}\n\
         data: {{train: {{npy: {{images: a, labels: b}}}}, test: {{npy: {{images: a, labels: b}}}}}}\n\
         search: {{candidates: [w8a8]}}\ntraining: {training}\n"
    );
    Space::parse(&text, Path::new("x")).unwrap().training
}

fn mixed(recipe: &str) -> MixedPrecision {
    recipes(&format!("{{mixed_precision: {{batch_size: 2, {recipe}}}}}")).mixed_precision
}

fn initial(net: &SuperNet) -> Parameters {
    let float = initial_float(&net.network().graph().clone().into(), SEED).unwrap();
    let scales: Vec<Vec<f32>> = CANDIDATES.iter().map(|of| vec![0.1; of.len()]).collect();
    net.initial(&float, &scales, WeightScale::ThreeSigma).unwrap()
}

struct Study {
    net: SuperNet,
    dataset: Dataset,
    seed: u64,
    folder: tempfile::TempDir,
}

impl Study {
    fn new(images: usize) -> Self {
        Self { net: net(), dataset: dataset(images), seed: SEED, folder: tempfile::tempdir().unwrap() }
    }

    /// Begins, or goes on from the checkpoint of the last time.
    fn train(
        &self,
        observer: &mut dyn Observer,
        phase: &mut dyn FnMut(&Session<'_>, TrainState, &mut dyn Observer) -> bitplan::error::Result<TrainState>,
    ) -> Option<TrainState> {
        let normalization = Normalization::identity(1);
        let checkpoint = self.folder.path().join("checkpoint");
        let session = Session {
            dataset: &self.dataset,
            normalization: &normalization,
            augmentation: None,
            seed: self.seed,
            backend: Backend::default(),
            checkpoint: &checkpoint,
            checkpoint_every: 1000,
            key: "key",
        };
        let start = TrainState::new(initial(&self.net));
        let state = TrainState::resume(&checkpoint, "key", &start).unwrap_or(start);
        phase(&session, state, observer).ok()
    }

    fn mix(&self, recipe: &MixedPrecision, observer: &mut dyn Observer) -> Option<TrainState> {
        let sampler = sampler();
        let phase = MixedPhase { recipe, sampler: &sampler };
        self.train(observer, &mut |session, state, observer| {
            train_mixed_precision(&self.net, phase, session, state, observer)
        })
    }
}

fn history(state: &TrainState) -> &[EpochRecord] {
    &state.position.history
}

/// Algorithm 1 written out, from the streams alone: `r < σ` spins the roulette, else the base stays; `right` follows `left`.
fn expected_draws(epoch: u64, epochs: u64, warmup: u64, steps: u64, seed: u64) -> Vec<Vec<u64>> {
    let mut counts: Vec<Vec<u64>> = CANDIDATES.iter().map(|of| vec![0; of.len()]).collect();
    // The bases: all candidates of searched layers, widest first; where a layer lacks one, it keeps its next wider.
    let bases = [[0, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 2, 2, 1, 0]];
    let sigma = if epoch < warmup { 0.0 } else { 0.5 * (epoch + 1) as f64 / epochs as f64 };
    for (step, (b, base)) in (0..steps).flat_map(|step| bases.iter().enumerate().map(move |base| (step, base))) {
        let mut stream = Stream::new(seed, "hasb", &[epoch, step, b as u64]);
        let mut drawn = *base;
        for (layer, of) in probabilities().iter().enumerate() {
            if layer == TIED[1] {
                drawn[layer] = drawn[TIED[0]];
            } else if stream.uniform() < sigma {
                let (r, mut sum) = (stream.uniform(), 0.0);
                drawn[layer] = of.iter().take_while(|&p| (sum += p, sum <= r).1).count().min(of.len() - 1);
            }
        }
        drawn.iter().enumerate().for_each(|(layer, &candidate)| counts[layer][candidate] += 1);
    }
    counts
}

#[test]
fn the_recorded_draws_are_those_of_the_seeds_streams() {
    let study = Study::new(10);
    let state = study.mix(&mixed("epochs: 3, warmup_epochs: 1"), &mut Silent).unwrap();
    assert_eq!(history(&state).len(), 3);
    for (epoch, record) in history(&state).iter().enumerate() {
        assert_eq!(record.draws, expected_draws(epoch as u64, 3, 1, 5, SEED), "epoch {epoch}");
        assert_ne!(record.draws, expected_draws(epoch as u64 + 1, 3, 0, 5, SEED), "the control must differ");
    }
    // During the warm-up nothing leaves its base, and the pinned layers never do.
    assert_eq!(history(&state)[0].draws[1], [5, 10, 5]);
    assert!(history(&state).iter().all(|record| record.draws[0] == [20] && record.draws[4] == [20]));
}

#[test]
fn the_recorded_draws_follow_algorithm_one() {
    /// A right record fails once in 10⁵.
    const SIGNIFICANCE: f64 = 1e-5;
    // One epoch at σ = 1: every draw spins the roulette, so that the counts are multinomial.
    let study = Study::new(400);
    let state = study.mix(&mixed("epochs: 1, sigma: 1"), &mut Silent).unwrap();
    let draws = &history(&state)[0].draws;
    let roulettes = [(1, vec![8.0 / 14.0, 4.0 / 14.0, 2.0 / 14.0]), (3, vec![0.5, 0.5])];
    for (layer, expected) in roulettes {
        let test = chi_square(&draws[layer], &expected).unwrap();
        assert_eq!(draws[layer].iter().sum::<u64>(), 800, "200 steps at 4 bases");
        assert!(test.p_value > SIGNIFICANCE, "layer {layer}: {:?} p = {}", draws[layer], test.p_value);
    }
    // Negative controls: the roulettes of the other side of the mean must be rejected.
    for (layer, wrong) in [(1, vec![1.0 / 3.0; 3]), (3, vec![8.0 / 12.0, 4.0 / 12.0])] {
        assert!(chi_square(&draws[layer], &wrong).unwrap().p_value < SIGNIFICANCE, "layer {layer}");
    }
}

#[test]
fn an_interrupted_phase_leaves_the_same_history_and_parameters() {
    let recipe = mixed("epochs: 2");
    let calm = Study::new(10).mix(&recipe, &mut Silent).unwrap();
    let study = Study::new(10);
    // Within the first epoch of five steps, at its end, within the second.
    for steps in [3, 2, 3] {
        assert!(study.mix(&recipe, &mut Stopping(0, steps)).is_none());
    }
    let resumed = study.mix(&recipe, &mut Silent).unwrap();
    assert_eq!(history(&resumed), history(&calm));
    let json = |state: &TrainState| serde_json::to_string(history(state)).unwrap();
    assert_eq!(json(&resumed), json(&calm));
    assert_eq!(resumed.parameters.content_hash().unwrap(), calm.parameters.content_hash().unwrap());
    let other = Study { seed: 6, ..Study::new(10) }.mix(&recipe, &mut Silent).unwrap();
    assert_ne!(history(&other)[1].draws, history(&calm)[1].draws, "another seed draws otherwise");
}

/// Names as the table of parameters in the documentation of the SuperNet has them.
fn assert_scales(record: &EpochRecord, parameters: &Parameters) {
    let widths: [&[u32]; 5] = [&[8], &[2, 8], &[2, 8], &[8], &[]];
    assert_eq!(record.scales.len(), widths.len());
    for (layer, (name, scales)) in ["stem", "left", "right", "head", "fc"].into_iter().zip(&record.scales).enumerate() {
        let found: Vec<u32> = scales.activations.keys().copied().collect();
        assert_eq!(found, widths[layer], "{name}");
        for (bits, &scale) in &scales.activations {
            assert_eq!(scale, f64::from(parameters.scalar(&format!("{name}.activation_scale.a{bits}")).unwrap()));
        }
        match name {
            "fc" => assert_eq!(scales.weight, None, "stays FP32"),
            _ => {
                let values = parameters.values(&format!("{name}.weight_scale")).unwrap();
                let product: f64 = values.iter().map(|&s| f64::from(s)).product();
                let root = product.powf(1.0 / values.len() as f64);
                assert!((scales.weight.unwrap() / root - 1.0).abs() < 1e-12, "{name}");
            }
        }
    }
}

#[test]
fn the_recorded_scales_are_those_of_the_parameters() {
    let study = Study::new(10);
    let state = study.mix(&mixed("epochs: 2"), &mut Silent).unwrap();
    assert_scales(&history(&state)[1], &state.parameters);
    assert_ne!(history(&state)[0].scales, history(&state)[1].scales, "they are trained");

    let study = Study::new(10);
    let recipe = recipes("{multi_precision: {batch_size: 2, epochs: 1}}").multi_precision;
    let train = &mut |session: &Session<'_>, state, observer: &mut dyn Observer| {
        train_multi_precision(&study.net, &recipe, session, state, observer)
    };
    let state = study.train(&mut Silent, train).unwrap();
    assert_scales(&history(&state)[0], &state.parameters);
    assert!(history(&state)[0].draws.is_empty(), "nothing is drawn there");
}
