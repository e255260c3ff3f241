//! FP32 weights that came with a network, by the names of its parameters.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::graph::Values;
use crate::hugging_face::HuggingFaceModel;

/// Arrays by name. Clones share them.
#[derive(Debug, Clone)]
pub struct Weights {
    place: String,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    /// Shapes and elements in row-major order.
    Arrays(Arc<Values>),
    /// Mapped files, of which only what is asked for is read.
    Folder(Arc<HuggingFaceModel>),
}

impl Weights {
    /// Arrays that were read from `place`.
    pub fn new(place: &str, arrays: Values) -> Self {
        Self { place: place.into(), source: Source::Arrays(Arc::new(arrays)) }
    }

    /// Those of a folder, read one by one when they are asked for.
    pub fn in_folder(place: &str, model: HuggingFaceModel) -> Self {
        Self { place: place.into(), source: Source::Folder(Arc::new(model)) }
    }

    /// A copy of the elements of one parameter.
    ///
    /// # Errors
    /// When there is none, it has another shape, or its file cannot be read.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let wrong = |found: String| {
            let place = format!("{}: tensor `{name}`", self.place);
            Err(Error::input(place, found, format!("shape {shape:?}"), "the file does not belong to this network"))
        };
        match &self.source {
            Source::Arrays(arrays) => match arrays.get(name) {
                Some((found, values)) if found == shape => Ok(values.clone()),
                Some((found, _)) => wrong(format!("shape {found:?}")),
                None => wrong("nothing".into()),
            },
            Source::Folder(model) => {
                let values = model.parameter(name)?;
                if values.len() == shape.iter().product::<usize>() {
                    Ok(values)
                } else {
                    wrong(format!("{} numbers", values.len()))
                }
            }
        }
    }
}
