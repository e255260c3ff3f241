//! The rules that the tree promises, read from the sources: imports point one way, one crate is named in one place,
//! files stay readable.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

use std::path::{Path, PathBuf};

/// Every module may import those before it.
const ORDER: [&str; 26] = [
    "error",
    "progress",
    "numeric",
    "store",
    "quant",
    "space",
    "graph",
    "zoo",
    "onnx",
    "hugging_face",
    "model",
    "export",
    "data",
    "exec",
    "scheme",
    "trace",
    "sensitivity",
    "sampling",
    "supernet",
    "table",
    "latency",
    "solve",
    "plan",
    "report",
    "run",
    "cli",
];

/// Lines of code and tests in one file, unless a program wrote it.
const LONGEST: usize = 400;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(sources(&path)),
            false if path.extension().is_some_and(|e| e == "rs") => files.push(path),
            false => {}
        }
    }
    files.sort();
    files
}

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The top-level module of a source file, and the ones that it names as `crate::MODULE`, comments left out.
fn imports(path: &Path) -> (String, Vec<String>) {
    let relative = path.strip_prefix(source_folder()).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let code: Vec<&str> = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
    let named = |line: &&str| -> Vec<String> {
        let names = line.split("crate::").skip(1);
        names.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
    };
    (first.trim_end_matches(".rs").to_string(), code.iter().flat_map(named).collect())
}

#[test]
fn imports_point_one_way() {
    let place = |module: &str| ORDER.iter().position(|m| *m == module);
    let mut seen = 0;
    for path in sources(&source_folder()) {
        let (module, named) = imports(&path);
        let Some(own) = place(&module) else { continue }; // lib.rs and main.rs
        for other in named {
            let Some(other_place) = place(&other) else { continue }; // crate::VERSION and the like
            assert!(other_place <= own, "{} imports {other}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 200, "the test must see the imports, it saw {seen}");
}

#[test]
fn the_solver_and_the_argument_parser_are_each_named_in_one_place() {
    let root = source_folder();
    for (name, allowed) in [
        ("good_lp", &["solve/ilp.rs"][..]),
        ("clap", &["cli/args/", "main.rs"]),
        ("csv", &["table/records.rs", "table/csv_tests.rs", "report/spreadsheet"]),
        ("indicatif", &["cli/progress"]),
        ("console", &["cli/progress"]),
        ("serde_saphyr", &["space", "export/modelopt/tests.rs"]),
        ("flatbuffers", &["export/litert"]),
        ("prost", &["onnx", "export/onnx", "export/qonnx/tests.rs", "export/aimet/tests.rs"]),
        ("comfy_table", &["report/text/terminal.rs"]),
        ("svg", &["report/plot", "report/html"]),
        ("maud", &["report/html"]),
        ("tokenizers", &["hugging_face/tokenizer.rs"]),
        ("memmap2", &["hugging_face/tensors.rs"]),
    ] {
        for path in sources(&root) {
            let relative = path.strip_prefix(&root).unwrap().to_str().unwrap().to_string();
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
            let used =
                code.into_iter().any(|l| l.contains(&format!("use {name}::")) || l.contains(&format!("{name}::")));
            assert!(!used || allowed.iter().any(|a| relative.starts_with(a)), "{relative} names {name}");
        }
    }
}

#[test]
fn planning_knows_no_model() {
    for path in ["table", "solve"].iter().flat_map(|room| sources(&source_folder().join(room))) {
        let (_, named) = imports(&path);
        assert!(
            named.iter().all(|m| ["error", "solve", "table", "store", "numeric"].contains(&m.as_str())),
            "{}: {named:?}",
            path.display()
        );
    }
}

#[test]
fn files_stay_readable() {
    for path in sources(&source_folder()) {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = if text.contains("@generated") { 0 } else { text.lines().count() };
        assert!(lines <= LONGEST, "{} has {lines} lines", path.display());
    }
}
