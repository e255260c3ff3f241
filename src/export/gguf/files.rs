//! The files of a package, tensor by tensor.

use crate::error::{Error, Result};
use crate::export::gguf::container::{self, Tensor};
use crate::export::gguf::vocabulary::Vocabulary;
use crate::export::gguf::{GgmlType, llama, metadata, names, tensor_types};
use crate::export::{Package, Part};
use crate::graph::{Parameter, Role};
use crate::hugging_face::Llama;

/// The name of the file.
pub(super) const FILE: &str = "model.gguf";

/// The name of the layer that a weight is of.
pub(super) fn layer_of(parameter: &Parameter) -> &str {
    parameter.name.rsplit_once('.').map_or("", |(layer, _)| layer)
}

/// A package that grows.
pub(super) struct Files {
    name: String,
    pub model: Llama,
    vocabulary: Vocabulary,
    tensors: Vec<Tensor>,
    types: Vec<(String, GgmlType)>,
    package: Package,
    pub notes: Vec<String>,
}

impl Files {
    /// No tensors yet.
    pub fn new(name: &str, model: Llama, vocabulary: Vocabulary) -> Self {
        let (tensors, types, notes) = (Vec::new(), Vec::new(), Vec::new());
        Self { name: name.into(), model, vocabulary, tensors, types, package: Package::default(), notes }
    }

    /// Rows in the order that llama.cpp wants them in.
    pub fn ordered<T: Copy>(&self, parameter: &str, values: Vec<T>) -> Vec<T> {
        let Some(heads) = llama::rotated_heads(&self.model, parameter) else { return values };
        let rows = heads * self.model.head_size;
        names::reorder(&values, values.len() / rows.max(1), &names::rotated_rows(rows, heads))
    }

    /// Takes a tensor over.
    ///
    /// # Errors
    /// [`Error::Internal`] for a parameter that llama.cpp has no name for.
    pub fn add(&mut self, parameter: &Parameter, ggml: GgmlType, bytes: Vec<u8>) -> Result<()> {
        let name = names::tensor_name(&parameter.name);
        let name = name.ok_or_else(|| Error::Internal(format!("`{}` has no name in llama.cpp", parameter.name)))?;
        let (layer, part) = match parameter.role {
            Role::Weight if ggml.is_quantized() => (Some(layer_of(parameter)), Part::Codes),
            Role::Weight => (Some(layer_of(parameter)), Part::Floats),
            _ => (None, Part::Other),
        };
        if layer.is_some() {
            self.types.push((name.clone(), ggml));
        }
        self.push(name, parameter.shape.clone(), ggml, bytes, layer, part);
        Ok(())
    }

    fn push(
        &mut self,
        name: String,
        shape: Vec<usize>,
        ggml: GgmlType,
        bytes: Vec<u8>,
        layer: Option<&str>,
        part: Part,
    ) {
        self.package.account(FILE, &name, layer, part, bytes.len());
        self.tensors.push(Tensor { name, shape, ggml, bytes });
    }

    /// The package.
    pub fn finish(mut self) -> Result<Package> {
        if let Some(divisors) = llama::frequency_divisors(&self.model) {
            let bytes = divisors.iter().flat_map(|d| d.to_le_bytes()).collect();
            self.push("rope_freqs.weight".into(), vec![divisors.len()], GgmlType::F32, bytes, None, Part::Other);
        }
        let mostly = tensor_types::most(self.types.iter().map(|(_, ggml)| *ggml)).unwrap_or(GgmlType::F32);
        let metadata = metadata::metadata(&self.name, &self.model, self.vocabulary, mostly);
        let mut package = self.package;
        package.files.insert(FILE.into(), container::file(&metadata, &self.tensors));
        if let Some(command) = tensor_types::command(&self.types) {
            package.files.insert(tensor_types::FILE.into(), tensor_types::lines(&self.types).into_bytes());
            package.notes.push(format!("`{command}` applies the plan to another GGUF file of this model"));
        }
        package.notes.append(&mut self.notes);
        Ok(package)
    }
}
