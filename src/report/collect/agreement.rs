//! Predicted against measured increases of the loss.

use crate::quant::WeightScale;
use crate::report::collect::checked::Checked;
use crate::report::{Agreement, AgreementPoint, JointRow, RankRow};
use crate::sensitivity::MeasuredJoint;

/// Standard errors from which on an increase is one.
const CLEAR: f64 = 2.0;

/// What was quantised: trained networks have other weights and scales, and others have the same only at their own scales.
fn note(checked: &Checked<'_>, scale: WeightScale) -> String {
    let trained = checked.facts.multi_precision_epochs + checked.facts.mixed_precision.epochs > 0;
    let text = match (trained, scale) {
        (true, _) => {
            "These are the weights of FP32 with quantisers as before training; the networks of the run are trained."
        }
        (false, WeightScale::Master) => "These are the quantisers of the networks of the run, which are not trained.",
        (false, _) => "The weights have other scales here than in the networks of the run.",
    };
    text.into()
}

/// The measurement, if there was one. Layers that stay FP32 have no increase and no point.
pub(super) fn agreement(checked: &Checked<'_>) -> Option<Agreement> {
    let measured = checked.sensitivity?.measured.as_ref()?;
    let index = |name: &str| checked.facts.layers.iter().position(|l| l.name == name);
    let points = measured.layers.iter().filter_map(|layer| Some((index(&layer.name)?, layer)));
    let points = points.flat_map(|(index, layer)| {
        let quantized = layer.candidates.iter().filter(|c| !c.candidate.is_fp32());
        quantized.map(move |c| AgreementPoint {
            layer: index,
            candidate: c.candidate.to_string(),
            predicted: c.predicted,
            measured: c.increase,
            stderr: c.stderr,
        })
    });
    let finite = |p: &AgreementPoint| [p.predicted, p.measured, p.stderr].iter().all(|v| v.is_finite());
    let ranks = measured.agreement.iter().map(|a| RankRow {
        candidate: a.candidate.map(|c| c.to_string()),
        count: a.count,
        spearman: a.spearman.filter(|r| r.is_finite()),
        kendall: a.kendall.filter(|r| r.is_finite()),
    });
    // A share of an increase that may be none is a ratio of noise.
    let share = |j: &MeasuredJoint| {
        let clear = j.increase.mean > CLEAR * j.increase.stderr;
        j.not_additive.filter(|share| clear && share.mean.is_finite() && share.stderr.is_finite())
    };
    let joint = measured.joint.iter().map(|j| JointRow {
        candidate: j.candidate.to_string(),
        measured: j.increase.mean,
        stderr: j.increase.stderr,
        sum: j.sum.mean,
        sum_stderr: j.sum.stderr,
        not_additive: share(j).map(|s| s.mean),
        not_additive_stderr: share(j).map(|s| s.stderr),
    });
    Some(Agreement {
        samples: measured.images,
        note: note(checked, measured.scale),
        base: measured.base.mean,
        base_stderr: measured.base.stderr,
        points: points.filter(finite).collect(),
        ranks: ranks.collect(),
        joint: joint.collect(),
    })
}
