//! A folder of files in memory, with an account of every tensor in them.

use std::collections::BTreeMap;

use serde::Serialize;

/// What the bytes of a tensor are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Codes of weights, or blocks of codes and scales.
    Codes,
    /// Scales of weights.
    Scales,
    /// Zero points, shapes and the like of weights.
    ZeroPoints,
    /// Weights as floats.
    Floats,
    /// Everything else: biases, norms, constants, scales of activations.
    Other,
}

/// A tensor in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredTensor {
    /// The file.
    pub file: String,
    /// Name in the file.
    pub name: String,
    /// The layer whose weight it is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// What it is.
    pub part: Part,
    /// Bytes of its elements.
    pub bytes: u64,
}

/// Files, not yet written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Package {
    /// Path in the folder, with `/`, to content.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Every tensor of the files that has elements.
    pub tensors: Vec<StoredTensor>,
    /// What a user of the files should know.
    pub notes: Vec<String>,
}

impl Package {
    /// Accounts for a tensor.
    pub fn account(&mut self, file: &str, name: &str, layer: Option<&str>, part: Part, bytes: usize) {
        let (file, name, layer) = (file.into(), name.into(), layer.map(str::to_string));
        self.tensors.push(StoredTensor { file, name, layer, part, bytes: bytes as u64 });
    }

    /// Bytes of the weight of a layer: codes, scales and zero points, or floats.
    pub fn weight_bytes(&self, layer: &str) -> u64 {
        let own = |t: &&StoredTensor| t.layer.as_deref() == Some(layer) && t.part != Part::Other;
        self.tensors.iter().filter(own).map(|t| t.bytes).sum()
    }
}
