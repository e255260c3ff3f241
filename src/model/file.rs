//! A network from an ONNX file.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Result;
use crate::model::{Model, Start, Weights};
use crate::onnx::{self, Imported, LoadOptions};

/// Reads a file whose open extents are `extents`, with all its weights.
///
/// # Errors
/// As [`onnx::load`].
pub(super) fn read(path: &Path, extents: &BTreeMap<String, usize>) -> Result<Model> {
    let Imported { graph, weights, notes, copied } = onnx::load(path, &LoadOptions { extents: extents.clone() })?;
    Ok(Model { graph, start: Start::Given(Weights::new(&path.display().to_string(), weights)), notes, copied })
}
