//! PAT_ch, partial channel attention: a 3×3 convolution on a quarter of the channels; the others are weighted by a gate
//! made of their means and deviations.
//!
//! ```text
//! μ, σ of each of the b = 3c/4 channels over its map (σ with n − 1)
//! gate = hardsigmoid(BN(W · [μ; σ]))          W a dense convolution of kernel 1×2 from [b, 1, 2] to b
//! y = [conv3×3(x first c/4);  BN(gate · x rest)]
//! ```
//!
//! Under the root of `σ = √(variance + 10⁻¹²)` the small number keeps the slope finite where a channel is constant; it moves
//! no σ by more than 10⁻⁶.

use crate::error::Result;
use crate::graph::{Activation, AxisMap, Conv2d, GraphBuilder, NodeId, Padding};

/// Added to the variance.
const ROOT_FLOOR: f64 = 1e-12;

/// PAT_ch on a map `[c, height, width]`; the same shape.
///
/// # Errors
/// When the map has one cell only, which has no deviation.
pub(super) fn partial_channel(b: &mut GraphBuilder, name: &str, x: NodeId) -> Result<NodeId> {
    let quarter = b.channels(x) / 4;
    let [first, rest] = super::split(b, name, x, quarter)?;
    let first = b.conv(&format!("{name}.partial_conv3"), first, quarter, 3, 1)?;
    let gate = gate(b, &format!("{name}.gate"), rest)?;
    let rest = b.multiply(&format!("{name}.gated"), rest, gate)?;
    let rest = b.batch_norm(&format!("{name}.norm"), rest)?;
    b.concat(&format!("{name}.joined"), 0, &[first, rest])
}

/// A factor from 0 to 1 for every channel.
fn gate(b: &mut GraphBuilder, name: &str, x: NodeId) -> Result<NodeId> {
    let channels = b.channels(x);
    let moments = moments(b, name, x)?;
    let moments = b.reshape(&format!("{name}.moments"), moments, &[channels, 1, 2])?;
    let mix = Conv2d { kernel: [1, 2], ..Conv2d::square(channels, 1, 1).padded(Padding::default()) };
    let y = b.conv_general(&format!("{name}.conv"), moments, mix)?;
    let y = b.batch_norm(&format!("{name}.norm"), y)?;
    let y = b.activation(&format!("{name}.act"), y, Activation::HardSigmoid)?;
    b.reshape(name, y, &[channels])
}

/// Mean and deviation of every channel, `[channels, 2]`.
fn moments(b: &mut GraphBuilder, name: &str, x: NodeId) -> Result<NodeId> {
    let (channels, cells) = (b.channels(x), b.shape(x).iter().skip(1).product::<usize>());
    if cells < 2 {
        return Err(b.wrong(name, "a map of one cell", "two or more, which have a deviation"));
    }
    let flat = b.reshape(&format!("{name}.flat"), x, &[channels, cells])?;
    let mean = b.along(&format!("{name}.mean"), flat, 1, AxisMap::Mean)?;
    let negative = Activation::Affine { scale: -1.0, shift: 0.0 };
    let centre = b.activation(&format!("{name}.centre"), mean, negative)?;
    let centre = b.along(&format!("{name}.centres"), centre, 1, AxisMap::Repeat { count: cells })?;
    let deviations = b.add(&format!("{name}.deviations"), flat, centre)?;
    let squares = b.multiply(&format!("{name}.squares"), deviations, deviations)?;
    let sum = b.along(&format!("{name}.sum"), squares, 1, AxisMap::Sum)?;
    let unbiased = Activation::Affine { scale: 1.0 / (cells - 1) as f64, shift: ROOT_FLOOR };
    let variance = b.activation(&format!("{name}.variance"), sum, unbiased)?;
    let deviation = b.activation(&format!("{name}.deviation"), variance, Activation::SquareRoot)?;
    b.concat(&format!("{name}.both"), 1, &[mean, deviation])
}
