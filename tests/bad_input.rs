//! What a user can do wrong: every fault ends with the right exit code and a message that says where, what was found,
//! what was expected; nothing is written.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bitplan::exec::Network;
use bitplan::store::TensorFile;
use bitplan::supernet::initial_float;
use bitplan::zoo::resnet20;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/search_spaces/data/fashion_mnist");

/// A folder with a valid small search space that uses the embedded images.
struct Desk {
    folder: tempfile::TempDir,
    text: String,
}

impl Desk {
    fn new() -> Self {
        let split = |name: &str| {
            format!(
                "{{idx: {{images: {DATA}/{name}-images.idx3.gz, labels: {DATA}/{name}-labels.idx1.gz}}, limit: 100}}"
            )
        };
        let text = format!(
            "format: bitplan.space/1
name: desk
model: {{zoo: resnet8, input: [1, 28, 28], classes: 10}}
data: {{train: {}, test: {}}}
search: {{candidates: [w8a8, w4a4, w2a2]}}
plans: [{{name: half, budgets: {{bitops: 50%}}}}]
",
            split("train"),
            split("test")
        );
        Self { folder: tempfile::tempdir().unwrap(), text }
    }

    fn replacing(mut self, from: &str, to: &str) -> Self {
        assert!(self.text.contains(from), "{from}");
        self.text = self.text.replace(from, to);
        self
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_bitplan")).args(arguments).current_dir(self.folder.path()).output().unwrap()
    }

    /// `run` must end with `code`, say all `words`, and leave no results.
    fn run_fails(&self, code: i32, words: &[&str]) {
        self.file("space.yaml", self.text.as_bytes());
        let output = self.command(&["run", "space.yaml"]);
        fails(&output, code, words);
        assert!(!self.folder.path().join("results").exists(), "nothing may be written");
    }
}

fn fails(output: &Output, code: i32, words: &[&str]) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{message}");
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
    assert!(output.stdout.is_empty(), "nothing on standard output");
}

fn embedded(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(Path::new(DATA).join(name)).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file), &mut bytes).unwrap();
    bytes
}

#[test]
fn the_desk_itself_is_valid() {
    let desk = Desk::new();
    desk.file("space.yaml", desk.text.as_bytes());
    assert!(desk.command(&["check", "space.yaml"]).status.success());
}

#[test]
fn missing_search_space() {
    let output = Desk::new().command(&["run", "nowhere.yaml"]);
    fails(&output, 3, &["nowhere.yaml"]);
}

/// Devices that no machine has, so that the test means the same in every build.
#[test]
fn devices_that_do_not_exist_are_refused_before_any_work() {
    let desk = Desk::new();
    desk.file("space.yaml", desk.text.as_bytes());
    for (device, words) in [
        ("gpu", ["unknown device `gpu`", "hint:", "`cuda`"]),
        ("CUDA", ["unknown device `CUDA`", "hint:", "did you mean `cuda`?"]),
        ("cuda:4000", ["device `cuda:4000`", "hint:", "use `cpu`"]),
    ] {
        for command in ["run", "check"] {
            fails(&desk.command(&[command, "space.yaml", "--device", device]), 2, &words);
        }
    }
    assert!(!desk.folder.path().join("results").exists(), "nothing may be written");
}

#[test]
fn missing_data_file() {
    Desk::new()
        .replacing("train-images", "training-images")
        .run_fails(3, &["training-images", "no such file", "hint:"]);
}

#[test]
fn truncated_idx() {
    let desk = Desk::new();
    let whole = embedded("train-images.idx3.gz");
    let path = desk.file("short.idx3", &whole[..whole.len() / 2]);
    let from = format!("{DATA}/train-images.idx3.gz");
    desk.replacing(&from, path.to_str().unwrap()).run_fails(3, &["short.idx3: byte", "expected"]);
}

#[test]
fn label_out_of_range() {
    let desk = Desk::new();
    let mut labels = embedded("test-labels.idx1.gz");
    labels[8 + 7] = 10;
    let path = desk.file("labels.idx1", &labels);
    let from = format!("{DATA}/test-labels.idx1.gz");
    desk.replacing(&from, path.to_str().unwrap()).run_fails(3, &["record 7", "label 10", "below 10"]);
}

#[test]
fn nan_image() {
    let desk = Desk::new();
    let mut pixels = vec![0.5f32; 3 * 784];
    pixels[784 + 3] = f32::NAN;
    let npy = |descr: &str, shape: &str, bytes: Vec<u8>| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
        file.extend(header.bytes().chain(bytes));
        file
    };
    let images = npy("<f4", "(3, 28, 28)", pixels.iter().flat_map(|v| v.to_le_bytes()).collect());
    let images = desk.file("images.npy", &images);
    let labels = desk.file("labels.npy", &npy("|u1", "(3,)", vec![0, 1, 2]));
    let from = format!("idx: {{images: {DATA}/train-images.idx3.gz, labels: {DATA}/train-labels.idx1.gz}}");
    let to = format!("npy: {{images: {}, labels: {}}}", images.display(), labels.display());
    desk.replacing(&from, &to).run_fails(3, &["images.npy: image 1", "NaN", "element 3", "finite"]);
}

#[test]
fn unknown_key() {
    Desk::new().replacing("name: desk", "name: desk\nsede: 3").run_fails(3, &["space.yaml:3:1", "sede", "seed"]);
}

#[test]
fn negative_budget() {
    Desk::new().replacing("bitops: 50%", "bitops: -1").run_fails(3, &["space.yaml:6:", "`-1`", "above 0"]);
}

#[test]
fn budget_below_the_minimum_names_the_minimum() {
    // Every layer at w2a2: 4 bit operations for each of the 9,345,920 multiplications.
    let words = ["plan `half`", "`bitops` is 1000", "smallest feasible value is 37383680"];
    Desk::new().replacing("bitops: 50%", "bitops: 1000").run_fails(4, &words);
}

#[test]
fn checkpoint_of_another_model() {
    let desk = Desk::new();
    let network = Network::new(resnet20([1, 28, 28], 10).unwrap());
    let mut file = TensorFile::default();
    initial_float(&network.graph().clone().into(), 1).unwrap().store(&mut file, "").unwrap();
    file.write(&desk.folder.path().join("other.safetensors")).unwrap();
    let desk = desk.replacing("classes: 10}", "classes: 10, weights: other.safetensors}");
    desk.file("space.yaml", desk.text.as_bytes());
    let output = desk.command(&["run", "space.yaml"]);
    fails(&output, 3, &["other.safetensors: tensor `stage2.block1.shortcut.conv.weight`", "nothing", "another model"]);
}

#[test]
fn a_file_that_is_no_checkpoint() {
    let desk = Desk::new();
    desk.file("noise.safetensors", b"not a checkpoint at all");
    let arguments = ["switch", "noise.safetensors", "--bits", "4", "-o", "out.safetensors"];
    fails(&desk.command(&arguments), 3, &["noise.safetensors", "safetensors file"]);
    assert!(!desk.folder.path().join("out.safetensors").exists());
}

#[test]
fn wrong_command_lines() {
    let desk = Desk::new();
    desk.file("space.yaml", desk.text.as_bytes());
    for arguments in [
        &["plan"][..],
        &["plan", "space.yaml", "--budget", "bitops=many"],
        &["plan", "space.yaml", "--budget", "memory=3"],
        &["inspect", "resnet9"],
        &["inspect", "resnet8", "--shape", "3x32"],
        &["switch", "a.safetensors", "--bits", "9", "-o", "b"],
        &["run"],
    ] {
        fails(&desk.command(arguments), 2, &[]);
    }
}
