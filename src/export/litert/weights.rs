//! Weights as LiteRT has them: channels last, in INT4 or INT8 with one scale for each output channel.

use crate::export::{Codes, DeployedLayer, LayerWeights};
use crate::graph::Op;
use crate::quant::{packing, weights::signed_range};

/// Bits of the type that holds codes of `bits` bits, all that kernels and ai-edge-quantizer know: 4 or 8, and 8 for depthwise
/// convolutions.
pub(super) fn container(op: &Op, bits: u32) -> u32 {
    if bits <= 4 && !is_depthwise(op) { 4 } else { 8 }
}

/// Whether the operator is a depthwise convolution.
pub(super) fn is_depthwise(op: &Op) -> bool {
    matches!(op, Op::Conv2d(conv) if conv.is_depthwise())
}

/// Shape of the weight in the file, and its axis of output channels: `[out, height, width, in]`, for depthwise convolutions
/// `[1, height, width, out]`, for dense layers `[out, in]`.
pub(super) fn shape(op: &Op, shape: &[usize]) -> (Vec<usize>, usize) {
    match *shape {
        [out, _, height, width] if is_depthwise(op) => (vec![1, height, width, out], 3),
        [out, inputs, height, width] => (vec![out, height, width, inputs], 0),
        _ => (shape.to_vec(), 0),
    }
}

/// Elements of a weight of `from` in the order of the file.
pub(super) fn reorder<T: Copy>(op: &Op, from: &[usize], elements: &[T]) -> Vec<T> {
    let &[out, inputs, height, width] = from else { return elements.to_vec() };
    let cells = height * width;
    let order: Vec<usize> = match is_depthwise(op) {
        true => (0..cells).flat_map(|cell| (0..out).map(move |o| o * cells + cell)).collect(),
        false => (0..out * cells)
            .flat_map(|row| (0..inputs).map(move |i| (row / cells * inputs + i) * cells + row % cells))
            .collect(),
    };
    order.into_iter().filter_map(|index| elements.get(index).copied()).collect()
}

/// Whether ai-edge-quantizer's `dequantized_weight_recovery` finds these codes again among the values, by the rules of version
/// 0.10.0: a channel's scale is the smallest distance of its magnitudes, zero among them; codes of 8 bits are clipped at −127;
/// depthwise convolutions are not known to it.
pub(super) fn is_recoverable(op: &Op, codes: &Codes) -> bool {
    /// Distances below are taken for rounding.
    const SMALLEST_STEP: f32 = 1e-9;
    let width = container(op, codes.bits);
    let (low, high) = signed_range(width);
    let low = if width == 8 { low + 1 } else { low };
    let channel = |(codes, &scale): (&[i8], &f32)| {
        let mut magnitudes: Vec<i32> = codes.iter().map(|&code| i32::from(code).abs()).chain([0]).collect();
        magnitudes.sort_unstable();
        magnitudes.dedup();
        let Some(step) = magnitudes.windows(2).map(|pair| pair[1] - pair[0]).min() else { return true };
        let fits = |&code: &i8| i32::from(code) % step == 0 && (low..=high).contains(&(i32::from(code) / step));
        codes.iter().all(fits) && step as f32 * scale > SMALLEST_STEP
    };
    !is_depthwise(op) && codes.codes.chunks(codes.group.max(1)).zip(&codes.scale).all(channel)
}

/// The codes of a layer as bytes of its container, in the order of the file.
pub(super) fn code_bytes(op: &Op, layer: &DeployedLayer, codes: &Codes) -> Vec<u8> {
    packing::pack(&reorder(op, &layer.shape, &codes.codes), container(op, codes.bits))
}

/// The values of a layer as bytes, in the order of the file.
pub(super) fn float_bytes(op: &Op, layer: &DeployedLayer) -> Vec<u8> {
    bytes(&reorder(op, &layer.shape, &layer.weights.values()))
}

/// Little-endian bytes.
pub(super) fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The codes of a layer that has some.
pub(super) fn codes(layer: &DeployedLayer) -> Option<&Codes> {
    match &layer.weights {
        LayerWeights::Codes(codes) => Some(codes),
        LayerWeights::Float(_) => None,
    }
}
