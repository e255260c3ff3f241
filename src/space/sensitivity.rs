//! How much each layer minds being quantised: what is estimated, from how much data, until when.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::check::Checker;
use super::ranged::{BATCH_SIZE, IMAGES, MEASURED_IMAGES, PAIRS, PROBES, PRODUCTS, RELATIVE_ERROR, SECONDS};
use super::raw::RawSensitivity;
use crate::error::fault::quoted;
use crate::error::{Result, ValueFault};
use crate::quant::WeightScale;

/// What the allocation minimises (method.md §5).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Average Hessian trace times squared quantisation error, HAWQ-V2.
    #[default]
    Hessian,
    /// Average Hessian trace times bits, maximised: the Double-Rounding paper's.
    Linear,
    /// Twice the measured increase of the loss, each layer and candidate alone.
    Measured,
}

/// Who estimates the traces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EstimatorName {
    /// `gauss_newton` where that is the Hessian's trace (networks that are linear in pieces), else `hutchinson`.
    #[default]
    Auto,
    /// Curvature propagation: one reverse pass a draw.
    GaussNewton,
    /// The same without probes: one reverse pass for every class.
    GaussNewtonExact,
    /// Squared gradients at the labels.
    Fisher,
    /// Hutchinson's with ±1 probes.
    Hutchinson,
    /// Hutchinson's with normal probes.
    HutchinsonGaussian,
    /// Hutch++ for each layer.
    Hutchpp,
    /// XTrace for each layer.
    Xtrace,
    /// A product with every unit vector: small networks.
    Exact,
}

/// Which tensor of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationSite {
    /// What it reads.
    Input,
    /// What it writes, in front of the norm behind it.
    Output,
}

impl fmt::Display for ActivationSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Output => "output",
        })
    }
}

/// The activation part of the sensitivity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationTerm {
    /// Divergence of the predictions when only the layer's input is quantised.
    #[default]
    Divergence,
    /// Average trace of the layer's input times its squared quantisation error.
    Trace,
    /// None.
    None,
}

/// How sensitivities are measured (method.md §3).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SensitivitySpec {
    /// Who estimates the traces. Default auto; auto, gauss_newton, gauss_newton_exact, fisher, hutchinson,
    /// hutchinson_gaussian, hutchpp, xtrace or exact.
    pub estimator: EstimatorName,
    /// Products of hutchpp and xtrace for each layer and batch. Default 12; a whole number from 4 to 10000.
    pub products: usize,
    /// Traces of activations too: input or output. Default: none, only those of the weights.
    pub activation_traces: Option<ActivationSite>,
    /// Training images that the loss is taken over. Default 1024; a whole number from 1 to 1000000000.
    pub images: usize,
    /// Images in a batch: what is in memory at once, and shares a probe. Default 32; a whole number from 1 to 65536.
    pub batch_size: usize,
    /// Probes of every batch before the error is looked at. Default 2; a whole number from 1 to 100000.
    pub min_probes: usize,
    /// Probes of every batch after which it stops in any case. Default 64; a whole number from 1 to 100000.
    pub max_probes: usize,
    /// Relative standard error of every trace at which it stops. Default 0.05; a number above 0 to 1.
    pub relative_error: f64,
    /// Wall time of drawing traces, in seconds, a number above 0; the draw in progress is finished, and results differ from
    /// run to run.
    /// Default: none.
    pub max_seconds: Option<f64>,
    /// What the allocation minimises. Default hessian; hessian, linear or measured.
    pub objective: Objective,
    /// Scale of the weights at which their disturbance is taken: of three sigma, the best of each width, or the best of
    /// the widest for all. What quantised networks start from, if absent. Default master if there are no multi-precision
    /// epochs, else three_sigma; three_sigma, searched or master.
    pub scale: WeightScale,
    /// Activation part of the hessian objective. Default divergence; divergence, trace or none.
    pub activation_term: ActivationTerm,
    /// Held-out images on which each layer and candidate is measured alone; 1000 for the measured objective if absent.
    /// Default 0; a whole number from 0 to 1000000000.
    pub measured_images: usize,
    /// Pairs of layers whose interaction is measured with them. Default 0; a whole number from 0 to 1000000.
    pub pairs: usize,
}

/// Most batches: each has a probe and a place in the file of draws.
const MOST_BATCHES: usize = 65_536;

/// Held-out images where the objective needs some and none are named.
const MEASURED_BY_DEFAULT: usize = 1000;

impl SensitivitySpec {
    pub(super) fn check(raw: &RawSensitivity, first_scale: WeightScale, c: Checker<'_>) -> Result<Self> {
        let objective = raw.objective.unwrap_or_default();
        let measured = if objective == Objective::Measured { MEASURED_BY_DEFAULT } else { 0 };
        let activation_term = raw.activation_term.as_ref().map(|term| term.value).unwrap_or_default();
        let spec = Self {
            estimator: raw.estimator.unwrap_or_default(),
            products: c.whole_or(&raw.products, 12, PRODUCTS)?,
            // The term needs the traces.
            activation_traces: raw
                .activation_traces
                .or((activation_term == ActivationTerm::Trace).then_some(ActivationSite::Input)),
            images: c.whole_or(&raw.images, 1024, IMAGES)?,
            batch_size: c.whole_or(&raw.batch_size, 32, BATCH_SIZE)?,
            min_probes: c.whole_or(&raw.min_probes, 2, PROBES)?,
            max_probes: c.whole_or(&raw.max_probes, 64, PROBES)?,
            relative_error: c.real_or(&raw.relative_error, 0.05, RELATIVE_ERROR)?,
            max_seconds: raw.max_seconds.as_ref().map(|text| c.real(text, SECONDS)).transpose()?,
            objective,
            scale: raw.scale.unwrap_or(first_scale),
            activation_term,
            measured_images: c.whole_or(&raw.measured_images, measured, MEASURED_IMAGES)?,
            pairs: c.whole_or(&raw.pairs, 0, PAIRS)?,
        };
        let wrong = |at: &super::raw::Text, expected: String, remedy: &str| {
            Err(c.fault(at, ValueFault::new(quoted(&at.value), expected, remedy)))
        };
        if let Some(at) =
            raw.max_probes.as_ref().or(raw.min_probes.as_ref()).filter(|_| spec.min_probes > spec.max_probes)
        {
            let expected = format!("min_probes ({}) not above max_probes ({})", spec.min_probes, spec.max_probes);
            return wrong(at, expected, "set both");
        }
        let term = spec.activation_term == ActivationTerm::Trace;
        let of_outputs = term && spec.activation_traces == Some(ActivationSite::Output);
        if let Some(at) = raw.activation_term.as_ref().filter(|_| of_outputs) {
            let fault = ValueFault::new("trace", "activation_traces: input, which it is made of", "leave out `output`");
            return Err(c.fault(at, fault));
        }
        if let Some(at) = raw.measured_images.as_ref().filter(|_| spec.measured_images == 1) {
            let fault = ValueFault::new("1", "0, or 2 or more: one image has no standard error", "take more");
            return Err(c.fault(at, fault));
        }
        let batches = spec.images.div_ceil(spec.batch_size);
        if let Some(at) = raw.batch_size.as_ref().or(raw.images.as_ref()).filter(|_| batches > MOST_BATCHES) {
            return wrong(
                at,
                format!("at most {MOST_BATCHES} batches of images, not {batches}"),
                "take larger batches",
            );
        }
        let needed = objective == Objective::Measured || spec.pairs > 0;
        if let Some(at) =
            raw.measured_images.as_ref().or(raw.pairs.as_ref()).filter(|_| needed && spec.measured_images == 0)
        {
            return wrong(at, "measured_images of 1 or more".into(), "pairs and the measured objective need them");
        }
        Ok(spec)
    }
}
