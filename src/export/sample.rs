//! Deployments with random codes, for tests.

use crate::export::{Activation, Codes, DeployedLayer, Deployment, Format, LayerWeights, check, site};
use crate::graph::{Conv2d, Graph, GraphBuilder, Layer, Role};
use crate::numeric::rng::Stream;
use crate::quant::{Rounding, packing, weights::signed_range};
use crate::space::Candidate;

/// A network of a convolution, a residual one behind a batch norm, and a dense layer.
pub fn residual_network() -> Graph {
    let mut b = GraphBuilder::new("residual", [3, 6, 6]).unwrap();
    let x = b.conv_general("stem", b.input(), Conv2d::square(4, 3, 1).biased()).unwrap();
    let x = b.relu("stem.relu", x).unwrap();
    let y = b.conv("block.conv", x, 4, 3, 1).unwrap();
    let y = b.batch_norm("block.norm", y).unwrap();
    let x = b.add("block.sum", y, x).unwrap();
    let x = b.global_average_pool("pool", x).unwrap();
    b.linear("head", x, 5).unwrap();
    b.finish()
}

/// The network with random codes. `choices` are taken in turn; scales are for each `group` weights, or for each channel.
pub fn deployment(graph: Graph, choices: &[&str], group: Option<usize>, seed: u64) -> Deployment {
    let mut random = Stream::new(seed, "sample", &[]);
    let layers = graph.layers();
    let choice = |l: usize| choices[l % choices.len()].parse::<Candidate>().unwrap();
    let layers = layers.iter().enumerate().map(|(l, layer)| deployed(layer, choice(l), group, &mut random)).collect();
    let mut value = |role: Role| match role {
        Role::RunningVariance => (0.5 + random.uniform()) as f32,
        _ => random.normal() as f32,
    };
    let parameters = graph.parameters().into_iter().filter(|p| p.role != Role::Weight);
    let parameters = parameters.map(|p| {
        let values = (0..p.elements()).map(|_| value(p.role)).collect();
        (p.name, (p.shape, values))
    });
    Deployment {
        plan: "sample".into(),
        layers,
        parameters: parameters.collect(),
        normalization: [vec![0.5; 3], vec![0.25; 3]],
        rounding: Rounding::HalfEven,
        folder: None,
        masters: Default::default(),
        ranges: Default::default(),
        graph,
    }
}

fn deployed(layer: &Layer, candidate: Candidate, group: Option<usize>, random: &mut Stream) -> DeployedLayer {
    let count = layer.parameters();
    let group = group.unwrap_or(count / layer.channels());
    let weights = if candidate.is_fp32() {
        LayerWeights::Float((0..count).map(|_| random.normal() as f32).collect())
    } else {
        let bits = u32::from(candidate.weight_bits());
        let (low, high) = signed_range(bits);
        let span = (high - low + 1) as u64;
        let codes: Vec<i8> = (0..count).map(|_| (low + random.below(span) as i32) as i8).collect();
        assert_eq!(packing::unpack(&packing::pack(&codes, bits), count, bits).unwrap(), codes);
        let scale = (0..count / group).map(|_| (0.01 + 0.1 * random.uniform()) as f32).collect();
        LayerWeights::Codes(Codes { bits, codes, scale, group })
    };
    let activation = (layer.quantized_input && candidate.quantizes_activations()).then(|| Activation {
        bits: u32::from(candidate.activation_bits()),
        unsigned: layer.unsigned_input,
        scale: (0.02 + 0.1 * random.uniform()) as f32,
    });
    let (name, shape) = (layer.name.clone(), layer.weight_shape.clone());
    DeployedLayer { name, shape, candidate, weights, activation }
}

/// The contract of formats with weights: what a layer takes is what was announced, and the files are as large as their
/// tensors at least.
pub fn assert_accounted(format: &dyn Format, deployment: &Deployment) {
    check(format, deployment).unwrap();
    let package = format.write(deployment).unwrap();
    for (layer, deployed) in deployment.graph.layers().iter().zip(&deployment.layers) {
        let group = match &deployed.weights {
            LayerWeights::Codes(codes) => codes.group,
            LayerWeights::Float(_) => deployed.parameters() / layer.channels(),
        };
        let stored = format.stored(&site(&deployment.graph, layer, group), deployed.candidate).unwrap();
        assert_eq!(package.weight_bytes(&layer.name), stored.bytes, "{}: {}", format.name(), layer.name);
    }
    for (name, content) in &package.files {
        let accounted: u64 = package.tensors.iter().filter(|t| t.file == *name).map(|t| t.bytes).sum();
        assert!(accounted <= content.len() as u64, "{name}: {accounted} of {}", content.len());
    }
}
