//! Models in Hugging Face's folders: `config.json`, safetensors, `tokenizer.json`.
//!
//! ```text
//! config.json ─► LanguageModel ─► graph for a number of positions ┐
//! *.safetensors ─► MappedTensors ─────────────────────────────────┴► every parameter of the graph and its tensor
//! ```
//!
//! The form of the networks is that of `transformers`, whose results are the reference: logits of the decoders, the last
//! hidden state of the encoders.

mod bert;
mod bert_config;
mod config;
mod fields;
mod llama;
mod llama_config;
mod network;
mod rope;
mod shards;
mod tensors;
mod tokenizer;

pub use bert_config::{Bert, EncoderFamily};
pub use config::{LanguageModel, Nonlinearity};
pub use llama_config::{DecoderFamily, Llama};
pub use network::Constant;
pub use rope::{Rope, RopeScaling};
pub use tensors::MappedTensors;
pub use tokenizer::Tokenizer;

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Result};
use crate::graph::Graph;

/// A model that has been opened: everything but the values of its tensors, which are read one at a time.
#[derive(Debug)]
pub struct HuggingFaceModel {
    /// The operators on `[positions]` token numbers.
    pub graph: Graph,
    /// What the configuration says.
    pub config: LanguageModel,
    /// The tensors of the files.
    pub tensors: MappedTensors,
    /// Parameters of the graph, each with the name of its tensor; one tensor may serve several.
    pub names: BTreeMap<String, String>,
    /// Parameters of the graph that follow from the configuration, such as tables of rotations: shapes and values.
    pub constants: BTreeMap<String, Constant>,
    /// Tensors of the files that the graph does not use; without heads for training and tables that are computed anew.
    pub unused: Vec<String>,
}

impl HuggingFaceModel {
    /// The values of one parameter of the graph, row-major; see [`MappedTensors::read_f32`].
    ///
    /// # Errors
    /// When the graph has no such parameter, or its tensor cannot be read.
    pub fn parameter(&self, name: &str) -> Result<Vec<f32>> {
        match (self.names.get(name), self.constants.get(name)) {
            (Some(tensor), _) => self.tensors.read_f32(tensor),
            (None, Some((_, values))) => Ok(values.clone()),
            (None, None) => Err(Error::Internal(format!("`{}` has no parameter `{name}`", self.graph.name))),
        }
    }
}

/// Opens a model folder for texts of `positions` tokens.
///
/// # Errors
/// When a file is missing or damaged, the architecture is not supported, or a tensor is missing or has another shape.
pub fn open(folder: &Path, positions: usize) -> Result<HuggingFaceModel> {
    let config = LanguageModel::read(folder)?;
    let tensors = MappedTensors::open(folder)?;
    // Before the graph is built: its size is paid for by the files.
    let (layers, count) = (config.layers(), tensors.names().count());
    if layers > count {
        let place = folder.join(config::CONFIG).display().to_string();
        let remedy = "check that config.json and the tensors are of the same model";
        return Err(Error::input(
            place,
            format!("{layers} layers for {count} tensors"),
            "a tensor for every layer",
            remedy,
        ));
    }
    let network = config.network(positions)?;
    let names = network.find(&tensors)?;
    let unused = network::unused(&tensors, &names);
    network.refuse_dropped(&tensors, &unused)?;
    Ok(HuggingFaceModel { graph: network.graph, config, tensors, names, constants: network.constants, unused })
}

#[cfg(test)]
mod interpreter;
#[cfg(test)]
pub(crate) mod test_folders;
#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
