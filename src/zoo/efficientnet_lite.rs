//! EfficientNet-Lite0: EfficientNet (Tan and Le 2019, arXiv 1905.11946) without squeeze-and-excitation and with ReLU6; stem
//! and head are not scaled. Names of parameters are those of timm's `efficientnet_lite0`, and so is the padding: `⌊k / 2⌋`
//! zeros on every side, where the TensorFlow original pads unevenly.
//!
//! On small images (below 64 pixels) the stem and the stage of 24 channels have stride 1; no parameter changes its shape.

use crate::error::Result;
use crate::graph::{Conv2d, Graph, GraphBuilder, NodeId};
use crate::zoo::parts::{RELU6, conv_norm, is_small, pooled_linear};

/// Kernel, stride of the first block, expansion, channels and blocks of every stage.
const STAGES: [[usize; 5]; 7] = [
    [3, 1, 1, 16, 1],
    [3, 2, 6, 24, 2],
    [5, 2, 6, 40, 2],
    [3, 2, 6, 80, 3],
    [5, 1, 6, 112, 3],
    [5, 2, 6, 192, 4],
    [3, 1, 6, 320, 1],
];

/// EfficientNet-Lite0 for images `[channels, height, width]`: 4,652,008 parameters at 1000 classes.
///
/// # Errors
/// When the input shape is out of range.
pub fn efficientnet_lite0(input: [usize; 3], classes: usize) -> Result<Graph> {
    let mut b = GraphBuilder::new("efficientnet_lite0", input)?;
    let (image, small) = (b.input(), is_small(input));
    let stem = Conv2d::square(32, 3, if small { 1 } else { 2 });
    let mut x = conv_norm(&mut b, ["conv_stem", "bn1"], image, stem)?;
    x = b.activation("act1", x, RELU6)?;
    for (stage, [kernel, stride, expansion, out, blocks]) in STAGES.into_iter().enumerate() {
        for block in 0..blocks {
            let stride = if block > 0 || (small && out == 24) { 1 } else { stride };
            x = inverted_residual(&mut b, &format!("blocks.{stage}.{block}"), x, [kernel, stride, expansion, out])?;
        }
    }
    x = conv_norm(&mut b, ["conv_head", "bn2"], x, Conv2d::square(1280, 1, 1))?;
    x = b.activation("act2", x, RELU6)?;
    pooled_linear(b, x, ["global_pool", "classifier"], classes)
}

/// Expansion (none where it is 1), depthwise convolution, projection; the input added where the shape is the same.
fn inverted_residual(
    b: &mut GraphBuilder,
    name: &str,
    x: NodeId,
    [kernel, stride, expansion, out]: [usize; 4],
) -> Result<NodeId> {
    let channels = b.channels(x);
    let hidden = channels * expansion;
    let depthwise = Conv2d::square(hidden, kernel, stride).grouped(hidden);
    let project = Conv2d::square(out, 1, 1);
    let steps = match expansion {
        1 => vec![("conv_dw", depthwise), ("conv_pw", project)],
        _ => vec![("conv_pw", Conv2d::square(hidden, 1, 1)), ("conv_dw", depthwise), ("conv_pwl", project)],
    };
    let last = steps.len();
    let mut y = x;
    for (index, (conv, shape)) in steps.into_iter().enumerate() {
        let number = index + 1;
        y = conv_norm(b, [&format!("{name}.{conv}"), &format!("{name}.bn{number}")], y, shape)?;
        if number < last {
            y = b.activation(&format!("{name}.act{number}"), y, RELU6)?;
        }
    }
    if stride == 1 && channels == out {
        y = b.add(&format!("{name}.add"), y, x)?;
    }
    Ok(y)
}
