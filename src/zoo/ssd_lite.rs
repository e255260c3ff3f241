//! SSDLite on MobileNetV2 for detection: Liu et al. 2016 (arXiv 1512.02325) with separable heads (Sandler et al. 2018, arXiv
//! 1801.04381 §6.2).
//!
//! Maps: the expanded one in front of the last stride of the backbone, the backbone's last one, and two extra ones of 512
//! and 256 channels, each half as large as the one before. A head is a depthwise 3×3 convolution, batch norm, ReLU6 and a
//! 1×1 convolution for the six anchors of every cell. The outputs are `boxes` `[anchors, 4]` (offsets as the trained
//! network means them) and `scores` `[anchors, classes]` (logits; a background class counts as one). Anchors are ordered
//! by map, row, column and number in the cell, as in torchvision, whose names the heads have.

use crate::error::Result;
use crate::graph::{Conv2d, Graph, GraphBuilder, NodeId, Port};
use crate::zoo::mobilenet_v2::{conv_norm_relu6, features};
use crate::zoo::parts::is_small;

/// Anchors of a cell.
const ANCHORS: usize = 6;

/// Channels of the extra maps.
const EXTRAS: [usize; 2] = [512, 256];

/// The network for images `[channels, height, width]`.
///
/// # Errors
/// When the input shape is out of range.
pub fn ssd_lite(input: [usize; 3], classes: usize) -> Result<Graph> {
    let mut b = GraphBuilder::new("ssd_lite", input)?;
    let image = b.input();
    let (last, middle) = features(&mut b, "backbone.features", image, is_small(input))?;
    let (mut maps, mut x) = (vec![middle, last], last);
    for (index, channels) in EXTRAS.into_iter().enumerate() {
        x = extra(&mut b, &format!("backbone.extra.{index}"), x, channels)?;
        maps.push(x);
    }
    let boxes = heads(&mut b, "regression_head", &maps, 4)?;
    let scores = heads(&mut b, "classification_head", &maps, classes)?;
    let port = |name: &str, node: NodeId| (Port::new(name, b.shape(node)), node);
    let outputs = vec![port("boxes", boxes), port("scores", scores)];
    b.finish_with(outputs)
}

/// A map of half the resolution: 1×1 to half the channels, depthwise 3×3 of stride 2, 1×1.
fn extra(b: &mut GraphBuilder, name: &str, x: NodeId, channels: usize) -> Result<NodeId> {
    let half = channels / 2;
    let x = conv_norm_relu6(b, &format!("{name}.0"), x, Conv2d::square(half, 1, 1))?;
    let x = conv_norm_relu6(b, &format!("{name}.1"), x, Conv2d::square(half, 3, 2).grouped(half))?;
    conv_norm_relu6(b, &format!("{name}.2"), x, Conv2d::square(channels, 1, 1))
}

/// `values` numbers for every anchor of every map, `[anchors, values]`.
fn heads(b: &mut GraphBuilder, name: &str, maps: &[NodeId], values: usize) -> Result<NodeId> {
    let mut all = Vec::with_capacity(maps.len());
    for (index, &map) in maps.iter().enumerate() {
        let name = format!("head.{name}.module_list.{index}");
        let channels = b.channels(map);
        let x = conv_norm_relu6(b, &format!("{name}.0"), map, Conv2d::square(channels, 3, 1).grouped(channels))?;
        let outputs = ANCHORS.saturating_mul(values);
        let x = b.conv_general(&format!("{name}.1"), x, Conv2d::square(outputs, 1, 1).biased())?;
        let cells: usize = b.shape(x).iter().skip(1).product();
        let x = b.reshape(&format!("{name}.cells"), x, &[ANCHORS, values, cells])?;
        let x = b.transpose(&format!("{name}.anchors"), x, &[2, 0, 1])?;
        all.push(b.reshape(&format!("{name}.rows"), x, &[cells * ANCHORS, values])?);
    }
    b.concat(&format!("head.{name}"), 0, &all)
}
