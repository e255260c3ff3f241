//! Small operations that the steps share.

use candle_core::{DType, Device, Tensor};

use crate::error::Result;

/// `values` as a tensor like `model`: its element type, on its device.
pub(super) fn like(model: &Tensor, values: &[f64], shape: &[usize]) -> Result<Tensor> {
    // Cast on the host: not every device has f64.
    Ok(Tensor::from_slice(values, shape, &Device::Cpu)?.to_dtype(model.dtype())?.to_device(model.device())?)
}

/// One number in the shape of `model`.
pub(super) fn full_like(model: &Tensor, value: f64) -> Result<Tensor> {
    Ok((model.zeros_like()? + value)?)
}

/// The elements on the host, in f64.
pub(super) fn to_host(x: &Tensor) -> Result<Vec<f64>> {
    Ok(x.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}

/// `min(max(x, low), high)`; NaN stays NaN on every device, so that a diverged network is seen.
pub(super) fn clip(x: &Tensor, low: f64, high: f64) -> Result<Tensor> {
    let x = x.lt(low)?.where_cond(&full_like(x, low)?, x)?;
    Ok(x.gt(high)?.where_cond(&full_like(&x, high)?, &x)?)
}

/// `max(x, 0)`; NaN stays NaN.
pub(super) fn relu(x: &Tensor) -> Result<Tensor> {
    Ok(x.lt(0.0)?.where_cond(&x.zeros_like()?, x)?)
}

/// `g · 1[mask]`.
pub(super) fn where_true(mask: &Tensor, g: &Tensor) -> Result<Tensor> {
    Ok(mask.where_cond(g, &g.zeros_like()?)?)
}

/// Sums of `[batch, channels, positions]` for each channel: over positions on the device, over the batch in f64.
pub(super) fn channel_sums(x: &Tensor) -> Result<Vec<f64>> {
    let (_, channels, _) = x.dims3()?;
    let of_samples = to_host(&x.contiguous()?.sum(2)?)?;
    let mut sums = vec![0.0; channels];
    for sample in of_samples.chunks_exact(channels) {
        sums.iter_mut().zip(sample).for_each(|(sum, value)| *sum += value);
    }
    Ok(sums)
}
