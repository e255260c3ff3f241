//! The published ResNet-8 of MLPerf Tiny against ONNX Runtime, on CIFAR-10. Needs both in `search_spaces/data/`, see
//! `search_spaces/cifar10_resnet8.yaml`:
//!
//! ```text
//! cargo test --release --test pretrained_resnet8 -- --ignored
//! ```

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

use std::path::Path;

use bitplan::exec::{Bindings, Network, forward, host};
use bitplan::model::Start;
use bitplan::run::{Outline, Study};
use bitplan::space::Space;
use bitplan::supernet::{bind_float, evaluate, given_float};
use candle_core::Tensor;

/// Logits of the first three test images by ONNX Runtime 1.31.1 on the ONNX export of the same weights.
const LOGITS: [f32; 30] = [
    -4.2830315,
    -8.044129,
    -2.6270638,
    2.9909723,
    -4.342302,
    -4.6068296,
    -2.0741127,
    -11.452162,
    -3.2702625,
    -9.4372,
    0.24729183,
    6.650265,
    -9.359366,
    -9.892728,
    -15.447088,
    -14.644279,
    -10.739423,
    -12.449951,
    15.667329,
    -1.2613784,
    -0.10004401,
    -0.65074766,
    -4.745161,
    -4.498143,
    -6.1149807,
    -9.496532,
    -2.955378,
    -8.036957,
    8.83433,
    -2.7225785,
];

/// Sums of some hundred f32 terms through ten layers, in another order: 1e-6 of values up to 16, with a margin.
const ROUNDING: f32 = 1e-4;

fn difference(network: &Network, bindings: &Bindings, images: &Tensor) -> f32 {
    let tape = forward::<f32>(network, bindings, images).unwrap();
    let found = host::read::<f32>(tape.output().unwrap()).unwrap();
    assert_eq!(found.len(), LOGITS.len());
    found.iter().zip(&LOGITS).fold(0.0, |most, (a, b)| most.max((a - b).abs()))
}

#[test]
#[ignore = "needs CIFAR-10 and the weights in search_spaces/data"]
fn the_published_weights_give_the_accuracy_and_the_logits_of_onnx_runtime() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("search_spaces/cifar10_resnet8.yaml");
    let study = Study::open(Outline::new(Space::read(&path).unwrap()).unwrap()).unwrap();
    let network = study.outline.net.network();
    let Start::Given(weights) = &study.outline.start else { panic!("the file has its weights") };
    let parameters = given_float(network, weights).unwrap();
    let bindings = bind_float(network, &parameters, false).unwrap();

    let evaluation = evaluate(network, &bindings, &study.test_split()).unwrap().evaluation(false).unwrap();
    assert_eq!((evaluation.correct, evaluation.images), (8224, 10_000));

    let (images, _) = study.test_split().batches(3).unwrap().remove(0);
    let plain = difference(network, &bindings, &images);
    println!("largest difference of a logit: {plain:e}");
    assert!(plain < ROUNDING, "{plain}");
    for (l, layer) in network.layers().iter().enumerate() {
        let mut without = bindings.clone();
        without.layers[l].bias = None;
        let seen = difference(network, &without, &images);
        assert!(seen > ROUNDING, "without the bias of {}: {seen}", layer.name);
    }
}
