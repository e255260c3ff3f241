use super::*;
use crate::export::sample::{deployment, residual_network};

fn is_power_of_two(value: f32) -> bool {
    value.to_bits() & 0x007f_ffff == 0
}

#[test]
fn every_scale_is_a_power_of_two_and_codes_stay_in_range() {
    let plan = deployment(residual_network(), &["w4a8", "w2a3", "w8a16"], None, 5);
    let (rounded, change) = plan.clone().with_power_of_two_scales();
    for (old, new) in plan.layers.iter().zip(&rounded.layers) {
        let (LayerWeights::Codes(before), LayerWeights::Codes(after)) = (&old.weights, &new.weights) else { panic!() };
        assert!(after.scale.iter().all(|&s| is_power_of_two(s)));
        assert!(after.scale.iter().all(|&s| s == after.scale[0]));
        let bounds = before.scale.iter().fold((f32::MAX, 0f32), |(low, high), &s| (low.min(s), high.max(s)));
        assert!(bounds.0 / 2.0 <= after.scale[0] && after.scale[0] <= bounds.1 * 2.0);
        let (low, high) = signed_range(after.bits);
        assert!(after.codes.iter().all(|&q| (low..=high).contains(&i32::from(q))));
        assert!(new.activation.is_none_or(|a| is_power_of_two(a.scale)));
    }
    // No other power of two is nearer.
    let (LayerWeights::Codes(old), LayerWeights::Codes(new)) = (&plan.layers[0].weights, &rounded.layers[0].weights)
    else {
        panic!()
    };
    let error = |scale: f32| -> f32 {
        let values = old.codes.iter().enumerate().map(|(i, &q)| f32::from(q) * old.scale[i / old.group]);
        values.map(|v| ((v / scale).round().clamp(-8.0, 7.0) * scale - v).powi(2)).sum()
    };
    assert!((-12..4).all(|k| error(2f32.powi(k)) >= error(new.scale[0]) * 0.9999));
    let difference = |layer: usize| {
        let (old, new) = (plan.layers[layer].weights.values(), rounded.layers[layer].weights.values());
        let error: f64 = old.iter().zip(&new).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        (error / old.iter().map(|a| f64::from(*a).powi(2)).sum::<f64>()).sqrt()
    };
    let largest = (0..3).map(difference).fold(0.0, f64::max);
    assert!((change.weights.as_ref().unwrap().0 - largest).abs() < 1e-6, "{change:?} against {largest}");
    assert!(change.note().contains("measure its accuracy again"));
}

#[test]
fn biases_are_whole_steps_of_the_accumulator() {
    let (rounded, _) = deployment(residual_network(), &["w4a8"], None, 6).with_power_of_two_scales();
    let layer = &rounded.layers[0];
    let LayerWeights::Codes(codes) = &layer.weights else { panic!() };
    for (bias, scale) in rounded.parameters["stem.bias"].1.iter().zip(&codes.scale) {
        assert_eq!((bias / (scale * layer.activation.unwrap().scale)).fract(), 0.0);
    }
}

#[test]
fn rounding_twice_changes_nothing_more() {
    let (once, _) = deployment(residual_network(), &["w4a8", "w3a2"], None, 7).with_power_of_two_scales();
    let (twice, change) = once.clone().with_power_of_two_scales();
    assert_eq!((&twice, &change), (&once, &PowerOfTwoChange::default()));
    assert_eq!(
        change.note(),
        "One power of two is the scale of each weight and input: weights are as trained, scales of inputs are as trained."
    );
}
