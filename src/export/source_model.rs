//! The Hugging Face model that a deployment's network was read from.

use std::path::Path;

use crate::error::{Error, Result};
use crate::export::Deployment;
use crate::hugging_face::{self, HuggingFaceModel};

impl Deployment {
    /// The folder of the model and what is in it, for a format that takes its configuration and tokenizer from there.
    ///
    /// # Errors
    /// When none is known, it cannot be read, or its network computes something else than the one that was planned: other
    /// operators, shapes, epsilons or rotations.
    pub fn source_model(&self, format: &str) -> Result<(&Path, HuggingFaceModel)> {
        let place = || format!("network of plan `{}`", self.plan);
        let Some(folder) = self.folder.as_deref() else {
            let expected = format!("one: {format} takes its configuration and tokenizer");
            let remedy = "name the search space of its run with --space; networks that have no folder go to `onnx`";
            return Err(Error::input(place(), "no folder of a Hugging Face model", expected, remedy));
        };
        let positions = self.graph.inputs().first().and_then(|input| input.shape.first()).copied().unwrap_or(1);
        let model = hugging_face::open(folder, positions)?;
        let own = |name: &String| self.parameters.get(name);
        let same_tables = model.constants.iter().all(|(name, table)| own(name) == Some(table));
        if model.graph.nodes() == self.graph.nodes() && same_tables {
            return Ok((folder, model));
        }
        let nodes = model.graph.nodes().iter().zip(self.graph.nodes());
        let found = match nodes.into_iter().find(|(theirs, ours)| theirs != ours) {
            Some((theirs, _)) => format!("another network, as in `{}`", theirs.name),
            None => "another network".into(),
        };
        let remedy = "its files have changed, or --space names another model";
        Err(Error::input(folder.display().to_string(), found, format!("the {}", place()), remedy))
    }
}
