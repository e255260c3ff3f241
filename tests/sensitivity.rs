//! `bitplan sensitivity` as a user runs it, on embedded images and a network with given (random) weights.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bitplan::exec::Network;
use bitplan::store::TensorFile;
use bitplan::supernet::initial_float;
use bitplan::zoo::resnet8;
use serde_json::Value;

/// A search space in `folder`; `sensitivity` is its section.
fn space(folder: &Path, name: &str, sensitivity: &str) -> PathBuf {
    let weights = folder.join("weights.safetensors");
    if !weights.exists() {
        let network = Network::new(resnet8([1, 28, 28], 10).unwrap());
        let mut file = TensorFile::new(&serde_json::json!({})).unwrap();
        initial_float(&network.graph().clone().into(), 3).unwrap().store(&mut file, "").unwrap();
        file.write(&weights).unwrap();
    }
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("search_spaces/data/fashion_mnist");
    let (data, weights) = (data.display(), weights.display());
    let text = format!(
        "format: bitplan.space/1
name: small
model: {{zoo: resnet8, input: [1, 28, 28], classes: 10, weights: {weights}}}
data:
  train: {{idx: {{images: {data}/train-images.idx3.gz, labels: {data}/train-labels.idx1.gz}}, limit: 90}}
  test: {{idx: {{images: {data}/test-images.idx3.gz, labels: {data}/test-labels.idx1.gz}}, limit: 40}}
search: {{candidates: [w8a8, w2a2], pins: {{stem.conv: w8a8, fc: fp32}}}}
sensitivity: {{{sensitivity}}}
"
    );
    let path = folder.join(format!("{name}.yaml"));
    std::fs::write(&path, text).unwrap();
    path
}

fn run(arguments: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bitplan")).arg("sensitivity").args(arguments).output().unwrap()
}

fn succeed(arguments: &[&Path]) -> Value {
    let mut all = vec![Path::new("--json")];
    all.extend(arguments);
    let output = run(&all);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn at(text: &str) -> &Path {
    Path::new(text)
}

#[test]
fn parts_of_several_processes_give_the_bytes_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let in_folder = |name: &str| folder.path().join(name);
    let space = space(folder.path(), "space", "images: 90, batch_size: 20, max_probes: 4, relative_error: 1e-6");
    let one = in_folder("one");
    let report = succeed(&[&space, at("--out"), &one]);
    assert_eq!((&report["estimator"], &report["hessian"]), (&Value::from("gauss_newton"), &Value::from(true)));
    let mut parts = vec![];
    for k in 1..=3 {
        let (out, part) = (in_folder(&format!("part{k}")), format!("{k}/3"));
        let document = succeed(&[&space, at("--out"), &out, at("--part"), at(&part)]);
        parts.push(PathBuf::from(document["file"].as_str().unwrap()));
    }
    let merged = in_folder("merged.json");
    // Two of three: what is missing is said, and drawn by whoever uses them.
    let two = succeed(&[at("merge"), &parts[2], &parts[0], at("-o"), &merged]);
    assert!(two["missing"].as_u64().unwrap() > 0);
    let completed = in_folder("completed");
    succeed(&[&space, at("--out"), &completed, at("--traces"), &merged]);
    let three = succeed(&[at("merge"), &parts[1], &parts[2], &parts[0], at("-o"), &merged]);
    assert_eq!((&three["missing"], &three["complete_rounds"]), (&Value::from(0), &Value::from(4)));
    let joined = in_folder("joined");
    succeed(&[&space, at("--out"), &joined, at("--traces"), &merged]);
    for file in ["sensitivity.json", "traces.json"] {
        let read = |folder: &Path| std::fs::read(folder.join(file)).unwrap();
        assert!(read(&one) == read(&joined) && read(&one) == read(&completed), "{file} differs");
    }
    // Traces of another batch size are refused, and nothing is lost.
    let text = std::fs::read_to_string(&space).unwrap().replace("batch_size: 20", "batch_size: 30");
    let other = in_folder("other.yaml");
    std::fs::write(&other, text).unwrap();
    let refused = run(&[&other, at("--out"), &one, at("--traces"), &merged]);
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{message}");
    assert!(message.contains("merged.json") && message.contains("batch size"), "{message}");
    assert!(one.join("traces.json").exists());
}

#[test]
fn measured_losses_stand_beside_the_predicted_ones_and_can_be_planned_with() {
    let folder = tempfile::tempdir().unwrap();
    let section = "images: 90, batch_size: 20, objective: measured, measured_images: 40, pairs: 2, \
                   activation_traces: input, max_probes: 2";
    let space = space(folder.path(), "space", section);
    let out = folder.path().join("out");
    let report = succeed(&[&space, at("--out"), &out]);
    let measured = &report["measured"];
    assert_eq!((measured["images"].as_u64(), measured["pairs"].as_array().unwrap().len()), (Some(40), 2));
    let layers = |of: &Value| of["layers"].as_array().unwrap().clone();
    for (layer, measured) in layers(&report).iter().zip(layers(measured)) {
        assert!(layer["activation_trace"]["trace"].as_f64().is_some());
        let candidates = layer["candidates"].as_array().unwrap().iter();
        for (candidate, measured) in candidates.zip(measured["candidates"].as_array().unwrap()) {
            let (omega, increase) =
                (candidate["sensitivity"].as_f64().unwrap(), measured["increase"].as_f64().unwrap());
            assert_eq!(omega, 2.0 * increase.max(0.0));
            assert_eq!(candidate["predicted"], measured["predicted"]);
        }
    }
    // Once more: nothing to do, and the warnings are said again.
    let output = run(&[&space, at("--out"), &out]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("everything was up to date"), "{said}");
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("Spearman") && table.contains("nats"), "{table}");
}

/// Networks that are not trained are evaluated with the quantisers that were measured, so both find the same losses; at the
/// scales that training starts from they are others.
#[test]
fn what_is_measured_of_a_network_that_is_not_trained_is_what_its_evaluation_finds() {
    let folder = tempfile::tempdir().unwrap();
    let training = "training: {multi_precision: {epochs: 0}, mixed_precision: {epochs: 0}}\n\
                    plans: [{name: half, budgets: {weight_bytes: 60%}}]\n";
    let compared = |name: &str, settings: &str| {
        let path = space(folder.path(), name, &format!("{settings}max_probes: 2, measured_images: 40"));
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + training).unwrap();
        let out = folder.path().join(format!("{name}_out"));
        let output = Command::new(env!("CARGO_BIN_EXE_bitplan")).arg("run").args([&path, at("--out"), &out]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let read = |file: &str| -> Value { serde_json::from_slice(&std::fs::read(out.join(file)).unwrap()).unwrap() };
        let (sensitivity, evaluation) = (read("sensitivity.json"), read("evaluation.json"));
        let loss = |row: usize| evaluation["rows"][row]["evaluation"]["loss"].as_f64().unwrap();
        let joint = sensitivity["measured"]["joint"].as_array().unwrap();
        let scale = sensitivity["scale"].as_str().unwrap().to_string();
        assert_eq!((joint.len(), evaluation["rows"][1]["name"].as_str()), (2, Some("w8a8")));
        let found = (0..2).map(|u| (joint[u]["increase"]["mean"].as_f64().unwrap(), loss(u + 1) - loss(0)));
        (scale, found.collect::<Vec<_>>())
    };
    let (scale, found) = compared("first", "");
    assert_eq!(scale, "master");
    for (measured, evaluated) in &found {
        assert!((measured - evaluated).abs() < 1e-4 * evaluated.abs().max(0.1), "{measured} {evaluated}");
    }
    assert!(found.iter().any(|(_, evaluated)| evaluated.abs() > 0.01), "{found:?}");
    let (scale, other) = compared("other", "scale: three_sigma, ");
    assert_eq!(scale, "three_sigma");
    assert!(other.iter().any(|(measured, evaluated)| (measured - evaluated).abs() > 0.01), "{other:?}");
}

#[test]
fn what_cannot_be_estimated_is_said_before_it_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    for (name, section, said) in [
        ("a", "activation_term: trace, activation_traces: output", "activation_traces: input"),
        ("b", "measured_images: 1", "one image has no standard error"),
        ("c", "pairs: 3", "measured_images of 1 or more"),
        ("f", "images: 90000, batch_size: 1", "at most 65536 batches"),
        ("d", "estimator: hutch", "expected auto"),
    ] {
        let output = run(&[&space(folder.path(), name, section)]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{message}");
        assert!(message.contains(said), "{message}");
    }
    let path = space(folder.path(), "e", "max_probes: 2");
    for arguments in [&["--part", "4/3"][..], &["--estimator", "hutch"], &["--part", "1/2", "--traces", "x.json"]] {
        let all: Vec<&Path> = std::iter::once(path.as_path()).chain(arguments.iter().map(|a| at(a))).collect();
        assert_eq!(run(&all).status.code(), Some(2), "{arguments:?}");
    }
}
