//! The roofline model (Williams, Waterman and Patterson, *Roofline: an insightful visual performance model for multicore
//! architectures*, CACM 52(4), 2009), layer by layer, with a fixed overhead:
//!
//! ```text
//! t_l = t₀ + max( MACs_l / (peak(b_w, b_a) · efficiency) , bytes_l / bandwidth )
//! bytes_l = weight bytes_l(b_w) + ⌈inputs_l · b_a / 8⌉ + ⌈outputs_l · b_a / 8⌉
//! ```
//!
//! Weights are packed, with their scales, and loaded once for every input. The output is counted at the width of the layer's
//! own input: the layer that reads it is another choice of the plan, and costs of a plan add up layer by layer. Of an
//! embedding only the rows that are looked up are loaded, and token numbers have 32 bits.
//!
//! A pair of widths that the hardware does not list runs at the fastest listed one that is as wide or wider in both.

use crate::error::{Error, Result};
use crate::graph::{Graph, LayerCost, Op};
use crate::latency::Latency;
use crate::scheme::Scheme;
use crate::space::{BudgetName, Candidate, Hardware};

/// Milliseconds of every candidate; `place` names the hardware in messages.
///
/// # Errors
/// When the hardware has no rate for a candidate.
pub fn latency(hardware: &Hardware, place: &str, graph: &Graph, scheme: &Scheme) -> Result<Latency> {
    let layers = graph.layers();
    let one = |l: usize, candidate: Candidate| {
        let layer = &scheme.layers[l];
        let op = layers.get(l).map_or(&Op::Input, |layer| &graph.nodes()[layer.node].op);
        seconds(hardware, op, &layer.cost, candidate).map(|t| t * 1e3).ok_or_else(|| {
            let found = format!("no rate for {candidate}, which layer `{}` may take", layer.name);
            let expected = "a pair in `macs_per_second` that is as wide or wider in both";
            Error::input(place, found, expected, format!("add `{candidate}: RATE`"))
        })
    };
    let of_layer = |l: usize| scheme.layers[l].candidates.iter().map(|&c| one(l, c)).collect();
    let values = (0..scheme.layers.len()).map(of_layer).collect::<Result<_>>()?;
    Ok(Latency { cost: BudgetName::LatencyMs, values })
}

/// Seconds of one layer for one input; none where the hardware has no rate for the candidate.
pub fn seconds(hardware: &Hardware, op: &Op, cost: &LayerCost, candidate: Candidate) -> Option<f64> {
    let (w, a) = (u32::from(candidate.weight_bits()), u32::from(candidate.activation_bits()));
    let fits = |c: &Candidate| {
        c.weight_bits() >= candidate.weight_bits() && c.activation_bits() >= candidate.activation_bits()
    };
    let rates = hardware.macs_per_second.iter().filter(|(c, _)| fits(c)).map(|&(_, rate)| rate);
    let peak = rates.reduce(f64::max)?;
    let efficiency = match op {
        Op::Conv2d(conv) if conv.is_depthwise() => hardware.efficiency.depthwise,
        Op::Linear(_) => hardware.efficiency.linear,
        _ => hardware.efficiency.convolution,
    };
    let packed = |elements: u64, bits: u32| (elements as f64 * f64::from(bits) / 8.0).ceil();
    let bytes = match op {
        Op::Embedding(_) => packed(cost.output_elements, w) + packed(cost.input_elements, 32),
        _ => cost.weight_bytes(w) as f64 + packed(cost.input_elements, a),
    } + packed(cost.output_elements, a);
    let compute = cost.macs as f64 / (peak * efficiency);
    Some(hardware.overhead_seconds + compute.max(bytes / hardware.memory_bytes_per_second))
}

#[cfg(test)]
#[path = "roofline_tests.rs"]
mod tests;
