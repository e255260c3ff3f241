//! `plan --for` and `export` on a small run of real images: what is predicted is what is written, what cannot be run is
//! refused before anything is written, and the same plan gives the same bytes.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use bitplan::export::FORMATS;
use bitplan::plan::Plan;
use serde_json::Value;

/// A run that is shared by the tests: ResNet-8, trained for as long as it takes to have all files.
fn run() -> &'static (tempfile::TempDir, PathBuf, PathBuf) {
    static RUN: OnceLock<(tempfile::TempDir, PathBuf, PathBuf)> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("search_spaces/data/fashion_mnist");
        let data = data.display();
        let text = format!(
            "format: bitplan.space/1
name: exported
model: {{zoo: resnet8, input: [1, 28, 28], classes: 10}}
data:
  train: {{idx: {{images: {data}/train-images.idx3.gz, labels: {data}/train-labels.idx1.gz}}, limit: 256}}
  test: {{idx: {{images: {data}/test-images.idx3.gz, labels: {data}/test-labels.idx1.gz}}, limit: 100}}
search:
  candidates: [w8a8, w6a8, w4a8, w3a4, w2a2]
  pins: {{stem.conv: w8a8, fc: fp32}}
sensitivity: {{images: 64, min_probes: 2, max_probes: 2}}
training:
  fp32: {{epochs: 1}}
  multi_precision: {{epochs: 1}}
  mixed_precision: {{epochs: 0}}
plans:
  - {{name: quarter, budgets: {{bitops: 15%}}}}
"
        );
        let space = folder.path().join("space.yaml");
        std::fs::write(&space, text).unwrap();
        let out = folder.path().join("run");
        let output = bitplan(&["run", text_of(&space), "--out", text_of(&out)]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (folder, space, out)
    })
}

fn text_of(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn bitplan(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bitplan")).args(arguments).output().unwrap()
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every file of a folder by its path in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path().is_dir() {
            true => all.extend(files(&entry.path()).into_iter().map(|(name, bytes)| (entry.path().join(name), bytes))),
            false => drop(all.insert(entry.file_name().into(), std::fs::read(entry.path()).unwrap())),
        }
    }
    all
}

#[test]
fn a_plan_for_a_format_is_written_with_the_bytes_that_it_was_planned_with() {
    let (folder, space, out) = run();
    for format in ["onnx", "onnx25", "aimet", "litert", "qonnx", "bitplan"] {
        let plan = folder.path().join(format!("{format}.json"));
        let arguments =
            ["plan", text_of(space), "--out", text_of(out), "--for", format, "--budget", "weight_bytes=100%"];
        let output = bitplan(&[&arguments[..], &["--budget", "bitops=70%", "-o", text_of(&plan)]].concat());
        assert!(output.status.success(), "{format}: {}", message(&output));
        let planned = Plan::read(&plan).unwrap();
        assert_eq!(planned.provenance.target.as_deref(), Some(format));
        let written = folder.path().join(format!("{format}.out"));
        let arguments =
            ["export", text_of(&plan), "--to", format, "-o", text_of(&written), "--run", text_of(out), "--json"];
        let output = bitplan(&arguments);
        assert!(output.status.success(), "{format}: {}", message(&output));
        let manifest: Value = serde_json::from_slice(&output.stdout).unwrap();
        let used = planned.budgets.iter().find(|b| b.name == "weight_bytes").unwrap().used;
        assert_eq!(manifest["weight_bytes"].as_f64(), Some(used), "{format}");
        let on_disk = files(&written);
        let listed = manifest["files"].as_array().unwrap();
        assert_eq!(on_disk.len(), listed.len() + 1, "{format}: the manifest and what it lists");
        for file in listed {
            let bytes = on_disk[Path::new(file["name"].as_str().unwrap())].len() as u64;
            let parts = ["tensor_bytes", "structure_bytes"].map(|part| file[part].as_u64().unwrap());
            assert_eq!((file["bytes"].as_u64(), parts[0] + parts[1]), (Some(bytes), bytes), "{format}");
        }
        // Again, over the first one: the same bytes.
        assert!(bitplan(&arguments).status.success());
        assert!(on_disk == files(&written), "{format}");
    }
}

#[test]
fn what_the_tools_cannot_run_is_refused_by_layer_with_the_nearest_choice_and_nothing_is_written() {
    let (folder, _, out) = run();
    let plan = out.join("plan.json");
    let chosen = Plan::read(&plan).unwrap();
    assert!(chosen.layers.iter().any(|l| l.candidate == "w2a2"), "a plan that some tools cannot run");
    for (format, part) in [("litert", "the nearest it runs is w"), ("mlx", "made for")] {
        let target = folder.path().join(format!("refused.{format}"));
        let output = bitplan(&["export", text_of(&plan), "--to", format, "-o", text_of(&target), "--json"]);
        let text = message(&output);
        assert_eq!(output.status.code(), Some(3), "{text}");
        assert!(text.contains("layer `") || text.contains("folder"), "{text}");
        assert!(text.contains(part) || text.contains("Hugging Face") || text.contains("language"), "{text}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["code"], 3);
        assert!(!target.exists());
    }
    assert!(
        std::fs::read_dir(folder.path()).unwrap().all(|e| !e
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with(".refused"))
    );
}

#[test]
fn folders_of_others_unknown_formats_and_plans_of_other_networks_are_refused() {
    let (folder, space, out) = run();
    let plan = out.join("plan.json");
    let output = bitplan(&["export", text_of(&plan), "--to", "onnx", "-o", text_of(out)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(message(&output).contains("is no earlier export"), "{}", message(&output));
    let output = bitplan(&["export", text_of(&plan), "--to", "onyx", "-o", "nowhere"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(message(&output).contains("did you mean `onnx`"), "{}", message(&output));
    let output = bitplan(&["plan", "--table", "t.json", "--for", "onnx", "--budget", "a=1"]);
    assert_eq!(output.status.code(), Some(2), "a table knows no layers");
    let mut other = Plan::read(&plan).unwrap();
    other.layers[1].name = "elsewhere".into();
    let path = folder.path().join("other.json");
    std::fs::write(&path, other.to_json().unwrap()).unwrap();
    let arguments = ["export", text_of(&path), "--to", "onnx", "-o", "nowhere", "--run", text_of(out)];
    let output = bitplan(&arguments);
    assert_eq!(output.status.code(), Some(3), "{}", message(&output));
    assert!(message(&output).contains("`elsewhere`"), "{}", message(&output));
    // Types of language models are not offered for convolutions, before anything is measured.
    let output = bitplan(&["plan", text_of(space), "--for", "gguf", "--out", text_of(out)]);
    assert_eq!(output.status.code(), Some(3));
    assert!(message(&output).contains("layer `stem.conv`"), "{}", message(&output));
}

#[test]
fn the_help_names_every_format_once() {
    let help = bitplan(&["export", "--help"]);
    let text = String::from_utf8(help.stdout).unwrap();
    for format in FORMATS {
        assert_eq!(text.matches(&format!("\n  {} ", format.name())).count(), 1, "{}: {text}", format.name());
    }
}
