//! Reports of real runs, finished or not: what the run writes down for them, and what is never shown.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// ResNet-8 on some embedded images. `search` is the search section, `multi` the epochs of multi-precision training.
fn space(folder: &Path, name: &str, search: &str, multi: usize) -> PathBuf {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("search_spaces/data/fashion_mnist");
    let data = data.display();
    let text = format!(
        "format: bitplan.space/1
name: {name}
model: {{zoo: resnet8, input: [1, 28, 28], classes: 10}}
data:
  train: {{idx: {{images: {data}/train-images.idx3.gz, labels: {data}/train-labels.idx1.gz}}, limit: 512}}
  test: {{idx: {{images: {data}/test-images.idx3.gz, labels: {data}/test-labels.idx1.gz}}, limit: 250}}
search: {search}
sensitivity: {{images: 96, min_probes: 4, max_probes: 8}}
training:
  fp32: {{epochs: 2, batch_size: 64, learning_rate: 5e-3}}
  multi_precision: {{epochs: {multi}, batch_size: 64}}
  mixed_precision: {{epochs: 1, batch_size: 64}}
  checkpoint_every_steps: 2
plans:
  - {{name: half, budgets: {{bitops: 50%, weight_bytes: 60%}}}}
"
    );
    let path = folder.join(format!("{name}.yaml"));
    std::fs::write(&path, text).unwrap();
    path
}

const PINNED: &str = "{candidates: [w8a8, w4a4, w2a2], pins: {stem.conv: w4a4}, groups: [[stage2.block1.conv1, \
                      stage2.block1.shortcut.conv]]}";
const FREE: &str = "{candidates: [w8a8, w4a4, w2a2], groups: [[stage2.block1.conv1, stage2.block1.shortcut.conv]]}";
const UNTIED: &str = "{candidates: [w8a8, w4a4, w2a2], pins: {stem.conv: w4a4}}";

fn bitplan(command: &str, path: &Path, out: Option<&Path>, more: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_bitplan"));
    program.arg(command).arg(path);
    if let Some(out) = out {
        program.arg("--out").arg(out);
    }
    program.args(more).output().unwrap()
}

fn succeed(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn report(run: &Path) -> Value {
    serde_json::from_str(&succeed(bitplan("report", run, None, &["--json"]))).unwrap()
}

fn states(report: &Value) -> Vec<String> {
    report["stages"].as_array().unwrap().iter().map(|s| format!("{} {}", s["name"], s["state"])).collect()
}

/// The oracle is the whole program on search spaces without the pin and without the group: other tables, other searches.
#[test]
fn a_pin_and_a_group_cost_what_a_search_without_them_gains() {
    let folder = tempfile::tempdir().unwrap();
    let plan = |name: &str, search: &str| -> Value {
        let (space, out) = (space(folder.path(), name, search, 0), folder.path().join(format!("{name}_out")));
        let absolute = ["--budget", "bitops=60000000", "--budget", "weight_bytes=40000", "--explain", "--json"];
        serde_json::from_str(&succeed(bitplan("plan", &space, Some(&out), &absolute))).unwrap()
    };
    let [pinned, free, untied] = [("pinned", PINNED), ("free", FREE), ("untied", UNTIED)].map(|(n, s)| plan(n, s));
    let objective = |plan: &Value| plan["objective"].as_f64().unwrap();
    let cost = |kind: &str| {
        let bindings = pinned["bindings"].as_array().unwrap();
        let of_kind: Vec<&Value> = bindings.iter().filter(|b| b["kind"] == kind).collect();
        assert_eq!(of_kind.len(), 1, "{bindings:?}");
        assert_eq!(of_kind[0]["proved"], true);
        of_kind[0]["cost"].as_f64().unwrap()
    };
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * objective(&pinned);
    let (pin, group) = (objective(&pinned) - objective(&free), objective(&pinned) - objective(&untied));
    assert!(pin > 0.0, "a pin to 4 bits of the most sensitive layer must cost something");
    assert!(close(cost("pin"), pin), "{} and {pin}", cost("pin"));
    assert!(close(cost("group"), group), "{} and {group}", cost("group"));
    // Nothing of what the pin keeps the layer from can be chosen.
    let stem = pinned["layers"].as_array().unwrap().iter().find(|l| l["name"] == "stem.conv").unwrap();
    assert_eq!(stem["candidate"], "w4a4");
}

#[test]
fn a_finished_run_has_its_report_in_every_form_and_a_report_of_it_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (space, out) = (space(folder.path(), "whole", PINNED, 1), folder.path().join("out"));
    let shown = succeed(bitplan("run", &space, Some(&out), &[]));
    assert!(shown.contains("report.html"), "{shown}");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(out.join("report.json")).unwrap()).unwrap();
    let mut now = report(&out);
    // The machine and the times are the only difference.
    let machine = now.as_object_mut().unwrap().remove("machine").unwrap();
    assert!(machine["seconds"]["fp32"].as_f64().unwrap() > 0.0 && machine["command"].as_str().unwrap().contains("run"));
    assert_eq!(now, written);
    assert!(states(&now).iter().all(|s| s.ends_with("\"done\"")), "{:?}", states(&now));

    // Numbers of the report against the files that they come from.
    let read = |name: &str| -> Value { serde_json::from_slice(&std::fs::read(out.join(name)).unwrap()).unwrap() };
    let (plan, evaluation) = (read("plan.json"), read("evaluation.json"));
    assert_eq!(now["plans"][0]["objective"], plan["objective"]);
    let correct = |row: &Value| row["evaluation"]["correct"].as_f64().unwrap() / 250.0;
    let rows = evaluation["rows"].as_array().unwrap();
    let accuracies: Vec<f64> = rows.iter().map(correct).collect();
    let told: Vec<f64> = now["networks"].as_array().unwrap().iter().map(|n| n["accuracy"].as_f64().unwrap()).collect();
    assert_eq!(told, accuracies);
    let front = now["fronts"][0]["points"].as_array().unwrap();
    let objectives: Vec<f64> = front.iter().map(|p| p["objective"].as_f64().unwrap()).collect();
    assert!(front.len() > 10 && objectives.windows(2).all(|pair| pair[0] > pair[1]));
    // The plan keeps two budgets, so it cannot be better than the front that keeps one of them.
    let used = plan["budgets"][0]["used"].as_f64().unwrap();
    let below = front.iter().rev().find(|p| p["cost"].as_f64().unwrap() <= used).unwrap();
    assert!(below["objective"].as_f64().unwrap() <= plan["objective"].as_f64().unwrap());
    assert_eq!(now["memory"]["profiles"].as_array().unwrap().len(), 2);
    let drawn = now["draws"]["layers"].as_array().unwrap();
    assert_eq!(drawn.len(), 9, "the pinned layer draws nothing");

    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("stage2.block1.shortcut.conv") && page.ends_with("</html>\n") || page.ends_with("</html>"));
    for name in ["report_layers.csv", "report_networks.csv", "report_front.csv", "report_training.csv"] {
        assert!(std::fs::read_to_string(out.join(name)).unwrap().lines().count() > 3, "{name}");
    }

    // Two runs side by side.
    let page = folder.path().join("two.html");
    let arguments = [out.to_str().unwrap(), "-o", page.to_str().unwrap(), "--json"];
    let both: Value = serde_json::from_str(&succeed(bitplan("report", &out, None, &arguments))).unwrap();
    assert_eq!(both["format"], "bitplan.comparison/1");
    assert!(both["layers"].as_array().unwrap().iter().all(|l| l["differs"] == false));
    assert!(std::fs::read_to_string(page).unwrap().contains("stage2.block1.shortcut.conv"));
}

#[test]
fn a_partly_finished_run_is_reported_as_far_as_it_got_and_nothing_of_earlier_settings_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (space, out) = (space(folder.path(), "part", FREE, 400), folder.path().join("out"));
    succeed(bitplan("sensitivity", &space, Some(&out), &[]));
    let got = report(&out);
    let expected = ["fp32 done", "sensitivity done", "plans waiting", "fronts waiting", "multi_precision waiting"];
    let expected = expected.map(|s| s.split_once(' ').map(|(n, s)| format!("\"{n}\" \"{s}\"")).unwrap());
    assert_eq!(states(&got)[..5], expected);
    assert!(
        got["layers"][0]["candidates"][0]["sensitivity"].is_number() && got["plans"].as_array().unwrap().is_empty()
    );
    assert!(out.join("report.html").exists());

    // Killed in the middle of 400 epochs: the epochs up to the checkpoint are there.
    let mut child = Command::new(env!("CARGO_BIN_EXE_bitplan"))
        .args(["run", space.to_str().unwrap(), "--out", out.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = |out: &Path| {
        report(out)["training"]
            .as_array()
            .unwrap()
            .iter()
            .any(|p| p["name"] == "multi_precision" && p["epochs"].as_array().unwrap().len() > 1)
    };
    // While it works: reading needs no lock.
    while !begun(&out) {
        assert!(child.try_wait().unwrap().is_none(), "the run ended early");
        std::thread::sleep(Duration::from_millis(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let got = report(&out);
    assert!(states(&got).contains(&"\"multi_precision\" \"begun\"".to_string()), "{:?}", states(&got));
    assert_eq!(got["plans"].as_array().unwrap().len(), 1);
    assert!(got["networks"].as_array().unwrap().iter().all(|n| n["accuracy"].is_null()));

    // Another seed: only what is of that seed is shown, though the files of the first are still there.
    succeed(bitplan("sensitivity", &space, Some(&out), &["--seed", "2"]));
    assert!(out.join("plan.json").exists());
    let got = report(&out);
    assert_eq!(got["provenance"]["seed"], 2);
    assert_eq!(states(&got)[..5], expected);
    assert!(got["plans"].as_array().unwrap().is_empty());
}

#[test]
fn nothing_but_a_page_is_replaced_and_damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (space, out) = (space(folder.path(), "kept", FREE, 0), folder.path().join("out"));
    succeed(bitplan("sensitivity", &space, Some(&out), &[]));
    let (facts, page) = (out.join("facts.json"), out.join("report.html"));
    let before = std::fs::read(&facts).unwrap();
    let refused = bitplan("report", &out, None, &["-o", facts.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));
    assert_eq!(std::fs::read(&facts).unwrap(), before);
    std::fs::write(&page, "").unwrap();
    let remarks = |report: &Value| report["remarks"].to_string();
    assert!(!remarks(&report(&out)).contains("left out") && std::fs::read(&page).unwrap().len() > 1000);

    std::fs::write(out.join("sensitivity.json"), "{}").unwrap();
    let told = report(&out);
    let expected = "Stage `sensitivity` is left out: sensitivity.json is missing or not what it wrote; run it again.";
    assert!(remarks(&told).contains(expected), "{told}");
    assert!(states(&told).contains(&"\"sensitivity\" \"waiting\"".to_string()));
    std::fs::remove_file(out.join("run.json")).unwrap();
    assert!(remarks(&report(&out)).contains("No stage is shown: run.json"));
    std::fs::write(out.join("manifest.json"), "{").unwrap();
    assert_eq!(bitplan("report", &out, None, &[]).status.code(), Some(3));
}

#[test]
fn what_is_no_run_is_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    for (path, expected) in [
        (folder.path().join("none"), "no such folder"),
        (folder.path().to_path_buf(), "no manifest.json, expected the folder of a run"),
    ] {
        let output = bitplan("report", &path, None, &[]);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{message}");
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");
}
