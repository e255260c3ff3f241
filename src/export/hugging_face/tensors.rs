//! The tensors of a folder, on the way into `model.safetensors`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use half::f16;
use safetensors::tensor::{Dtype, View};

use crate::error::{Error, Result};
use crate::export::{Package, Part};

/// The file.
pub(super) const FILE: &str = "model.safetensors";

/// Elements of floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Float {
    Half,
    Single,
}

impl Float {
    /// Its name in `config.json`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Float::Half => "float16",
            Float::Single => "float32",
        }
    }

    pub(super) fn bits(self) -> u32 {
        match self {
            Float::Half => 16,
            Float::Single => 32,
        }
    }

    fn dtype(self) -> Dtype {
        match self {
            Float::Half => Dtype::F16,
            Float::Single => Dtype::F32,
        }
    }
}

/// Whose tensor it is: a layer's weight, in part, or something else.
pub(super) type Owner<'a> = Option<(&'a str, Part)>;

struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// Tensors by name, with an account of them.
pub(super) struct Tensors {
    float: Float,
    list: BTreeMap<String, Tensor>,
    package: Package,
}

impl Tensors {
    pub(super) fn new(float: Float) -> Self {
        Self { float, list: BTreeMap::new(), package: Package::default() }
    }

    /// Elements of floats here.
    pub(super) fn float(&self) -> Float {
        self.float
    }

    /// Adds elements as they stand in the file.
    pub(super) fn add(&mut self, name: String, owner: Owner<'_>, dtype: Dtype, shape: &[usize], bytes: Vec<u8>) {
        let part = owner.map_or(Part::Other, |(_, part)| part);
        self.package.account(FILE, &name, owner.map(|(layer, _)| layer), part, bytes.len());
        self.list.insert(name, Tensor { dtype, shape: shape.to_vec(), bytes });
    }

    /// Adds floats.
    ///
    /// # Errors
    /// When one is too large for half precision.
    pub(super) fn floats(&mut self, name: String, owner: Owner<'_>, shape: &[usize], values: &[f32]) -> Result<()> {
        let bytes = match self.float {
            Float::Single => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Float::Half => {
                if let Some(value) = values.iter().find(|&&value| !f16::from_f32(value).is_finite()) {
                    let remedy = "export to a format that keeps floats of 32 bits, such as compressed-tensors";
                    return Err(Error::input(
                        format!("tensor `{name}`"),
                        value.to_string(),
                        "up to 65504, half precision",
                        remedy,
                    ));
                }
                values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect()
            }
        };
        self.add(name, owner, self.float.dtype(), shape, bytes);
        Ok(())
    }

    /// The package with the file; `library` is what it says that it was made for.
    ///
    /// # Errors
    /// Never for tensors whose length fits their shape.
    pub(super) fn finish(self, library: &str) -> Result<Package> {
        let metadata = HashMap::from([("format".to_string(), library.to_string())]);
        let bytes = safetensors::serialize(self.list.iter(), Some(metadata))
            .map_err(|e| Error::Internal(format!("safetensors: {e}")))?;
        let mut package = self.package;
        package.files.insert(FILE.into(), bytes);
        Ok(package)
    }
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}
