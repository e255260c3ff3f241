//! ResNet-8 as MLPerf Tiny trained it in Keras (arXiv 2106.07597), for weights of that origin.
//!
//! The shape of [`resnet8`](super::resnet8), with what Keras does otherwise: every convolution has a bias; the
//! convolutions on the shortcuts have no norm; ε is 1e-3; padding is TensorFlow's "same", whose zeros do not stand evenly
//! around the image where `total` is odd, as at stride 2:
//!
//! ```text
//! total = max((⌈n / s⌉ − 1)·s + k − n, 0)        before = ⌊total / 2⌋        behind = total − before
//! ```
//!
//! Nodes are named as the Keras layers: `conv2d`, `conv2d_1`, …, `batch_normalization`, …, `dense`. The original's 8 × 8
//! average pooling sees the whole map of a 32 × 32 image; here it does at every size.

use crate::error::{Error, Result};
use crate::graph::{Conv2d, Graph, GraphBuilder, NodeId, Padding};

/// The network's ε, which is Keras's default.
const EPSILON: f64 = 1e-3;

/// ResNet-8 of MLPerf Tiny with the layers of its Keras original, for small square images `[channels, height, width]`.
///
/// # Errors
/// When the input shape is out of range or not square.
pub fn resnet8_keras(input: [usize; 3], classes: usize) -> Result<Graph> {
    let [_, height, width] = input;
    if height != width {
        let found = format!("an input of {height} × {width}");
        return Err(Error::input("network `resnet8_keras`", found, "a square one", "crop or pad the images"));
    }
    let mut b = GraphBuilder::new("resnet8_keras", input)?;
    let image = b.input();
    let mut x = conv(&mut b, 0, image, height, [16, 3, 1])?;
    x = b.batch_norm_with(&numbered("batch_normalization", 0), x, EPSILON)?;
    x = b.relu(&numbered("activation", 0), x)?;
    let mut extent = height;
    for (block, [first, out, stride]) in [[1, 16, 1], [3, 32, 2], [6, 64, 2]].into_iter().enumerate() {
        let (inner, outer) = (2 * block + 1, 2 * block + 2);
        let mut y = conv(&mut b, first, x, extent, [out, 3, stride])?;
        y = b.batch_norm_with(&numbered("batch_normalization", inner), y, EPSILON)?;
        y = b.relu(&numbered("activation", inner), y)?;
        y = conv(&mut b, first + 1, y, extent.div_ceil(stride), [out, 3, 1])?;
        let shortcut = if block == 0 { x } else { conv(&mut b, first + 2, x, extent, [out, 1, stride])? };
        y = b.batch_norm_with(&numbered("batch_normalization", outer), y, EPSILON)?;
        y = b.add(&numbered("add", block), y, shortcut)?;
        x = b.relu(&numbered("activation", outer), y)?;
        extent = extent.div_ceil(stride);
    }
    let pooled = b.global_average_pool("average_pooling2d", x)?;
    b.linear("dense", pooled, classes)?;
    Ok(b.finish())
}

/// Keras's name of the layer with this number among those of its kind.
fn numbered(kind: &str, number: usize) -> String {
    if number == 0 { kind.into() } else { format!("{kind}_{number}") }
}

/// Convolution number `number` on a map of `extent` × `extent`.
fn conv(
    b: &mut GraphBuilder,
    number: usize,
    x: NodeId,
    extent: usize,
    [out_channels, kernel, stride]: [usize; 3],
) -> Result<NodeId> {
    let padding = same_padding(extent, kernel, stride);
    let conv = Conv2d::square(out_channels, kernel, stride).padded(padding).biased();
    b.conv_general(&numbered("conv2d", number), x, conv)
}

/// TensorFlow's padding "same", before and behind.
fn same_padding(extent: usize, kernel: usize, stride: usize) -> Padding {
    let total = ((extent.div_ceil(stride) - 1) * stride + kernel).saturating_sub(extent);
    Padding::uneven(total / 2, total - total / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{LayerCost, Op};

    #[test]
    fn it_has_the_layers_of_the_published_model() {
        // MLPerf Tiny's pretrainedResnet: 78,666 scalars, 480 of them statistics of norms; 12.5 M MACs.
        let graph = resnet8_keras([3, 32, 32], 10).unwrap();
        let costs = LayerCost::of(&graph);
        let (weights, others) = (costs.iter().map(|c| c.parameters), costs.iter().map(|c| c.other_parameters));
        assert_eq!((weights.sum::<u64>(), others.sum::<u64>()), (77_360, 78_666 - 77_360));
        assert_eq!(costs.iter().map(|c| c.macs).sum::<u64>(), 12_501_632);
        let names: Vec<String> = graph.layers().into_iter().map(|l| l.name).collect();
        let expected = (0..9).map(|n| numbered("conv2d", n)).chain(["dense".into()]);
        assert_eq!(names, expected.collect::<Vec<_>>());
        let norms = graph.nodes().iter().filter(|n| matches!(n.op, Op::BatchNorm { epsilon: 1e-3 }));
        assert_eq!(norms.map(|n| n.shape[0]).collect::<Vec<_>>(), [16, 16, 16, 32, 32, 64, 64]);
    }

    #[test]
    fn padding_is_that_of_tensorflow() {
        let graph = resnet8_keras([3, 32, 32], 10).unwrap();
        let padding = graph.nodes().iter().filter_map(|n| match n.op {
            Op::Conv2d(c) => Some(c.padding),
            _ => None,
        });
        // `pads` of the ONNX export of the same model.
        let (even, uneven, none) = (Padding::even(1), Padding::uneven(0, 1), Padding::default());
        let expected = [even, even, even, uneven, even, none, uneven, even, none];
        assert_eq!(padding.collect::<Vec<_>>(), expected);
        // At odd sizes the same layers pad evenly: 15 → 8.
        assert_eq!(
            [same_padding(15, 3, 2), same_padding(15, 1, 2), same_padding(15, 4, 2)],
            [even, none, Padding::uneven(1, 2)]
        );
        assert!(resnet8_keras([3, 32, 16], 10).unwrap_err().to_string().contains("32 × 16"));
    }

    #[test]
    fn shortcuts_have_no_norm_and_lead_back_to_the_main_path() {
        let graph = resnet8_keras([3, 32, 32], 10).unwrap();
        let layers = graph.layers();
        let previous: Vec<Option<usize>> = layers.iter().map(|l| l.previous).collect();
        assert_eq!(previous, [None, Some(0), Some(1), Some(2), Some(3), Some(2), Some(4), Some(6), Some(4), Some(7)]);
        for node in graph.nodes().iter().filter(|n| matches!(n.op, Op::BatchNorm { .. })) {
            assert!(!["conv2d_5", "conv2d_8"].contains(&graph.nodes()[node.inputs[0]].name.as_str()));
        }
        assert!(layers.iter().skip(1).all(|l| l.unsigned_input) && !layers[0].unsigned_input);
    }
}
