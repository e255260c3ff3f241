//! A small U-Net (Ronneberger et al. 2015, arXiv 1505.04597) for segmentation: four levels of 16 to 128 channels, batch norm
//! behind every 3×3 convolution, and zeros around the maps, so that the output has the input's resolution.
//!
//! ```text
//! down   level l: two convolutions, kept as a skip; 2×2 max pooling
//! up     nearest neighbour to the extent of the skip, 3×3 convolution, [skip; map], two convolutions
//! ```
//!
//! The nearest neighbour and a convolution stand for the original's transposed convolution, which leaves patterns where
//! its kernel is no multiple of the stride (Odena et al. 2016). Sides may be odd: the way up follows the skips.

use crate::error::Result;
use crate::graph::{AxisMap, Conv2d, Coordinates, Graph, GraphBuilder, Interpolation, NodeId, Window};
use crate::zoo::parts::conv_norm;

/// Channels of every level.
const WIDTHS: [usize; 4] = [16, 32, 64, 128];

/// The network for images `[channels, height, width]`; its output is `[classes, height, width]`.
///
/// # Errors
/// When a side is below 8 pixels, or the input shape is out of range.
pub fn unet_lite(input: [usize; 3], classes: usize) -> Result<Graph> {
    let mut b = GraphBuilder::new("unet_lite", input)?;
    let (mut x, mut skips) = (b.input(), Vec::new());
    for (level, width) in WIDTHS.into_iter().enumerate() {
        if level > 0 {
            x = b.max_pool(&format!("down{level}.pool"), x, Window::square(2, 2, 0))?;
        }
        x = double_conv(&mut b, &format!("down{level}"), x, width)?;
        skips.push((level, width, x));
    }
    // The lowest level is no skip.
    skips.pop();
    while let Some((level, width, skip)) = skips.pop() {
        let name = format!("up{level}");
        x = nearest(&mut b, &name, x, skip)?;
        x = conv_norm_relu(&mut b, &name, "0", x, width)?;
        x = b.concat(&format!("{name}.joined"), 0, &[skip, x])?;
        x = double_conv(&mut b, &name, x, width)?;
    }
    b.conv_general("head", x, Conv2d::square(classes, 1, 1).biased())?;
    Ok(b.finish())
}

/// `x` at the resolution of `like`.
fn nearest(b: &mut GraphBuilder, name: &str, mut x: NodeId, like: NodeId) -> Result<NodeId> {
    for (axis, what) in [(1, "rows"), (2, "columns")] {
        let extent = |node: NodeId| b.shape(node).get(axis).copied().unwrap_or(1);
        let (from, count) = (extent(x), extent(like));
        let map = AxisMap::Resize {
            count,
            scale: count as f64 / from as f64,
            coordinates: Coordinates::Asymmetric,
            interpolation: Interpolation::Floor,
        };
        x = b.along(&format!("{name}.{what}"), x, axis, map)?;
    }
    Ok(x)
}

fn double_conv(b: &mut GraphBuilder, name: &str, x: NodeId, width: usize) -> Result<NodeId> {
    let x = conv_norm_relu(b, name, "1", x, width)?;
    conv_norm_relu(b, name, "2", x, width)
}

fn conv_norm_relu(b: &mut GraphBuilder, name: &str, number: &str, x: NodeId, width: usize) -> Result<NodeId> {
    let names = [format!("{name}.conv{number}"), format!("{name}.norm{number}")];
    let x = conv_norm(b, [&names[0], &names[1]], x, Conv2d::square(width, 3, 1))?;
    b.relu(&format!("{name}.relu{number}"), x)
}
