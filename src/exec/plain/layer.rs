//! Layers with weights: convolutions, dense layers over positions, tables; and their biases.

use candle_core::{DType, Tensor};

use crate::error::Result;
use crate::exec::layer_map::LayerMap;
use crate::exec::plain::tensors::{channel_sums, clip, full_like};
use crate::exec::plain::{convolution, windows};
use crate::exec::{LayerBinding, Network};

/// A dense layer has channels last, on any number of positions; a convolution right behind the batch.
fn channels_first(network: &Network, layer: usize, batch: usize, y: &Tensor) -> Result<Tensor> {
    let map = network.bias_map(layer, batch);
    Ok(match map.positions {
        1 => y.reshape((batch, (), map.channels))?.transpose(1, 2)?,
        positions => y.reshape((batch, map.channels, positions))?,
    })
}

/// `y = map(x, w) + bias` in the shape of the layer's output; `x` is quantised already.
pub(super) fn forward(
    network: &Network,
    layer: usize,
    batch: usize,
    binding: &LayerBinding,
    x: &Tensor,
) -> Result<Tensor> {
    let weight = binding.weight.to_device(x.device())?;
    let shape = network.batch_shape(network.layers()[layer].node, batch);
    let y = match network.layer_map(layer, batch) {
        LayerMap::Convolution(convolution, dilation) => {
            convolution::forward(&convolution, x, &windows::spread_kernel(dilation, &weight)?)?
        }
        LayerMap::Table { .. } => lookup(x, &weight)?,
    };
    let Some(bias) = &binding.bias else { return Ok(y.reshape(shape)?) };
    let map = network.bias_map(layer, batch);
    let bias = bias.to_device(x.device())?.reshape((1, map.channels, 1))?;
    Ok(y.reshape((map.batch, map.channels, map.positions))?.broadcast_add(&bias)?.reshape(shape)?)
}

/// Gradient of the (quantised) input, in its shape. Token numbers have none.
pub(super) fn input_gradient(
    network: &Network,
    layer: usize,
    batch: usize,
    binding: &LayerBinding,
    [x, g]: [&Tensor; 2],
) -> Result<Tensor> {
    match network.layer_map(layer, batch) {
        LayerMap::Convolution(shape, dilation) => {
            let weight = windows::spread_kernel(dilation, &binding.weight.to_device(g.device())?)?;
            Ok(convolution::input_gradient(&shape, &weight, g)?.reshape(x.shape())?)
        }
        LayerMap::Table { .. } => Ok(x.zeros_like()?),
    }
}

/// Gradient of the weight, in its shape, on the device.
pub(super) fn weight_gradient(network: &Network, layer: usize, batch: usize, [x, g]: [&Tensor; 2]) -> Result<Tensor> {
    let shape = network.layers()[layer].weight_shape.as_slice();
    let dw = match network.layer_map(layer, batch) {
        LayerMap::Convolution(convolution, dilation) => {
            let dw = convolution::weight_gradient(&convolution, x, g)?;
            windows::gather_kernel(dilation, &dw)?
        }
        LayerMap::Table { features } => {
            let zeros = Tensor::zeros(shape, g.dtype(), g.device())?;
            zeros.index_add(&rows(x, shape[0])?, &g.reshape(((), features))?.contiguous()?, 0)?
        }
    };
    Ok(dw.reshape(shape)?)
}

/// Gradient of the bias.
pub(super) fn bias_gradient(network: &Network, layer: usize, batch: usize, g: &Tensor) -> Result<Vec<f64>> {
    channel_sums(&channels_first(network, layer, batch, g)?)
}

/// Row numbers of tokens; those that are no row of the table become one that is.
fn rows(x: &Tensor, tokens: usize) -> Result<Tensor> {
    Ok(clip(&x.flatten_all()?, 0.0, (tokens - 1) as f64)?.to_dtype(DType::U32)?)
}

/// `y[p] = table[x[p]]`; a number that is no row of the table gives NaN, which no caller can overlook.
fn lookup(x: &Tensor, table: &Tensor) -> Result<Tensor> {
    let rows = rows(x, table.dim(0)?)?;
    let number = x.flatten_all()?;
    let known = rows.to_dtype(number.dtype())?.eq(&number)?;
    let fault = known.where_cond(&number.zeros_like()?, &full_like(&number, f64::NAN)?)?;
    Ok(table.index_select(&rows, 0)?.broadcast_add(&fault.unsqueeze(1)?)?)
}
