//! A built network: its graph, the tables that follow from its architecture, and how its parameters begin.

use std::collections::BTreeMap;

use crate::graph::Graph;

pub use crate::graph::Values;

/// How a learnt parameter begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initial {
    /// All zero.
    Zeros,
    /// Normal with mean 0.
    Normal {
        /// Standard deviation.
        deviation: f64,
    },
}

/// What a builder of the zoo gives.
#[derive(Debug, Clone, PartialEq)]
pub struct ZooNetwork {
    /// The network.
    pub graph: Graph,
    /// Constants that follow from the architecture, such as tables of sines: never trained, in no file of weights.
    pub constants: Values,
    /// Learnt parameters that do not begin as [`initial_values`](super::initial_values()) says by default.
    pub initial: BTreeMap<String, Initial>,
    /// Names of the convolutions that learn in how many groups they work; the graph has them in one group.
    pub dynamic: Vec<String>,
}

impl From<Graph> for ZooNetwork {
    fn from(graph: Graph) -> Self {
        Self { graph, constants: Values::new(), initial: BTreeMap::new(), dynamic: Vec::new() }
    }
}

impl ZooNetwork {
    /// Number of learnt parameters: weights, biases, factors and shifts of norms, learnt constants; no running
    /// statistics and no tables.
    pub fn learnt_parameters(&self) -> usize {
        let learnt = |p: &crate::graph::Parameter| !p.is_statistic() && p.role != crate::graph::Role::Table;
        self.graph.parameters().iter().filter(|p| learnt(p)).map(|p| p.elements()).sum()
    }
}
