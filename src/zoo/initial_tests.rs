use super::*;
use crate::space::Zoo;
use crate::zoo::Architecture;

fn values(zoo: Zoo, input: &[usize], seed: u64) -> Values {
    initial_values(&Architecture { zoo, input: input.to_vec(), classes: 10 }.network().unwrap(), seed)
}

/// Mean and standard deviation.
fn moments(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    (mean, (values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n).sqrt())
}

#[test]
fn every_parameter_has_a_value_of_its_shape() {
    for zoo in [Zoo::ResNet8, Zoo::VitTiny, Zoo::PartialNetT0Sp, Zoo::SsdLite, Zoo::UNetLite, Zoo::Mlp] {
        let network = Architecture { zoo, input: vec![3, 32, 32], classes: 10 }.network().unwrap();
        let values = initial_values(&network, 1);
        let parameters = network.graph.parameters();
        assert_eq!(values.len(), parameters.len());
        for parameter in parameters {
            let (shape, elements) = &values[&parameter.name];
            assert_eq!((shape, elements.len()), (&parameter.shape, parameter.elements()), "{zoo} {}", parameter.name);
        }
    }
}

#[test]
fn weights_have_the_variance_that_the_page_says() {
    // A standard deviation of n numbers is known to 1/√(2n); six of these errors.
    let close = |values: &[f32], deviation: f64| {
        let n = values.len() as f64;
        let (mean, found) = moments(values);
        assert!(mean.abs() < 6.0 * deviation / n.sqrt() && (found / deviation - 1.0).abs() < 6.0 / (2.0 * n).sqrt());
    };
    let resnet = values(Zoo::ResNet18, &[3, 32, 32], 1);
    close(&resnet["layer1.0.conv1.weight"].1, (2.0 / 576.0f64).sqrt());
    close(&resnet["fc.weight"].1, (2.0 / 512.0f64).sqrt());
    let vit = values(Zoo::VitTiny, &[3, 32, 32], 1);
    close(&vit["blocks.3.attn.qkv.weight"].1, 0.02);
    close(&vit["pos_embed.value"].1, 0.02);
    close(&vit["patch_embed.proj.weight"].1, (2.0 / 48.0f64).sqrt());
    let llama = values(Zoo::LlamaSmall, &[8], 1);
    close(&llama["model.embed_tokens.weight"].1, 0.02);
    for (network, name, value) in [
        (&vit, "norm.weight", 1.0),
        (&vit, "norm.bias", 0.0),
        (&vit, "head.bias", 0.0),
        (&llama, "model.norm.weight", 1.0),
        (&resnet, "bn1.running_var", 1.0),
        (&resnet, "bn1.running_mean", 0.0),
    ] {
        assert!(network[name].1.iter().all(|&v| v == value), "{name}");
    }
    let partial = values(Zoo::PartialNetT0, &[3, 32, 32], 1);
    assert!(partial["stages.6.blocks.0.spatial_mixing.attn.bias_table.value"].1.iter().all(|&v| v == 0.0));
}

#[test]
fn values_depend_on_the_seed_and_on_nothing_else() {
    assert_eq!(values(Zoo::VitTiny, &[3, 32, 32], 5), values(Zoo::VitTiny, &[3, 32, 32], 5));
    let (a, b) = (values(Zoo::ResNet8, &[3, 8, 8], 1), values(Zoo::ResNet8, &[3, 8, 8], 2));
    assert_ne!(a["fc.weight"], b["fc.weight"]);
    // Layer 1 draws from the stream of its number, as networks of earlier versions did.
    let mut stream = Stream::new(1, "weights", &[1]);
    let deviation = (2.0 / 144.0f64).sqrt();
    let expected: Vec<f32> = (0..2304).map(|_| (deviation * stream.normal()) as f32).collect();
    assert_eq!(a["stage1.block1.conv1.weight"].1, expected);
}

#[test]
fn rotary_tables_are_the_sines_of_their_definition() {
    let tables = values(Zoo::LlamaSmall, &[8], 1);
    let (cos, sin) = (&tables["model.rotary_emb.cos.value"], &tables["model.rotary_emb.sin.value"]);
    assert_eq!((&cos.0[..], &sin.0[..]), (&[8, 1, 32][..], &[8, 1, 32][..]));
    // Position 3, feature 5 and its partner 21: the frequency 10000^(−10/32).
    let angle = 3.0 * 10_000f64.powf(-10.0 / 32.0);
    for (i, sign) in [(5, -1.0), (21, 1.0)] {
        assert!((f64::from(cos.1[3 * 32 + i]) - angle.cos()).abs() < 1e-7);
        assert!((f64::from(sin.1[3 * 32 + i]) - sign * angle.sin()).abs() < 1e-7);
    }
    assert!(cos.1[..32].iter().all(|&v| v == 1.0) && sin.1[..32].iter().all(|&v| v == 0.0));
}
