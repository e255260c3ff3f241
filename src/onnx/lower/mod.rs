//! From the checked graph of a file to our operator graph and its parameters.
//!
//! Our graph is a function of one sample. Shapes are those of the file with one sample in the batch; beside them stands
//! which axis the batch is on (module `value`), and constants are folded for one sample and for three
//! (both in one value), so that what mixes samples or counts them is found and refused.

mod activations;
mod arithmetic;
mod attention;
mod broadcast;
mod call;
mod compare;
mod context;
mod conv;
mod driver;
mod einsum;
mod expand;
mod inputs;
mod join;
mod linear;
mod matmul;
mod norm;
mod patterns;
mod pool;
mod quantized;
mod reduce;
mod reshape;
mod resize;
mod slice;
mod softmax;
mod table;
mod value;
mod window;

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Result;
use crate::graph::Graph;
use crate::onnx::graph::OnnxGraph;

pub use context::Weights;

/// What a file leaves open and the user knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Extents of axes that the file only names, by the name of the axis or of the input; not of the batch.
    pub extents: BTreeMap<String, usize>,
}

/// A model of a file.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The network.
    pub graph: Graph,
    /// Every parameter of it by name: shape and elements.
    pub weights: Weights,
    /// What the user should know, a sentence each.
    pub notes: Vec<String>,
    /// Numbers of weights that the file has once and the network again.
    pub copied: u64,
}

/// Reads a model from an ONNX file.
///
/// # Errors
/// When the file cannot be read or is wrong, an operator is not supported, the model mixes samples, or an extent is not
/// known.
pub fn load(path: &Path, options: &LoadOptions) -> Result<Imported> {
    lower(&OnnxGraph::read(path)?, options)
}

/// Lowers a graph that has been read.
///
/// # Errors
/// As [`load`].
pub fn lower(graph: &OnnxGraph, options: &LoadOptions) -> Result<Imported> {
    let readings = inputs::readings(graph, options)?;
    let mut first = None;
    for reading in readings {
        match driver::lower(graph, &reading) {
            Ok(imported) => return Ok(imported),
            // The first reading is the most natural one: its error is what the user should see.
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| crate::error::Error::Internal("no reading of the inputs".into())))
}

#[cfg(test)]
mod lower_tests;
