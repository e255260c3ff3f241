//! Exporting a dynamic convolution: the same outputs from a convolution in groups.
//!
//! Two channels see each other exactly if their numbers agree in the bits of all zero states; so these bits name a
//! channel's group. With the channels in the order `π` of (group, rest of the number), equal on both sides,
//!
//! ```text
//! (Ŵ * x)[π_p] = (V *_d x[π])[p]          V[p, r] = W[π_p, π_{first of p's group + r}]          d groups of c/d channels
//! ```
//!
//! Where all zeros stand before all ones, `π` is the identity and nothing is moved. One d-th of the weights stay.

use super::Mask;
use crate::error::Result;

/// A convolution in groups, on channels in another order.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupedConvolution {
    /// `π`: which channel stands at each place, in and out.
    pub order: Vec<usize>,
    /// `d`.
    pub groups: usize,
    /// `V`, `[c, c/d, cells]`.
    pub weight: Vec<f32>,
}

impl GroupedConvolution {
    /// Whether every channel is at its place.
    pub fn is_in_order(&self) -> bool {
        self.order.iter().enumerate().all(|(place, &channel)| place == channel)
    }
}

/// What `W ⊙ U` of a kernel `W` `[c, c, cells]` is.
///
/// # Errors
/// When the length is no multiple of `c²`: a fault of the program.
pub fn grouped(mask: &Mask, kernel: &[f32]) -> Result<GroupedConvolution> {
    let cells = mask.cells(kernel)?;
    let (channels, groups) = (mask.channels(), mask.split());
    let zeros = (0..mask.states.len()).filter(|&k| mask.states[k] == 0.0);
    let zero_bits: usize = zeros.map(|k| mask.bit(k)).sum();
    let mut order: Vec<usize> = (0..channels).collect();
    order.sort_by_key(|channel| (channel & zero_bits, channel & !zero_bits));
    let mut weight = Vec::with_capacity(kernel.len() / groups);
    for group in order.chunks(channels / groups) {
        for &out in group {
            for &input in group {
                let first = (out * channels + input) * cells;
                weight.extend(&kernel[first..first + cells]);
            }
        }
    }
    Ok(GroupedConvolution { order, groups, weight })
}
