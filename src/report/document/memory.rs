//! Activation memory over the schedule.

use serde::{Deserialize, Serialize};

/// Which bytes of activations exist while each node of the graph runs, in the order of the graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Names of the nodes.
    pub nodes: Vec<String>,
    /// FP32, then every plan.
    pub profiles: Vec<MemoryProfile>,
}

/// One network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryProfile {
    /// `fp32`, or a plan's name.
    pub network: String,
    /// Bytes that exist while each node runs, of one sample.
    pub bytes: Vec<u64>,
    /// Index of the first node with the largest number.
    pub peak: usize,
    /// Indices of the nodes whose outputs exist then.
    pub live: Vec<usize>,
}
