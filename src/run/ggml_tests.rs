//! Tests of tables of ggml types.

use super::*;

/// Weights that no type keeps exactly.
fn weights(count: usize, seed: u32) -> Vec<f32> {
    (0..count).map(|i| ((i as f32 + seed as f32) * 12.9898).sin() * 0.1).collect()
}

fn layer<'a>(name: &'a str, shape: &'a [usize], weights: &'a [f32]) -> GgmlLayer<'a> {
    let (average_trace, stderr, other_bytes) = (2.0, Some(0.5), 100);
    GgmlLayer { name, shape, weights, average_trace, stderr, pinned: false, other_bytes, shares: None }
}

fn ids(layer: &RawLayer) -> Vec<&str> {
    layer.candidates.iter().map(|c| c.id.as_str()).collect()
}

#[test]
fn candidates_are_the_types_that_fit_with_the_loss_and_the_bytes_of_their_blocks() {
    let (wide, narrow) = (weights(512, 1), weights(64, 2));
    let layers = [layer("wide", &[2, 256], &wide), layer("narrow", &[2, 32], &narrow)];
    let raw = ggml_table("t", &layers, &[vec![0, 1]]).unwrap();
    let all = GgmlType::ALL.map(GgmlType::id);
    assert_eq!(ids(&raw.layers[0]), all);
    assert_eq!(ids(&raw.layers[1]), ["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]);
    let four = raw.layers[0].candidates.iter().find(|c| c.id == "q4_k").unwrap();
    let loss = squared_error(&wide, &[2, 256], GgmlType::Q4K).unwrap();
    assert_eq!((four.sensitivity, four.stderr, four.weight_bits), (2.0 * loss, Some(0.5 * loss), Some(4)));
    assert_eq!(four.cost.get("weight_bytes"), Some(288.0));
    assert_eq!(four.cost.get("model_bytes"), Some(388.0));
    assert_eq!(four.cost.get("avg_weight_bits"), Some(4.5 * 512.0 / 576.0));
    assert_eq!(four.cost.get("layer_avg_weight_bits"), Some(2.25));
    assert_eq!(raw.groups, [["wide", "narrow"]]);
    let table = PlanningTable::check(raw, "t").unwrap();
    // All layers at f32: the mean is 32 bits.
    let mean: f64 = table.layers().iter().map(|l| l.candidates[0].cost[0]).sum();
    assert_eq!((table.cost_names()[0].as_str(), mean), ("avg_weight_bits", 32.0));
}

#[test]
fn a_shared_tensor_counts_once_and_ties_its_layers() {
    let (table, other) = (weights(512, 1), weights(512, 2));
    let mut layers = vec![
        layer("table", &[2, 256], &table),
        layer("a", &[2, 256], &other),
        layer("b", &[2, 256], &other),
        layer("head", &[2, 256], &table),
    ];
    layers[3].shares = Some(0);
    let raw = ggml_table("t", &layers, &[vec![1, 2]]).unwrap();
    assert_eq!(raw.groups, [["a", "b"], ["table", "head"]]);
    let costs = |l: usize| raw.layers[l].candidates.iter().map(|c| c.cost.get("weight_bytes").unwrap()).sum::<f64>();
    assert_eq!((costs(3), costs(0)), (0.0, costs(1)));
    assert!(raw.layers[3].candidates[5].sensitivity > 0.0, "the head loses, too");
    let mean: f64 = raw.layers.iter().map(|l| l.candidates[0].cost.get("avg_weight_bits").unwrap()).sum();
    assert_eq!(mean, 32.0);
    // One group of all, if one of the layers was in one already.
    let joined = ggml_table("t", &layers, &[vec![1, 3]]).unwrap();
    assert_eq!(joined.groups, [["table", "a", "head"]]);
    layers[0].shares = Some(2);
    assert!(ggml_table("t", &layers, &[]).is_err());
}

#[test]
fn pinned_layers_stay_floats_and_types_that_cannot_hold_a_weight_are_left_out() {
    let (plain, mut large) = (weights(256, 1), weights(256, 2));
    large[3] = 1e30;
    let mut layers = [layer("pinned", &[1, 256], &plain), layer("large", &[1, 256], &large)];
    layers[0].pinned = true;
    let raw = ggml_table("t", &layers, &[]).unwrap();
    assert_eq!(ids(&raw.layers[0]), ["f32"]);
    assert_eq!(ids(&raw.layers[1]), ["f32", "bf16"]);
}
