//! CIFAR ResNets.
//!
//! [`resnet20`]: He et al. 2016 (arXiv 1512.03385 §4.2), parameter-free shortcuts (option A), the network of the
//! Double-Rounding paper: 19 convolutions and one dense layer. [`resnet8`]: the image-classification network of MLPerf
//! Tiny (arXiv 2106.07597): three stages of one block, 1×1 convolutions on the shortcuts; batch norm instead of bias, where
//! [`resnet8_keras()`](super::resnet8_keras()) is as published.

use crate::error::Result;
use crate::graph::{Graph, GraphBuilder, NodeId};

/// What joins a block's input to its output when the shape changes.
#[derive(Clone, Copy, PartialEq)]
enum Shortcut {
    Subsample,
    Convolution,
}

/// ResNet-8 for small images, `[channels, height, width]`.
///
/// # Errors
/// When the input shape is out of range.
pub fn resnet8(input: [usize; 3], classes: usize) -> Result<Graph> {
    resnet("resnet8", input, classes, 1, Shortcut::Convolution)
}

/// ResNet-20 for small images, `[channels, height, width]`.
///
/// # Errors
/// When the input shape is out of range.
pub fn resnet20(input: [usize; 3], classes: usize) -> Result<Graph> {
    resnet("resnet20", input, classes, 3, Shortcut::Subsample)
}

fn resnet(name: &str, input: [usize; 3], classes: usize, blocks: usize, shortcut: Shortcut) -> Result<Graph> {
    let mut b = GraphBuilder::new(name, input)?;
    let input = b.input();
    let mut x = conv_norm(&mut b, "stem", input, 16, 3, 1)?;
    x = b.relu("stem.relu", x)?;
    for (stage, channels) in [16, 32, 64].into_iter().enumerate() {
        for block in 0..blocks {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            x = residual_block(
                &mut b,
                &format!("stage{}.block{}", stage + 1, block + 1),
                x,
                channels,
                stride,
                shortcut,
            )?;
        }
    }
    let pooled = b.global_average_pool("pool", x)?;
    b.linear("fc", pooled, classes)?;
    Ok(b.finish())
}

fn conv_norm(b: &mut GraphBuilder, name: &str, x: NodeId, out: usize, kernel: usize, stride: usize) -> Result<NodeId> {
    let x = b.conv(&format!("{name}.conv"), x, out, kernel, stride)?;
    b.batch_norm(&format!("{name}.norm"), x)
}

fn residual_block(
    b: &mut GraphBuilder,
    name: &str,
    x: NodeId,
    out: usize,
    stride: usize,
    shortcut: Shortcut,
) -> Result<NodeId> {
    let same_shape = stride == 1 && b.channels(x) == out;
    let mut y = b.conv(&format!("{name}.conv1"), x, out, 3, stride)?;
    y = b.batch_norm(&format!("{name}.norm1"), y)?;
    y = b.relu(&format!("{name}.relu1"), y)?;
    y = b.conv(&format!("{name}.conv2"), y, out, 3, 1)?;
    y = b.batch_norm(&format!("{name}.norm2"), y)?;
    let joined = match shortcut {
        _ if same_shape => x,
        Shortcut::Subsample => b.subsample(&format!("{name}.shortcut"), x, out, stride)?,
        Shortcut::Convolution => conv_norm(b, &format!("{name}.shortcut"), x, out, 1, stride)?,
    };
    let sum = b.add(&format!("{name}.add"), y, joined)?;
    b.relu(&format!("{name}.relu2"), sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::LayerCost;

    fn totals(graph: &Graph) -> (u64, u64, usize) {
        let costs = LayerCost::of(graph);
        (costs.iter().map(|c| c.parameters).sum(), costs.iter().map(|c| c.macs).sum(), costs.len())
    }

    #[test]
    fn resnet20_has_the_published_size() {
        // He et al. 2016, table 6: 0.27 M parameters (here without norms and bias); 40.55 M MACs.
        let graph = resnet20([3, 32, 32], 10).unwrap();
        assert_eq!(totals(&graph), (268_336, 40_551_040, 20));
    }

    #[test]
    fn resnet8_has_the_size_of_the_mlperf_network() {
        // MLPerf Tiny: 12.5 M MACs on 32×32×3; 77,360 convolution and dense weights.
        let graph = resnet8([3, 32, 32], 10).unwrap();
        let (parameters, macs, layers) = totals(&graph);
        assert_eq!((parameters, layers), (77_360, 10));
        assert!((12.4e6..12.6e6).contains(&(macs as f64)), "{macs}");
    }

    #[test]
    fn layers_know_their_predecessor_and_the_sign_of_their_input() {
        let layers = resnet8([1, 28, 28], 10).unwrap().layers();
        let names: Vec<&str> = layers.iter().map(|l| l.name.as_str()).collect();
        let previous: Vec<Option<&str>> = layers.iter().map(|l| l.previous.map(|p| names[p])).collect();
        assert_eq!(names[0], "stem.conv");
        assert_eq!(previous[0], None);
        let of = |name: &str| previous[names.iter().position(|n| *n == name).unwrap()];
        assert_eq!(of("stage1.block1.conv2"), Some("stage1.block1.conv1"));
        assert_eq!(of("stage2.block1.conv1"), Some("stage1.block1.conv2"), "the main path, not the shortcut");
        assert_eq!(of("stage2.block1.shortcut.conv"), Some("stage1.block1.conv2"));
        assert_eq!(of("fc"), Some("stage3.block1.conv2"));
        let signed: Vec<&str> = layers.iter().filter(|l| !l.unsigned_input).map(|l| l.name.as_str()).collect();
        assert_eq!(signed, ["stem.conv"]);
    }
}
