//! Tests of rotations, against numbers of transformers and the definition with complex numbers.

use serde_json::{Value, json};

use super::{Rope, RopeScaling};
use crate::error::Result;
use crate::hugging_face::fields::Fields;

fn rope(config: Value) -> Result<Rope> {
    Rope::from_fields(&Fields::new("config.json".into(), config)?)
}

#[test]
fn both_forms_of_the_configuration_are_read() {
    let plain = Rope { theta: 10_000.0, scaling: RopeScaling::None };
    assert_eq!(rope(json!({})).unwrap(), plain);
    assert_eq!(rope(json!({"rope_scaling": null, "rope_theta": 1e4})).unwrap(), plain);
    let old = rope(json!({"rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2}})).unwrap();
    let new = json!({"rope_parameters": {"rope_theta": 5e5, "rope_type": "linear", "factor": 2.0}});
    assert_eq!(old, Rope { theta: 5e5, scaling: RopeScaling::Linear { factor: 2.0 } });
    assert_eq!(rope(new).unwrap(), old);
    assert_eq!(rope(json!({"rope_parameters": {"rope_theta": 1e6, "rope_type": "default"}})).unwrap().theta, 1e6);
}

#[test]
fn other_scalings_and_wrong_numbers_are_refused_with_their_key() {
    let llama3 = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192});
    rope(json!({ "rope_scaling": llama3 })).unwrap();
    for (key, value) in [
        ("rope_type", json!("yarn")),
        ("rope_type", json!("dynamic")),
        ("factor", json!(0)),
        ("factor", json!("8")),
        ("high_freq_factor", json!(1.0)),
        ("low_freq_factor", json!(-1)),
        ("low_freq_factor", json!(null)),
        ("original_max_position_embeddings", json!(null)),
        ("original_max_position_embeddings", json!(0)),
        ("partial_rotary_factor", json!(0.5)),
        ("rope_theta", json!(0)),
    ] {
        let mut wrong = llama3.clone();
        wrong[key] = value;
        let message = rope(json!({ "rope_scaling": wrong })).unwrap_err().to_string();
        assert!(
            message.contains("`rope_scaling`") && (message.contains(&format!("`{key}`")) || key.starts_with("low")),
            "{message}"
        );
    }
    assert!(rope(json!({"rope_scaling": "linear"})).unwrap_err().to_string().contains("`rope_scaling`"));
    assert!(rope(json!({"rope_theta": -1})).unwrap_err().to_string().contains("`rope_theta`"));
    assert!(rope(json!({"partial_rotary_factor": 0.25})).is_err());
}

#[test]
fn tables_rotate_each_pair_by_its_angle() {
    let (size, positions) = (6, 5);
    let rope = Rope { theta: 100.0, scaling: RopeScaling::None };
    let [cos, sin] = rope.tables(positions, size);
    let x: Vec<f64> = (0..size).map(|i| 1.0 + i as f64).collect();
    for position in 0..positions {
        for i in 0..size / 2 {
            // Multiplication of x_i + i x_{i + d/2} by e^{i p ω}, ω = θ^{-2i/d}.
            let angle = position as f64 * 100f64.powf(-2.0 * i as f64 / size as f64);
            let (re, im) = (x[i], x[i + size / 2]);
            let expected = [re * angle.cos() - im * angle.sin(), re * angle.sin() + im * angle.cos()];
            for (half, expected) in expected.into_iter().enumerate() {
                let (at, other) = (i + half * size / 2, i + (1 - half) * size / 2);
                let row = position * size + at;
                let found = x[at] * f64::from(cos[row]) + x[other] * f64::from(sin[row]);
                assert!((found - expected).abs() < 1e-6, "position {position}, feature {at}");
            }
        }
    }
}

#[test]
fn scaled_frequencies_are_those_of_transformers() {
    // transformers: ROPE_INIT_FUNCTIONS[kind](config)[0] in f32, head_dim 8, rope_theta 100, original 64 positions.
    let scaling = RopeScaling::Llama3 { factor: 8.0, low: 1.0, high: 4.0, original_context: 64.0 };
    let found = Rope { theta: 100.0, scaling }.frequencies(8);
    for (found, expected) in found.iter().zip([1.0, 0.244_384_586_8, 0.013_042_256_24, 0.003_952_847_328]) {
        assert!((found / expected - 1.0).abs() < 1e-6, "{found} {expected}");
    }
    let found = Rope { theta: 10_000.0, scaling: RopeScaling::Linear { factor: 4.0 } }.frequencies(8);
    for (found, expected) in found.iter().zip([0.25, 0.025, 0.0025, 0.00025]) {
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    }
}
