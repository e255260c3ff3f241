//! PAT_sp, partial spatial attention, behind the MLP: half of the channels are weighted at every place of the map, the
//! other half is mixed by a 1×1 convolution.
//!
//! ```text
//! y = [BN(hardsigmoid(w · x first) · x first);  W · BN(x rest)]        w a 1×1 convolution c/2 → 1, W one c/2 → c/2
//! ```

use crate::error::Result;
use crate::graph::{Activation, AxisMap, GraphBuilder, NodeId};

/// PAT_sp on a map `[c, height, width]`; the same shape.
///
/// # Errors
/// When a name is taken.
pub(super) fn partial_spatial(b: &mut GraphBuilder, name: &str, x: NodeId) -> Result<NodeId> {
    let half = b.channels(x) / 2;
    let [first, rest] = super::split(b, name, x, half)?;
    let gate = b.conv(&format!("{name}.gate"), first, 1, 1, 1)?;
    let gate = b.activation(&format!("{name}.gate.act"), gate, Activation::HardSigmoid)?;
    let gate = b.along(&format!("{name}.gate.repeated"), gate, 0, AxisMap::Repeat { count: half })?;
    let first = b.multiply(&format!("{name}.gated"), first, gate)?;
    let first = b.batch_norm(&format!("{name}.norm1"), first)?;
    let rest = b.batch_norm(&format!("{name}.norm2"), rest)?;
    let rest = b.conv(&format!("{name}.conv"), rest, half, 1, 1)?;
    b.concat(&format!("{name}.joined"), 0, &[first, rest])
}
