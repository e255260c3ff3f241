//! Every network against counts made elsewhere: torchvision 0.29, timm 1.0.31 and transformers 5.23 through
//! `torch.utils.flop_counter`, and the authors' code for PartialNet (method.md §7).

use super::*;
use crate::graph::{Graph, LayerCost};
use crate::space::Zoo;

fn network(zoo: Zoo, input: impl AsRef<[usize]>, classes: usize) -> ZooNetwork {
    let input = input.as_ref().to_vec();
    Architecture { zoo, input: input.clone(), classes }
        .network()
        .unwrap_or_else(|error| panic!("{zoo} on {input:?}: {error}"))
}

/// Multiply-accumulates of convolutions and dense layers.
fn macs(graph: &Graph) -> u64 {
    LayerCost::of(graph).iter().map(|cost| cost.macs).sum()
}

#[test]
fn networks_known_elsewhere_have_their_parameters_and_products() {
    for (zoo, parameters, products, layers) in [
        (Zoo::ResNet18, 11_689_512, 1_814_073_344, 21),
        (Zoo::ResNet50, 25_557_032, 4_089_184_256, 54),
        (Zoo::MobileNetV2, 3_504_872, 300_774_272, 53),
        (Zoo::EfficientNetLite0, 4_652_008, 385_187_552, 50),
        (Zoo::VitTiny, 5_717_416, 28_901_376 + 1_045_949_952, 50),
    ] {
        let network = network(zoo, [3, 224, 224], 1000);
        let found = (network.learnt_parameters(), macs(&network.graph), network.graph.layers().len());
        assert_eq!(found, (parameters, products, layers), "{zoo}");
        assert_eq!(network.graph.outputs()[0].shape, [1000]);
    }
}

#[test]
fn partial_networks_have_the_parameters_of_the_published_code() {
    for (plain, spatial, parameters) in [
        (Zoo::PartialNetT0, Zoo::PartialNetT0Sp, [3_486_160, 3_558_240]),
        (Zoo::PartialNetT1, Zoo::PartialNetT1Sp, [5_985_552, 6_144_552]),
        (Zoo::PartialNetT2, Zoo::PartialNetT2Sp, [12_269_816, 12_650_424]),
        (Zoo::PartialNetS, Zoo::PartialNetSSp, [28_013_304, 28_975_704]),
        (Zoo::PartialNetM, Zoo::PartialNetMSp, [59_179_000, 61_366_776]),
        (Zoo::PartialNetL, Zoo::PartialNetLSp, [100_641_336, 104_465_336]),
    ] {
        let found = [plain, spatial].map(|zoo| network(zoo, [3, 224, 224], 1000).learnt_parameters());
        assert_eq!(found, parameters, "{plain}");
    }
    // By hand: stem 4²·3·e + 2e; mergings 8c² + 4c (c channels before); blocks 9c² + 2c·2c + 4c; 1280·8e, 1281 a class.
    for (zoo, e, depths) in [
        (Zoo::PartialNetT0Dp, 32, [1, 2, 8, 2]),
        (Zoo::PartialNetT2Dp, 64, [2, 2, 6, 4]),
        (Zoo::PartialNetMDp, 128, [2, 3, 16, 4]),
    ] {
        let width = |stage: usize| -> usize { e << stage };
        let blocks = |(stage, depth): (usize, &usize)| depth * (13 * width(stage).pow(2) + 4 * width(stage));
        let mergings: usize = (0..3).map(|stage| 8 * width(stage).pow(2) + 4 * width(stage)).sum();
        let expected = 48 * e + 2 * e + depths.iter().enumerate().map(blocks).sum::<usize>() + mergings;
        let found = network(zoo, [3, 224, 224], 1000);
        assert_eq!(found.learnt_parameters(), expected + 1280 * 8 * e + 1281 * 1000, "{zoo}");
        assert_eq!(found.dynamic.len(), depths.iter().sum::<usize>());
    }
    let small = [Zoo::PartialNetT0, Zoo::PartialNetT0Sp].map(|zoo| network(zoo, [3, 32, 32], 10).learnt_parameters());
    assert_eq!(small, [2_217_970, 2_290_050]);
}

#[test]
fn a_llama_of_published_size_has_its_parameters_and_products() {
    // SmolLM2-135M at 64 tokens, its head counted beside the table that it shares.
    let size = LlamaSize {
        layers: 30,
        width: 576,
        inner: 1536,
        heads: 9,
        key_value_heads: 3,
        vocabulary: 49_152,
        positions: 64,
    };
    let network = llama("smol", &size).unwrap();
    let weights: u64 = LayerCost::of(&network.graph).iter().map(|cost| cost.parameters).sum();
    assert_eq!((weights, macs(&network.graph)), (162_791_424, 8_606_711_808));
    assert_eq!(network.learnt_parameters(), 134_515_008 + 49_152 * 576);
    assert_eq!(network.graph.outputs()[0].shape, [64, 49_152]);
    assert!(llama("odd", &LlamaSize { heads: 7, ..size }).is_err());
    assert!(llama("unshared", &LlamaSize { key_value_heads: 2, ..size }).is_err());
    assert!(llama("none", &LlamaSize { heads: 0, ..size }).is_err());
}

#[test]
fn every_network_is_built_for_small_images_too() {
    for zoo in Zoo::ALL.into_iter().filter(|&zoo| zoo != Zoo::LlamaSmall) {
        for (input, classes) in [([3, 32, 32], 10), ([1, 28, 28], 7)] {
            let graph = network(zoo, input, classes).graph;
            let shapes: Vec<&[usize]> = graph.outputs().iter().map(|port| port.shape.as_slice()).collect();
            match zoo {
                Zoo::UNetLite => assert_eq!(shapes, [[classes, input[1], input[2]]]),
                Zoo::SsdLite => {
                    assert_eq!(shapes[0].len(), 2);
                    assert_eq!((shapes[0][0] % 6, shapes[0][1], shapes[1][1]), (0, 4, classes));
                    assert_eq!(shapes[0][0], shapes[1][0], "boxes and scores of the same anchors");
                }
                _ => assert_eq!(shapes, [[classes]], "{zoo}"),
            }
        }
    }
    let text = network(Zoo::LlamaSmall, [16], 50).graph;
    assert_eq!((&text.inputs()[0].shape[..], &text.outputs()[0].shape[..]), (&[16][..], &[16, 50][..]));
}

#[test]
fn small_images_keep_their_resolution_longer() {
    // The map in front of the mean, side of a 32×32 image; and by hand the ResNet-18 of
    // CIFAR: products of the stem 27·64·32², of stage 1 4·64²·9·32², of the others 134,217,728 each, and 5,120.
    for (zoo, last, side) in [
        (Zoo::ResNet18, "layer4.1.conv2", 4),
        (Zoo::MobileNetV2, "features.18.0", 4),
        (Zoo::EfficientNetLite0, "conv_head", 4),
        (Zoo::PartialNetT0, "stages.6.blocks.1.mlp.3", 4),
    ] {
        let graph = network(zoo, [3, 32, 32], 10).graph;
        let node = graph.nodes().iter().find(|node| node.name == last).unwrap();
        assert_eq!(node.shape[1..], [side, side], "{zoo}");
    }
    let cifar = network(Zoo::ResNet18, [3, 32, 32], 10);
    assert_eq!((cifar.learnt_parameters(), macs(&cifar.graph)), (11_173_962, 555_422_720));
    let positions = |zoo, input: [usize; 3]| {
        let graph = network(zoo, input, 10).graph;
        graph.nodes().iter().find(|node| node.name == "embedded").unwrap().shape[0]
    };
    assert_eq!([[3, 32, 32], [1, 28, 28], [3, 64, 96]].map(|input| positions(Zoo::VitTiny, input)), [65, 50, 25]);
}

#[test]
fn names_are_those_of_the_published_networks() {
    let names = |zoo, input: &[usize]| -> Vec<String> {
        network(zoo, input, 1000).graph.parameters().into_iter().map(|parameter| parameter.name).collect()
    };
    for (zoo, input, expected) in [
        (
            Zoo::ResNet50,
            &[3, 224, 224][..],
            &["conv1.weight", "layer1.0.conv3.weight", "layer2.0.downsample.1.running_var", "fc.bias"][..],
        ),
        (
            Zoo::MobileNetV2,
            &[3, 224, 224],
            &[
                "features.0.0.weight",
                "features.1.conv.0.0.weight",
                "features.1.conv.1.weight",
                "features.1.conv.2.running_mean",
                "features.17.conv.1.1.bias",
                "features.17.conv.3.weight",
                "features.18.1.weight",
                "classifier.1.weight",
            ],
        ),
        (
            Zoo::EfficientNetLite0,
            &[3, 224, 224],
            &["conv_stem.weight", "blocks.0.0.bn2.bias", "blocks.6.0.conv_pwl.weight", "bn2.running_var"],
        ),
        (
            Zoo::VitTiny,
            &[3, 224, 224],
            &["cls_token.value", "pos_embed.value", "patch_embed.proj.bias", "blocks.11.attn.qkv.bias", "norm.bias"],
        ),
        (
            Zoo::LlamaSmall,
            &[8],
            &[
                "model.embed_tokens.weight",
                "model.layers.3.mlp.gate_proj.weight",
                "model.norm.weight",
                "lm_head.weight",
            ],
        ),
    ] {
        let names = names(zoo, input);
        expected.iter().for_each(|name| assert!(names.iter().any(|n| n == name), "{zoo}: no {name}"));
    }
    let layers = network(Zoo::MobileNetV2, [3, 224, 224], 1000).graph.layers();
    let order: Vec<&str> = layers.iter().take(6).map(|layer| layer.name.as_str()).collect();
    let expected = ["features.0.0", "features.1.conv.0.0", "features.1.conv.1", "features.2.conv.0.0"];
    assert_eq!(order, [&expected[..], &["features.2.conv.1.0", "features.2.conv.2"]].concat());
    assert_eq!(layers[3].previous, Some(2));
    assert!(!layers[3].unsigned_input, "no activation stands behind a projection");
}

#[test]
fn sizes_that_do_not_fit_are_refused_with_the_reason() {
    for (zoo, input, reason) in [
        (Zoo::VitTiny, [3, 30, 30], "multiples of 4"),
        (Zoo::VitTiny, [3, 224, 100], "multiples of 16"),
        (Zoo::UNetLite, [3, 7, 7], "down3.pool"),
        (Zoo::PartialNetT0, [3, 4, 4], "a map of one cell"),
        (Zoo::PartialNetT0, [3, 2048, 2048], "at most 1024 cells"),
        (Zoo::LlamaSmall, [3, 32, 32], "one number: positions"),
        (Zoo::ResNet50, [0, 32, 32], "shape [0, 32, 32]"),
        (Zoo::Mlp, [4096, 4096, 4096], "2147483648"),
    ] {
        let error = Architecture { zoo, input: input.to_vec(), classes: 10 }.build().unwrap_err().to_string();
        assert!(error.contains(reason), "{zoo}: {error}");
    }
    for zoo in Zoo::ALL {
        let huge = Architecture { zoo, input: vec![1, 1, usize::MAX], classes: usize::MAX };
        assert!(huge.build().is_err(), "{zoo}");
        let wide = Architecture { zoo, input: vec![usize::MAX; 3], classes: 1 };
        assert!(wide.build().is_err(), "{zoo}");
    }
}

#[test]
fn names_of_networks_are_what_files_say() {
    let names = Zoo::ALL.map(|zoo| zoo.to_string());
    assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')));
    for (zoo, name) in Zoo::ALL.into_iter().zip(&names) {
        assert_eq!(serde_json::from_str::<Zoo>(&format!("\"{name}\"")).unwrap(), zoo);
        let built =
            Architecture { zoo, input: if zoo == Zoo::LlamaSmall { vec![8] } else { vec![3, 64, 64] }, classes: 10 };
        assert_eq!(&built.build().unwrap().name, name);
    }
    assert!(serde_json::from_str::<Zoo>("\"resnet9\"").unwrap_err().to_string().contains("partialnet_t0_sp"));
}
