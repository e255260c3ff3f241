use super::*;
use crate::export::Activation;
use crate::graph::GraphBuilder;
use crate::quant::Rounding;
use crate::space::Candidate;

/// A pointwise convolution of two channels with a norm behind it.
fn deployment(codes: [i8; 4], gamma: [f32; 2], bias: bool) -> Deployment {
    let mut b = GraphBuilder::new("test", [2, 1, 1]).unwrap();
    let mut conv = Conv2d::square(2, 1, 1);
    conv.bias = bias;
    let x = b.conv_general("c", 0, conv).unwrap();
    let x = b.batch_norm_with("n", x, 0.25).unwrap();
    b.relu("r", x).unwrap();
    let codes = Codes { bits: 2, codes: codes.to_vec(), scale: vec![0.5, 0.25], group: 2 };
    let layer = DeployedLayer {
        name: "c".into(),
        shape: vec![2, 2, 1, 1],
        candidate: Candidate::new(2, 8).unwrap(),
        weights: LayerWeights::Codes(codes),
        activation: Some(Activation { bits: 8, unsigned: false, scale: 1.0 }),
    };
    let mut parameters = Values::new();
    let mut add = |name: &str, values: [f32; 2]| parameters.insert(name.into(), (vec![2], values.to_vec()));
    add("n.weight", gamma);
    add("n.bias", [0.125, -1.0]);
    add("n.running_mean", [3.0, 2.0]);
    add("n.running_var", [0.75, 3.75]);
    if bias {
        add("c.bias", [1.0, -1.0]);
    }
    let graph = b.finish();
    Deployment {
        plan: "p".into(),
        graph,
        layers: vec![layer],
        parameters,
        normalization: [vec![], vec![]],
        rounding: Rounding::HalfEven,
        folder: None,
        masters: Default::default(),
        ranges: Default::default(),
    }
}

/// The output of layer and norm for an input, in f64.
fn output(deployment: &Deployment, x: [f64; 2]) -> Vec<f64> {
    let of = |name: &str, channel: usize| deployment.parameters.get(name).map(|(_, v)| f64::from(v[channel]));
    let weights = deployment.layers[0].weights.values();
    let channel = |c: usize| {
        let dot: f64 = (0..2).map(|i| f64::from(weights[2 * c + i]) * x[i]).sum();
        let y = dot + of("c.bias", c).unwrap_or(0.0);
        match of("n.weight", c) {
            None => y,
            Some(gamma) => {
                let deviation = (of("n.running_var", c).unwrap() + 0.25).sqrt();
                gamma * (y - of("n.running_mean", c).unwrap()) / deviation + of("n.bias", c).unwrap()
            }
        }
    };
    (0..2).map(channel).collect()
}

#[test]
fn a_folded_norm_gives_the_same_numbers() {
    for (gamma, bias) in [([2.0, 3.0], false), ([-2.0, 0.5], true), ([0.0, -1.5], true)] {
        let before = deployment([1, -1, 0, 1], gamma, bias);
        let (after, kept) = before.clone().fold_batch_norms().unwrap();
        assert_eq!(kept, Vec::<String>::new());
        let names: Vec<&str> = after.graph.nodes().iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["input", "c", "r"]);
        assert!(after.graph.nodes()[1].op.has_bias());
        assert_eq!(after.parameters.keys().collect::<Vec<_>>(), ["c.bias"]);
        for x in [[0.3, -1.7], [2.0, 5.0]] {
            let (a, b) = (output(&before, x), output(&after, x));
            a.iter().zip(&b).for_each(|(a, b)| assert!((a - b).abs() <= 1e-6 * a.abs().max(1.0), "{gamma:?}: {a} {b}"));
        }
        let LayerWeights::Codes(codes) = &after.layers[0].weights else { panic!("floats") };
        assert!(codes.scale.iter().all(|&s| s > 0.0), "{gamma:?}: {:?}", codes.scale);
    }
}

#[test]
fn codes_and_scales_of_a_folded_layer() {
    // √(0.75 + 0.25) = 1, √(3.75 + 0.25) = 2.
    let (after, _) = deployment([1, -1, -2, 1], [-3.0, 4.0], true).fold_batch_norms().unwrap();
    let expected = Codes { bits: 2, codes: vec![-1, 1, -2, 1], scale: vec![1.5, 0.5], group: 2 };
    assert_eq!(after.layers[0].weights, LayerWeights::Codes(expected));
    assert_eq!(after.parameters["c.bias"].1, [(1.0 - 3.0) * -3.0 + 0.125, (-1.0 - 2.0) * 2.0 - 1.0]);
}

#[test]
fn a_norm_that_would_turn_the_smallest_code_round_stays() {
    let before = deployment([1, -1, -2, 1], [3.0, -4.0], true);
    let (after, kept) = before.clone().fold_batch_norms().unwrap();
    assert_eq!((after, kept), (before, vec!["n".to_string()]));
}

#[test]
fn a_norm_whose_layer_has_another_reader_stays() {
    let mut b = GraphBuilder::new("test", [2, 1, 1]).unwrap();
    let x = b.conv_general("c", 0, Conv2d::square(2, 1, 1)).unwrap();
    let y = b.batch_norm("n", x).unwrap();
    b.add("sum", y, x).unwrap();
    let before = Deployment { graph: b.finish(), ..deployment([1; 4], [1.0; 2], false) };
    let (after, kept) = before.clone().fold_batch_norms().unwrap();
    assert_eq!((after, kept), (before, vec!["n".to_string()]));
}
