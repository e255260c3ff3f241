//! What a network is trained and judged by, and the data for it.

use std::path::Path;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::{Graph, Op, Port};
use crate::hugging_face::Tokenizer;
use crate::space::{SourceSpec, SplitSpec};
use crate::store::hash_json;

/// What a network reads and what it predicts of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// The class of an image.
    Classification {
        /// Channels, height, width.
        shape: [usize; 3],
        /// How many there are to tell apart.
        classes: usize,
    },
    /// The next token at every position of a text.
    NextToken {
        /// Tokens of a window.
        positions: usize,
        /// Tokens that can be read and predicted.
        vocabulary: usize,
    },
}

impl Task {
    /// What a network's inputs and outputs are made for.
    ///
    /// # Errors
    /// When they are of nothing that we know to judge.
    pub fn of(graph: &Graph) -> Result<Self> {
        if let ([input], [output]) = (graph.inputs(), graph.outputs()) {
            match (input.shape.as_slice(), output.shape.as_slice()) {
                (&[channels, height, width], &[classes]) => {
                    return Ok(Self::Classification { shape: [channels, height, width], classes });
                }
                (&[positions], &[rows, outputs]) if rows == positions => {
                    // Fewer outputs than tokens are features of the positions, no scores of the next token.
                    if let Some(vocabulary) = tokens_read(graph).filter(|&tokens| tokens <= outputs) {
                        return Ok(Self::NextToken { positions, vocabulary });
                    }
                }
                _ => {}
            }
        }
        let shapes = |ports: &[Port]| {
            ports.iter().map(|port| format!("`{}` {:?}", port.name, port.shape)).collect::<Vec<_>>().join(", ")
        };
        let found = format!("inputs {} and outputs {}", shapes(graph.inputs()), shapes(graph.outputs()));
        let expected = "one image [channels, height, width] and one vector of class scores; or tokens [positions] and the \
                        scores of the next token [positions, vocabulary]";
        let remedy = "training, evaluation and sensitivities are those of classifiers and language models; `inspect` and \
                      `forward` take every network";
        Err(Error::input(format!("network `{}`", graph.name), found, expected, remedy))
    }

    /// Reads one split, and hashes what it depends on. `model`: the folder that the network came from, if it is one.
    ///
    /// # Errors
    /// When a file is missing or damaged, or does not fit the network.
    pub fn load(self, split: &SplitSpec, folder: &Path, model: Option<&Path>) -> Result<(Dataset, String)> {
        let source = split.source.in_folder(folder).with_tokenizer(model);
        let dataset = match self {
            Self::Classification { shape, classes } => source.load(shape, classes, split.limit)?,
            Self::NextToken { positions, vocabulary } => {
                let tokenizer = match &source {
                    SourceSpec::Text { tokenizer: Some(folder), .. } => Some(Tokenizer::open(folder)?),
                    SourceSpec::Text { file, tokenizer: None, .. } => {
                        let (place, found) = (file.display().to_string(), "a text without a tokenizer");
                        let remedy = "name the folder of a tokenizer.json as `tokenizer`, or give `tokens`";
                        return Err(Error::input(place, found, "a tokenizer", remedy));
                    }
                    _ => None,
                };
                let encode = |text: &str| match &tokenizer {
                    Some(tokenizer) => tokenizer.encode(text),
                    None => Err(Error::Internal("numbers of tokens need no tokenizer".into())),
                };
                source.load_text((positions, vocabulary), split.limit, &encode)?
            }
        };
        let arrays = match &split.source {
            SourceSpec::Npz { images, labels, .. } => Some((images.clone(), labels.clone())),
            SourceSpec::Text { documents, .. } => Some(("documents".into(), documents.to_string())),
            _ => None,
        };
        Ok((dataset, hash_json(&(arrays, source.content_hash()?, split.limit))?))
    }
}

/// Tokens that every table of a network's first input knows; none if no table reads it.
fn tokens_read(graph: &Graph) -> Option<usize> {
    let tables = graph.nodes().iter().filter(|node| node.inputs.first() == Some(&0));
    let entries = tables.filter_map(|node| match node.op {
        Op::Embedding(table) => Some(table.tokens),
        _ => None,
    });
    entries.min()
}
