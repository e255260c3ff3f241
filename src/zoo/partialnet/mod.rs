//! PartialNet: *Partial Channel Mechanism* (arXiv 2502.01303; method.md §7).
//!
//! ```text
//! conv 4×4/4, BN;  four stages of width e·2ⁱ and depth dᵢ, conv 2×2/2, BN between them;  mean, 1×1 conv to 1280, act, dense
//!
//! stages 1 to 3   y = x + MLP(PAT_ch(x))
//! stage 4         x' = x + PAT_sf(x),  y = x' + MLP(x')
//! MLP             1×1 conv c → 2c, BN, act, 1×1 conv 2c → c, PAT_sp if the network has it
//! ```
//!
//! PAT_ch, PAT_sf and PAT_sp compute on one part of the channels and look at the rest more cheaply; each has a file of its
//! own. The parameter counts are those of the authors' code. Names of the common parts are those of FasterNet (Chen et
//! al., arXiv 2303.03667), on which theirs is built; those of the three mechanisms are ours.
//!
//! In the dynamic variant a 3×3 convolution on all channels, which learns in how many groups it works (DPConv, method.md
//! §7), stands in every block where the partial mechanisms stand; so it is in the authors' code.
//!
//! On small images (below 64 pixels) the stem's kernel moves by 1, with one row and column of zeros before and two behind:
//! the counts stay, and stage 4 sees 4×4 cells of a 32×32 image where it would see one.

mod channel;
mod spatial;
mod spatial_self_attention;

use std::collections::BTreeMap;

use crate::error::Result;
use crate::graph::{Activation, Conv2d, GraphBuilder, NodeId, Padding};
use crate::zoo::network::{Initial, Values, ZooNetwork};
use crate::zoo::parts::{conv_norm, is_small, normal_weights};

/// Features in front of the dense layer.
const HEAD_FEATURES: usize = 1280;

/// The published sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartialNetSize {
    /// Width 32, depths 1, 2, 8, 2, GELU: 3,486,160 parameters (PAT_sp: 3,558,240) at 1000 classes.
    T0,
    /// Width 48, depths 1, 2, 8, 2, GELU: 5,985,552 (6,144,552).
    T1,
    /// Width 64, depths 2, 2, 6, 4, ReLU: 12,269,816 (12,650,424).
    T2,
    /// Width 96, depths 2, 2, 9, 4, ReLU: 28,013,304 (28,975,704).
    S,
    /// Width 128, depths 2, 3, 16, 4, ReLU: 59,179,000 (61,366,776).
    M,
    /// Width 160, depths 2, 3, 20, 4, ReLU: 100,641,336 (104,465,336).
    L,
}

/// What is in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartialNetVariant {
    /// PAT_ch in the first stages, PAT_sf in the last.
    Plain,
    /// The same, and PAT_sp in every MLP.
    Spatial,
    /// Dynamic convolutions instead of PAT_ch and PAT_sf; for widths that are powers of 2.
    Dynamic,
}

/// Which of the two activations a network has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Nonlinearity {
    Gelu,
    Relu,
}

impl Nonlinearity {
    fn add(self, b: &mut GraphBuilder, name: &str, x: NodeId) -> Result<NodeId> {
        match self {
            Nonlinearity::Gelu => b.activation(name, x, Activation::Gelu),
            Nonlinearity::Relu => b.relu(name, x),
        }
    }
}

impl PartialNetSize {
    /// Name, width of the first stage, depths, activation.
    fn layout(self) -> (&'static str, usize, [usize; 4], Nonlinearity) {
        match self {
            Self::T0 => ("partialnet_t0", 32, [1, 2, 8, 2], Nonlinearity::Gelu),
            Self::T1 => ("partialnet_t1", 48, [1, 2, 8, 2], Nonlinearity::Gelu),
            Self::T2 => ("partialnet_t2", 64, [2, 2, 6, 4], Nonlinearity::Relu),
            Self::S => ("partialnet_s", 96, [2, 2, 9, 4], Nonlinearity::Relu),
            Self::M => ("partialnet_m", 128, [2, 3, 16, 4], Nonlinearity::Relu),
            Self::L => ("partialnet_l", 160, [2, 3, 20, 4], Nonlinearity::Relu),
        }
    }
}

/// PartialNet for images `[channels, height, width]`.
///
/// # Errors
/// When the image is so small that a map has one cell in stage 3 or none in stage 4, or so large that stage 4 has more than
/// 1024 cells.
pub fn partialnet(
    size: PartialNetSize,
    variant: PartialNetVariant,
    input: [usize; 3],
    classes: usize,
) -> Result<ZooNetwork> {
    let (name, width, depths, act) = size.layout();
    let suffix = match variant {
        PartialNetVariant::Plain => "",
        PartialNetVariant::Spatial => "_sp",
        PartialNetVariant::Dynamic => "_dp",
    };
    let spatial = variant == PartialNetVariant::Spatial;
    let mut dynamic = Vec::new();
    let mut b = GraphBuilder::new(&format!("{name}{suffix}"), input)?;
    let (image, small) = (b.input(), is_small(input));
    let [stride, padding] = if small { [1, 1] } else { [4, 0] };
    let padding = if small { Padding::uneven(padding, 2) } else { Padding::even(padding) };
    let stem = Conv2d::square(width, 4, stride).padded(padding);
    let mut x = conv_norm(&mut b, ["patch_embed.proj", "patch_embed.norm"], image, stem)?;
    for (stage, depth) in depths.into_iter().enumerate() {
        if stage > 0 {
            let name = format!("stages.{}", 2 * stage - 1);
            let merging = Conv2d::square(width << stage, 2, 2).padded(Padding::default());
            x = conv_norm(&mut b, [&format!("{name}.reduction"), &format!("{name}.norm")], x, merging)?;
        }
        for block in 0..depth {
            let name = format!("stages.{}.blocks.{block}", 2 * stage);
            let mixing = format!("{name}.spatial_mixing");
            let y = match variant {
                PartialNetVariant::Dynamic => {
                    dynamic.push(format!("{mixing}.conv"));
                    let channels = b.channels(x);
                    b.conv(&format!("{mixing}.conv"), x, channels, 3, 1)?
                }
                _ if stage < 3 => channel::partial_channel(&mut b, &mixing, x)?,
                _ => spatial_self_attention::partial_attention(&mut b, &mixing, x)?,
            };
            x = if stage < 3 {
                let y = mlp(&mut b, &format!("{name}.mlp"), y, act, spatial)?;
                b.add(&format!("{name}.add"), y, x)?
            } else {
                let x = b.add(&format!("{name}.add1"), y, x)?;
                let y = mlp(&mut b, &format!("{name}.mlp"), x, act, spatial)?;
                b.add(&format!("{name}.add2"), y, x)?
            };
        }
    }
    head(&mut b, x, act, classes)?;
    let graph = b.finish();
    let mut initial: BTreeMap<String, Initial> = normal_weights(&graph);
    let tables = graph.parameters().into_iter().map(|p| p.name).filter(|name| name.ends_with(".bias_table.value"));
    initial.extend(tables.map(|name| (name, Initial::Zeros)));
    Ok(ZooNetwork { graph, constants: Values::new(), initial, dynamic })
}

fn head(b: &mut GraphBuilder, x: NodeId, act: Nonlinearity, classes: usize) -> Result<NodeId> {
    let x = b.global_average_pool("avgpool_pre_head.0", x)?;
    let x = b.reshape("avgpool_pre_head.map", x, &[b.channels(x), 1, 1])?;
    let x = b.conv("avgpool_pre_head.1", x, HEAD_FEATURES, 1, 1)?;
    let x = act.add(b, "avgpool_pre_head.2", x)?;
    let x = b.reshape("avgpool_pre_head.features", x, &[HEAD_FEATURES])?;
    b.linear("head", x, classes)
}

fn mlp(b: &mut GraphBuilder, name: &str, x: NodeId, act: Nonlinearity, spatial: bool) -> Result<NodeId> {
    let channels = b.channels(x);
    let y = conv_norm(b, [&format!("{name}.0"), &format!("{name}.1")], x, Conv2d::square(2 * channels, 1, 1))?;
    let y = act.add(b, &format!("{name}.2"), y)?;
    let y = b.conv(&format!("{name}.3"), y, channels, 1, 1)?;
    if spatial { spatial::partial_spatial(b, &format!("{name}.4"), y) } else { Ok(y) }
}

/// The channels in two parts: the first `count`, and the rest.
fn split(b: &mut GraphBuilder, name: &str, x: NodeId, count: usize) -> Result<[NodeId; 2]> {
    let rest = b.channels(x).saturating_sub(count);
    let first = crate::zoo::parts::slice(b, &format!("{name}.first"), x, 0, 0, count)?;
    let rest = crate::zoo::parts::slice(b, &format!("{name}.rest"), x, 0, count, rest)?;
    Ok([first, rest])
}
