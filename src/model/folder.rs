//! A network from a Hugging Face folder.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::fault::quoted;
use crate::error::{Error, Result};
use crate::hugging_face;
use crate::model::{Model, Start, Weights};

/// The one extent that such a folder leaves open.
const POSITIONS: &str = "positions";

/// Most unused tensors that a note names.
const NAMED: usize = 3;

/// Reads a folder for texts of `extents["positions"]` tokens; its weights stay in the files until they are asked for.
///
/// # Errors
/// As [`hugging_face::open`], and when the number of positions is missing or another extent is set.
pub(super) fn read(folder: &Path, extents: &BTreeMap<String, usize>) -> Result<Model> {
    let place = || folder.display().to_string();
    if let Some(name) = extents.keys().find(|name| *name != POSITIONS) {
        let found = format!("the extent {}", quoted(name));
        return Err(Error::input(place(), found, "`positions` only", "leave it out"));
    }
    if !folder.join("config.json").is_file() {
        let expected = "the folder of a Hugging Face model, which has config.json";
        let remedy = if folder.join("model.onnx").is_file() {
            "there is an ONNX file in it: name model.onnx"
        } else {
            "name such a folder, or an ONNX file"
        };
        return Err(Error::input(place(), "a folder without config.json", expected, remedy));
    }
    let Some(&positions) = extents.get(POSITIONS) else {
        let remedy =
            "say how many tokens a text has: `--extent positions=N`, or `extents: {positions: N}` in a search space";
        return Err(Error::input(place(), "no number of positions", "the extent `positions`", remedy));
    };
    let model = hugging_face::open(folder, positions)?;
    let (mut notes, mut copied) = (Vec::new(), 0);
    for (own, file) in model.names.iter().filter(|(own, file)| own != file && model.names.contains_key(*file)) {
        let Some(shape) = model.tensors.shape(file) else { continue };
        let elements: usize = shape.iter().product();
        let more = format!("{:.1} million numbers more", elements as f64 / 1e6);
        notes.push(format!("`{own}` is also `{file}` in the files; here each has its own copy, {more}"));
        copied += elements as u64;
    }
    notes.extend(match model.unused.as_slice() {
        [] => None,
        unused => {
            let first: Vec<String> = unused.iter().take(NAMED).map(|name| quoted(name)).collect();
            let more = if unused.len() > NAMED { ", …" } else { "" };
            Some(format!("{} tensors of {} are not used: {}{more}", unused.len(), place(), first.join(", ")))
        }
    });
    Ok(Model { graph: model.graph.clone(), start: Start::Given(Weights::in_folder(&place(), model)), notes, copied })
}
