//! Ranges of what the nodes of a network give, for tools that want every operator quantised.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::exec::{Bindings, Network, forward, host};
use crate::supernet::Split;

/// The smallest and the largest output of every node over the first `limit` samples, by node name; nodes that run as one with
/// the next have none. One forward pass, one batch in memory.
///
/// # Errors
/// When the network cannot be run.
pub fn output_ranges(
    network: &Network,
    bindings: &Bindings,
    split: &Split<'_>,
    limit: usize,
) -> Result<BTreeMap<String, [f32; 2]>> {
    let mut ranges = BTreeMap::new();
    let samples = split.samples(limit)?;
    for block in 0..samples.sizes().len() {
        let (inputs, _) = samples.block(block)?;
        let tape = forward::<f32>(network, bindings, &inputs)?;
        for (id, node) in network.graph().nodes().iter().enumerate() {
            let Some(value) = tape.output_of(id) else { continue };
            let range = ranges.entry(node.name.clone()).or_insert([f32::INFINITY, f32::NEG_INFINITY]);
            for &x in host::read::<f32>(value)?.iter() {
                *range = [range[0].min(x), range[1].max(x)];
            }
        }
    }
    Ok(ranges)
}
