//! Which files hold the tensors of a model folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::error::fault::quoted;
use crate::error::{Error, Result};
use crate::store::read_text;

/// The only file of a small model.
const SINGLE: &str = "model.safetensors";

/// What says which file has which tensor, for a large one.
const INDEX: &str = "model.safetensors.index.json";

/// Remedy where files do not fit together.
pub(super) const COMPLETE: &str = "fetch all files of the model again, of one version";

/// Ends of the names of checkpoints in other formats.
const OTHER_FORMATS: [&str; 7] = [".bin", ".pt", ".pth", ".ckpt", ".gguf", ".h5", ".msgpack"];

/// Tensor names and their files.
type WeightMap = BTreeMap<String, String>;

/// The index file; what else it says does not matter here.
#[derive(Deserialize)]
struct Index {
    weight_map: WeightMap,
}

/// The safetensors files of a folder, sorted, and what an index says of them; nothing of a single file.
///
/// As other readers of these folders do, a single file is preferred to an index.
///
/// # Errors
/// When there is none, or the index is damaged, or names a file that is missing or outside the folder.
pub(super) fn list(folder: &Path) -> Result<(Vec<PathBuf>, WeightMap)> {
    let single = folder.join(SINGLE);
    if single.exists() {
        return Ok((vec![single], WeightMap::new()));
    }
    let path = folder.join(INDEX);
    if !path.exists() {
        return Err(nothing_to_read(folder));
    }
    let index = read_index(&path)?;
    let mut files = BTreeSet::new();
    for file in index.values() {
        if files.contains(file) {
            continue;
        }
        let at = || format!("{}: file {}", path.display(), quoted(file));
        let mut components = Path::new(file).components();
        let plain = matches!((components.next(), components.next()), (Some(Component::Normal(_)), None));
        if !plain || file.contains(['/', '\\']) {
            return Err(Error::input(at(), "a path", "the name of a file in the same folder", COMPLETE));
        }
        if !folder.join(file).is_file() {
            return Err(Error::input(at(), "no such file", "every file that the index names", COMPLETE));
        }
        files.insert(file.clone());
    }
    Ok((files.iter().map(|file| folder.join(file)).collect(), index))
}

fn read_index(path: &Path) -> Result<WeightMap> {
    let index: Index = serde_json::from_str(&read_text(path)?).map_err(|e| {
        let place = format!("{}:{}:{}", path.display(), e.line(), e.column());
        Error::input(place, e.to_string(), "a `weight_map` of tensor names and file names", COMPLETE)
    })?;
    if index.weight_map.is_empty() {
        let place = format!("{}: weight_map", path.display());
        return Err(Error::input(place, "no tensors", "the tensors of the model", COMPLETE));
    }
    Ok(index.weight_map)
}

/// Why a folder without the known names cannot be read: says what it has instead.
fn nothing_to_read(folder: &Path) -> Error {
    let mut other: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".safetensors") || OTHER_FORMATS.iter().any(|end| name.ends_with(end)))
        .collect();
    other.sort();
    let expected = format!("`{SINGLE}`, or `{INDEX}` and its files");
    let remedy = match other.iter().any(|name| name.ends_with(".safetensors")) {
        _ if other.is_empty() => "check the path: it is the folder with config.json",
        true => "rename the file, or add the index",
        false => "convert it: load it with transformers and call `save_pretrained(folder, safe_serialization=True)`",
    };
    let found = match (folder.is_dir(), other.first()) {
        (false, _) => "no such folder".into(),
        (true, None) => "no tensors".into(),
        (true, Some(name)) => format!("only {} and the like", quoted(name)),
    };
    Error::input(folder.display().to_string(), found, expected, remedy)
}
