use std::collections::BTreeSet;

use super::*;
use crate::exec::{Network, forward};
use crate::quant::WeightScale;
use crate::scheme::Scheme;
use crate::space::{Candidate, LayerChoice, QuantizerSpec};
use crate::supernet::{bind_float, initial_float};
use crate::zoo::resnet8;

fn net(candidates: [&str; 3], group_size: Option<usize>) -> SuperNet {
    let graph = resnet8([1, 8, 8], 3).unwrap();
    let candidates: Vec<Candidate> = candidates.iter().map(|c| c.parse().unwrap()).collect();
    let choice = |l: crate::graph::Layer| LayerChoice { name: l.name, candidates: candidates.clone(), pinned: false };
    let choices = graph.layers().into_iter().map(choice).collect();
    let spec = QuantizerSpec { group_size, ..QuantizerSpec::default() };
    SuperNet::new(Network::new(graph.clone()), Scheme::from_choices(choices, vec![], &spec, &graph).unwrap())
}

/// One step must move the parameters of the drawn configuration and no others: of the activation scales and norms of
/// each layer exactly the drawn ones, of the shared ones all.
#[test]
fn a_step_moves_what_the_configuration_uses_and_nothing_else() {
    moves_what_it_uses(&net(["w8a8", "w4a4", "w2a2"], None));
    // Candidates without quantised inputs have no scale of them to move; `fc` has four scales for each output.
    moves_what_it_uses(&net(["w8a8", "w4a16", "w2a16"], Some(16)));
    moves_what_it_uses(&net(["w8a16", "w4a16", "w2a16"], Some(16)));
}

fn moves_what_it_uses(net: &SuperNet) {
    let images = host::tensor((0..4 * 64).map(|i| (i as f32 * 0.37).sin()).collect(), (4, 1, 8, 8)).unwrap();
    let float = initial_float(&net.network().graph().clone().into(), 1).unwrap();
    let tape = forward::<f32>(net.network(), &bind_float(net.network(), &float, true).unwrap(), &images).unwrap();
    let mut state = TrainState::new(
        net.initial(&float, &net.initial_activation_scales(&tape).unwrap(), WeightScale::ThreeSigma).unwrap(),
    );
    let before = state.parameters.clone();
    let space = "format: bitplan.space/1\nname: x\nmodel: {zoo: resnet8, input: [1, 8, 8], classes: 3}\n\
        data: {train: {npy: {images: a, labels: b}}, test: {npy: {images: a, labels: b}}}\nsearch: {candidates: [w8a8]}\n";
    let recipe = crate::space::Space::parse(space, std::path::Path::new("x")).unwrap().training.multi_precision;
    let context = StepContext {
        epoch: 0,
        step: 0,
        decay: 1.0,
        samples: 4,
        images: &host::read::<f32>(&images).unwrap(),
        labels: &[0, 1, 2, 0],
    };
    let configuration = vec![0, 1, 2, 0, 1, 2, 2, 0, 1, 1];
    let mut executor = Executor::training(net.network(), crate::exec::Backend::default()).unwrap();
    batch_steps(
        net,
        &mut executor,
        &recipe.recipe,
        &recipe.quantizer,
        &mut state,
        &context,
        std::slice::from_ref(&configuration),
    )
    .unwrap();

    let bits = |p: &Parameters, name: &str| p.values(name).unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let moved: BTreeSet<String> =
        before.iter().map(|(n, _)| n.clone()).filter(|n| bits(&before, n) != bits(&state.parameters, n)).collect();
    let mut expected = BTreeSet::new();
    for (l, layer) in net.scheme().layers.iter().enumerate() {
        expected.insert(format!("{}.weight", layer.name));
        expected.insert(format!("{}.weight_scale", layer.name));
        let candidate = net.scheme().candidate(l, &configuration);
        if candidate.quantizes_activations() {
            expected.insert(net.activation_scale_name(l, candidate));
        }
    }
    expected.insert("fc.bias".into());
    for n in 0..net.network().norms().len() {
        for part in ["weight", "bias", "running_mean", "running_var"] {
            expected.insert(format!("{}.{part}", net.norm_key(n, &configuration)));
        }
    }
    assert_eq!(moved, expected);
    if net.scheme().quantizer().group_size.is_some() {
        let scales = "fc.weight_scale";
        assert_eq!(state.parameters.get(scales).unwrap().dims(), [3, 4]);
        let pairs = bits(&before, scales).into_iter().zip(bits(&state.parameters, scales));
        assert_eq!(pairs.filter(|(a, b)| a != b).count(), 12, "every group's scale moves");
    }
}
