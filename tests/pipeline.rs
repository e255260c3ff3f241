//! The whole program on a small study of real images: the same bytes at any thread count, after kills, on a second run;
//! and what the files say about each other.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bitplan::numeric::rng::Stream;
use bitplan::plan::Plan;
use bitplan::store::{Array, TensorFile};
use bitplan::supernet::{EpochRecord, MasterCheckpoint, PackedWeights, Parameters, SuperNet};

/// ResNet-8 on the first images of the embedded data; every stage runs, none takes more than some seconds.
fn small_space(folder: &Path) -> PathBuf {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("search_spaces/data/fashion_mnist");
    let data = data.display();
    let recipe = "epochs: 2, batch_size: 64";
    let text = format!(
        "format: bitplan.space/1
name: small
model: {{zoo: resnet8, input: [1, 28, 28], classes: 10}}
data:
  train: {{idx: {{images: {data}/train-images.idx3.gz, labels: {data}/train-labels.idx1.gz}}, limit: 512}}
  test: {{idx: {{images: {data}/test-images.idx3.gz, labels: {data}/test-labels.idx1.gz}}, limit: 300}}
  augmentation: {{crop_padding: 2, flip: true}}
search:
  candidates: [w8a8, w4a16, w2a2]
  pins: {{stem.conv: w8a8, fc: fp32}}
  groups: [[stage2.block1.conv1, stage2.block1.shortcut.conv]]
sensitivity: {{images: 96, min_probes: 4, max_probes: 8}}
training:
  fp32: {{{recipe}, learning_rate: 5e-3}}
  multi_precision: {{{recipe}, distillation: {{weight: 0.5, temperature: 2}}}}
  mixed_precision: {{{recipe}, alrs: multiplicative}}
  checkpoint_every_steps: 3
evaluation: {{recalibration_images: 250}}
plans:
  - {{name: half, budgets: {{bitops: 50%, weight_bytes: 60%}}}}
  - {{name: third, budgets: {{bitops: 33%}}}}
"
    );
    let path = folder.join("small.yaml");
    std::fs::write(&path, text).unwrap();
    path
}

fn bitplan(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitplan"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(space: &Path, out: &Path, threads: &str) -> Command {
    bitplan(&["run", space.to_str().unwrap(), "--out", out.to_str().unwrap(), "--threads", threads])
}

/// Every file of a run by name, but for those that hold times and absolute paths.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap());
    let named = entries.map(|e| (e.file_name().into_string().unwrap(), std::fs::read(e.path()).unwrap()));
    named.filter(|(name, _)| !["run.json", "report.html"].contains(&name.as_str())).collect()
}

fn assert_same(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (name, bytes) in a {
        assert!(bytes == &b[name], "{name} differs");
    }
}

#[test]
fn a_run_gives_the_same_bytes_at_other_thread_counts_and_after_ten_kills() {
    let folder = tempfile::tempdir().unwrap();
    let space = small_space(folder.path());
    let [calm, killed, other_seed] = ["calm", "killed", "other_seed"].map(|name| folder.path().join(name));
    let start = Instant::now();
    let output = run(&space, &calm, "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let whole = start.elapsed();

    // Kill -9 at ten random moments; each attempt resumes. One that finishes first is compared and begun again.
    let mut stream = Stream::new(11, "kill", &[]);
    let mut kills = 0;
    while kills < 10 {
        let mut child = run(&space, &killed, "2").spawn().unwrap();
        std::thread::sleep(Duration::from_secs_f64(whole.as_secs_f64() * 0.2 * stream.uniform()));
        if child.try_wait().unwrap().is_some() {
            assert_same(&files(&calm), &files(&killed));
            std::fs::remove_dir_all(&killed).unwrap();
            continue;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    let output = run(&space, &killed, "2").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_same(&files(&calm), &files(&killed));

    // A finished run computes nothing again.
    let before = files(&calm);
    let output = run(&space, &calm, "2").output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "everything was up to date\n");
    assert_same(&before, &files(&calm));

    // Negative control: another seed must give other weights.
    let output = run(&space, &other_seed, "2").args(["--seed", "2"]).output().unwrap();
    assert!(output.status.success());
    assert_ne!(before["master.safetensors"], files(&other_seed)["master.safetensors"]);

    given_weights_lead_to_the_same_sensitivities(&calm, &space);
    the_files_agree_with_each_other(&calm, &space);
}

/// The FP32 model of the run, loaded by name instead of trained.
fn given_weights_lead_to_the_same_sensitivities(run: &Path, space: &Path) {
    let text = std::fs::read_to_string(space).unwrap();
    let weights = run.join("fp32.safetensors");
    let text = text.replace("classes: 10}", &format!("classes: 10, weights: {}}}", weights.display()));
    let given = space.with_file_name("given.yaml");
    std::fs::write(&given, text).unwrap();
    let out = run.with_file_name("given");
    let output = bitplan(&["sensitivity", given.to_str().unwrap(), "--out", out.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!out.join("fp32.safetensors").exists(), "nothing was trained");
    let read = |folder: &Path| std::fs::read(folder.join("sensitivity.json")).unwrap();
    assert_eq!(read(&out), read(run));
}

/// On the finished run of the test above, because a run takes seconds.
fn the_files_agree_with_each_other(run: &Path, space: &Path) {
    let path = |name: &str| run.join(name);
    let plan = Plan::read(&path("plan.json")).unwrap();
    let master = MasterCheckpoint::read(&path("master.safetensors")).unwrap();
    let packed = PackedWeights::read(&path("weights.safetensors")).unwrap();

    // Codes and scales of the packed weights are what the plan counted, and tied layers took the same candidate.
    let used = plan.budgets.iter().find(|b| b.name == "weight_bytes").unwrap().used;
    assert_eq!(packed.weight_bytes() as f64, used);
    // And the whole model is every tensor of the file, to the byte.
    let model: f64 = plan.layers.iter().map(|l| l.cost["model_bytes"]).sum();
    assert_eq!(packed.model_bytes() as f64, model);
    let candidate = |name: &str| plan.layers.iter().find(|l| l.name == name).unwrap().candidate.clone();
    assert_eq!(candidate("stage2.block1.conv1"), candidate("stage2.block1.shortcut.conv"));
    assert_eq!((candidate("stem.conv").as_str(), candidate("fc").as_str()), ("w8a8", "fp32"));
    let master_file = TensorFile::read(&path("master.safetensors")).unwrap();
    for layer in master.net().scheme().layers.iter().filter(|l| l.name != "fc") {
        assert!(matches!(&master_file.arrays[&format!("{}.weight", layer.name)], Array::I8(..)), "{}", layer.name);
    }

    // `switch` from the master gives the codes of the run, `eval` its accuracy.
    let switched = path("switched.safetensors");
    let [master_path, plan_path, out] = [path("master.safetensors"), path("plan.json"), switched.clone()];
    let arguments =
        ["switch", master_path.to_str().unwrap(), "--plan", plan_path.to_str().unwrap(), "-o", out.to_str().unwrap()];
    assert!(bitplan(&arguments).status().unwrap().success());
    let (a, b) = (TensorFile::read(&switched).unwrap(), TensorFile::read(&path("weights.safetensors")).unwrap());
    let codes = |file: &TensorFile| -> Vec<(String, Array)> {
        file.arrays
            .iter()
            .filter(|(name, _)| name.ends_with("codes") || name.ends_with("scale"))
            .map(|(n, a)| (n.clone(), a.clone()))
            .collect()
    };
    assert_eq!(codes(&a), codes(&b));
    let table: serde_json::Value = serde_json::from_slice(&std::fs::read(path("evaluation.json")).unwrap()).unwrap();
    let row = table["rows"].as_array().unwrap().iter().find(|r| r["name"] == "half").unwrap().clone();
    assert_eq!(row["packed_difference"], 0.0, "packed and training form give the same logits, bit for bit");
    let weights = path("weights.safetensors");
    let output =
        bitplan(&["eval", weights.to_str().unwrap(), "--space", space.to_str().unwrap(), "--json"]).output().unwrap();
    let evaluated: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(evaluated["correct"], row["evaluation"]["correct"]);
    std::fs::remove_file(switched).unwrap();
    the_histories_agree_with_the_parameters(run, master.net());
}

/// Two epochs of eight steps each.
fn the_histories_agree_with_the_parameters(run: &Path, net: &SuperNet) {
    let history = |name: &str| -> Vec<EpochRecord> {
        let text = std::fs::read_to_string(run.join(format!("{name}.history.json"))).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        serde_json::from_value(document["epochs"].clone()).unwrap()
    };
    assert!(history("fp32").iter().all(|epoch| epoch.scales.is_empty() && epoch.draws.is_empty()));
    let layers = &net.scheme().layers;
    for name in ["multi_precision", "supernet"] {
        let file = TensorFile::read(&run.join(format!("{name}.safetensors"))).unwrap();
        let parameters = Parameters::load(&file, "").unwrap();
        for (layer, scales) in layers.iter().zip(&history(name)[1].scales) {
            let prefix = format!("{}.activation_scale.a", layer.name);
            let trained: BTreeMap<u32, f64> = parameters
                .iter()
                .filter_map(|(name, _)| Some((name.strip_prefix(&prefix)?.parse().unwrap(), name)))
                .map(|(bits, name)| (bits, f64::from(parameters.scalar(name).unwrap())))
                .collect();
            assert_eq!(scales.activations, trained, "{name} {}", layer.name);
            assert_eq!(scales.weight.is_some(), parameters.contains(&format!("{}.weight_scale", layer.name)));
        }
    }
    let steps = 8 * net.scheme().bases().len() as u64;
    let at = |name: &str| layers.iter().position(|layer| layer.name == name).unwrap();
    for epoch in history("supernet") {
        assert!(epoch.draws.iter().all(|of_layer| of_layer.iter().sum::<u64>() == steps), "{:?}", epoch.draws);
        assert_eq!(epoch.draws[at("stage2.block1.conv1")], epoch.draws[at("stage2.block1.shortcut.conv")], "tied");
        assert_eq!(epoch.draws[at("fc")], [steps], "pinned");
        assert!(epoch.draws.iter().collect::<BTreeSet<_>>().len() > 3, "others draw by themselves: {:?}", epoch.draws);
    }
    assert!(history("multi_precision").iter().all(|epoch| epoch.draws.is_empty()));
}
