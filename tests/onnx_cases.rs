//! ONNX files against ONNX Runtime: small graphs exported by PyTorch and written by hand (`tests/data/onnx/cases`), and
//! the ONNX project's own operator tests (`tests/data/onnx/node_tests.zip`); `scripts/onnx_cases.py` makes both.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

mod support;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use bitplan::data::npy::read_array_from_npz;
use bitplan::error::{Error, Result};
use bitplan::exec::engine::{Engine, Mode};
use bitplan::exec::{Network, forward, host};
use bitplan::export::{DeployedLayer, Deployment, Format, LayerWeights, Onnx};
use bitplan::graph::Graph;
use bitplan::model::Weights;
use bitplan::onnx::{self, Imported, LoadOptions};
use bitplan::quant::Rounding;
use bitplan::space::Candidate;
use bitplan::supernet::{bind_float, given_float};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx")
}

/// Samples of the inputs, one after the other, and their number.
fn samples(imported: &Imported, arrays: &Path) -> (Vec<f32>, usize) {
    let ports = imported.graph.inputs();
    let read = |name: &str| read_array_from_npz(arrays, &format!("input.{name}")).unwrap();
    let batch = ports.iter().find_map(|port| Some(read(&port.name).0[port.batch_axis?])).unwrap_or(1);
    let mut all = Vec::new();
    for sample in 0..batch {
        for port in ports {
            let (shape, values) = read(&port.name);
            assert_eq!(values.len(), port.elements() * if port.batch_axis.is_some() { batch } else { 1 }, "{shape:?}");
            let outer: usize = shape[..port.batch_axis.unwrap_or(0)].iter().product();
            let inner = port.elements() / outer;
            let count = if port.batch_axis.is_some() { batch } else { 1 };
            (0..outer).for_each(|o| {
                all.extend_from_slice(&values[(o * count + sample * (count / batch)) * inner..][..inner])
            });
        }
    }
    (all, batch)
}

/// Largest difference between our outputs and the expected ones, by the largest expected number.
fn difference(imported: &Imported, outputs: &[f64], batch: usize, arrays: &Path) -> Result<f64> {
    let width = outputs.len() / batch;
    let (mut worst, mut start) = (0.0, 0);
    for port in imported.graph.outputs() {
        let (_, expected) = read_array_from_npz(arrays, &format!("output.{}", port.name))?;
        let axis = port.batch_axis.unwrap_or(0);
        let outer: usize = port.shape[..axis].iter().product();
        let inner = port.elements() / outer;
        let count = if port.batch_axis.is_some() { batch } else { 1 };
        if expected.len() != port.elements() * count {
            let found = format!("{} elements of `{}`, expected {}", port.elements() * count, port.name, expected.len());
            return Err(Error::Internal(found));
        }
        let scale = expected.iter().filter(|v| v.is_finite()).fold(1e-3, |m: f64, v| m.max(f64::from(v.abs())));
        for o in 0..outer {
            for sample in 0..count {
                for i in 0..inner {
                    let ours = outputs[sample * width + start + o * inner + i];
                    let theirs = f64::from(expected[(o * count + sample) * inner + i]);
                    let same = ours == theirs || ours.is_nan() && theirs.is_nan();
                    worst = f64::max(worst, if same { 0.0 } else { (ours - theirs).abs() / scale });
                    if !same && (ours - theirs).is_nan() {
                        return Ok(f64::INFINITY);
                    }
                }
            }
        }
        start += port.elements();
    }
    Ok(worst)
}

/// Fails where an output has another shape than expected, unless samples that the file joins with another axis are apart
/// here, and where the graph's file is not the graph.
fn assert_form(imported: &Imported, arrays: &Path, batch: usize) {
    let text = serde_json::to_string(&imported.graph).unwrap();
    assert_eq!(serde_json::from_str::<Graph>(&text).unwrap(), imported.graph);
    for port in imported.graph.outputs() {
        let (expected, _) = read_array_from_npz(arrays, &format!("output.{}", port.name)).unwrap();
        let mut shape = port.shape.clone();
        port.batch_axis.into_iter().for_each(|axis| shape.insert(axis, batch));
        let elements = |shape: &[usize]| shape.iter().product::<usize>();
        let joined = imported.notes.iter().any(|note| note.contains("joins the batch"));
        let alike = shape == expected || joined && elements(&shape) == elements(&expected);
        assert!(alike, "{}: {shape:?}, expected {expected:?}", arrays.display());
    }
}

/// Differences of the f64 passes and of the engine.
fn differences(model: &Path, arrays: &Path) -> Result<[f64; 2]> {
    let imported = onnx::load(model, &LoadOptions::default())?;
    if model.starts_with(folder()) {
        assert_form(&imported, arrays, samples(&imported, arrays).1);
    }
    let network = Network::new(imported.graph.clone());
    let weights = Weights::new("weights", imported.weights.clone());
    let bindings = bind_float(&network, &given_float(&network, &weights)?, false)?;
    let (samples, batch) = samples(&imported, arrays);
    let wide = support::wide_bindings(&bindings);
    let images = support::tensor(samples.iter().map(|&v| f64::from(v)).collect(), &network.batch_shape(0, batch));
    let generic = forward::<f64>(&network, &wide, &images)?;
    let generic = host::read::<f64>(generic.output()?)?.to_vec();
    let engine = Engine::new(&network, Mode::Evaluation).outputs(&bindings, &samples)?.logits;
    let engine: Vec<f64> = engine.into_iter().map(f64::from).collect();
    Ok([difference(&imported, &generic, batch, arrays)?, difference(&imported, &engine, batch, arrays)?])
}

/// Rounding of both sides in f32, where sums have a thousand terms.
const TOLERANCE: f64 = 2e-5;

fn cases(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "onnx"));
    files.sort();
    files
}

/// Quantised models were rounded when the expected outputs were made.
const QUANTISED: f64 = 0.1;

/// What is wrong with each model, with the reason.
fn failures(models: &[PathBuf], tolerance: f64) -> BTreeMap<String, String> {
    let failure = |model: &PathBuf| {
        let reason = match differences(model, &model.with_extension("npz")) {
            Ok(differences) if differences.iter().all(|d| *d < tolerance) => return None,
            Ok(differences) => format!("differences {differences:?}"),
            Err(error) => error.to_string(),
        };
        Some((model.file_stem().unwrap().to_string_lossy().into_owned(), reason))
    };
    models.iter().filter_map(failure).collect()
}

#[test]
fn exported_graphs_give_the_outputs_of_onnx_runtime() {
    let models = cases(&folder().join("cases"));
    assert!(models.len() >= 60, "{} cases", models.len());
    assert_expected(&failures(&models, TOLERANCE), &REFUSED, models.len());
}

#[test]
fn quantised_models_are_dequantised_up_to_their_rounding() {
    let models = cases(&folder().join("qdq"));
    assert!(models.len() >= 8, "{} models", models.len());
    assert_expected(&failures(&models, QUANTISED), &[], models.len());
}

/// The file that the export writes of a network that is not quantised.
fn exported_again(model: &Path) -> Result<Vec<u8>> {
    let imported = onnx::load(model, &LoadOptions::default())?;
    let layer = |layer: bitplan::graph::Layer| DeployedLayer {
        weights: LayerWeights::Float(imported.weights[&format!("{}.weight", layer.name)].1.clone()),
        name: layer.name,
        shape: layer.weight_shape,
        candidate: Candidate::FP32,
        activation: None,
    };
    let layers: Vec<DeployedLayer> = imported.graph.layers().into_iter().map(layer).collect();
    let mut parameters = imported.weights.clone();
    layers.iter().for_each(|layer| drop(parameters.remove(&format!("{}.weight", layer.name))));
    let deployment = Deployment {
        plan: "floats".into(),
        graph: imported.graph,
        layers,
        parameters,
        normalization: [vec![0.0], vec![1.0]],
        rounding: Rounding::HalfEven,
        masters: BTreeMap::new(),
        ranges: BTreeMap::new(),
        folder: None,
    };
    Ok(Onnx.write(&deployment)?.files.remove("model.onnx").unwrap())
}

#[test]
fn graphs_that_are_exported_again_and_read_back_give_the_same_outputs() {
    let models = cases(&folder().join("cases"));
    let scratch = tempfile::tempdir().unwrap();
    let (mut wrong, mut right) = (Vec::new(), 0);
    for model in models.iter().filter(|model| onnx::load(model, &LoadOptions::default()).is_ok()) {
        let again = scratch.path().join("model.onnx");
        let arrays = model.with_extension("npz");
        let found = exported_again(model).and_then(|bytes| {
            std::fs::write(&again, bytes).unwrap();
            differences(&again, &arrays)
        });
        match found {
            Ok(differences) if differences.iter().all(|d| *d < TOLERANCE) => right += 1,
            other => wrong.push((model.file_stem().unwrap().to_string_lossy().into_owned(), format!("{other:?}"))),
        }
    }
    assert!(wrong.is_empty() && right >= 300, "{right} right, {} wrong: {wrong:#?}", wrong.len());
}

#[test]
fn a_difference_would_be_seen() {
    let [a, b] = ["onnx", "npz"].map(|kind| folder().join("cases/torch_residual_11").with_extension(kind));
    let differences = differences(&a, &b).unwrap();
    assert!(differences.iter().all(|d| *d < TOLERANCE), "{differences:?}");
    // The same graph with one weight moved by a part in a thousand.
    let mut imported = onnx::load(&a, &LoadOptions::default()).unwrap();
    imported.weights.values_mut().for_each(|(_, values)| values.iter_mut().take(1).for_each(|v| *v *= 1.001));
    let network = Network::new(imported.graph.clone());
    let weights = Weights::new("weights", imported.weights.clone());
    let bindings = bind_float(&network, &given_float(&network, &weights).unwrap(), false).unwrap();
    let (samples, batch) = samples(&imported, &b);
    let outputs = Engine::new(&network, Mode::Evaluation).outputs(&bindings, &samples).unwrap().logits;
    let outputs: Vec<f64> = outputs.into_iter().map(f64::from).collect();
    assert!(difference(&imported, &outputs, batch, &b).unwrap() > TOLERANCE);
}

#[test]
fn operator_tests_of_the_onnx_project_pass() {
    let file = std::fs::File::open(folder().join("node_tests.zip")).unwrap();
    let mut archive = npyz::zip::ZipArchive::new(file).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let mut models = Vec::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).unwrap();
        let name = member.name().to_string();
        let Some((test, part)) = name.split_once('/') else { continue };
        let extension = if part.ends_with(".onnx") { "onnx" } else { "npz" };
        let path = scratch.path().join(format!("{test}.{extension}"));
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        std::fs::write(&path, bytes).unwrap();
        models.extend((extension == "onnx").then_some(path));
    }
    models.sort();
    assert_expected(&failures(&models, TOLERANCE), &NOT_SUPPORTED, models.len());
}

/// Operator tests that are refused: how their names begin, and a part of the message.
const NOT_SUPPORTED: [(&str, &str); 30] = [
    ("argmax_", "(ArgMax)"),
    ("attention_", "a cache, a soft cap or scores"),
    // Rows that see nothing: zeros there, equal weights here.
    ("attention_23_boolmask_fullymasked_row", "differences"),
    ("attention_causal_boolmask_nan", "differences"),
    ("averagepool_2d_dilations", "dilation"),
    ("averagepool_3d_dilations", "three axes"),
    ("convtranspose_3d", "three axes"),
    ("dropout_default_mask", "the mask of"),
    ("gather_elements_", "(GatherElements)"),
    ("layer_normalization_", "the mean or the deviation as an output"),
    ("maxpool_2d_dilations", "dilation"),
    ("maxpool_3d_dilations", "three axes"),
    ("maxpool_with_argmax", "the places of the largest"),
    ("not_", "opset 1"),
    ("pow", "a power that the model computes"),
    ("reduce_", "without extent"),
    ("reshape_allowzero", "as many elements"),
    ("resize_downsample_scales_cubic_antialias", "antialias"),
    ("resize_downsample_scales_linear_antialias", "antialias"),
    ("resize_downsample_sizes", "antialias"),
    ("resize_downsample_scales_linear_half_pixel_symmetric", "half_pixel_symmetric"),
    ("resize_upsample_scales_linear_half_pixel_symmetric", "half_pixel_symmetric"),
    ("resize_downsample_scales_cubic_A_n0p5_exclude_outside", "exclude_outside"),
    ("resize_upsample_scales_cubic_A_n0p5_exclude_outside", "exclude_outside"),
    ("resize_tf_crop_and_resize", "tf_crop_and_resize"),
    ("shape_start_greater_than_end", "shape [0]"),
    ("slice_start_out_of_bounds", "empty slice"),
    ("split_zero_size", "found"),
    ("tril_zero", "without extent"),
    ("triu_zero", "found"),
];

/// Cases that are refused, and a part of the message.
const REFUSED: [(&str, &str); 5] = [
    ("arg_max", "(ArgMax)"),
    ("clip_attributes", "opset 6"),
    ("gather_elements", "(GatherElements)"),
    ("max_pool_dilation", "dilation [2, 2]"),
    ("resize_antialias", "antialias"),
];

/// Fails unless exactly the expected models fail, with the expected messages.
fn assert_expected(failures: &BTreeMap<String, String>, expected: &[(&str, &str)], models: usize) {
    let as_expected =
        |name: &str, reason: &str| expected.iter().any(|(n, e)| name.starts_with(n) && reason.contains(e));
    let surprising: Vec<_> = failures.iter().filter(|(name, reason)| !as_expected(name, reason)).collect();
    assert!(surprising.is_empty(), "{} of {models}: {surprising:#?}", surprising.len());
    let met = |(n, e): &&(&str, &str)| failures.iter().any(|(name, reason)| name.starts_with(n) && reason.contains(e));
    let mended: Vec<_> = expected.iter().filter(|expected| !met(expected)).collect();
    assert!(mended.is_empty(), "these pass now: {mended:?}");
    println!("{models} models are as expected, {} of them refused or different", failures.len());
}

#[test]
fn what_cannot_be_run_is_refused_with_its_name() {
    let models = cases(&folder().join("refused"));
    assert!(models.len() >= 15, "{} models", models.len());
    for model in models {
        let message = onnx::load(&model, &LoadOptions::default()).unwrap_err().to_string();
        assert!(message.contains("hint:"), "{}: {message}", model.display());
    }
}
