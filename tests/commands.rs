//! The commands that need no training: what they print, as text and as one JSON document.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

use std::process::{Command, Output};

use serde_json::Value;

fn bitplan(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitplan"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

/// The one document on standard output.
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stdout)))
}

fn golden() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/hawqv3_resnet18.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The published planning table as a file of its own.
fn golden_table(folder: &tempfile::TempDir) -> String {
    let path = folder.path().join("table.json");
    std::fs::write(&path, golden()["table"].to_string()).unwrap();
    path.to_str().unwrap().to_string()
}

#[test]
fn plan_reproduces_the_published_optima() {
    let folder = tempfile::tempdir().unwrap();
    let table = golden_table(&folder);
    for case in golden()["cases"].as_array().unwrap() {
        let budgets: Vec<String> = match &case["budget"] {
            Value::Object(budgets) => budgets.iter().map(|(name, limit)| format!("--budget={name}={limit}")).collect(),
            other => panic!("{other}"),
        };
        let mut arguments = vec!["plan", "--table", &table, "--json"];
        arguments.extend(budgets.iter().map(String::as_str));
        let output = bitplan(&arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let plan = json(&output);
        assert_eq!((plan["format"].as_str(), plan["status"].as_str()), (Some("bitplan.plan/1"), Some("optimal")));
        let (found, expected) = (plan["objective"].as_f64().unwrap(), case["objective"].as_f64().unwrap());
        assert!((found - expected).abs() <= 1e-9 * expected, "{budgets:?}: {found} instead of {expected}");
    }
}

#[test]
fn an_infeasible_budget_is_one_json_document_too() {
    let folder = tempfile::tempdir().unwrap();
    let output = bitplan(&["plan", "--table", &golden_table(&folder), "--budget", "gbops=1", "--json"]);
    assert_eq!(output.status.code(), Some(4));
    let document = json(&output);
    assert_eq!(document["code"], 4);
    assert!(document["error"].as_str().unwrap().contains("`gbops` is 1, the smallest feasible value is"));
}

#[test]
fn inspect_counts_what_was_published() {
    let document = json(&bitplan(&["inspect", "resnet20", "--json"]));
    let sum = |key: &str| document["layers"].as_array().unwrap().iter().map(|l| l[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("parameters"), sum("macs")), (268_336, 40_551_040));
    let text = String::from_utf8(bitplan(&["inspect", "resnet8", "--input", "1x28x28"]).stdout).unwrap();
    assert!(text.contains("stage3.block1.conv2") && text.lines().last().unwrap().contains("9345920"), "{text}");
}

#[test]
fn check_prints_layers_and_ranges_before_any_work() {
    let output = bitplan(&["check", "search_spaces/fashion_mnist_resnet8.yaml", "--json"]);
    let document = json(&output);
    assert_eq!((document["train_images"].as_u64(), document["test_images"].as_u64()), (Some(10_000), Some(2_000)));
    assert_eq!(document["layers"].as_array().unwrap().len(), 10);
    let bitops = document["budgets"].as_array().unwrap().iter().find(|b| b["name"] == "bitops").unwrap().clone();
    // Every layer at w2a2 but the pinned first and last at w8a8; and everything at w8a8.
    let pinned = (112_896 + 640) as f64;
    assert_eq!(bitops["smallest"], 4.0 * (9_345_920.0 - pinned) + 64.0 * pinned);
    assert_eq!(bitops["largest"], 64.0 * 9_345_920.0);
}

#[test]
fn outputs_never_replace_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let table = golden_table(&folder);
    let before = std::fs::read(&table).unwrap();
    let output = bitplan(&["plan", "--table", &table, "--budget", "gbops=60", "-o", &table]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read(&table).unwrap(), before);
}
