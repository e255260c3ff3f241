//! A network from wherever it comes, with the weights that come with it.

mod file;
mod folder;
mod network_file;
mod weights;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub use network_file::network_file;
pub use weights::Weights;

use crate::error::Result;
use crate::graph::Graph;
use crate::space::ModelSource;
use crate::zoo::{Architecture, Values, ZooNetwork};

/// What the FP32 weights are to begin with.
#[derive(Debug, Clone)]
pub enum Start {
    /// They came with the network, trained.
    Given(Weights),
    /// A built-in network has to be trained.
    Random(Arc<ZooNetwork>),
}

impl Start {
    /// The built-in network, if its convolutions have to learn their groups.
    pub fn dynamic(&self) -> Option<&ZooNetwork> {
        match self {
            Start::Random(network) if !network.dynamic.is_empty() => Some(network),
            Start::Random(_) | Start::Given(_) => None,
        }
    }

    /// Tables that follow from the architecture, where they are known without weights.
    pub fn tables(&self) -> Values {
        match self {
            Start::Given(_) => Values::new(),
            Start::Random(network) => network.constants.clone(),
        }
    }
}

/// A network.
#[derive(Debug, Clone)]
pub struct Model {
    /// What it computes.
    pub graph: Graph,
    /// Its FP32 weights.
    pub start: Start,
    /// What was changed or left out in reading it.
    pub notes: Vec<String>,
    /// Numbers of weights that the files have once and the network again.
    pub copied: u64,
}

impl Model {
    /// Builds or reads a network; relative paths start at `folder`.
    ///
    /// # Errors
    /// When a built-in network does not have the asked shape, or a file is missing, damaged, or has something that we do
    /// not know.
    pub fn load(source: &ModelSource, folder: &Path) -> Result<Self> {
        match source {
            ModelSource::Zoo { zoo, input, classes } => {
                let network = Architecture { zoo: *zoo, input: input.clone(), classes: *classes }.network()?;
                Ok(Self {
                    graph: network.graph.clone(),
                    start: Start::Random(Arc::new(network)),
                    notes: Vec::new(),
                    copied: 0,
                })
            }
            ModelSource::File { path, extents } => Self::read(&folder.join(path), extents),
        }
    }

    /// Reads the folder of a Hugging Face model, a network of our own (`.safetensors`) or an ONNX file.
    ///
    /// # Errors
    /// When it is missing, damaged, or has something that we do not know.
    pub fn read(path: &Path, extents: &BTreeMap<String, usize>) -> Result<Self> {
        if path.is_dir() {
            return folder::read(path, extents);
        }
        match path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors")) {
            true => network_file::read(path, extents),
            false => file::read(path, extents),
        }
    }
}
