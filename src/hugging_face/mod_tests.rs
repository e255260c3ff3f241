//! Whole models against transformers: same folder, same tokens, same answer.
//!
//! `scripts/language/golden.py` made the answers, in f64 and rounded to 7 digits. What is left are the rotations' tables,
//! which transformers computes in f32, and the weights in f32 files.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::hugging_face::interpreter::run;
use crate::hugging_face::open;
use crate::hugging_face::test_folders::{file, floats};

#[derive(Deserialize)]
struct Golden {
    tokens: Vec<f64>,
    cases: BTreeMap<String, Case>,
}

#[derive(Deserialize)]
struct Case {
    config: Value,
    tensors: BTreeMap<String, Vec<usize>>,
    output: Vec<f64>,
}

/// Rounding to f32 of weights and rotations, through two layers.
const TOLERANCE: f64 = 2e-6;

/// Weight number `place` of tensor `name`, by the rule of `golden.py`.
fn number(name: &str, place: usize) -> f32 {
    let sum: usize = name.bytes().map(usize::from).sum();
    let value = (((37 * place + 13 * sum) % 101) as f64 - 50.0) / 100.0;
    let norm = name.to_lowercase().contains("norm") && name.ends_with("weight");
    (if norm { 1.0 + value } else { value }) as f32
}

fn write(folder: &Path, case: &Case) {
    std::fs::write(folder.join("config.json"), case.config.to_string()).unwrap();
    let values = |(name, shape): (&String, &Vec<usize>)| {
        floats(&(0..shape.iter().product()).map(|place| number(name, place)).collect::<Vec<_>>())
    };
    let data: Vec<Vec<u8>> = case.tensors.iter().map(values).collect();
    let list = case.tensors.iter().zip(&data);
    let list: Vec<_> = list.map(|((name, shape), data)| (&**name, "F32", &**shape, &**data)).collect();
    std::fs::write(folder.join("model.safetensors"), file(&list)).unwrap();
}

/// Largest difference from the answer, relative to its largest element.
fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    found.iter().zip(expected).map(|(a, b)| (a - b).abs() / largest).fold(0.0, f64::max)
}

#[test]
fn every_kind_of_model_answers_as_in_transformers() {
    let golden: Golden = serde_json::from_str(include_str!("../../tests/golden/language_models.json")).unwrap();
    assert_eq!(golden.cases.len(), 10);
    for (name, case) in &golden.cases {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), case);
        let model = open(folder.path(), golden.tokens.len()).unwrap();
        assert_eq!(model.unused, [""; 0], "{name}");
        let wide = |name: &String| model.parameter(name).unwrap().into_iter().map(f64::from).collect();
        let named = model.names.keys().chain(model.constants.keys());
        let mut parameters: BTreeMap<String, Vec<f64>> = named.map(|name| (name.clone(), wide(name))).collect();
        assert!(model.parameter("none").is_err());
        let found = run(&model.graph, &parameters, &golden.tokens);
        let error = distance(&found, &case.output);
        assert!(error < TOLERANCE, "{name}: {error:e}");
        // The same comparison sees a change of any tensor, but for biases of keys without rotation: they shift all scores
        // of a query alike.
        for changed in model.names.keys().chain(model.constants.keys()) {
            let values = parameters[changed].clone();
            let moved = values.iter().enumerate().map(|(i, value)| value + 0.01 * (i % 7) as f64).collect();
            parameters.insert(changed.clone(), moved);
            let error = distance(&run(&model.graph, &parameters, &golden.tokens), &case.output);
            let seen = !(changed.ends_with("key.bias") || changed.ends_with("k_lin.bias"));
            assert_eq!(error > TOLERANCE, seen, "{name}: {changed}: {error:e}");
            parameters.insert(changed.clone(), values);
        }
        let mut tokens = golden.tokens.clone();
        tokens[3] = 1.0;
        assert!(distance(&run(&model.graph, &parameters, &tokens), &case.output) > 1e-3, "{name}");
    }
}
