//! What each layer takes on a device at each of its candidates: a cost column of the planning table, and so a budget.
//!
//! | module | has |
//! |-|-|
//! | [`roofline`] | a model from peak rates, bandwidth and overhead |
//! | [`measured`] | a table of measurements, bound to the layers of a network by name or by order |
//! | [`haq`], [`hawq`], [`rows`] | one layout of such a table each |
//!
//! The sum over the layers is the latency of the network as far as it is additive: layers run one after the other, and what
//! stands between them (activations, softmax, products of attention) is not in it. See `docs/latency.md`.

pub mod haq;
pub mod hawq;
pub mod measured;
pub mod roofline;
pub mod rows;

#[cfg(test)]
mod fixtures;

use std::path::Path;

use serde::Serialize;

pub use measured::{Measured, Names};

use crate::error::Result;
use crate::graph::Graph;
use crate::scheme::Scheme;
use crate::space::{BudgetName, Hardware, LatencySpec};

/// Latencies of every candidate of every layer of a scheme.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Latency {
    /// [`BudgetName::LatencyMs`] or [`BudgetName::Cycles`].
    pub cost: BudgetName,
    /// Layer × candidate, in the order of the scheme; finite, not negative.
    pub values: Vec<Vec<f64>>,
}

impl Latency {
    /// Computes or reads them; relative paths start at `folder`.
    ///
    /// # Errors
    /// When the file cannot be read or is wrong, or says nothing of some candidate of some layer.
    pub fn new(spec: &LatencySpec, folder: &Path, graph: &Graph, scheme: &Scheme) -> Result<Self> {
        match spec {
            LatencySpec::Hardware(file) => {
                let path = folder.join(file);
                roofline::latency(&Hardware::read(&path)?, &path.display().to_string(), graph, scheme)
            }
            LatencySpec::Table { file, form, unit, unmeasured } => {
                Measured::read(&folder.join(file), *form, *unit)?.bind(scheme, unmeasured)
            }
        }
    }
}
