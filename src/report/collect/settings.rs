//! How the run was made, as sentences.

use crate::report::Setting;
use crate::report::collect::SamplingFacts;
use crate::report::collect::checked::Checked;
use crate::report::collect::words::short;
use crate::report::units::{capital, grouped, percent, plural};
use crate::sampling::Strategy;
use crate::sensitivity::SensitivityReport;
use crate::space::Objective;

/// The sentences, in the order of the pipeline.
pub(super) fn settings(checked: &Checked<'_>) -> Vec<Setting> {
    let facts = checked.facts;
    let scales = match facts.group_size {
        Some(group) => format!("{group} weights of a row share a scale where the layer is a matrix"),
        None => "the weights of an output channel share a scale".into(),
    };
    let network = short(&facts.network);
    let mixtures = (facts.mixed_precision.epochs > 0).then(|| mixtures(facts.mixed_precision));
    let best = "A plan is the choice of candidates with the smallest sum of sensitivities within its limits.";
    let costs = "BitOPs are those of the layers with weights; products of activations with each other, as in attention, are not \
                 counted.";
    let all: [(&str, Option<String>); 9] = [
        ("network", Some(format!("Network {network}, seed {}, rounding {}; {scales}.", facts.seed, facts.rounding))),
        ("traces", checked.sensitivity.map(|s| traces(s, &facts.samples))),
        ("sensitivities", checked.sensitivity.map(|s| objective(s.objective).into())),
        ("plans", Some(best.into())),
        ("costs", Some(costs.into())),
        ("training", Some(training(checked))),
        ("mixtures", mixtures),
        ("accuracies", Some(accuracies(checked))),
        ("packed weights", Some("Plans run from their packed integer weights.".into())),
    ];
    let setting = |(topic, text): (&str, Option<String>)| Some(Setting { topic: topic.into(), text: text? });
    all.into_iter().filter_map(setting).collect()
}

fn traces(s: &SensitivityReport, samples: &str) -> String {
    let name = if s.hessian { "Hessian traces" } else { "Traces in place of the Hessian's" };
    let error = match s.worst_relative_error.filter(|e| e.is_finite()) {
        Some(error) => format!("standard error at most {} of a trace, or of 1 % of the largest", percent(error)),
        None => "standard errors not known".into(),
    };
    let probes = plural(s.probes, "probe");
    format!("{name} ({}): {} {samples}, {probes} of each batch, {error}.", s.estimator, grouped(s.images))
}

fn objective(objective: Objective) -> &'static str {
    match objective {
        Objective::Hessian => {
            "Sensitivity of a candidate: mean Hessian trace · squared change of the weights + what the quantised inputs do, \
             which is twice the predicted increase of the loss."
        }
        Objective::Linear => "Sensitivity of a candidate: − mean Hessian trace · weight bits.",
        Objective::Measured => "Sensitivity of a candidate: 2 · measured increase of the loss.",
    }
}

/// What is asked for, in the present: a run may not have got there.
fn training(checked: &Checked<'_>) -> String {
    let facts = checked.facts;
    let epochs = |n: u64| plural(n, "epoch");
    let data = format!("{} {}", grouped(facts.training_samples), facts.samples);
    let (float, start) = match facts.float_epochs {
        None => ("The FP32 weights were given".to_string(), "them"),
        Some(n) => (format!("FP32 is trained for {} on {data}", epochs(n)), "it"),
    };
    let phases = match (facts.multi_precision_epochs, facts.mixed_precision.epochs) {
        (0, 0) => return format!("{float}; no network is trained after it is quantised."),
        (multi, 0) => format!("at all precisions for {}", epochs(multi)),
        (0, mixed) => format!("with mixtures for {}", epochs(mixed)),
        (multi, mixed) => format!("at all precisions for {} and with mixtures for {}", epochs(multi), epochs(mixed)),
    };
    let on = if facts.float_epochs.is_none() { format!(" on {data}") } else { String::new() };
    format!("{float}; the SuperNet, starting from {start}, is trained{on} {phases}, and no network further by itself.")
}

fn mixtures(sampling: SamplingFacts) -> String {
    let who = match sampling.strategy {
        Strategy::Hasb => "wider bits more often in layers whose trace is above the mean".to_string(),
        Strategy::Uniform => "all candidates alike".into(),
        Strategy::Tempered { kappa } => {
            format!("wider bits more often the larger the trace (κ = {kappa})")
        }
    };
    let warmup = match sampling.warmup {
        0 => String::new(),
        n => format!(", and 0 in the first {}", if n == 1 { "epoch".into() } else { format!("{n} epochs") }),
    };
    let sigma = sampling.sigma;
    capital(&format!(
        "mixtures: a layer leaves the precision of the step with a probability that grows to {sigma}{warmup}; then {who}."
    ))
}

fn accuracies(checked: &Checked<'_>) -> String {
    let facts = checked.facts;
    let row = checked.accuracies.and_then(|a| a.rows.first()).map(|r| &r.evaluation);
    let samples = row.map_or(facts.held_out_samples, |e| e.images);
    let tokens = row.and_then(|e| e.predictions).map(|n| format!(", {}", plural(n, "predicted token")));
    let (samples, noun) = (grouped(samples), &facts.samples);
    format!(
        "Accuracies (± standard error) are on {samples} held-out {noun}{}. Standard errors are from sample to \
         sample, those of differences to FP32 and between precisions on the same samples.",
        tokens.unwrap_or_default()
    )
}
