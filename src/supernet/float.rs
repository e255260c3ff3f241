//! The FP32 model: parameters by the names of PyTorch checkpoints, `NODE.weight`, `NODE.bias`, `NODE.running_mean`,
//! `NODE.running_var`.

use std::path::Path;

use candle_core::Tensor;

use crate::error::Result;
use crate::exec::{Bindings, LayerBinding, Network, NormBinding, NormState, Statistics};
use crate::numeric::rng::Stream;
use crate::store::TensorFile;
use crate::supernet::Parameters;

/// Weight of the past in running statistics; PyTorch's default momentum of 0.1.
const KEPT: f64 = 0.9;

/// Random parameters: weights normal with variance `2 / fan_in` (He et al. 2015, arXiv 1502.01852), norms neutral.
///
/// # Errors
/// Never for a checked network.
pub fn initial_float(network: &Network, seed: u64) -> Result<Parameters> {
    let mut parameters = Parameters::default();
    for (l, layer) in network.layers().iter().enumerate() {
        let mut stream = Stream::new(seed, "weights", &[l as u64]);
        let deviation = (2.0 / (layer.parameters() / layer.channels()) as f64).sqrt();
        let values = (0..layer.parameters()).map(|_| (deviation * stream.normal()) as f32).collect();
        parameters.set(format!("{}.weight", layer.name), values, &layer.weight_shape)?;
        if network.has_bias(l) {
            parameters.set(format!("{}.bias", layer.name), vec![0.0; layer.channels()], &[layer.channels()])?;
        }
    }
    for norm in network.norms() {
        for (what, value) in [("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)] {
            parameters.set(format!("{}.{what}", norm.name), vec![value; norm.channels], &[norm.channels])?;
        }
    }
    for (name, length) in (0..network.functions().len()).flat_map(|f| network.function_parameters(f)) {
        let neutral = if name.ends_with(".bias") { 0.0 } else { 1.0 };
        parameters.set(name, vec![neutral; length], &[length])?;
    }
    Ok(parameters)
}

/// Names and shapes of a network's FP32 parameters.
fn shapes(network: &Network) -> Vec<(String, Vec<usize>)> {
    let mut all = Vec::new();
    for (l, layer) in network.layers().iter().enumerate() {
        all.push((format!("{}.weight", layer.name), layer.weight_shape.clone()));
        if network.has_bias(l) {
            all.push((format!("{}.bias", layer.name), vec![layer.channels()]));
        }
    }
    for norm in network.norms() {
        for what in ["weight", "bias", "running_mean", "running_var"] {
            all.push((format!("{}.{what}", norm.name), vec![norm.channels]));
        }
    }
    let functions = (0..network.functions().len()).flat_map(|f| network.function_parameters(f));
    all.extend(functions.map(|(name, length)| (name, vec![length])));
    all
}

/// Reads FP32 parameters from a safetensors file by name. Tensors of other names, such as PyTorch's
/// `num_batches_tracked`, are ignored.
///
/// # Errors
/// When the file is missing or damaged, a tensor is missing, has another shape or is not finite, or a variance is
/// negative.
pub fn load_float(network: &Network, path: &Path) -> Result<Parameters> {
    let file = TensorFile::read(path)?;
    let place = path.display().to_string();
    let mut parameters = Parameters::default();
    for (name, shape) in shapes(network) {
        let values = match name.ends_with("running_var") {
            true => file.positive(&name, &shape, true, &place)?,
            false => file.floats(&name, &shape, &place)?,
        };
        parameters.set(name, values.to_vec(), &shape)?;
    }
    Ok(parameters)
}

/// The FP32 network: batch statistics in training, running statistics else.
///
/// # Errors
/// When a parameter is missing.
pub fn bind_float(network: &Network, parameters: &Parameters, training: bool) -> Result<Bindings> {
    let layer = |(l, layer): (usize, &crate::graph::Layer)| {
        let bias =
            if network.has_bias(l) { Some(parameters.get(&format!("{}.bias", layer.name))?.clone()) } else { None };
        Ok(LayerBinding { weight: parameters.get(&format!("{}.weight", layer.name))?.clone(), bias, activation: None })
    };
    let layers = network.layers().iter().enumerate().map(layer).collect::<Result<_>>()?;
    let norms = network.norms().iter().map(|n| bind_norm(parameters, &n.name, training)).collect::<Result<_>>()?;
    Ok(Bindings { layers, norms, functions: bind_functions(network, parameters)? })
}

/// The functions' parameters.
///
/// # Errors
/// When one is missing.
pub(super) fn bind_functions(network: &Network, parameters: &Parameters) -> Result<Vec<Vec<Tensor>>> {
    let bind = |f| network.function_parameters(f).iter().map(|(name, _)| parameters.get(name).cloned()).collect();
    (0..network.functions().len()).map(bind).collect()
}

/// One norm, from the parameters under `key`.
pub(super) fn bind_norm(parameters: &Parameters, key: &str, training: bool) -> Result<NormBinding> {
    let get = |what: &str| parameters.get(&format!("{key}.{what}")).cloned();
    let statistics = match training {
        true => Statistics::Batch,
        false => Statistics::Fixed { mean: get("running_mean")?, variance: get("running_var")? },
    };
    Ok(NormBinding { gamma: get("weight")?, beta: get("bias")?, statistics })
}

/// Moves running statistics towards those of a batch; the variance is made unbiased over `count` values, as PyTorch
/// does.
pub(super) fn update_running(parameters: &mut Parameters, key: &str, state: &NormState, count: usize) -> Result<()> {
    let unbiased = count as f64 / (count.max(2) - 1) as f64;
    let blend = |old: Vec<f32>, new: &[f64], factor: f64| -> Vec<f32> {
        old.iter().zip(new).map(|(o, n)| (KEPT * f64::from(*o) + (1.0 - KEPT) * n * factor) as f32).collect()
    };
    let mean = blend(parameters.values(&format!("{key}.running_mean"))?, &state.mean, 1.0);
    let variance = blend(parameters.values(&format!("{key}.running_var"))?, &state.variance, unbiased);
    let channels = [mean.len()];
    parameters.set(format!("{key}.running_mean"), mean, &channels)?;
    parameters.set(format!("{key}.running_var"), variance, &channels)
}
