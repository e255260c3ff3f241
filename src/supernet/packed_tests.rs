use super::*;
use crate::quant::WeightScale;
use crate::scheme::Scheme;
use crate::space::{Candidate, LayerChoice, QuantizerSpec};
use crate::store::Array;
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

/// Weight-only candidates among others, and a dense layer with four scales in a row: shapes, bytes, values, what is refused.
#[test]
fn groups_of_weights_and_float_activations_are_packed_and_read_back() {
    let graph = crate::zoo::resnet8_keras([3, 8, 8], 3).unwrap();
    let candidates: Vec<Candidate> = ["w8a8", "w3a16"].iter().map(|c| c.parse().unwrap()).collect();
    let choice = |l: crate::graph::Layer| LayerChoice { name: l.name, candidates: candidates.clone(), pinned: false };
    let choices = graph.layers().into_iter().map(choice).collect();
    let spec = QuantizerSpec { group_size: Some(16), ..QuantizerSpec::default() };
    let net = SuperNet::new(Network::new(graph.clone()), Scheme::from_choices(choices, vec![], &spec, &graph).unwrap());
    let count = net.scheme().layers.len();
    let float = initial_float(&graph.into(), 1).unwrap();
    let parameters = net.initial(&float, &vec![vec![0.1; 2]; count], WeightScale::Master).unwrap();
    let fc = &net.scheme().layers[count - 1];
    assert_eq!(parameters.get(&format!("{}.weight_scale", fc.name)).unwrap().dims(), [3, 4]);
    assert!(parameters.contains(&format!("{}.activation_scale.a8", fc.name)));
    assert!(parameters.iter().all(|(name, _)| !name.ends_with(".a16")));

    let folder = tempfile::tempdir().unwrap();
    let normalization = Normalization::new(vec![0.5; 3], vec![0.5; 3]).unwrap();
    let path = folder.path().join("master.safetensors");
    MasterCheckpoint::new(&net, &normalization, &parameters).unwrap().write(&path).unwrap();
    let master = MasterCheckpoint::read(&path).unwrap();
    assert_eq!(master.net().scheme(), net.scheme());
    for configuration in [vec![0; count], vec![1; count], (0..count).map(|l| l % 2).collect()] {
        let packed = master.pack("p", &configuration, None).unwrap();
        let path = folder.path().join("weights.safetensors");
        packed.write(&path).unwrap();
        let packed = PackedWeights::read(&path).unwrap();
        let (bound, trained) =
            (packed.bindings(net.network()).unwrap(), net.bind(&parameters, &configuration, false).unwrap());
        let (mut weight_bytes, mut model_bytes) = (0, 0);
        for (l, layer) in net.scheme().layers.iter().enumerate() {
            let c = net.scheme().candidate(l, &configuration);
            assert_eq!(bound.layers[l].activation, trained.layers[l].activation);
            assert_eq!(bound.layers[l].activation.is_some(), c.activation_bits() == 8);
            let weights = |b: &Bindings| host::read::<f32>(&b.layers[l].weight).unwrap().to_vec();
            assert_eq!(weights(&bound), weights(&trained));
            weight_bytes += layer.cost.weight_bytes(u32::from(c.weight_bits()));
            model_bytes += layer.cost.model_bytes(u32::from(c.weight_bits()), u32::from(c.activation_bits()));
        }
        assert_eq!((packed.weight_bytes(), packed.model_bytes()), (weight_bytes, model_bytes));

        let deployment = packed.deployment().unwrap();
        for (deployed, bound) in deployment.layers.iter().zip(&bound.layers) {
            assert_eq!(deployed.weights.values(), host::read::<f32>(&bound.weight).unwrap().to_vec());
        }
        let crate::export::LayerWeights::Codes(codes) = &deployment.layers[count - 1].weights else { panic!() };
        assert_eq!((codes.group, codes.scale.len(), codes.codes.len()), (16, 12, 192));

        // Scales of another grouping, and a negative variance.
        let mut other = packed.clone();
        let scale = |shape: &[usize]| Array::F32(shape.to_vec(), vec![1.0; shape.iter().product()]);
        for shape in [&[3, 5][..], &[12], &[4, 3], &[3, 0], &[3, 2, 2]] {
            other.file.arrays.insert(format!("{}.scale", fc.name), scale(shape));
            let message = other.bindings(net.network()).unwrap_err().to_string();
            assert!(message.contains(&format!("{}.scale", fc.name)), "{shape:?}: {message}");
        }
        // A convolution has one scale for each filter and no groups.
        let conv = &net.scheme().layers[0];
        let mut other = packed.clone();
        other.file.arrays.insert(format!("{}.scale", conv.name), scale(&[conv.weight_shape[0], 3]));
        assert!(other.bindings(net.network()).is_err());
        let mut other = packed;
        let variance = other.file.arrays.iter_mut().find(|(name, _)| name.ends_with("running_var")).unwrap();
        let Array::F32(_, values) = variance.1 else { panic!() };
        values[0] = -1.0;
        assert!(other.bindings(net.network()).unwrap_err().to_string().contains("running_var"));
    }
}
