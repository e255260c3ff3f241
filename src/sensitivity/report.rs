//! The sensitivity of every candidate of every layer, `bitplan.sensitivity/1`.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::quant::WeightScale;
use crate::scheme::Scheme;
use crate::sensitivity::{StopReason, TraceEstimate, Traces, perturbation};
use crate::space::{Candidate, Objective, SensitivitySpec};

/// What this program writes.
const FORMAT: &str = "bitplan.sensitivity/1";

/// One candidate of one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateSensitivity {
    /// Its bits.
    pub candidate: Candidate,
    /// `‖Ŵ − W‖²`, at the scale that was asked for.
    pub perturbation: f64,
    /// The same at the three-sigma scale, which training starts from.
    pub three_sigma_perturbation: f64,
    /// `D`, mean divergence of the predictions when only the layer's input is quantised.
    pub divergence: f64,
    /// `Ω`: what the plan minimises the sum of.
    pub sensitivity: f64,
    /// Standard error of `Ω`, from that of the trace.
    pub stderr: f64,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerSensitivity {
    /// Its name.
    pub name: String,
    /// `n_l`, weights.
    pub parameters: u64,
    /// `t_l`, trace of its Hessian block, and its standard error.
    pub trace: TraceEstimate,
    /// `t̄_l = t_l / n_l`; a trace below its standard error counts as that error.
    pub average_trace: f64,
    /// Its candidates, widest first.
    pub candidates: Vec<CandidateSensitivity>,
}

/// The sensitivities of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensitivityReport {
    /// `bitplan.sensitivity/1`.
    pub format: String,
    /// What `Ω` is.
    pub objective: Objective,
    /// Scale of the weights that `perturbation` is taken at.
    pub scale: WeightScale,
    /// Images that the loss was taken over.
    pub images: u64,
    /// Hutchinson probes.
    pub probes: u64,
    /// Why no more.
    pub stop: StopReason,
    /// Largest standard error relative to its layer's trace.
    pub worst_relative_error: f64,
    /// One per layer, in graph order.
    pub layers: Vec<LayerSensitivity>,
    /// Remarks.
    pub warnings: Vec<String>,
}

impl SensitivityReport {
    /// Combines traces with what the candidates do to the FP32 weights (`weights[l]`, flat) and to the layers' inputs
    /// (`divergences[l][c]`).
    ///
    /// `hessian`: `Ω = t̄ · ‖Ŵ − W‖² + 2 D`, twice the loss increase to second order (HAWQ-V2, with the activation term of
    /// [`crate::sensitivity::activation_divergence`]). `linear`: `Ω = −t̄ · b`, the Double-Rounding paper's maximisation
    /// of `Σ t̄ b` as a minimisation.
    ///
    /// A trace below its standard error counts as that error, and is reported: a layer is not insensitive because it was
    /// not resolved. (The network is piecewise linear in one layer's weights, so its blocks of the Hessian are positive
    /// semi-definite almost everywhere: a negative estimate is always noise.)
    pub fn new(
        scheme: &Scheme,
        weights: &[Vec<f32>],
        divergences: &[Vec<f64>],
        traces: &Traces,
        spec: &SensitivitySpec,
        images: u64,
    ) -> Self {
        let objective = spec.objective;
        let mut warnings = Vec::new();
        if traces.stop == StopReason::ProbeLimit {
            let missed = traces.layers.iter().filter(|l| l.stderr > spec.relative_error * l.trace.abs()).count();
            warnings.push(format!(
                "stopped at {} probes (max_probes); the standard error is above {} % of the trace in {missed} of {} layers",
                traces.probes,
                100.0 * spec.relative_error,
                traces.layers.len()
            ));
        }
        let layer = |l: usize| {
            let (layer, trace) = (&scheme.layers[l], traces.layers[l]);
            let n = layer.cost.parameters as f64;
            if trace.trace < trace.stderr {
                let (name, TraceEstimate { trace, stderr }) = (&layer.name, trace);
                warnings.push(format!(
                    "{name}: the trace {trace:.2e} ± {stderr:.2e} is not resolved; it counts as {stderr:.2e}"
                ));
            }
            let average_trace = trace.trace.max(trace.stderr) / n;
            let candidate = |(c, &candidate): (usize, &Candidate)| {
                let divergence = divergences[l][c];
                let bits = u32::from(candidate.weight_bits());
                let quantizer = scheme.weight_quantizer(l);
                let distance_at = |scale| match &quantizer {
                    Some(quantizer) => perturbation(quantizer, &weights[l], layer.weight_shape[0], bits, scale),
                    None => 0.0,
                };
                let (distance, three_sigma_perturbation) =
                    (distance_at(spec.scale), distance_at(WeightScale::ThreeSigma));
                let (factor, constant) = match objective {
                    Objective::Hessian => (distance, 2.0 * divergence),
                    Objective::Linear => (-f64::from(bits), 0.0),
                };
                let (sensitivity, stderr) = (average_trace * factor + constant, trace.stderr / n * factor.abs());
                CandidateSensitivity {
                    candidate,
                    perturbation: distance,
                    three_sigma_perturbation,
                    divergence,
                    sensitivity,
                    stderr,
                }
            };
            let candidates = layer.candidates.iter().enumerate().map(candidate).collect();
            LayerSensitivity {
                name: layer.name.clone(),
                parameters: layer.cost.parameters,
                trace,
                average_trace,
                candidates,
            }
        };
        let layers = (0..scheme.layers.len()).map(layer).collect();
        let Traces { probes, stop, worst_relative_error, .. } = *traces;
        Self {
            format: FORMAT.into(),
            objective,
            scale: spec.scale,
            images,
            probes,
            stop,
            worst_relative_error,
            layers,
            warnings,
        }
    }

    /// Checks a report that was read from `place` against the layers it is used for.
    ///
    /// # Errors
    /// When it is of another format, or has other layers or candidates.
    pub fn check(&self, scheme: &Scheme, place: &str) -> Result<()> {
        let wrong = |found: String, expected: String| {
            Err(Error::input(place, found, expected, "measure it again with `bitplan sensitivity`"))
        };
        if self.format != FORMAT {
            return wrong(format!("format `{}`", self.format), FORMAT.into());
        }
        let theirs =
            self.layers.iter().map(|l| (&l.name, l.candidates.iter().map(|c| c.candidate).collect::<Vec<_>>()));
        if !theirs.eq(scheme.layers.iter().map(|l| (&l.name, l.candidates.clone()))) {
            return wrong("other layers or candidates".into(), "those of the search space".into());
        }
        Ok(())
    }

    /// `t̄_l` of every layer.
    pub fn average_traces(&self) -> Vec<f64> {
        self.layers.iter().map(|l| l.average_trace).collect()
    }
}
