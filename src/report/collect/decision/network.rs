//! What a plan costs and how good it is.

use super::Subject;
use crate::report::Kind;
use crate::report::collect::words::short;
use crate::report::units::{
    accuracy as right, bytes, grouped, operations, perplexity, plural, points, relative, significant,
};
use crate::supernet::Paired;

/// Size against FP32, bit operations against the widest uniform precision: those of FP32 are no quantity of hardware.
pub(super) fn costs(subject: &Subject<'_>) -> String {
    let Subject { checked, plan, row, networks } = subject;
    let mut text = format!("Plan {} stores the weights in {}", short(&plan.name), bytes(row.weight_bytes));
    if let Some(float) = networks.iter().find(|n| n.kind == Kind::Fp32).filter(|_| row.weight_bytes > 0.0) {
        let times = significant(float.weight_bytes / row.weight_bytes, 2);
        text += &format!(" instead of {}, {times} times less", bytes(float.weight_bytes));
        // Weights that two layers share are two copies in both of these numbers.
        let files = float.weight_bytes - 4.0 * checked.facts.copied_parameters as f64;
        if files < float.weight_bytes && files > 0.0 {
            let times = significant(files / row.weight_bytes, 2);
            text += &format!(
                " ({times} times less than the {} of the files, which have shared weights once)",
                bytes(files)
            );
        }
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
    let longer = match facts.multi_precision_epochs + facts.mixed_precision.epochs {
        0 => String::new(),
        epochs => format!(" The quantised networks were trained {} longer than FP32.", plural(epochs, "epoch")),
    };
    if let (Some(plan), Some(fp32)) = (row.perplexity, float.perplexity) {
        let (plan, fp32) = (perplexity(plan, row.perplexity_stderr), perplexity(fp32, float.perplexity_stderr));
        let text = format!("{on} its perplexity is {plan}, that of FP32 {fp32}: {}", higher(row.change.as_ref()?));
        return Some(match row.accuracy.zip(float.accuracy) {
            Some((own, of_float)) => format!(
                "{text}; it predicts {} of the next tokens right, FP32 {} ({}).{longer}",
                right(own, row.accuracy_stderr),
                right(of_float, float.accuracy_stderr),
                difference(row.change.as_ref()?)
            ),
            None => format!("{text}.{longer}"),
        });
    }
    let own = right(row.accuracy?, row.accuracy_stderr);
    let of_float = right(float.accuracy?, float.accuracy_stderr);
    Some(format!("{on} it is right in {own}, FP32 in {of_float}: {}.{longer}", difference(row.change.as_ref()?)))
}

/// One network's accuracy beside another's on the same samples: `0.57 ± 0.39 points lower, within two standard errors`.
pub(super) fn difference(change: &Paired) -> String {
    let Paired { accuracy, accuracy_stderr: Some(stderr), .. } = *change else {
        return format!("{:+.2} points", 100.0 * change.accuracy);
    };
    match accuracy {
        0.0 if stderr == 0.0 => "the same on every sample".into(),
        0.0 => format!("no difference, ± {:.2} points", 100.0 * stderr),
        _ => {
            let direction = if accuracy > 0.0 { "higher" } else { "lower" };
            format!("{} {direction}, {}", points(accuracy.abs(), stderr), verdict(accuracy, stderr))
        }
    }
}

/// The perplexity beside another on the same samples: `10.5 ± 0.4 % higher, more than two standard errors`.
pub(super) fn higher(change: &Paired) -> String {
    let (more, stderr) = change.perplexity();
    if more == 0.0 {
        return "the same".into();
    }
    let direction = if more > 0.0 { "higher" } else { "lower" };
    let verdict = stderr.map_or_else(String::new, |error| format!(", {}", verdict(more, error)));
    format!("{} {direction}{verdict}", relative(more.abs(), stderr))
}

fn verdict(difference: f64, stderr: f64) -> &'static str {
    if difference.abs() <= 2.0 * stderr { "within two standard errors" } else { "more than two standard errors" }
}
