//! Convolutions that learn their groups, inside whole networks: gradients against differences of the loss with masks
//! written out, what steers the gates, the network that is found, and interrupted training.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

#[path = "support/stopping.rs"]
mod stopping;

use std::collections::BTreeMap;
use std::path::Path;

use bitplan::data::{Dataset, Images, Labels, Normalization, Pixels};
use bitplan::exec::{Backend, Executor, Loss, Network};
use bitplan::graph::{Activation, GraphBuilder};
use bitplan::model::{Model, Start, network_file};
use bitplan::numeric::rng::Stream;
use bitplan::progress::{Observer, Silent};
use bitplan::space::{Optimizer, Recipe, Schedule, Zoo};
use bitplan::supernet::dynamic_convolution::{DynamicConvolutions, Steering};
use bitplan::supernet::{Parameters, Session, TrainState, bind_float, given_float, initial_float, train_dynamic};
use bitplan::zoo::{Architecture, ZooNetwork};
use stopping::Stopping;

const SHAPE: [usize; 3] = [2, 6, 6];
const IMAGES: usize = 12;
const CHANNELS: usize = 8;

/// Smooth, so that differences of the loss find its slope.
fn network() -> ZooNetwork {
    let mut b = GraphBuilder::new("toy", SHAPE).unwrap();
    let mut x = b.input();
    for name in ["stem", "mix"] {
        x = b.conv(&format!("{name}.conv"), x, CHANNELS, 3, 1).unwrap();
        x = b.batch_norm(&format!("{name}.norm"), x).unwrap();
        x = b.activation(&format!("{name}.act"), x, Activation::Gelu).unwrap();
    }
    x = b.global_average_pool("pool", x).unwrap();
    b.linear("fc", x, 3).unwrap();
    ZooNetwork { dynamic: vec!["mix.conv".into()], ..b.finish().into() }
}

fn numbers(name: &str, count: usize) -> Vec<f32> {
    let mut stream = Stream::new(11, name, &[]);
    (0..count).map(|_| stream.normal() as f32).collect()
}

fn labels() -> Vec<u32> {
    (0..IMAGES as u32).map(|n| n * n % 3).collect()
}

fn dataset() -> Dataset {
    let pixels = Pixels::Floats(numbers("pixels", IMAGES * SHAPE.iter().product::<usize>()));
    let labels = Labels { values: labels(), place: "test".into() };
    Dataset::new(Images { pixels, shape: SHAPE, place: "test".into() }, labels, SHAPE, 3).unwrap()
}

fn start(built_in: &ZooNetwork, dynamic: &DynamicConvolutions, gates: &[f32]) -> Parameters {
    let mut parameters = initial_float(built_in, 5).unwrap();
    dynamic.add_gates(&mut parameters).unwrap();
    assert!(parameters.values("mix.conv.gates").unwrap().iter().all(|&gate| gate > 0.0 && gate <= 0.1));
    parameters.set("mix.conv.gates", gates.to_vec(), &[gates.len()]).unwrap();
    parameters
}

/// One step an epoch: all images.
fn recipe(epochs: usize, learning_rate: f64, optimizer: Optimizer) -> Recipe {
    let schedule = Schedule::Constant;
    Recipe { epochs, batch_size: IMAGES, learning_rate, weight_decay: 0.0, optimizer, schedule, label_smoothing: 0.0 }
}

fn train(
    dynamic: &DynamicConvolutions,
    recipe: &Recipe,
    initial: Parameters,
    checkpoint: &Path,
    observer: &mut dyn Observer,
) -> Option<TrainState> {
    let (network, dataset, normalization) = (Network::new(network().graph), dataset(), Normalization::identity(2));
    let session = Session {
        dataset: &dataset,
        normalization: &normalization,
        augmentation: None,
        seed: 5,
        backend: Backend::default(),
        checkpoint,
        checkpoint_every: 1000,
        key: "key",
    };
    let start = TrainState::new(initial);
    let state = TrainState::resume(checkpoint, "key", &start).unwrap_or(start);
    train_dynamic(&network, dynamic, recipe, &session, state, observer).ok()
}

/// `U` by its definition, for states between 0 and 1 too.
fn mask(states: &[f64]) -> Vec<Vec<f64>> {
    states.iter().fold(vec![vec![1.0]], |product, &s| {
        let n = product.len();
        let factor = |i: usize, j: usize| if i % 2 == j % 2 { 1.0 } else { s };
        (0..2 * n).map(|i| (0..2 * n).map(|j| product[i / 2][j / 2] * factor(i, j)).collect()).collect()
    })
}

/// The task's loss with batch statistics and the kernel `W ⊙ U(states)`.
fn task(parameters: &Parameters, states: &[f64]) -> f64 {
    let (mask, mut masked) = (mask(states), parameters.clone());
    let kernel = parameters.values("mix.conv.weight").unwrap();
    let pair = |at: usize| mask[at / 9 / CHANNELS][at / 9 % CHANNELS] as f32;
    let kernel = kernel.iter().enumerate().map(|(at, weight)| weight * pair(at)).collect();
    masked.set("mix.conv.weight", kernel, &[CHANNELS, CHANNELS, 3, 3]).unwrap();
    let network = Network::new(network().graph);
    let bindings = bind_float(&network, &masked, true).unwrap();
    let images = numbers("pixels", IMAGES * SHAPE.iter().product::<usize>());
    let mut executor = Executor::training(&network, Backend::default()).unwrap();
    Loss::default().evaluate(&executor.outputs(&bindings, &images).unwrap().logits, &labels(), None).loss
}

#[test]
fn a_step_follows_the_slope_of_the_whole_loss_in_every_gate() {
    let built_in = network();
    let steering = Steering { divisor: 4.0, exponent: -0.2, order: 0.05 };
    let dynamic = DynamicConvolutions::new(&Network::new(built_in.graph.clone()), &built_in.dynamic, steering).unwrap();
    for gates in [[0.5, -0.25, 0.75], [-0.5, 0.25, 0.125], [0.5, 0.5, 1.5]] {
        let initial = start(&built_in, &dynamic, &gates);
        let folder = tempfile::tempdir().unwrap();
        let recipe = recipe(1, 1.0, Optimizer::Sgd);
        let after = train(&dynamic, &recipe, initial.clone(), &folder.path().join("c"), &mut Silent).unwrap();
        let moved = after.parameters.values("mix.conv.gates").unwrap();
        let states: Vec<f64> = gates.iter().map(|&gate| if gate >= 0.0 { 1.0 } else { 0.0 }).collect();
        // R > 64/16 at all of these states.
        let whole = |states: &[f64]| {
            let learnt = 8.0 * states.iter().sum::<f64>().exp2();
            let order: f64 = states.windows(2).map(|pair| pair[0] * (1.0 - pair[1])).sum();
            task(&initial, states) * (4.0 / learnt).powf(-0.2) + 0.05 * order
        };
        let slope = |loss: &dyn Fn(&[f64]) -> f64, k: usize| {
            let difference = |h: f64| {
                let at = |by: f64| {
                    loss(&states.iter().enumerate().map(|(m, s)| s + if m == k { by } else { 0.0 }).collect::<Vec<_>>())
                };
                (at(h) - at(-h)) / (2.0 * h)
            };
            // Richardson: what is left is of fourth order.
            (4.0 * difference(0.05) - difference(0.1)) / 3.0
        };
        for k in 0..3 {
            let through = if gates[k].abs() < 1.0 { 0.5 } else { 0.0 };
            let found = f64::from(gates[k]) - f64::from(moved[k]);
            let expected = through * slope(&whole, k);
            assert!((found - expected).abs() < 2e-5 + 2e-3 * expected.abs(), "{gates:?} {k}: {found} {expected}");
            let of_task = through * slope(&|states: &[f64]| task(&initial, states), k);
            assert!(through == 0.0 || (found - of_task).abs() > 5e-3, "the other terms count: {found} {of_task}");
        }
        // A weight behind a closed gate stays; the others move.
        let weights = |parameters: &Parameters| parameters.values("mix.conv.weight").unwrap();
        let mask = mask(&states);
        for (at, (before, after)) in weights(&initial).iter().zip(&weights(&after.parameters)).enumerate() {
            let open = mask[at / 9 / CHANNELS][at / 9 % CHANNELS] == 1.0;
            assert_eq!(before != after, open, "{gates:?} {at}");
        }
    }
}

#[test]
fn the_resource_term_moves_the_splits_into_the_budget_and_nothing_does_without_it() {
    let built_in = network();
    let of = |exponent: f64| {
        let steering = Steering { divisor: 2.0, exponent, order: 0.0 };
        let network = Network::new(built_in.graph.clone());
        let dynamic = DynamicConvolutions::new(&network, &built_in.dynamic, steering).unwrap();
        let initial = start(&built_in, &dynamic, &[0.3, 0.5, 0.7]);
        let folder = tempfile::tempdir().unwrap();
        let recipe = recipe(60, 0.01, Optimizer::Sgd);
        let state = train(&dynamic, &recipe, initial, &folder.path().join("c"), &mut Silent).unwrap();
        dynamic.convert(&built_in.graph, &state.parameters).unwrap().splits[0].split
    };
    // 64/4 products are allowed: 64 channel pairs in 4 groups at least.
    assert!(of(-0.3) >= 4);
    assert_eq!(of(0.0), 1);
}

fn logits(network: &Network, bindings: &bitplan::exec::Bindings, images: &[f32]) -> Vec<f32> {
    Executor::evaluation(network, Backend::default()).unwrap().outputs(bindings, images).unwrap().logits
}

#[test]
fn the_network_that_is_found_and_its_file_have_the_outputs_of_the_masked_one() {
    let built_in = Architecture { zoo: Zoo::PartialNetT0Dp, input: vec![3, 32, 32], classes: 10 }.network().unwrap();
    assert_eq!(built_in.dynamic.len(), 13, "one in every block");
    let network = Network::new(built_in.graph.clone());
    let dynamic = DynamicConvolutions::new(&network, &built_in.dynamic, Steering::default()).unwrap();
    let mut parameters = initial_float(&built_in, 3).unwrap();
    dynamic.add_gates(&mut parameters).unwrap();
    let open = dynamic.convert(&built_in.graph, &parameters).unwrap();
    assert!(open.splits.iter().all(|split| split.split == 1 && split.in_order));
    assert_eq!(open.graph, built_in.graph);
    for name in &built_in.dynamic {
        let gates = parameters.values(&format!("{name}.gates")).unwrap().len();
        parameters.set(format!("{name}.gates"), numbers(name, gates), &[gates]).unwrap();
    }
    let found = dynamic.convert(&built_in.graph, &parameters).unwrap();
    assert!(found.splits.iter().any(|split| !split.in_order) && found.splits.iter().any(|split| split.split > 1));
    let images = numbers("images", 2 * 3 * 32 * 32);
    let masked = logits(&network, &dynamic.bind(&network, &parameters, false).unwrap(), &images);
    let largest = masked.iter().fold(0f32, |largest, z| largest.max(z.abs()));
    let apart = |other: &[f32]| masked.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max) / largest;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.safetensors");
    let mut file = network_file(&found.graph).unwrap();
    found.parameters.store(&mut file, "").unwrap();
    file.write(&path).unwrap();
    let model = Model::read(&path, &BTreeMap::new()).unwrap();
    let Start::Given(weights) = &model.start else { panic!("weights came with it") };
    assert_eq!(model.graph, found.graph);
    let read = Network::new(model.graph);
    let parameters_read = given_float(&read, weights).unwrap();
    let outputs = logits(&read, &bind_float(&read, &parameters_read, false).unwrap(), &images);
    assert!(apart(&outputs) < 1e-5, "{}", apart(&outputs));
    let unmasked = logits(&network, &bind_float(&network, &parameters, false).unwrap(), &images);
    assert!(apart(&unmasked) > 1e-3, "without masks the outputs are others: {}", apart(&unmasked));
    let total = |parameters: &Parameters| parameters.iter().map(|(_, tensor)| tensor.elem_count()).sum::<usize>();
    assert!(total(&found.parameters) < total(&open.parameters));

    let extents = BTreeMap::from([("positions".to_string(), 4)]);
    assert!(Model::read(&path, &extents).unwrap_err().to_string().contains("`positions`"));
    let mut short = file.clone();
    short.arrays.retain(|name, _| !name.ends_with("mixing.conv.weight"));
    short.write(&path).unwrap();
    let Start::Given(weights) = Model::read(&path, &BTreeMap::new()).unwrap().start else { panic!("given") };
    assert!(given_float(&read, &weights).unwrap_err().to_string().contains("mixing.conv.weight"));
}

#[test]
fn what_is_no_square_convolution_of_a_power_of_two_learns_no_groups() {
    let network = Network::new(network().graph);
    let of = |name: &str| DynamicConvolutions::new(&network, &[name.to_string()], Steering::default());
    assert!(of("mix.conv").is_ok());
    assert!(of("stem.conv").unwrap_err().to_string().contains("2 to 8 channels"));
    assert!(of("fc").is_err() && of("mix.norm").is_err());
}

#[test]
fn an_interrupted_training_ends_with_the_same_gates_and_weights() {
    let built_in = network();
    let network = Network::new(built_in.graph.clone());
    let dynamic = DynamicConvolutions::new(&network, &built_in.dynamic, Steering::default()).unwrap();
    let initial = start(&built_in, &dynamic, &[0.01, -0.01, 0.02]);
    let (folder, recipe) = (tempfile::tempdir().unwrap(), recipe(9, 1e-2, Optimizer::Adam));
    let checkpoint = folder.path().join("stopped");
    let calm = train(&dynamic, &recipe, initial.clone(), &folder.path().join("calm"), &mut Silent).unwrap();
    for _ in 0..4 {
        assert!(train(&dynamic, &recipe, initial.clone(), &checkpoint, &mut Stopping(0, 2)).is_none());
    }
    let resumed = train(&dynamic, &recipe, initial.clone(), &checkpoint, &mut Silent).unwrap();
    let hash = |parameters: &Parameters| parameters.content_hash().unwrap();
    assert_eq!(hash(&resumed.parameters), hash(&calm.parameters));
    let gates = |parameters: &Parameters| parameters.values("mix.conv.gates").unwrap();
    assert_ne!(gates(&calm.parameters), gates(&initial));
}
