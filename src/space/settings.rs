//! The small sections: how weights are quantised, how plans are evaluated.

use serde::Serialize;

use super::check::Checker;
use super::ranged::{BATCH_SIZE, GROUP_SIZE, RECALIBRATION_IMAGES};
use super::raw::{RawEvaluation, RawQuantizer};
use crate::error::Result;
use crate::quant::{Rounding, ScaleGradient};

/// How values become integers (method.md §1).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct QuantizerSpec {
    /// How ties are rounded. Default half_even; half_even, half_away, half_up or floor.
    pub rounding: Rounding,
    /// Which derivative moves the scales. Default paper; paper or exact.
    pub scale_gradient: ScaleGradient,
    /// Consecutive weights of the last axis that share a scale, in dense layers and tables of tokens. Default: none, one scale
    /// for each output channel, as convolutions have in any case. A power of two from 16 to 1024.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_size: Option<usize>,
}

impl QuantizerSpec {
    pub(super) fn check(raw: &RawQuantizer, c: Checker<'_>) -> Result<Self> {
        Ok(Self {
            rounding: raw.rounding.unwrap_or_default(),
            scale_gradient: raw.scale_gradient.unwrap_or_default(),
            group_size: raw.group_size.as_ref().map(|raw| c.power_of_two(raw, GROUP_SIZE)).transpose()?,
        })
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
