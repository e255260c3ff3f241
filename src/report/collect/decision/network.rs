//! What a plan costs and how good it is.

use super::Subject;
use crate::report::collect::words::short;
use crate::report::units::{accuracy as right, bytes, grouped, operations, percent, points, significant};
use crate::report::{Kind, NetworkRow};

/// Size against FP32, bit operations against the widest uniform precision: those of FP32 are no quantity of hardware.
pub(super) fn costs(subject: &Subject<'_>) -> String {
    let Subject { plan, row, networks, .. } = subject;
    let mut text = format!("Plan {} stores the weights in {}", short(&plan.name), bytes(row.weight_bytes));
    if let Some(float) = networks.iter().find(|n| n.kind == Kind::Fp32).filter(|_| row.weight_bytes > 0.0) {
        let times = significant(float.weight_bytes / row.weight_bytes, 2);
        text += &format!(" instead of {}, {times} times less", bytes(float.weight_bytes));
    }
    if let Some(widest) = networks.iter().find(|n| n.kind == Kind::Uniform).filter(|_| row.bitops > 0.0) {
        let times = significant(widest.bitops / row.bitops, 2);
        let (own, all) = (operations(row.bitops), operations(widest.bitops));
        text += &format!(", and takes {own} BitOPs instead of {all} at {} everywhere, {times} times less", widest.name);
    }
    let bits = significant(plan.mean_weight_bits, 3);
    text + &format!(". A weight has {bits} bits on average.")
}

/// Accuracy, or perplexity, beside that of FP32; none if it was not measured.
pub(super) fn accuracy(subject: &Subject<'_>) -> Option<String> {
    let Subject { checked, row, networks, .. } = subject;
    let float = networks.iter().find(|n| n.kind == Kind::Fp32)?;
    let facts = checked.facts;
    let samples = checked.accuracies?.rows.first().map_or(facts.held_out_samples, |r| r.evaluation.images);
    let on = format!("On {} held-out {}", grouped(samples), facts.samples);
    match (row.perplexity, float.perplexity) {
        (Some(plan), Some(fp32)) => {
            let change = match plan / fp32 - 1.0 {
                change if change.abs() < 5e-5 => "the same".into(),
                change => format!("{} {}", percent(change.abs()), if change > 0.0 { "higher" } else { "lower" }),
            };
            let perplexity = format!("{on} its perplexity is {plan:.3}, that of FP32 {fp32:.3}: {change}");
            let tokens = row.accuracy.zip(float.accuracy);
            Some(match tokens {
                Some((own, of_float)) => format!(
                    "{perplexity}; it predicts {} of the next tokens right, FP32 {}.",
                    right(own, None),
                    right(of_float, None)
                ),
                None => perplexity + ".",
            })
        }
        _ => {
            let own = right(row.accuracy?, row.accuracy_stderr);
            let of_float = right(float.accuracy?, float.accuracy_stderr);
            Some(format!("{on} it is right in {own}, FP32 in {of_float}: {}.", difference(row, float)?))
        }
    }
}

/// The first network's accuracy beside the second's: `0.57 ± 0.39 points lower, which is within two standard errors`. The error
/// is that of different samples; on the same ones it is smaller, as far as the networks err on the same ones.
pub(super) fn difference(row: &NetworkRow, other: &NetworkRow) -> Option<String> {
    let difference = row.accuracy? - other.accuracy?;
    let stderr = row.accuracy_stderr?.hypot(other.accuracy_stderr?);
    if difference == 0.0 {
        return Some("no difference".into());
    }
    let direction = if difference > 0.0 { "higher" } else { "lower" };
    let verdict = if difference.abs() <= 2.0 * stderr { "within" } else { "more than" };
    Some(format!("{} {direction}, {verdict} two standard errors", points(difference.abs(), stderr)))
}
