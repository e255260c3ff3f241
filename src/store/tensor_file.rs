//! Named arrays with a JSON description, as a safetensors file.
//!
//! The description is one metadata entry, `bitplan`: with several, their order in the file would change from run to
//! run. Files of other programs have none and read as `null`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, View};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::store::{read, write_atomic};

/// Metadata entry of the description.
const DESCRIPTION: &str = "bitplan";

/// An array of one of the element types we store; row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum Array {
    /// 32-bit floats.
    F32(Vec<usize>, Vec<f32>),
    /// Signed bytes: master codes.
    I8(Vec<usize>, Vec<i8>),
    /// Bytes: packed codes.
    U8(Vec<usize>, Vec<u8>),
}

impl Array {
    /// Size of the values.
    pub fn bytes(&self) -> usize {
        match self {
            Array::F32(_, values) => 4 * values.len(),
            Array::I8(_, values) => values.len(),
            Array::U8(_, values) => values.len(),
        }
    }
}

impl View for &Array {
    fn dtype(&self) -> Dtype {
        match self {
            Array::F32(..) => Dtype::F32,
            Array::I8(..) => Dtype::I8,
            Array::U8(..) => Dtype::U8,
        }
    }

    fn shape(&self) -> &[usize] {
        match self {
            Array::F32(shape, _) | Array::I8(shape, _) | Array::U8(shape, _) => shape,
        }
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self {
            Array::F32(_, data) => Cow::Owned(data.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Array::I8(_, data) => Cow::Owned(data.iter().map(|&v| v as u8).collect()),
            Array::U8(_, data) => Cow::Borrowed(data),
        }
    }

    fn data_len(&self) -> usize {
        match self {
            Array::F32(_, data) => 4 * data.len(),
            Array::I8(_, data) => data.len(),
            Array::U8(_, data) => data.len(),
        }
    }
}

/// The content of a tensor file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TensorFile {
    /// What the arrays are.
    pub description: Value,
    /// The arrays by name.
    pub arrays: BTreeMap<String, Array>,
}

impl TensorFile {
    /// Without arrays yet.
    ///
    /// # Errors
    /// When the description has no JSON form.
    pub fn new(description: &impl Serialize) -> Result<Self> {
        let description = serde_json::to_value(description).map_err(|e| Error::Internal(format!("not JSON: {e}")))?;
        Ok(Self { description, arrays: BTreeMap::new() })
    }

    /// The file's bytes; the same for the same content.
    ///
    /// # Errors
    /// Never for arrays whose length fits their shape.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let metadata = HashMap::from([(DESCRIPTION.to_string(), self.description.to_string())]);
        safetensors::serialize(self.arrays.iter(), Some(metadata))
            .map_err(|e| Error::Internal(format!("safetensors: {e}")))
    }

    /// Writes the file atomically.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomic(path, &self.to_bytes()?)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is missing, not safetensors, or has an element type other than F32, I8, U8.
    pub fn read(path: &Path) -> Result<Self> {
        Self::from_bytes(&read(path)?, &path.display().to_string())
    }

    /// Parses the bytes of a file; `place` names it in errors.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn from_bytes(bytes: &[u8], place: &str) -> Result<Self> {
        let wrong = |found: String| {
            Error::input(
                place,
                found,
                "a safetensors file",
                "check that this is the right file and that it is complete",
            )
        };
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| wrong(e.to_string()))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| wrong(e.to_string()))?;
        let text = metadata.metadata().as_ref().and_then(|m| m.get(DESCRIPTION));
        let description = match text {
            None => Value::Null,
            Some(text) => serde_json::from_str(text).map_err(|e| wrong(format!("a broken description ({e})")))?,
        };
        let mut arrays = BTreeMap::new();
        for (name, view) in tensors.tensors() {
            let (shape, data) = (view.shape().to_vec(), view.data());
            let array = match view.dtype() {
                Dtype::F32 => {
                    let words = data.chunks_exact(4).map(|w| f32::from_le_bytes([w[0], w[1], w[2], w[3]]));
                    Array::F32(shape, words.collect())
                }
                Dtype::I8 => Array::I8(shape, data.iter().map(|&b| b as i8).collect()),
                Dtype::U8 => Array::U8(shape, data.to_vec()),
                other => {
                    return Err(Error::input(
                        format!("{place}: tensor `{name}`"),
                        format!("element type {other:?}"),
                        "F32, I8 or U8",
                        "convert the checkpoint to F32 first",
                    ));
                }
            };
            arrays.insert(name, array);
        }
        Ok(Self { description, arrays })
    }

    /// The description as a checked type.
    ///
    /// # Errors
    /// When the file is of another format than `format`, or its description does not fit.
    pub fn describe<T: DeserializeOwned>(&self, format: &str, place: &str) -> Result<T> {
        let found = self.description.get("format").and_then(Value::as_str);
        if found != Some(format) {
            let found = found.map_or_else(|| "a file without a description".into(), |f| format!("a `{f}` file"));
            return Err(Error::input(place, found, format!("a `{format}` file"), "name a file of this kind"));
        }
        serde_json::from_value(self.description.clone()).map_err(|e| {
            Error::input(
                place,
                format!("a damaged description: {e}"),
                "that of a file of this kind",
                "name another file",
            )
        })
    }

    /// A float array of the given shape.
    ///
    /// # Errors
    /// When it is missing, of another type or shape, or not finite.
    pub fn floats(&self, name: &str, shape: &[usize], place: &str) -> Result<&[f32]> {
        let at = || format!("{place}: tensor `{name}`");
        let remedy = "this is the checkpoint of another model, or of another search space";
        match self.arrays.get(name) {
            None => Err(Error::input(at(), "nothing", format!("floats of shape {shape:?}"), remedy)),
            Some(Array::F32(found, data)) if found == shape => match data.iter().position(|v| !v.is_finite()) {
                None => Ok(data),
                Some(i) => {
                    Err(Error::input(at(), format!("{} at element {i}", data[i]), "finite numbers", "train again"))
                }
            },
            Some(other) => {
                let found = format!("{:?} of shape {:?}", other.dtype(), other.shape());
                Err(Error::input(at(), found, format!("F32 of shape {shape:?}"), remedy))
            }
        }
    }

    /// A float array as [`Self::floats`], none of it below zero, and none zero unless `zero` is allowed.
    ///
    /// # Errors
    /// As [`Self::floats`], and when an element is out of range.
    pub fn positive(&self, name: &str, shape: &[usize], zero: bool, place: &str) -> Result<&[f32]> {
        let values = self.floats(name, shape, place)?;
        match values.iter().position(|v| *v < 0.0 || (!zero && *v == 0.0)) {
            None => Ok(values),
            Some(i) => {
                let expected = if zero { "0 or more" } else { "a number above 0" };
                let place = format!("{place}: tensor `{name}`");
                Err(Error::input(place, format!("{} at element {i}", values[i]), expected, "train again"))
            }
        }
    }
}

impl Array {
    /// Element type.
    pub fn dtype(&self) -> Dtype {
        View::dtype(&self)
    }

    /// Extents.
    pub fn shape(&self) -> &[usize] {
        match self {
            Array::F32(shape, _) | Array::I8(shape, _) | Array::U8(shape, _) => shape,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> TensorFile {
        let mut file = TensorFile::new(&serde_json::json!({"format": "test/1"})).unwrap();
        file.arrays.insert("a".into(), Array::F32(vec![2, 1], vec![1.5, -2.0]));
        file.arrays.insert("b".into(), Array::I8(vec![3], vec![-128, 0, 127]));
        file.arrays.insert("c".into(), Array::U8(vec![1], vec![200]));
        file
    }

    #[test]
    fn a_file_round_trips_and_has_one_form() {
        let bytes = sample().to_bytes().unwrap();
        assert_eq!(TensorFile::from_bytes(&bytes, "x").unwrap(), sample());
        assert_eq!(sample().to_bytes().unwrap(), bytes);
    }

    #[test]
    fn wrong_arrays_are_named() {
        let mut file = sample();
        file.arrays.insert("nan".into(), Array::F32(vec![1], vec![f32::NAN]));
        for (name, shape, word) in
            [("z", &[1][..], "nothing"), ("a", &[2], "[2, 1]"), ("b", &[3], "I8"), ("nan", &[1], "NaN")]
        {
            let message = file.floats(name, shape, "f.safetensors").unwrap_err().to_string();
            assert!(message.contains(&format!("tensor `{name}`")) && message.contains(word), "{message}");
        }
        assert_eq!(file.floats("a", &[2, 1], "x").unwrap(), [1.5, -2.0]);
    }

    proptest! {
        #[test]
        fn damaged_files_are_refused_or_read_but_never_panic(at in 0usize..300, value: u8, cut in 0usize..300) {
            let mut bytes = sample().to_bytes().unwrap();
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = TensorFile::from_bytes(&bytes, "x");
            bytes.truncate(cut);
            let _ = TensorFile::from_bytes(&bytes, "x");
        }
    }
}
