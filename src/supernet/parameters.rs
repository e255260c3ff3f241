//! Named parameters of a model: float tensors in a map, and their form as a file.

use std::collections::BTreeMap;

use candle_core::Tensor;

use crate::error::{Error, Result};
use crate::exec::host;
use crate::store::{Array, TensorFile, hash_bytes};

/// Float tensors by name. Ordered, so that everything made from them is the same in every run.
#[derive(Debug, Clone, Default)]
pub struct Parameters(BTreeMap<String, Tensor>);

impl Parameters {
    /// The tensor of that name.
    ///
    /// # Errors
    /// When there is none: a fault of the program.
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        self.0.get(name).ok_or_else(|| Error::Internal(format!("no parameter `{name}`")))
    }

    /// Its elements.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn values(&self, name: &str) -> Result<Vec<f32>> {
        Ok(host::read::<f32>(self.get(name)?)?.to_vec())
    }

    /// The only element of a scalar.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn scalar(&self, name: &str) -> Result<f32> {
        let first = host::read::<f32>(self.get(name)?)?.first().copied();
        first.ok_or_else(|| Error::Internal(format!("parameter `{name}` is empty")))
    }

    /// Whether every element of every tensor is finite.
    pub fn all_finite(&self) -> bool {
        self.0.values().all(|t| host::read::<f32>(t).is_ok_and(|values| values.iter().all(|v| v.is_finite())))
    }

    /// Whether there is one of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Adds or replaces a tensor.
    ///
    /// # Errors
    /// When the length does not fit the shape.
    pub fn set(&mut self, name: impl Into<String>, values: Vec<f32>, shape: &[usize]) -> Result<()> {
        self.0.insert(name.into(), host::tensor(values, shape)?);
        Ok(())
    }

    /// Adds or replaces a tensor that shares its elements.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) {
        self.0.insert(name.into(), tensor);
    }

    /// Names and tensors in order.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Tensor)> {
        self.0.iter()
    }

    /// Hash of names, shapes and elements.
    ///
    /// # Errors
    /// When a tensor cannot be read.
    pub fn content_hash(&self) -> Result<String> {
        let mut bytes = Vec::new();
        for (name, tensor) in self.iter() {
            bytes.extend(format!("{name} {:?} ", tensor.dims()).into_bytes());
            bytes.extend(host::read::<f32>(tensor)?.iter().flat_map(|v| v.to_le_bytes()));
        }
        Ok(hash_bytes(&bytes))
    }

    /// Writes all tensors into a file under `prefix`.
    ///
    /// # Errors
    /// When a tensor cannot be read.
    pub fn store(&self, file: &mut TensorFile, prefix: &str) -> Result<()> {
        for (name, tensor) in self.iter() {
            let values = host::read::<f32>(tensor)?.to_vec();
            file.arrays.insert(format!("{prefix}{name}"), Array::F32(tensor.dims().to_vec(), values));
        }
        Ok(())
    }

    /// All float tensors of a file whose names begin with `prefix`.
    ///
    /// # Errors
    /// When a length does not fit its shape.
    pub fn load(file: &TensorFile, prefix: &str) -> Result<Self> {
        let mut parameters = Self::default();
        for (name, array) in &file.arrays {
            if let (Some(name), Array::F32(shape, values)) = (name.strip_prefix(prefix), array) {
                parameters.set(name, values.clone(), shape)?;
            }
        }
        Ok(parameters)
    }
}
