use super::*;
use crate::graph::GraphBuilder;
use crate::quant::{Rounding, ScaleGradient};

/// A convolution of 64 filters, a dense layer of 10 rows of 64 weights and one of 3 rows of 10.
fn graph() -> Graph {
    let mut b = GraphBuilder::new("test", [3, 8, 8]).unwrap();
    let c = b.conv("c", b.input(), 64, 3, 2).unwrap();
    let p = b.global_average_pool("p", c).unwrap();
    let wide = b.linear("wide", p, 10).unwrap();
    b.linear("narrow", wide, 3).unwrap();
    b.finish()
}

fn scheme(group_size: Option<usize>, candidates: &[&str], narrow: &str) -> Result<Scheme> {
    let graph = graph();
    let list = |of: &[&str]| of.iter().map(|c| c.parse().unwrap()).collect();
    let choice = |l: Layer| {
        let pinned = l.name == "narrow";
        LayerChoice { candidates: if pinned { list(&[narrow]) } else { list(candidates) }, name: l.name, pinned }
    };
    let choices = graph.layers().into_iter().map(choice).collect();
    let quantizer = QuantizerSpec { group_size, ..QuantizerSpec::default() };
    Scheme::from_choices(choices, vec![], &quantizer, &graph)
}

#[test]
fn matrices_have_a_scale_for_each_group_and_convolutions_one_for_each_channel() {
    let grouped = scheme(Some(16), &["w8a8", "w4a16"], "fp32").unwrap();
    let shapes: Vec<Vec<usize>> = grouped.layers.iter().map(LayerScheme::scale_shape).collect();
    assert_eq!(shapes, [vec![64], vec![10, 4], vec![3]]);
    assert_eq!(grouped.layers.iter().map(LayerScheme::group).collect::<Vec<_>>(), [27, 16, 10]);
    // 640 codes of 3 bits, and 40 scales.
    assert_eq!(grouped.layers[1].cost.weight_bytes(3), 240 + 4 * 40);
    assert_eq!(grouped.layers[0].cost, scheme(None, &["w8a8"], "w8a8").unwrap().layers[0].cost);

    // A group as long as a row is the row, and so has the shape of no groups.
    let whole = scheme(Some(64), &["w8a8"], "fp32").unwrap();
    assert_eq!(whole.layers[1].scale_shape(), [10]);
    assert_eq!(whole.layers[1].cost.weight_bytes(3), 240 + 4 * 10);
}

#[test]
fn a_dense_layer_that_cannot_be_divided_is_refused_unless_it_stays_fp32() {
    let message = scheme(Some(16), &["w8a8"], "w8a16").unwrap_err().to_string();
    let expected = "layer `narrow`: found rows of 10 weights, expected a multiple of 16, the group size";
    assert!(message.starts_with(expected), "{message}");
    assert!(message.contains("another `group_size`") && message.contains("`fp32`"), "{message}");
    let message = scheme(Some(128), &["w8a8"], "fp32").unwrap_err().to_string();
    assert!(message.starts_with("layer `wide`: found rows of 64 weights"), "{message}");
    assert!(scheme(Some(16), &["w8a8"], "fp32").is_ok());
}

#[test]
fn float_activations_count_as_sixteen_bits_and_have_no_scale() {
    let scheme = scheme(None, &["w8a8", "w4a16"], "w8a16").unwrap();
    let cost = &scheme.layers[1].cost;
    assert_eq!(cost.bit_ops(4, 16), 640 * 4 * 16);
    assert_eq!(cost.model_bytes(4, 8), cost.model_bytes(4, 16) + 4);
    let quantizes = |l: usize, c: &str| scheme.layers[l].quantizes_input(c.parse().unwrap());
    assert!(quantizes(1, "w8a8") && !quantizes(1, "w4a16") && !quantizes(1, "fp32"));
    // The masters have the widest weights, whatever the activations.
    assert_eq!(scheme.weight_quantizer(1).unwrap().master_bits, 8);
    assert_eq!(scheme.weight_quantizer(2).unwrap().master_bits, 8);
    // Eight bits for inputs are covered by floats, floats by nothing else.
    assert_eq!(scheme.uniform("w4a16".parse().unwrap()), [1, 1, 0]);
    assert_eq!(scheme.uniform("w4a8".parse().unwrap()), [1, 1, 0]);
    assert_eq!(scheme.uniform("w8a8".parse().unwrap()), [0, 0, 0]);
}

#[test]
fn the_spec_is_written_as_before_where_there_are_no_groups() {
    let spec = QuantizerSpec { rounding: Rounding::HalfEven, scale_gradient: ScaleGradient::Paper, group_size: None };
    assert_eq!(serde_json::to_string(&spec).unwrap(), r#"{"rounding":"half_even","scale_gradient":"paper"}"#);
}

#[test]
fn pins_keep_layers_and_those_tied_to_them_from_what_they_could_take() {
    let mut b = GraphBuilder::new("test", [3, 8, 8]).unwrap();
    let first = b.conv("first", b.input(), 8, 3, 1).unwrap();
    let second = b.conv("second", first, 8, 3, 1).unwrap();
    let third = b.conv("third", second, 8, 3, 1).unwrap();
    let p = b.global_average_pool("p", third).unwrap();
    b.linear("head", p, 10).unwrap();
    let graph = b.finish();
    let search = "{candidates: [w8a8, w4a4, w2a2], overrides: [{match: third, candidates: [w8a8, w4a4]}], \
                  pins: {first: w6a6, second: w4a4, head: fp32}, groups: [[second, third]]}";
    let text = format!(
        "format: bitplan.space/1\nname: t\nmodel: {{zoo: resnet8, input: [3, 8, 8], classes: 10}}\n\
         data: {{train: {{cifar10: {{files: [a]}}}}, test: {{cifar10: {{files: [a]}}}}}}\nsearch: {search}\n"
    );
    let space = crate::space::Space::parse(&text, std::path::Path::new("t.yaml")).unwrap();
    let scheme = Scheme::new(&space.search, &space.quantizer, &graph).unwrap();
    let names = |of: &[Candidate]| of.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let alternatives: Vec<String> = scheme.layers.iter().map(|l| names(&l.alternatives)).collect();
    // The tied layers could both take w8a8 and w4a4; w2a2 only one of them.
    assert_eq!(alternatives, ["w8a8 w4a4 w2a2", "w8a8", "w8a8", ""]);
    let freed = scheme.freed().unwrap();
    let candidates: Vec<String> = freed.layers.iter().map(|l| names(&l.candidates)).collect();
    assert_eq!(candidates, ["w8a8 w6a6 w4a4 w2a2", "w8a8 w4a4", "w8a8 w4a4", ""]);
}
