//! The sensitivity of every candidate of every layer, `bitplan.sensitivity/1`.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::quant::WeightScale;
use crate::scheme::Scheme;
use crate::sensitivity::{ActivationEffect, Estimate, Estimator, MeasuredReport, perturbation};
use crate::space::{ActivationTerm, Candidate, Objective, SensitivitySpec};
use crate::trace::{StopReason, TraceEstimate, Traces, relative_errors};

/// What this program writes.
const FORMAT: &str = "bitplan.sensitivity/1";

/// One candidate of one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateSensitivity {
    /// Its bits.
    pub candidate: Candidate,
    /// `‖Ŵ − W‖²`, at the scale that was asked for.
    pub perturbation: f64,
    /// `E`, mean squared change of the layer's input.
    pub input_error: f64,
    /// `D`, mean divergence of the predictions when only the layer's input is quantised, if measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub divergence: Option<Estimate>,
    /// The increase of the loss to second order, `½ (t̄ · ‖Ŵ − W‖² + 2 D)`, whatever the objective.
    pub predicted: f64,
    /// `Ω`: what the plan minimises the sum of.
    pub sensitivity: f64,
    /// Standard error of `Ω`, from those of the traces and divergences or of the measurement, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<f64>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerSensitivity {
    /// Its name.
    pub name: String,
    /// `n_l`, weights.
    pub parameters: u64,
    /// `t_l`, trace of its block of the curvature.
    pub trace: TraceEstimate,
    /// `t̄_l = t_l / n_l`; a trace below its standard error counts as that error.
    pub average_trace: f64,
    /// Trace in the layer's input or output, of one sample, if estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation_trace: Option<TraceEstimate>,
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
    /// Who estimated the traces.
    pub estimator: String,
    /// Whether they are traces of the Hessian, not of a substitute.
    pub hessian: bool,
    /// Scale of the weights that `perturbation` is taken at.
    pub scale: WeightScale,
    /// Images that the loss was taken over.
    pub images: u64,
    /// Draws from every batch of images.
    pub probes: u64,
    /// Why no more.
    pub stop: StopReason,
    /// Largest standard error relative to its layer's trace, if known.
    pub worst_relative_error: Option<f64>,
    /// One per layer, in graph order.
    pub layers: Vec<LayerSensitivity>,
    /// What layers that pins hold would lose at the candidates that these keep them from, where that can be predicted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<LayerSensitivity>,
    /// The loss as measured, beside the prediction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<MeasuredReport>,
    /// Remarks.
    pub warnings: Vec<String>,
}

/// What a report is made of.
#[derive(Debug)]
pub struct Measurements<'a> {
    /// FP32 weights of each layer, flat.
    pub weights: &'a [Vec<f32>],
    /// What quantising the inputs does: layer, candidate.
    pub effects: &'a [Vec<ActivationEffect>],
    /// Traces of the layers' weights, then of their activations if estimated.
    pub traces: &'a Traces,
    /// Who estimated the traces.
    pub estimator: Estimator,
    /// Whether they are the Hessian's.
    pub hessian: bool,
    /// Images that the loss was taken over.
    pub images: u64,
    /// Measured increase of the loss: layer, candidate; empty if not measured.
    pub increases: &'a [Vec<Estimate>],
}

/// A trace that is not resolved counts as its error, or as its size where that is not known: a layer is not insensitive
/// because nothing was seen of it.
fn resolved(estimate: &TraceEstimate) -> f64 {
    estimate.stderr.map_or(estimate.trace.abs(), |error| estimate.trace.max(error))
}

impl SensitivityReport {
    /// Combines traces with what the candidates do to the FP32 weights and to the layers' inputs.
    ///
    /// `hessian`: `Ω = t̄ · ‖Ŵ − W‖² + 2 D`, twice the loss increase to second order (HAWQ-V2, with the activation term of
    /// [`crate::sensitivity::activation_effects`], or `t̄_a E` in its place). `linear`: `Ω = −t̄ · b`, the Double-Rounding
    /// paper's maximisation of `Σ t̄ b` as a minimisation. `measured`: twice the measured increase; a decrease counts as 0.
    ///
    /// A trace below its standard error counts as that error, and is reported.
    pub fn new(scheme: &Scheme, spec: &SensitivitySpec, found: &Measurements<'_>) -> Self {
        let mut warnings = Vec::new();
        let traces = found.traces;
        match found.estimator {
            _ if found.hessian => {}
            Estimator::Fisher => warnings.push(
                "fisher: the traces of the empirical Fisher matrix are not the Hessian's; `estimator: auto` gives those".into(),
            ),
            name => {
                let part = "a part that the Gauss–Newton matrix leaves out";
                warnings.push(format!("{name}: this network's Hessian has {part}; `estimator: hutchinson` has all of it"));
            }
        }
        if found.images < spec.images as u64 {
            warnings.push(format!("{} training images instead of {}: there are no more", found.images, spec.images));
        }
        if traces.blocks == 1 {
            let remedy = "take at least twice batch_size images";
            warnings
                .push(format!("traces: one batch only, so the error from the choice of images is unknown: {remedy}"));
        }
        warnings.extend(inexact(traces, spec));
        let layers = scheme.layers.len();
        let (mut unresolved, mut decreases) = (Vec::new(), Vec::new());
        let layer = |l: usize| {
            let (layer, trace) = (&scheme.layers[l], traces.quantities[l]);
            let n = layer.cost.parameters as f64;
            if trace.trace < resolved(&trace) {
                let (name, stderr, trace) = (&layer.name, resolved(&trace), trace.trace);
                unresolved.push(format!("{name} {trace:.2e} ± {stderr:.2e}"));
            }
            let (average_trace, stderr) = (resolved(&trace) / n, trace.stderr);
            let activation_trace = traces.quantities.get(layers + l).copied();
            let candidate = |(c, &candidate): (usize, &Candidate)| {
                let effect = found.effects[l][c];
                let bits = u32::from(candidate.weight_bits());
                let distance = match scheme.weight_quantizer(l) {
                    Some(quantizer) => perturbation(&quantizer, &found.weights[l], layer.scales(), bits, spec.scale),
                    None => 0.0,
                };
                let (term, term_error) = match (spec.activation_term, activation_trace) {
                    (ActivationTerm::Divergence, _) => {
                        effect.divergence.map_or((0.0, Some(0.0)), |d| (2.0 * d.mean, Some(2.0 * d.stderr)))
                    }
                    (ActivationTerm::Trace, Some(t)) => {
                        let factor = effect.squared_error / layer.cost.input_elements as f64;
                        (resolved(&t) * factor, t.stderr.map(|e| e * factor))
                    }
                    _ => (0.0, Some(0.0)),
                };
                let hessian = average_trace * distance + term;
                let (sensitivity, error) = match spec.objective {
                    Objective::Hessian => (hessian, stderr.zip(term_error).map(|(a, b)| (a / n * distance).hypot(b))),
                    Objective::Linear => (-average_trace * f64::from(bits), stderr.map(|e| e / n * f64::from(bits))),
                    Objective::Measured => {
                        let Estimate { mean: increase, stderr: error } = found.increases[l][c];
                        if increase < 0.0 {
                            decreases.push(format!("{} {candidate}", layer.name));
                        }
                        (2.0 * increase.max(0.0), Some(2.0 * error))
                    }
                };
                CandidateSensitivity {
                    candidate,
                    perturbation: distance,
                    input_error: effect.squared_error,
                    divergence: effect.divergence,
                    predicted: 0.5 * hessian,
                    sensitivity,
                    stderr: error,
                }
            };
            let candidates = layer.candidates.iter().enumerate().map(candidate).collect();
            let (name, parameters) = (layer.name.clone(), layer.cost.parameters);
            LayerSensitivity { name, parameters, trace, average_trace, activation_trace, candidates }
        };
        let layers = (0..layers).map(layer).collect();
        if !unresolved.is_empty() {
            warnings.push(format!("traces below their standard error count as that error: {}", several(&unresolved)));
        }
        if !decreases.is_empty() {
            warnings.push(format!("measured losses that fall count as no increase: {}", several(&decreases)));
        }
        Self {
            format: FORMAT.into(),
            objective: spec.objective,
            estimator: found.estimator.to_string(),
            hessian: found.hessian,
            scale: spec.scale,
            images: found.images,
            probes: traces.rounds,
            stop: traces.stop,
            worst_relative_error: traces.worst_relative_error,
            layers,
            alternatives: Vec::new(),
            measured: None,
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

    /// Adds what the layers of [`Scheme::freed`] would lose: `freed` is the report on that scheme, of the same traces.
    pub fn add_alternatives(&mut self, scheme: &Scheme, freed: Self) {
        let of_layer = |(mut layer, held): (LayerSensitivity, &crate::scheme::LayerScheme)| {
            layer.candidates.retain(|c| held.alternatives.contains(&c.candidate));
            (!layer.candidates.is_empty()).then_some(layer)
        };
        self.alternatives = freed.layers.into_iter().zip(&scheme.layers).filter_map(of_layer).collect();
    }

    /// What a layer that pins hold would lose at a candidate, if that is known.
    pub fn alternative(&self, layer: &str, candidate: Candidate) -> Option<&CandidateSensitivity> {
        let of_layer = self.alternatives.iter().find(|l| l.name == layer)?;
        of_layer.candidates.iter().find(|c| c.candidate == candidate)
    }

    /// `t̄_l` of every layer.
    pub fn average_traces(&self) -> Vec<f64> {
        self.layers.iter().map(|l| l.average_trace).collect()
    }
}

/// Most entries of a list in a warning.
const LISTED: usize = 5;

/// The first entries of a list, and how many more there are.
fn several(entries: &[String]) -> String {
    let shown = entries.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match entries.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What to tell when the estimate stopped before every trace was known as well as asked for.
fn inexact(traces: &Traces, spec: &SensitivitySpec) -> Option<String> {
    let images = |worst: f64| {
        let times = (worst / spec.relative_error).powi(2);
        (spec.images as f64 * times / 100.0).ceil() * 100.0
    };
    // What would be left with any number of probes.
    let of_data = traces.quantities.iter().map(|q| TraceEstimate { stderr: q.data_stderr, ..*q });
    let of_data = relative_errors(&of_data.collect::<Vec<_>>()).flatten().fold(0.0, f64::max);
    let remedy = match traces.stop {
        StopReason::ProbeLimit { .. } if of_data > spec.relative_error => format!(
            "more probes alone would leave {:.1} %; about {} training samples are needed: `images` in the search space",
            100.0 * of_data,
            images(of_data)
        ),
        StopReason::ProbeLimit { .. } => {
            format!("more probes would help: `max_probes` above {} in the search space", spec.max_probes)
        }
        StopReason::TimeLimit { .. } => "more time would help: a larger `max_seconds` in the search space".to_string(),
        StopReason::DataNoise { .. } | StopReason::OneRound => {
            let images = images(traces.worst_relative_error?);
            format!("more probes would not help; about {images} training samples would: `images` in the search space")
        }
        StopReason::RelativeError { .. } => return None,
    };
    let count = relative_errors(&traces.quantities).flatten().filter(|&error| error > spec.relative_error).count();
    let worst = 100.0 * traces.worst_relative_error?;
    let (all, wanted) = (traces.quantities.len(), 100.0 * spec.relative_error);
    let traces = "traces have a standard error above";
    (count > 0).then(|| {
        format!(
            "{count} of {all} {traces} {wanted} % (worst {worst:.1} % of it, or of 1 % of the largest trace): {remedy}"
        )
    })
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
