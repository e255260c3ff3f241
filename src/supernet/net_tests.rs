use std::collections::BTreeSet;

use super::*;
use crate::exec::{Statistics, forward};
use crate::quant::WeightScale;
use crate::space::{LayerChoice, QuantizerSpec};
use crate::supernet::{bind_float, initial_float};
use crate::zoo::resnet8;

fn net() -> SuperNet {
    let graph = resnet8([1, 8, 8], 3).unwrap();
    let candidates: Vec<Candidate> = ["w8a8", "w4a4", "w2a2"].iter().map(|c| c.parse().unwrap()).collect();
    let choice = |layer: crate::graph::Layer| {
        let pinned = layer.name == "stem.conv" || layer.name == "fc";
        let candidates = if pinned { candidates[..1].to_vec() } else { candidates.clone() };
        LayerChoice { name: layer.name, candidates, pinned }
    };
    let choices = graph.layers().into_iter().map(choice).collect();
    let scheme = Scheme::from_choices(choices, vec![], &QuantizerSpec::default(), &graph).unwrap();
    SuperNet::new(Network::new(graph), scheme)
}

fn initial(net: &SuperNet) -> Parameters {
    let float = initial_float(&net.network().graph().clone().into(), 1).unwrap();
    let images = host::tensor((0..2 * 64).map(|i| (i as f32 * 0.3).sin()).collect(), (2, 1, 8, 8)).unwrap();
    let tape = forward::<f32>(net.network(), &bind_float(net.network(), &float, true).unwrap(), &images).unwrap();
    net.initial(&float, &net.initial_activation_scales(&tape).unwrap(), WeightScale::ThreeSigma).unwrap()
}

/// Layers: stem, s1.conv1, s1.conv2, s2.conv1, s2.conv2, s2.shortcut, s3.conv1, s3.conv2, s3.shortcut, fc.
const MIXED: [usize; 10] = [0, 1, 2, 0, 1, 2, 2, 0, 1, 0];

fn key_of(net: &SuperNet, norm: &str) -> String {
    let n = net.network().norms().iter().position(|n| n.name == norm).unwrap();
    net.norm_key(n, &MIXED)
}

#[test]
fn a_norm_is_chosen_by_the_pair_of_the_layer_before_and_its_own() {
    let net = net();
    assert_eq!(key_of(&net, "stem.norm"), "stem.norm@input>w8a8");
    assert_eq!(key_of(&net, "stage1.block1.norm1"), "stage1.block1.norm1@w8a8>w4a4");
    assert_eq!(key_of(&net, "stage1.block1.norm2"), "stage1.block1.norm2@w4a4>w2a2");
    assert_eq!(key_of(&net, "stage2.block1.norm1"), "stage2.block1.norm1@w2a2>w8a8");
    assert_eq!(key_of(&net, "stage2.block1.shortcut.norm"), "stage2.block1.shortcut.norm@w2a2>w2a2");
    let pairs: Vec<usize> = (0..9).map(|n| net.pairs(n).len()).collect();
    assert_eq!(pairs, [1, 3, 9, 9, 9, 9, 9, 9, 9], "|B|² pairs, |B| behind a pinned layer");
}

#[test]
fn training_and_evaluation_bind_the_same_pair() {
    let net = net();
    let mut parameters = initial(&net);
    // Every pair gets values of its own: its place in the list.
    let names: Vec<(String, usize)> = parameters.iter().map(|(n, t)| (n.clone(), t.elem_count())).collect();
    let place = |name: &str| names.iter().position(|(n, _)| n == name).unwrap() as f32;
    for (name, len) in names.iter().filter(|(n, _)| n.contains('@')) {
        parameters.set(name, vec![place(name); *len], &[*len]).unwrap();
    }
    for training in [true, false] {
        let bindings = net.bind(&parameters, &MIXED, training).unwrap();
        for (n, norm) in bindings.norms.iter().enumerate() {
            let key = net.norm_key(n, &MIXED);
            let first = |t: &candle_core::Tensor| host::read::<f32>(t).unwrap()[0];
            assert_eq!(first(&norm.gamma), place(&format!("{key}.weight")));
            assert_eq!(first(&norm.beta), place(&format!("{key}.bias")));
            match &norm.statistics {
                Statistics::Batch => assert!(training),
                Statistics::Fixed { mean, variance } => {
                    assert!(!training);
                    assert_eq!(first(mean), place(&format!("{key}.running_mean")));
                    assert_eq!(first(variance), place(&format!("{key}.running_var")));
                }
            }
        }
    }
}

#[test]
fn spreading_gives_every_pair_the_norm_of_its_own_uniform_network() {
    let net = net();
    let mut parameters = initial(&net);
    let uniform = net.scheme().uniform("w2a2".parse().unwrap());
    let n = net.network().norms().iter().position(|n| n.name == "stage1.block1.norm2").unwrap();
    let source = format!("{}.weight", net.norm_key(n, &uniform));
    assert_eq!(source, "stage1.block1.norm2@w2a2>w2a2.weight");
    parameters.set(&source, vec![7.0; 16], &[16]).unwrap();
    net.spread_norms(&mut parameters).unwrap();
    let with_sevens: BTreeSet<String> = parameters
        .iter()
        .filter(|(_, t)| host::read::<f32>(t).unwrap()[0] == 7.0)
        .map(|(name, _)| name.clone())
        .collect();
    let expected = ["w2a2", "w4a4", "w8a8"].map(|p| format!("stage1.block1.norm2@{p}>w2a2.weight"));
    assert_eq!(with_sevens, expected.into_iter().collect());
}

/// Behind a pinned layer the uniform networks use several pairs: all of them are trained and must be kept.
#[test]
fn spreading_keeps_every_pair_that_a_uniform_network_has_trained() {
    let net = net();
    let mut parameters = initial(&net);
    let n = net.network().norms().iter().position(|n| n.name == "stage1.block1.norm1").unwrap();
    let keys: Vec<String> = net
        .scheme()
        .bases()
        .into_iter()
        .map(|c| format!("{}.weight", net.norm_key(n, &net.scheme().uniform(c))))
        .collect();
    assert_eq!(keys.len(), 3);
    for (i, key) in keys.iter().enumerate() {
        parameters.set(key, vec![2.0 + i as f32; 16], &[16]).unwrap();
    }
    net.spread_norms(&mut parameters).unwrap();
    for (i, key) in keys.iter().enumerate() {
        assert_eq!(parameters.values(key).unwrap()[0], 2.0 + i as f32, "{key}");
    }
}
