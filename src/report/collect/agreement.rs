//! Predicted against measured increases of the loss.

use crate::report::collect::checked::Checked;
use crate::report::{Agreement, AgreementPoint, JointRow, RankRow};

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
    let joint = measured.joint.iter().map(|j| JointRow {
        candidate: j.candidate.to_string(),
        measured: j.increase.mean,
        stderr: j.increase.stderr,
        sum: j.sum.mean,
        sum_stderr: j.sum.stderr,
    });
    Some(Agreement {
        samples: measured.images,
        base: measured.base.mean,
        base_stderr: measured.base.stderr,
        points: points.filter(finite).collect(),
        ranks: ranks.collect(),
        joint: joint.collect(),
    })
}
