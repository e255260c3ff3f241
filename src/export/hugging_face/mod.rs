//! Folders that load as Hugging Face models: `config.json` with a section on quantisation, the tokenizer's files as they were,
//! and `model.safetensors`.
//!
//! | | codes | scales | who loads it |
//! |-|-|-|-|
//! | [`CompressedTensors`] | `[out, ⌈in·b/32⌉]` words, or `[out, in]` bytes | f32 | transformers, vLLM |
//! | [`AutoRound`] | `[in·b/32, out]` words | f16 | transformers with auto-round |
//! | [`Mlx`] | `[out, in·b/32]` words | f32 | mlx-lm |
//!
//! All three are one dense bit stream of `code + 2^(b−1)`, least significant bit first, along the inputs ([`words`]); they
//! differ in the axis order, the type of scales and what stands beside them.

mod auto_round;
mod compressed_tensors;
mod mlx;
mod source;
mod tensors;
mod words;

pub use auto_round::AutoRound;
pub use compressed_tensors::CompressedTensors;
pub use mlx::Mlx;

use crate::export::{Site, Stored};
use crate::graph::{Graph, Op, Role};
use crate::space::Candidate;

/// What these formats can hold of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Matrix {
    /// A table of vectors, that token numbers choose from.
    table: bool,
    rows: usize,
    columns: usize,
    /// Weights that share a scale, a divisor of the columns.
    group: usize,
}

impl Matrix {
    /// The weight of a dense layer or of a table.
    ///
    /// # Errors
    /// For every other layer: these formats hold language models.
    fn of(site: &Site<'_>) -> Result<Self, String> {
        let table = matches!(site.op, Op::Embedding(_));
        match (site.op, site.shape) {
            (Op::Linear(_) | Op::Embedding(_), &[rows, columns]) if site.group > 0 => {
                Ok(Self { table, rows, columns, group: site.group })
            }
            _ => Err("it is made for the folders of Hugging Face models, dense layers and tables".into()),
        }
    }

    fn weights(self) -> usize {
        self.rows * self.columns
    }

    fn scales(self) -> usize {
        self.weights().div_ceil(self.group)
    }

    /// Refuses inputs in integers: the tool computes with floats.
    fn weight_only(self, candidate: Candidate) -> Result<(), String> {
        match !self.table && candidate.quantizes_activations() {
            true => Err("it has weights in integers and inputs in floating point".into()),
            false => Ok(()),
        }
    }
}

/// Bytes of norms, biases and the like, `size` each; tables that follow from the configuration are not stored.
fn other_bytes(graph: &Graph, size: u64) -> u64 {
    let stored = graph.parameters().into_iter().filter(|p| !matches!(p.role, Role::Weight | Role::Table));
    stored.map(|parameter| size * parameter.elements() as u64).sum()
}

/// A layer whose weights stay floats, of so many bits each.
fn floats(matrix: Matrix, bits: u32) -> Stored {
    Stored { bits, bytes: matrix.weights() as u64 * u64::from(bits / 8) }
}

#[cfg(test)]
mod decoded;
#[cfg(test)]
mod samples;
