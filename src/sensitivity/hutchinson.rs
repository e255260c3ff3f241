//! Trace of every diagonal block by Hutchinson's estimator (Hutchinson 1990; method.md §3).
//!
//! ```text
//! t_l = Tr(H_ll) = E[v_lᵀ (Hv)_l],   v with independent ±1 entries over all layers
//! ```
//!
//! Unbiased: `E[v_i v_j] = 1[i = j]`, so of `v_lᵀ Σ_m H_lm v_m` only the diagonal of `H_ll` survives the mean. One
//! product serves all layers; the off-diagonal blocks add variance, no bias. `Var(vᵀAv) = 2(‖A‖² − Σ a_ii²)` for one
//! block: a diagonal block is exact with one probe. Cost: one product a probe.
//!
//! Probes come in blocks. After each block past `min_probes` the estimator stops if every layer's standard error is
//! within `relative_error` of its trace, or of 1 % of the largest trace for layers far below it. (Stopping on the
//! standard error favours samples with a small one; over 8 probes and more the effect on the mean is far below the
//! error itself.)

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::numeric::rng::Stream;
use crate::numeric::stats::Moments;
use crate::progress::Observer;
use crate::sensitivity::{HessianOperator, LayerVectors};

/// Probes that share what does not depend on the vector.
const BLOCK: u64 = 4;

/// Traces below this share of the largest are only resolved to it.
const NEGLIGIBLE: f64 = 0.01;

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceOptions {
    /// At least so many probes.
    pub min_probes: u64,
    /// At most so many probes.
    pub max_probes: u64,
    /// Standard error relative to the trace that is good enough.
    pub relative_error: f64,
    /// Seed of the probes.
    pub seed: u64,
}

/// Trace of one layer's Hessian block.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TraceEstimate {
    /// Mean over the probes.
    pub trace: f64,
    /// Its standard error.
    pub stderr: f64,
}

/// Why the estimator stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// Every layer is known well enough.
    RelativeError,
    /// The probes are used up; some layer is not.
    ProbeLimit,
}

/// Traces of all layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Traces {
    /// One per layer.
    pub layers: Vec<TraceEstimate>,
    /// Probes used.
    pub probes: u64,
    /// Why no more.
    pub stop: StopReason,
    /// Largest standard error relative to its layer's trace (or to 1 % of the largest trace).
    pub worst_relative_error: f64,
}

/// `v_lᵀ (Hv)_l` of every layer, for each probe taken.
pub type Probes = Vec<Vec<f64>>;

/// Estimates the trace of every block. `taken` are the probes of an earlier attempt, which are not taken again; `save`
/// gets all probes after each block.
///
/// # Errors
/// When a product fails, is not finite, `save` fails, or the observer asks to stop.
pub fn hutchinson(
    operator: &dyn HessianOperator,
    options: &TraceOptions,
    taken: &mut Probes,
    save: &mut dyn FnMut(&Probes) -> Result<()>,
    observer: &mut dyn Observer,
) -> Result<Traces> {
    let mut samples = vec![Moments::new(); operator.sizes().len()];
    let push = |samples: &mut [Moments], probe: &[f64]| samples.iter_mut().zip(probe).for_each(|(m, x)| m.push(*x));
    taken.iter().for_each(|probe| push(&mut samples, probe));
    loop {
        let probes = taken.len() as u64;
        if probes > 0 {
            let traces = summary(&samples, probes, options);
            observer.at(probes, &format!("error {:.0} %", 100.0 * traces.worst_relative_error));
            let known = traces.stop == StopReason::RelativeError && probes >= options.min_probes;
            if known || probes >= options.max_probes {
                return Ok(traces);
            }
        }
        if observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        let block = BLOCK.min(options.max_probes - probes);
        let vectors: Vec<LayerVectors> =
            (probes..probes + block).map(|p| probe(operator.sizes(), options.seed, p)).collect();
        for (v, product) in vectors.iter().zip(operator.apply(&vectors)?) {
            let of_layer = |(v, product): (&Vec<f64>, &Vec<f64>)| v.iter().zip(product).map(|(v, p)| v * p).sum();
            let probe: Vec<f64> = v.iter().zip(&product).map(of_layer).collect();
            push(&mut samples, &probe);
            taken.push(probe);
        }
        if let Some(layer) = (0..samples.len()).find(|&l| !taken[taken.len() - 1][l].is_finite()) {
            let place = format!("FP32 model, layer {layer}");
            let remedy = "the model has diverged: train it again";
            return Err(Error::input(place, "a Hessian that is not finite", "finite numbers", remedy));
        }
        save(taken)?;
    }
}

/// Probe number `index`: ±1 entries that depend on nothing but seed and index.
fn probe(sizes: &[usize], seed: u64, index: u64) -> LayerVectors {
    let mut stream = Stream::new(seed, "hutchinson", &[index]);
    sizes.iter().map(|&n| (0..n).map(|_| f64::from(stream.rademacher())).collect()).collect()
}

fn summary(samples: &[Moments], probes: u64, options: &TraceOptions) -> Traces {
    let estimate = |m: &Moments| TraceEstimate {
        trace: m.mean().unwrap_or(0.0),
        stderr: m.standard_error().unwrap_or(f64::INFINITY),
    };
    let layers: Vec<TraceEstimate> = samples.iter().map(estimate).collect();
    let largest = layers.iter().fold(0.0, |m: f64, l| m.max(l.trace.abs()));
    let relative = |l: &TraceEstimate| match l.trace.abs().max(NEGLIGIBLE * largest) {
        0.0 => 0.0,
        scale => l.stderr / scale,
    };
    let worst_relative_error = layers.iter().map(relative).fold(0.0, f64::max);
    let stop =
        if worst_relative_error <= options.relative_error { StopReason::RelativeError } else { StopReason::ProbeLimit };
    Traces { layers, probes, stop, worst_relative_error }
}

#[cfg(test)]
#[path = "hutchinson_tests.rs"]
mod tests;
