use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;
use crate::export::sample::{deployment, residual_network};
use crate::export::{check, site};

/// The recipe as a reader of YAML sees it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    metadata: BTreeMap<String, String>,
    quantize: Quantize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quantize {
    algorithm: String,
    quant_cfg: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    quantizer_name: String,
    cfg: Option<Attributes>,
    #[serde(default = "on")]
    enable: bool,
}

fn on() -> bool {
    true
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
struct Attributes {
    num_bits: u32,
    axis: Option<usize>,
    block_sizes: Option<BTreeMap<i32, usize>>,
    unsigned: Option<bool>,
    constant_amax: Option<f64>,
}

fn recipe(deployment: &Deployment) -> Recipe {
    let package = ModelOpt.write(deployment).unwrap();
    serde_saphyr::from_str(std::str::from_utf8(&package.files[FILE]).unwrap()).unwrap()
}

#[test]
fn everything_is_off_but_the_quantisers_of_the_plan() {
    let plan = deployment(residual_network(), &["w4a8", "w3a16", "fp32"], None, 1);
    let recipe = recipe(&plan);
    assert_eq!((recipe.metadata["recipe_type"].as_str(), recipe.quantize.algorithm.as_str()), ("ptq", "max"));
    let entries: Vec<(&str, bool)> =
        recipe.quantize.quant_cfg.iter().map(|e| (e.quantizer_name.as_str(), e.enable)).collect();
    let expected = [
        ("*", false),
        ("stem.weight_quantizer", true),
        ("stem.input_quantizer", true),
        ("block.conv.weight_quantizer", true),
    ];
    assert_eq!(entries, expected);
    let stem = recipe.quantize.quant_cfg[1].cfg.as_ref().unwrap();
    assert_eq!((stem.num_bits, stem.axis, &stem.block_sizes), (4, Some(0), &None));
    let input = recipe.quantize.quant_cfg[2].cfg.as_ref().unwrap();
    let scale = plan.layers[0].activation.unwrap().scale;
    assert_eq!((input.num_bits, input.unsigned), (8, Some(false)));
    assert_eq!((input.constant_amax.unwrap() / 127.0) as f32, scale);
}

#[test]
fn blocks_are_along_the_last_axis_of_a_matrix_and_refused_elsewhere() {
    let mut b = crate::graph::GraphBuilder::new("matrix", [8]).unwrap();
    b.linear("fc", b.input(), 3).unwrap();
    let recipe = recipe(&deployment(b.finish(), &["w4a16"], Some(4), 2));
    let cfg = recipe.quantize.quant_cfg[1].cfg.as_ref().unwrap();
    assert_eq!((cfg.axis, cfg.block_sizes.as_ref().unwrap()), (None, &BTreeMap::from([(-1, 4)])));
    let convolutions = deployment(residual_network(), &["w4a16"], Some(3), 2);
    assert!(check(&ModelOpt, &convolutions).unwrap_err().to_string().contains("rows of a matrix"));
}

#[test]
fn a_name_matches_nothing_but_itself() {
    assert_eq!(literally("a[0].b*?"), "a[[]0].b[*][?]");
}

#[test]
fn packed_bytes_are_counted_and_no_tensor_is_claimed() {
    let plan = deployment(residual_network(), &["w3a8"], None, 3);
    let layer = &plan.graph.layers()[0];
    // 108 codes of 3 bits are 41 bytes, and 4 scales.
    let stored = ModelOpt.stored(&site(&plan.graph, layer, 27), plan.layers[0].candidate).unwrap();
    assert_eq!(stored, Stored { bits: 3, bytes: 41 + 16 });
    assert!(ModelOpt.write(&plan).unwrap().tensors.is_empty());
}

#[test]
fn another_rounding_of_inputs_is_refused() {
    let mut plan = deployment(residual_network(), &["w3a8"], None, 3);
    plan.rounding = Rounding::Floor;
    assert!(ModelOpt.write(&plan).unwrap_err().to_string().contains("half_even"));
    let weights_alone = Deployment { rounding: Rounding::Floor, ..deployment(residual_network(), &["w3a16"], None, 3) };
    assert!(ModelOpt.write(&weights_alone).is_ok());
}
