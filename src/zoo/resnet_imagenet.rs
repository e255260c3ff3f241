//! ResNet-18 and ResNet-50 for large images: He et al. 2016 (arXiv 1512.03385, table 1), as in torchvision, whose names of
//! parameters these are. In a block of three convolutions the stride is that of the 3×3 one ("v1.5").
//!
//! On small images (below 64 pixels) the stem is a 3×3 convolution of stride 1 without pooling, as is usual for CIFAR.

use crate::error::Result;
use crate::graph::{Conv2d, Graph, GraphBuilder, NodeId, Window};
use crate::zoo::parts::{conv_norm, is_small, pooled_linear};

/// What a residual branch is made of.
#[derive(Clone, Copy, PartialEq)]
enum Block {
    /// Two 3×3 convolutions.
    Basic,
    /// 1×1, 3×3, 1×1; four times as many channels at the end.
    Bottleneck,
}

/// ResNet-18 for images `[channels, height, width]`: 11,689,512 parameters at 1000 classes.
///
/// # Errors
/// When the input shape is out of range.
pub fn resnet18(input: [usize; 3], classes: usize) -> Result<Graph> {
    resnet("resnet18", input, classes, [2, 2, 2, 2], Block::Basic)
}

/// ResNet-50 for images `[channels, height, width]`: 25,557,032 parameters at 1000 classes.
///
/// # Errors
/// When the input shape is out of range.
pub fn resnet50(input: [usize; 3], classes: usize) -> Result<Graph> {
    resnet("resnet50", input, classes, [3, 4, 6, 3], Block::Bottleneck)
}

fn resnet(name: &str, input: [usize; 3], classes: usize, depths: [usize; 4], block: Block) -> Result<Graph> {
    let mut b = GraphBuilder::new(name, input)?;
    let image = b.input();
    let [kernel, stride] = if is_small(input) { [3, 1] } else { [7, 2] };
    let mut x = conv_norm(&mut b, ["conv1", "bn1"], image, Conv2d::square(64, kernel, stride))?;
    x = b.relu("relu", x)?;
    if !is_small(input) {
        x = b.max_pool("maxpool", x, Window::square(3, 2, 1))?;
    }
    for (stage, depth) in depths.into_iter().enumerate() {
        for index in 0..depth {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            x = residual_block(&mut b, &format!("layer{}.{index}", stage + 1), x, 64 << stage, stride, block)?;
        }
    }
    pooled_linear(b, x, ["avgpool", "fc"], classes)
}

fn residual_block(
    b: &mut GraphBuilder,
    name: &str,
    x: NodeId,
    width: usize,
    stride: usize,
    block: Block,
) -> Result<NodeId> {
    // Channels, kernel and stride of each convolution.
    let convolutions = match block {
        Block::Basic => vec![[width, 3, stride], [width, 3, 1]],
        Block::Bottleneck => vec![[width, 1, 1], [width, 3, stride], [4 * width, 1, 1]],
    };
    let last = convolutions.len();
    let mut y = x;
    for (index, [out, kernel, stride]) in convolutions.into_iter().enumerate() {
        let number = index + 1;
        let names = [format!("{name}.conv{number}"), format!("{name}.bn{number}")];
        y = conv_norm(b, [&names[0], &names[1]], y, Conv2d::square(out, kernel, stride))?;
        if number < last {
            y = b.relu(&format!("{name}.relu{number}"), y)?;
        }
    }
    let same_shape = stride == 1 && b.channels(x) == b.channels(y);
    let shortcut = if same_shape {
        x
    } else {
        let names = [format!("{name}.downsample.0"), format!("{name}.downsample.1")];
        let shape = Conv2d::square(b.channels(y), 1, stride);
        conv_norm(b, [&names[0], &names[1]], x, shape)?
    };
    let sum = b.add(&format!("{name}.add"), y, shortcut)?;
    b.relu(&format!("{name}.relu{last}"), sum)
}
