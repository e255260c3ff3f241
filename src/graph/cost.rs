//! What a layer costs at given bit-widths: multiplications, weights, bytes (method.md §5).
//!
//! ```text
//! BitOPs_l = MACs_l · b_w · b_a            weight bytes_l = ⌈n_l · b_w / 8⌉ + 4 · scales_l
//! model bytes_l = weight bytes_l + 4 · (1 + other parameters_l)
//! ```
//!
//! Bytes count what is written: packed codes and f32 scales, one per output channel or per group of weights; a 32-bit layer
//! has no scales. The whole model has also a scale for each quantised input, and what stays f32 in any case; zero points there
//! are none. Activations that stay floats beside quantised weights count as 16 bits, and have no scale.
//! All counts are exact integers in u64. A MAC is one multiply-accumulate of one sample.

use serde::Serialize;

use crate::graph::axis::AxisMap;
use crate::graph::function::Function;
use crate::graph::op::{Graph, NodeId, Op};

/// Size-independent counts of one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LayerCost {
    /// Multiply-accumulates per sample.
    pub macs: u64,
    /// Weights.
    pub parameters: u64,
    /// Scales of its weights: one per output channel, or more ([`Self::grouped`]).
    pub scales: u64,
    /// Elements of one sample of the input.
    pub input_elements: u64,
    /// Elements of one sample of the output.
    pub output_elements: u64,
    /// Whether the input is quantised, and so has a scale.
    pub quantized_input: bool,
    /// Parameters beside the weight that stay f32 at every width: the layer's bias, and batch norms up to the next layer.
    pub other_parameters: u64,
}

impl LayerCost {
    /// Costs of every layer, in layer order.
    pub fn of(graph: &Graph) -> Vec<LayerCost> {
        let others = other_parameters(graph);
        let elements = |shape: &[usize]| shape.iter().map(|&extent| extent as u64).product::<u64>();
        graph
            .layers()
            .iter()
            .enumerate()
            .map(|(index, layer)| {
                let node = &graph.nodes()[layer.node];
                let parameters = layer.parameters() as u64;
                let positions = match node.op {
                    Op::Conv2d(_) => positions(graph, layer.node) as u64,
                    Op::Linear(_) => node.shape[..node.shape.len() - 1].iter().map(|&extent| extent as u64).product(),
                    // A row is looked up, not multiplied.
                    _ => 0,
                };
                LayerCost {
                    macs: parameters * positions,
                    parameters,
                    scales: layer.channels() as u64,
                    input_elements: elements(&graph.nodes()[node.inputs[0]].shape),
                    output_elements: elements(&node.shape),
                    quantized_input: layer.quantized_input,
                    other_parameters: others[index],
                }
            })
            .collect()
    }

    /// The same layer with a scale for each `group` weights.
    pub fn grouped(self, group: usize) -> Self {
        Self { scales: self.parameters.div_ceil(group.max(1) as u64), ..self }
    }

    /// Bit operations of one sample.
    pub fn bit_ops(&self, weight_bits: u32, activation_bits: u32) -> u64 {
        self.macs * u64::from(weight_bits) * u64::from(activation_bits)
    }

    /// Bytes of everything that is stored of the layer, and of the norms behind it.
    pub fn model_bytes(&self, weight_bits: u32, activation_bits: u32) -> u64 {
        self.weight_bytes(weight_bits)
            + 4 * self.other_parameters
            + if activation_bits < 16 && self.quantized_input { 4 } else { 0 }
    }

    /// Bytes of the stored weights and their scales.
    pub fn weight_bytes(&self, weight_bits: u32) -> u64 {
        let codes = (self.parameters * u64::from(weight_bits)).div_ceil(8);
        codes + if weight_bits < 32 { 4 * self.scales } else { 0 }
    }
}

/// Places at which a convolution's kernel is applied: those of its output; of a transposed one, whose input has zeros between
/// the elements, the elements, since nobody multiplies the zeros.
fn positions(graph: &Graph, node: NodeId) -> usize {
    let area = |id: NodeId| graph.nodes()[id].shape[1..].iter().product::<usize>();
    let (mut source, mut stuffed) = (graph.nodes()[node].inputs[0], false);
    while let Op::Function(Function::Along { map, .. }) = &graph.nodes()[source].op {
        match map {
            AxisMap::Stuff { .. } => stuffed = true,
            AxisMap::Pad { .. } => {}
            _ => break,
        }
        source = graph.nodes()[source].inputs[0];
    }
    if stuffed { area(source) } else { area(node) }
}

/// Parameters other than weights, at the layer before them; those before every layer at the first.
fn other_parameters(graph: &Graph) -> Vec<u64> {
    let layers = graph.layers();
    let mut others = vec![0; layers.len()];
    let layer_at = |node: usize| layers.iter().position(|l| l.node == node);
    let layer_before =
        |at: usize| std::iter::successors(Some(at), |&n| graph.nodes()[n].inputs.first().copied()).find_map(layer_at);
    for (at, node) in graph.nodes().iter().enumerate() {
        let (owner, count) = match &node.op {
            op if op.has_bias() => (layer_at(at), layers[layer_at(at).unwrap_or(0)].channels() as u64),
            Op::BatchNorm { .. } => (layer_before(at), 4 * node.shape[0] as u64),
            Op::Function(function) => {
                let each: usize = function.parameter_shape(&node.shape).iter().product();
                (layer_before(at), (function.parameters().len() * each) as u64)
            }
            _ => continue,
        };
        if let Some(total) = others.get_mut(owner.unwrap_or(0)) {
            *total += count;
        }
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::build::GraphBuilder;
    use crate::graph::op::{Conv2d, Padding};

    #[test]
    fn zeros_between_the_elements_are_not_multiplied() {
        // A transposed 2×2 convolution, stride 2, of a 4×4 map: 16 places, not the 64 that its kernel is slid over.
        let mut b = GraphBuilder::new("test", [3, 4, 4]).unwrap();
        let x = b.along("rows", 0, 1, AxisMap::Stuff { stride: 2 }).unwrap();
        let x = b.along("columns", x, 2, AxisMap::Stuff { stride: 2 }).unwrap();
        let c = b.conv_general("c", x, Conv2d::square(5, 2, 1).padded(Padding::even(1))).unwrap();
        assert_eq!(b.shape(c), [5, 8, 8]);
        assert_eq!(LayerCost::of(&b.finish())[0].macs, 5 * 3 * 4 * 16);
    }

    #[test]
    fn counts_match_hand_computed_values() {
        let mut b = GraphBuilder::new("test", [3, 8, 8]).unwrap();
        let c = b.conv("c", b.input(), 5, 3, 2).unwrap();
        let p = b.global_average_pool("p", c).unwrap();
        b.linear("fc", p, 10).unwrap();
        let costs = LayerCost::of(&b.finish());
        // 5·3·9 = 135 weights at 4×4 positions.
        assert_eq!(costs[0].macs, 135 * 16);
        assert_eq!((costs[0].input_elements, costs[0].output_elements), (192, 80));
        assert_eq!(costs[0].bit_ops(4, 8), 135 * 16 * 32);
        // 135 codes of 3 bits are 405 bits = 51 bytes, and 5 scales.
        assert_eq!(costs[0].weight_bytes(3), 51 + 20);
        assert_eq!(costs[1].macs, 50);
        assert_eq!(costs[1].weight_bytes(32), 200);
        // A bias is stored as f32 beside the weights, of a convolution as of a dense layer.
        assert_eq!((costs[0].other_parameters, costs[1].other_parameters), (0, 10));
        let mut b = GraphBuilder::new("biased", [3, 8, 8]).unwrap();
        let same = Conv2d::square(5, 3, 2).padded(Padding::uneven(0, 1)).biased();
        let c = b.conv_general("c", b.input(), same).unwrap();
        b.batch_norm("n", c).unwrap();
        let biased = LayerCost::of(&b.finish());
        assert_eq!(biased[0].other_parameters, 5 + 4 * 5);
        assert_eq!((biased[0].macs, biased[0].weight_bytes(3)), (costs[0].macs, costs[0].weight_bytes(3)));
        assert_eq!(biased[0].model_bytes(3, 8), 51 + 20 + 4 * 25 + 4);
    }
}
