use super::*;
use crate::quant::WeightScale;
use crate::scheme::Scheme;
use crate::space::{LayerChoice, QuantizerSpec};
use crate::supernet::{MasterCheckpoint, SuperNet, initial_float};

/// A network whose convolutions have biases, too: each is packed and read back, and the costs count every byte.
#[test]
fn every_bias_is_packed_and_every_byte_is_counted() {
    let graph = crate::zoo::resnet8_keras([3, 8, 8], 3).unwrap();
    let candidates: Vec<Candidate> = ["w8a8", "w3a4"].iter().map(|c| c.parse().unwrap()).collect();
    let choice = |l: crate::graph::Layer| LayerChoice { name: l.name, candidates: candidates.clone(), pinned: false };
    let choices = graph.layers().into_iter().map(choice).collect();
    let scheme = Scheme::from_choices(choices, vec![], &QuantizerSpec::default(), &graph).unwrap();
    let net = SuperNet::new(Network::new(graph), scheme);

    let mut float = initial_float(&net.network().graph().clone().into(), 1).unwrap();
    let biases: Vec<Vec<f32>> =
        net.network().layers().iter().enumerate().map(|(l, layer)| vec![l as f32 + 0.5; layer.channels()]).collect();
    for (layer, bias) in net.network().layers().iter().zip(&biases) {
        float.set(format!("{}.bias", layer.name), bias.clone(), &[bias.len()]).unwrap();
    }
    let parameters = net.initial(&float, &vec![vec![0.1; 2]; biases.len()], WeightScale::ThreeSigma).unwrap();
    let normalization = Normalization::new(vec![0.5; 3], vec![0.5; 3]).unwrap();
    let master = MasterCheckpoint::new(&net, &normalization, &parameters).unwrap();
    let configuration: Vec<usize> = (0..biases.len()).map(|l| l % 2).collect();
    let packed = master.pack("p", &configuration, None).unwrap();

    let bound = packed.bindings(net.network()).unwrap();
    for (layer, bias) in bound.layers.iter().zip(&biases) {
        assert_eq!(&*host::read::<f32>(layer.bias.as_ref().unwrap()).unwrap(), bias.as_slice());
    }
    let bytes = |(l, layer): (usize, &crate::scheme::LayerScheme)| {
        let candidate = net.scheme().candidate(l, &configuration);
        layer.cost.model_bytes(u32::from(candidate.weight_bits()), u32::from(candidate.activation_bits()))
    };
    assert_eq!(packed.model_bytes(), net.scheme().layers.iter().enumerate().map(bytes).sum::<u64>());

    let mut without = packed.clone();
    without.file.arrays.remove("conv2d_5.bias");
    assert!(without.bindings(net.network()).unwrap_err().to_string().contains("conv2d_5.bias"));
}
