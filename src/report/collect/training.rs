//! The phases of training: losses and accuracies of every precision, and the scales of the quantisers.

use crate::report::collect::checked::Checked;
use crate::report::{EpochRow, Phase, ScaleTrajectory};
use crate::supernet::EpochRecord;

/// One phase of training as the files and the report name it.
pub(super) struct PhaseName {
    /// Of its stage and its history.
    pub stage: &'static str,
    /// In the report.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
}

/// The phases, in order.
pub(super) const PHASES: [PhaseName; 3] = [
    PhaseName { stage: "fp32", name: "fp32", title: "FP32 training" },
    PhaseName { stage: "multi_precision", name: "multi_precision", title: "Multi-precision training" },
    PhaseName { stage: "supernet", name: "mixed_precision", title: "Mixed-precision training" },
];

/// Epochs asked for of a phase, by the name of its stage; 0 where weights were given.
pub(super) fn planned(checked: &Checked<'_>, stage: &str) -> u64 {
    match stage {
        "fp32" => checked.facts.float_epochs.unwrap_or_default(),
        "multi_precision" => checked.facts.multi_precision_epochs,
        _ => checked.facts.mixed_precision.epochs,
    }
}

/// The phases that were asked for.
pub(super) fn phases(checked: &Checked<'_>) -> Vec<Phase> {
    let asked = PHASES.iter().filter(|p| planned(checked, p.stage) > 0);
    asked.map(|p| phase(checked, p)).collect()
}

fn phase(checked: &Checked<'_>, phase: &PhaseName) -> Phase {
    let records = checked.epochs(phase.stage).unwrap_or_default();
    let networks = match phase.stage {
        "fp32" => vec!["fp32".into()],
        _ => checked.uniforms.iter().map(|u| u.name.clone()).collect(),
    };
    let row = |e: &EpochRecord| EpochRow { loss: e.loss.clone(), accuracy: e.accuracy.clone() };
    Phase {
        name: phase.name.into(),
        title: phase.title.into(),
        planned: planned(checked, phase.stage),
        networks,
        epochs: records.iter().map(row).collect(),
        scales: (0..checked.facts.layers.len()).filter_map(|layer| trajectory(records, layer)).collect(),
    }
}

/// The scales of one layer over the epochs; none if it has none in some epoch.
fn trajectory(records: &[EpochRecord], layer: usize) -> Option<ScaleTrajectory> {
    let scales: Vec<_> = records.iter().map(|r| r.scales.get(layer)).collect::<Option<_>>()?;
    let weight = scales.iter().map(|s| s.weight).collect::<Option<Vec<f64>>>().unwrap_or_default();
    let widths = scales.first()?.activations.keys().rev();
    let over = |bits: &u32| {
        let values: Option<Vec<f64>> = scales.iter().map(|s| s.activations.get(bits).copied()).collect();
        Some((*bits, values?))
    };
    let activations: Vec<(u32, Vec<f64>)> = widths.filter_map(over).collect();
    let finite = weight.iter().chain(activations.iter().flat_map(|(_, v)| v)).all(|v| v.is_finite());
    let any = !weight.is_empty() || !activations.is_empty();
    (finite && any).then_some(ScaleTrajectory { layer, weight, activations })
}
