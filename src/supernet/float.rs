//! The FP32 model: parameters by the names of PyTorch checkpoints, `NODE.weight`, `NODE.bias`, `NODE.running_mean`,
//! `NODE.running_var`.

use std::path::Path;

use candle_core::Tensor;

use crate::error::{Error, Result};
use crate::exec::{Bindings, LayerBinding, Network, NormBinding, NormState, Statistics};
use crate::graph::{Parameter, Role};
use crate::model::Weights;
use crate::store::TensorFile;
use crate::supernet::Parameters;
use crate::zoo::{Values, ZooNetwork, initial_values};

/// Weight of the past in running statistics; PyTorch's default momentum of 0.1.
const KEPT: f64 = 0.9;

/// The parameters that training of a built-in network begins with; see [`initial_values`].
///
/// # Errors
/// Never for a checked network.
pub fn initial_float(network: &ZooNetwork, seed: u64) -> Result<Parameters> {
    let mut parameters = Parameters::default();
    for (name, (shape, values)) in initial_values(network, seed) {
        parameters.set(name, values, &shape)?;
    }
    Ok(parameters)
}

/// Reads FP32 parameters from a safetensors file by name; `tables` are taken from the network where the file lacks them.
/// Tensors of other names, such as PyTorch's `num_batches_tracked`, are ignored. A constant may have its node's name alone,
/// as PyTorch's parameters have.
///
/// # Errors
/// When the file is missing or damaged, a tensor is missing, has another shape or is not finite, or a variance is
/// negative.
pub fn load_float(network: &Network, path: &Path, tables: &Values) -> Result<Parameters> {
    let file = TensorFile::read(path)?;
    let place = path.display().to_string();
    let mut parameters = Parameters::default();
    for Parameter { name, shape, role } in network.graph().parameters() {
        let short = name.strip_suffix(".value").filter(|short| file.arrays.contains_key(*short));
        let stored = short.unwrap_or(&name);
        let values = match (role, tables.get(&name)) {
            (Role::Table, Some((_, table))) if !file.arrays.contains_key(stored) => table.as_slice(),
            (Role::RunningVariance, _) => file.positive(stored, &shape, true, &place)?,
            _ => file.floats(stored, &shape, &place)?,
        };
        parameters.set(name.clone(), values.to_vec(), &shape)?;
    }
    Ok(parameters)
}

/// FP32 parameters that came with a network.
///
/// # Errors
/// When one is missing, has another shape or is not finite, or a variance is negative.
pub fn given_float(network: &Network, weights: &Weights) -> Result<Parameters> {
    let mut parameters = Parameters::default();
    for Parameter { name, shape, role } in network.graph().parameters() {
        let values = weights.get(&name, &shape)?;
        let least = if role == Role::RunningVariance { 0.0 } else { f32::NEG_INFINITY };
        if let Some(bad) = values.iter().find(|v| !v.is_finite() || **v < least) {
            let place = format!("network `{}`, tensor `{name}`", network.graph().name);
            return Err(Error::input(
                place,
                bad.to_string(),
                "finite numbers, variances not negative",
                "export it again",
            ));
        }
        parameters.set(name, values, &shape)?;
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
