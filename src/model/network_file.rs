//! A network of our own with its weights: what training with learnt groups finds.
//!
//! A safetensors file, `bitplan.network/1`: the description holds the graph, the tensors are f32 under the names of its
//! parameters.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::model::{Model, Start, Weights};
use crate::store::{Array, TensorFile};

const FORMAT: &str = "bitplan.network/1";

#[derive(Serialize, Deserialize)]
struct Description {
    format: String,
    network: Graph,
}

/// A file without tensors yet.
///
/// # Errors
/// Never.
pub fn network_file(graph: &Graph) -> Result<TensorFile> {
    TensorFile::new(&Description { format: FORMAT.into(), network: graph.clone() })
}

/// Reads such a file, which leaves no extents open.
///
/// # Errors
/// When it is missing, damaged or of another kind, or an extent is set.
pub(super) fn read(path: &Path, extents: &BTreeMap<String, usize>) -> Result<Model> {
    let place = path.display().to_string();
    if let Some(name) = extents.keys().next() {
        let found = format!("the extent {}", crate::error::fault::quoted(name));
        return Err(Error::input(place, found, "none: the file leaves none open", "leave it out"));
    }
    let file = TensorFile::read(path)?;
    let Description { network: graph, .. } = file.describe(FORMAT, &place)?;
    let floats = file.arrays.into_iter().filter_map(|(name, array)| match array {
        Array::F32(shape, values) => Some((name, (shape, values))),
        Array::I8(..) | Array::U8(..) => None,
    });
    let start = Start::Given(Weights::new(&place, floats.collect()));
    Ok(Model { graph, start, notes: Vec::new(), copied: 0 })
}
