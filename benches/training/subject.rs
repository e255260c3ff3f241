//! What is trained: networks, first parameters and random images; the same for both sides.

use std::path::Path;

use bitplan::data::{Dataset, Images, Labels, Normalization, Pixels};
use bitplan::exec::Network;
use bitplan::graph::{Activation, Conv2d, Graph, GraphBuilder, NodeId, Padding};
use bitplan::numeric::rng::Stream;
use bitplan::scheme::Scheme;
use bitplan::space::{Candidate, LayerChoice, QuantizerSpec};
use bitplan::store::{Array, TensorFile};
use bitplan::supernet::{Parameters, SuperNet, initial_float};
use bitplan::zoo::{resnet8, resnet20};
use serde_json::{Value, json};

use crate::Job;

/// Bits of weights and activations of the SuperNet's precisions.
pub const PRECISIONS: [u8; 4] = [8, 6, 4, 2];

const CLASSES: usize = 10;
const SEED: u64 = 1;

/// The network of a job and the shape of its images.
pub fn network(name: &str) -> (Network, [usize; 3]) {
    let (graph, shape) = match name {
        "resnet8" => (resnet8([1, 28, 28], CLASSES).unwrap(), [1, 28, 28]),
        "resnet20" => (resnet20([3, 32, 32], CLASSES).unwrap(), [3, 32, 32]),
        "inverted_residuals" => (inverted_residuals(), [3, 32, 32]),
        _ => panic!("unknown network {name}"),
    };
    (Network::new(graph), shape)
}

/// Four inverted residual blocks of MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381), expansion 6, for small images.
fn inverted_residuals() -> Graph {
    let mut b = GraphBuilder::new("inverted_residuals", [3, 32, 32]).unwrap();
    let mut x = b.input();
    x = conv_norm(&mut b, "stem", x, 16, 3, 1, 1, true);
    for (block, [out, stride]) in [[24, 2], [24, 1], [32, 2], [32, 1]].into_iter().enumerate() {
        let (name, input) = (format!("block{}", block + 1), b.channels(x));
        let wide = 6 * input;
        let mut y = conv_norm(&mut b, &format!("{name}.expand"), x, wide, 1, 1, 1, true);
        y = conv_norm(&mut b, &format!("{name}.depthwise"), y, wide, 3, stride, wide, true);
        y = conv_norm(&mut b, &format!("{name}.project"), y, out, 1, 1, 1, false);
        x = if stride == 1 && input == out { b.add(&format!("{name}.add"), y, x).unwrap() } else { y };
    }
    x = conv_norm(&mut b, "head", x, 128, 1, 1, 1, true);
    x = b.global_average_pool("pool", x).unwrap();
    b.linear("fc", x, CLASSES).unwrap();
    b.finish()
}

#[allow(clippy::too_many_arguments)]
fn conv_norm(
    b: &mut GraphBuilder,
    name: &str,
    x: NodeId,
    out_channels: usize,
    kernel: usize,
    stride: usize,
    groups: usize,
    relu6: bool,
) -> NodeId {
    let padding = [kernel / 2; 2];
    let conv =
        Conv2d::square(out_channels, kernel, stride).padded(Padding::uneven(padding[0], padding[1])).grouped(groups);
    let x = b.conv_general(&format!("{name}.conv"), x, conv).unwrap();
    let x = b.batch_norm(&format!("{name}.norm"), x).unwrap();
    if relu6 { b.activation(&format!("{name}.relu"), x, Activation::Clip { low: 0.0, high: 6.0 }).unwrap() } else { x }
}

/// The first images of an endless stream of them: image `n` does not depend on how many there are.
pub fn dataset(shape: [usize; 3], images: usize) -> Dataset {
    let volume: usize = shape.iter().product();
    let pixels = (0..images as u64).flat_map(|n| {
        let mut stream = Stream::new(SEED, "bench images", &[n]);
        (0..volume).map(move |_| stream.normal() as f32)
    });
    let pixels = Pixels::Floats(pixels.collect());
    let labels = Labels { values: (0..images).map(|n| (n % CLASSES) as u32).collect(), place: "bench".into() };
    Dataset::new(Images { pixels, shape, place: "bench".into() }, labels, shape, CLASSES).unwrap()
}

/// Leaves pixels as they are, though the pass over them is made.
pub fn normalization(shape: [usize; 3]) -> Normalization {
    Normalization::new(vec![0.0; shape[0]], vec![1.0; shape[0]]).unwrap()
}

/// First parameters of the FP32 model.
pub fn float_parameters(network: &Network) -> Parameters {
    initial_float(&network.graph().clone().into(), SEED).unwrap()
}

/// The SuperNet in which every layer has all precisions, and its first parameters.
pub fn supernet(network: Network) -> (SuperNet, Parameters) {
    let candidates: Vec<Candidate> = PRECISIONS.iter().map(|&b| Candidate::new(b, b).unwrap()).collect();
    let choice = |layer: &bitplan::graph::Layer| LayerChoice {
        name: layer.name.clone(),
        candidates: candidates.clone(),
        pinned: false,
    };
    let choices = network.layers().iter().map(choice).collect();
    let quantizer = QuantizerSpec::default();
    let scheme = Scheme::from_choices(choices, vec![], &quantizer, network.graph()).unwrap();
    let float = float_parameters(&network);
    let net = SuperNet::new(network, scheme);
    // LSQ's `2·mean|x| / √Qp` for a mean of one half, which is near enough behind norms.
    let scale = |unsigned: bool, bits: u8| {
        let bits = if unsigned { bits } else { bits - 1 };
        1.0 / ((1u32 << bits) as f32 - 1.0).sqrt()
    };
    let scales: Vec<Vec<f32>> = (net.scheme().layers.iter())
        .map(|l| l.candidates.iter().map(|c| scale(l.unsigned_input, c.activation_bits())).collect())
        .collect();
    let parameters = net.initial(&float, &scales, bitplan::quant::WeightScale::ThreeSigma).unwrap();
    (net, parameters)
}

/// Writes first parameters, images and labels. Norms of the SuperNet are those of its uniform configurations, as
/// `supernet/NORM.BITS.PART`.
pub fn export(job: &Job) -> Value {
    let (network, shape) = network(&job.network);
    let mut file = TensorFile::new(&json!({"network": job.network})).unwrap();
    float_parameters(&network).store(&mut file, "float/").unwrap();
    let (net, parameters) = supernet(network);
    parameters.store(&mut file, "pairs/").unwrap();
    let stored = std::mem::take(&mut file.arrays);
    for (name, array) in &stored {
        match name.strip_prefix("pairs/") {
            Some(own) if !own.contains('@') => file.arrays.insert(format!("supernet/{own}"), array.clone()),
            Some(_) => None,
            None => file.arrays.insert(name.clone(), array.clone()),
        };
    }
    for bits in PRECISIONS {
        let configuration = net.scheme().uniform(Candidate::new(bits, bits).unwrap());
        for (n, norm) in net.network().norms().iter().enumerate() {
            let key = net.norm_key(n, &configuration);
            for part in ["weight", "bias", "running_mean", "running_var"] {
                let array = stored[&format!("pairs/{key}.{part}")].clone();
                file.arrays.insert(format!("supernet/{}.{bits}.{part}", norm.name), array);
            }
        }
    }
    let data = dataset(shape, job.images);
    let Pixels::Floats(pixels) = data.pixels() else { panic!("images are floats") };
    let labels = data.labels().iter().map(|&l| l as u8).collect();
    let image_shape = [&[job.images][..], &shape].concat();
    file.arrays.insert("images".into(), Array::F32(image_shape, pixels.clone()));
    file.arrays.insert("labels".into(), Array::U8(vec![job.images], labels));
    file.write(Path::new(&job.tensors)).unwrap();
    json!({"tensors": job.tensors})
}
