//! MobileNetV2, width 1.0: Sandler et al. 2018 (arXiv 1801.04381, table 2), as in torchvision, whose names of parameters
//! these are.
//!
//! On small images (below 64 pixels) the stem and the stage of 24 channels have stride 1, so that the resolution falls by 8
//! and not by 32; no parameter changes its shape.

use crate::error::Result;
use crate::graph::{Conv2d, Graph, GraphBuilder, NodeId};
use crate::zoo::parts::{RELU6, conv_norm, is_small, pooled_linear};

/// Expansion, channels, blocks and stride of the first of them, of every stage.
const STAGES: [[usize; 4]; 7] =
    [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]];

/// MobileNetV2 for images `[channels, height, width]`: 3,504,872 parameters at 1000 classes.
///
/// # Errors
/// When the input shape is out of range.
pub fn mobilenet_v2(input: [usize; 3], classes: usize) -> Result<Graph> {
    let mut b = GraphBuilder::new("mobilenet_v2", input)?;
    let image = b.input();
    let (features, _) = features(&mut b, "features", image, is_small(input))?;
    pooled_linear(b, features, ["avgpool", "classifier.1"], classes)
}

/// The convolutions: the last map, and the expanded map in front of the last step in resolution.
pub(super) fn features(b: &mut GraphBuilder, name: &str, image: NodeId, small: bool) -> Result<(NodeId, NodeId)> {
    let mut x = conv_norm_relu6(b, &format!("{name}.0"), image, Conv2d::square(32, 3, if small { 1 } else { 2 }))?;
    let (mut index, mut middle) = (0, x);
    for [expansion, out, blocks, stride] in STAGES {
        for block in 0..blocks {
            index += 1;
            let stride = match stride {
                _ if block > 0 || (small && out == 24) => 1,
                stride => stride,
            };
            let expanded;
            (x, expanded) = inverted_residual(b, &format!("{name}.{index}.conv"), x, [expansion, out, stride])?;
            if stride == 2 {
                middle = expanded;
            }
        }
    }
    x = conv_norm_relu6(b, &format!("{name}.18"), x, Conv2d::square(1280, 1, 1))?;
    Ok((x, middle))
}

/// Convolution, batch norm, ReLU6: `NAME.0`, `NAME.1`, `NAME.2`.
pub(super) fn conv_norm_relu6(b: &mut GraphBuilder, name: &str, x: NodeId, shape: Conv2d) -> Result<NodeId> {
    let x = conv_norm(b, [&format!("{name}.0"), &format!("{name}.1")], x, shape)?;
    b.activation(&format!("{name}.2"), x, RELU6)
}

/// 1×1 expansion, depthwise 3×3, 1×1 projection without activation, and the input added where the shape is the same. The
/// output and the expanded map.
fn inverted_residual(
    b: &mut GraphBuilder,
    name: &str,
    x: NodeId,
    [expansion, out, stride]: [usize; 3],
) -> Result<(NodeId, NodeId)> {
    let channels = b.channels(x);
    let hidden = channels * expansion;
    let (mut y, mut part) = (x, 0);
    if expansion > 1 {
        y = conv_norm_relu6(b, &format!("{name}.0"), y, Conv2d::square(hidden, 1, 1))?;
        part = 1;
    }
    let expanded = y;
    y = conv_norm_relu6(b, &format!("{name}.{part}"), y, Conv2d::square(hidden, 3, stride).grouped(hidden))?;
    let names = [format!("{name}.{}", part + 1), format!("{name}.{}", part + 2)];
    y = conv_norm(b, [&names[0], &names[1]], y, Conv2d::square(out, 1, 1))?;
    if stride == 1 && channels == out {
        y = b.add(&format!("{name}.add"), y, x)?;
    }
    Ok((y, expanded))
}
