//! Cases with the outputs of ONNX Runtime, through the interpreter.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::interpreter::outputs;
use super::{LoadOptions, load};

type Arrays = BTreeMap<String, (Vec<usize>, Vec<f64>)>;

fn arrays(path: &Path, prefix: &str) -> Arrays {
    let mut archive = npyz::npz::NpzArchive::open(path).unwrap();
    let names: Vec<String> = archive.array_names().map(String::from).collect();
    let mut arrays = Arrays::new();
    for name in names.iter().filter(|name| name.starts_with(prefix)) {
        let file = archive.by_name(name).unwrap().unwrap();
        let shape: Vec<usize> = file.shape().iter().map(|&n| n as usize).collect();
        let text = file.dtype().descr();
        let elements = match text.trim_matches('\'') {
            "<f4" => file.into_vec::<f32>().unwrap().into_iter().map(f64::from).collect(),
            "<f8" => file.into_vec::<f64>().unwrap(),
            "<i8" => file.into_vec::<i64>().unwrap().into_iter().map(|x| x as f64).collect(),
            "<i4" => file.into_vec::<i32>().unwrap().into_iter().map(f64::from).collect(),
            "|b1" => file.into_vec::<bool>().unwrap().into_iter().map(|x| f64::from(u8::from(x))).collect(),
            "|u1" => file.into_vec::<u8>().unwrap().into_iter().map(f64::from).collect(),
            "|i1" => file.into_vec::<i8>().unwrap().into_iter().map(f64::from).collect(),
            other => panic!("{other}"),
        };
        arrays.insert(name[prefix.len()..].to_string(), (shape, elements));
    }
    arrays
}

enum Outcome {
    Same,
    Refused(String),
    Different(String),
}

fn case(model: &Path) -> Outcome {
    let data = model.with_extension("npz");
    if !data.exists() {
        return match load(model, &LoadOptions::default()) {
            Ok(_) => Outcome::Different("was not refused".into()),
            Err(error) => Outcome::Refused(error.to_string()),
        };
    }
    let (inputs, expected) = (arrays(&data, "input."), arrays(&data, "output."));
    let imported = match load(model, &LoadOptions::default()) {
        Ok(imported) => imported,
        Err(error) => return Outcome::Refused(error.to_string()),
    };
    let text = serde_json::to_string(&imported.graph).unwrap();
    assert_eq!(serde_json::from_str::<crate::graph::Graph>(&text).unwrap(), imported.graph);
    let found = outputs(&imported, &inputs);
    // Quantised models were rounded when the expected outputs were made.
    let tolerance = if model.to_string_lossy().contains("/qdq/") { 0.1 } else { 1e-4 };
    for (name, (shape, elements)) in &expected {
        let Some((own_shape, own)) = found.get(name) else { return Outcome::Different(format!("no output {name}")) };
        // An output that joins the batch with other axes has them apart here.
        let joined = imported.notes.iter().any(|note| note.contains("joins the batch")) && own.len() == elements.len();
        if own_shape != shape && !joined {
            return Outcome::Different(format!("{name}: shape {own_shape:?}, expected {shape:?}"));
        }
        let scale = elements.iter().filter(|x| x.is_finite()).fold(1e-3f64, |most, x| most.max(x.abs()));
        for (i, (a, b)) in own.iter().zip(elements).enumerate() {
            let error = if a == b || (a.is_nan() && b.is_nan()) { 0.0 } else { (a - b).abs() / scale };
            if error.is_nan() || error > tolerance {
                return Outcome::Different(format!("{name}[{i}]: {a}, expected {b}"));
            }
        }
    }
    Outcome::Same
}

/// Cases of a folder that are refused, and those that differ; how many agree.
fn outcomes(folder: &str) -> (usize, Vec<String>, Vec<String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx").join(folder);
    let mut models: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    models.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    models.sort();
    let (mut same, mut refused, mut different) = (0, Vec::new(), Vec::new());
    for model in &models {
        let name = model.file_stem().unwrap().to_string_lossy().into_owned();
        match case(model) {
            Outcome::Same => same += 1,
            Outcome::Refused(why) => {
                println!("{why}");
                refused.push(name);
            }
            Outcome::Different(what) => different.push(format!("{name}: {what}")),
        }
    }
    (same, refused, different)
}

#[test]
fn graphs_compute_what_onnx_runtime_computes() {
    let (same, refused, different) = outcomes("cases");
    assert_eq!(different, Vec::<String>::new());
    // Places of largest elements, an operator set of 2016, indices of every element, windows with gaps, and low passes.
    assert_eq!(refused, ["arg_max", "clip_attributes", "gather_elements", "max_pool_dilation", "resize_antialias"]);
    assert!(same >= 300, "{same}");
}

#[test]
fn quantised_models_are_dequantised_up_to_their_rounding() {
    let (same, refused, different) = outcomes("qdq");
    assert_eq!((refused, different), (Vec::new(), Vec::new()));
    assert!(same >= 8, "{same}");
}

#[test]
fn what_cannot_be_computed_is_refused() {
    let (same, refused, different) = outcomes("refused");
    assert_eq!((same, different), (0, Vec::new()));
    assert!(refused.len() >= 15, "{refused:?}");
}
