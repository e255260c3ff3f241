//! The small sections: how weights are quantised, how sensitivities are measured, how plans are evaluated.

use serde::{Deserialize, Serialize};

use super::check::Checker;
use super::ranged::{BATCH_SIZE, IMAGES, PROBES, RECALIBRATION_IMAGES, RELATIVE_ERROR};
use super::raw::{RawEvaluation, RawQuantizer, RawSensitivity};
use crate::error::Result;
use crate::error::ValueFault;
use crate::error::fault::quoted;
use crate::quant::{Rounding, ScaleGradient, WeightScale};

/// How values become integers (method.md §1).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct QuantizerSpec {
    /// How ties are rounded. Default half_even; half_even, half_away, half_up or floor.
    pub rounding: Rounding,
    /// Which derivative moves the scales. Default paper; paper or exact.
    pub scale_gradient: ScaleGradient,
}

impl QuantizerSpec {
    pub(super) fn check(raw: &RawQuantizer) -> Self {
        Self { rounding: raw.rounding.unwrap_or_default(), scale_gradient: raw.scale_gradient.unwrap_or_default() }
    }
}

/// What the allocation minimises (method.md §5).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Average Hessian trace times squared quantisation error, HAWQ-V2.
    #[default]
    Hessian,
    /// Average Hessian trace times bits, maximised: the Double-Rounding paper's.
    Linear,
}

/// How the Hessian traces are estimated (method.md §3).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SensitivitySpec {
    /// Training images that the loss is taken over. Default 1024; a whole number from 1 to 1000000000.
    pub images: usize,
    /// Images in a batch; bounds the memory only. Default 32; a whole number from 1 to 65536.
    pub batch_size: usize,
    /// Probes before the error is looked at. Default 8; a whole number from 2 to 100000.
    pub min_probes: usize,
    /// Probes after which it stops in any case. Default 64; a whole number from 2 to 100000.
    pub max_probes: usize,
    /// Relative standard error of every trace at which it stops. Default 0.05; a number above 0 to 1.
    pub relative_error: f64,
    /// What the allocation minimises. Default hessian; hessian or linear.
    pub objective: Objective,
    /// Scale of the weights at which their disturbance is taken: the best of each width, or that which training starts
    /// from. Default searched; searched or three_sigma.
    pub scale: WeightScale,
}

impl SensitivitySpec {
    pub(super) fn check(raw: &RawSensitivity, c: Checker<'_>) -> Result<Self> {
        let spec = Self {
            images: c.whole_or(&raw.images, 1024, IMAGES)?,
            batch_size: c.whole_or(&raw.batch_size, 32, BATCH_SIZE)?,
            min_probes: c.whole_or(&raw.min_probes, 8, PROBES)?,
            max_probes: c.whole_or(&raw.max_probes, 64, PROBES)?,
            relative_error: c.real_or(&raw.relative_error, 0.05, RELATIVE_ERROR)?,
            objective: raw.objective.unwrap_or_default(),
            scale: raw.scale.unwrap_or_default(),
        };
        match raw.max_probes.as_ref().or(raw.min_probes.as_ref()) {
            Some(at) if spec.min_probes > spec.max_probes => {
                let expected = format!("min_probes ({}) not above max_probes ({})", spec.min_probes, spec.max_probes);
                Err(c.fault(at, ValueFault::new(quoted(&at.value), expected, "set both")))
            }
            _ => Ok(spec),
        }
    }
}

/// How the accuracy of a plan is measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvaluationSpec {
    /// Images in a batch; bounds the memory only. Default 250; a whole number from 1 to 65536.
    pub batch_size: usize,
    /// Training images on which the statistics of batch norm are measured again for a plan; 0 keeps those of the
    /// training. Default 0; a whole number from 0 to 1000000000.
    pub recalibration_images: usize,
}

impl EvaluationSpec {
    pub(super) fn check(raw: &RawEvaluation, c: Checker<'_>) -> Result<Self> {
        Ok(Self {
            batch_size: c.whole_or(&raw.batch_size, 250, BATCH_SIZE)?,
            recalibration_images: c.whole_or(&raw.recalibration_images, 0, RECALIBRATION_IMAGES)?,
        })
    }
}
