//! The numbers of a report for spreadsheets and scripts: comma-separated values with all digits.
//!
//! Names can be any text. Characters that disturb terminals and lines are written out (`\n`), and a name that begins like a
//! formula (`=`, `+`, `-`, `@`) has an apostrophe before it, which spreadsheets take as "this is text": otherwise opening the
//! file could run what a network's file says. The exact names are in the JSON document.

use std::collections::BTreeSet;

use crate::report::text::plain;
use crate::report::{Choice, Kind, LandmarkKind, PlanRow, Report};

/// File name → contents of every table that the run has got to.
pub fn csv_files(report: &Report) -> Vec<(&'static str, String)> {
    let tables = [
        ("report_layers.csv", layers_csv(report)),
        ("report_networks.csv", networks_csv(report)),
        ("report_front.csv", front_csv(report)),
        ("report_training.csv", training_csv(report)),
    ];
    tables.into_iter().filter_map(|(file, table)| Some((file, table?))).collect()
}

/// One row for each layer and plan, or for each layer if there is no plan. `None` without layers.
pub fn layers_csv(report: &Report) -> Option<String> {
    let choices = || report.plans.iter().flat_map(|plan| &plan.choices);
    let costs: BTreeSet<&String> = choices().flat_map(|choice| choice.cost.keys()).collect();
    let shares: BTreeSet<&String> = choices().flat_map(|choice| choice.shares.keys()).collect();
    let mut heading = texts(&[
        "layer",
        "name",
        "parameters",
        "macs",
        "pinned",
        "group",
        "average_trace_nats",
        "average_trace_stderr_nats",
        "plan",
        "candidate",
        "weight_bits",
        "activation_bits",
        "sensitivity",
        "sensitivity_stderr",
        "stays_share",
    ]);
    heading.extend(costs.iter().map(|cost| name(&format!("cost_{cost}"))));
    heading.extend(shares.iter().map(|candidate| name(&format!("resampled_share_{candidate}"))));
    let row = |index: usize, layer: &crate::report::LayerRow, plan: Option<&PlanRow>| -> Vec<String> {
        let choice: Option<&Choice> = plan.and_then(|plan| plan.choices.get(index));
        let mut cells = vec![
            index.to_string(),
            name(&layer.name),
            layer.parameters.to_string(),
            layer.macs.to_string(),
            layer.pinned.as_deref().map(name).unwrap_or_default(),
            layer.group.map(|group| group.to_string()).unwrap_or_default(),
            number(layer.average_trace),
            number(layer.trace_stderr),
            plan.map(|plan| name(&plan.name)).unwrap_or_default(),
            choice.map(|c| name(&c.candidate)).unwrap_or_default(),
            choice.map(|c| c.weight_bits.to_string()).unwrap_or_default(),
            choice.map(|c| c.activation_bits.to_string()).unwrap_or_default(),
            number(choice.map(|c| c.sensitivity)),
            number(choice.and_then(|c| c.stderr)),
            number(choice.and_then(|c| c.stays)),
        ];
        cells.extend(costs.iter().map(|cost| number(choice.and_then(|c| c.cost.get(*cost)).copied())));
        cells.extend(shares.iter().map(|id| number(choice.and_then(|c| c.shares.get(*id)).copied())));
        cells
    };
    let layers = report.layers.iter().enumerate();
    let rows: Vec<Vec<String>> = match report.plans.is_empty() {
        true => layers.map(|(index, layer)| row(index, layer, None)).collect(),
        false => layers
            .flat_map(|(index, layer)| report.plans.iter().map(move |plan| (index, layer, plan)))
            .map(|(index, layer, plan)| row(index, layer, Some(plan)))
            .collect(),
    };
    table(heading, rows)
}

/// One row for each network. `None` without networks.
pub fn networks_csv(report: &Report) -> Option<String> {
    let heading = texts(&[
        "kind",
        "name",
        "bitops",
        "weight_bytes",
        "sensitivity_sum",
        "accuracy_share",
        "accuracy_stderr_share",
        "accuracy_more_than_fp32_share",
        "accuracy_more_than_fp32_stderr_share",
        "loss_nats",
        "perplexity",
        "perplexity_stderr",
    ]);
    let rows = report.networks.iter().map(|row| {
        let kind = match row.kind {
            Kind::Fp32 => "fp32",
            Kind::Uniform => "uniform",
            Kind::Plan => "plan",
        };
        let numbers = [
            Some(row.bitops),
            Some(row.weight_bytes),
            row.objective,
            row.accuracy,
            row.accuracy_stderr,
            row.change.map(|c| c.accuracy),
            row.change.and_then(|c| c.accuracy_stderr),
            row.loss,
            row.perplexity,
            row.perplexity_stderr,
        ];
        [kind.to_string(), name(&row.name)].into_iter().chain(numbers.map(number)).collect()
    });
    table(heading, rows.collect())
}

/// One row for each point and landmark of every front; of points the candidate of each layer, separated by blanks. `None`
/// without fronts.
pub fn front_csv(report: &Report) -> Option<String> {
    let heading = texts(&[
        "cost_name",
        "kind",
        "name",
        "cost",
        "sensitivity_sum",
        "supported",
        "proved",
        "limit",
        "accuracy_share",
        "accuracy_stderr_share",
        "perplexity",
        "candidates",
    ]);
    let mut rows: Vec<Vec<String>> = Vec::new();
    for front in &report.fronts {
        for point in &front.points {
            let ids = point.layers.iter().map(|&id| front.candidates.get(id as usize).map_or("?", String::as_str));
            let mut cells = vec![name(&front.cost), "point".into(), String::new()];
            cells.extend([number(Some(point.cost)), number(Some(point.objective))]);
            cells.extend([point.supported.map(|s| s.to_string()).unwrap_or_default(), point.proved.to_string()]);
            cells.extend(std::iter::repeat_n(String::new(), 4));
            cells.push(name(&ids.collect::<Vec<_>>().join(" ")));
            rows.push(cells);
        }
        for mark in &front.landmarks {
            let kind = match mark.kind {
                LandmarkKind::Uniform => "uniform",
                LandmarkKind::Plan => "plan",
            };
            let mut cells = vec![name(&front.cost), kind.into(), name(&mark.name)];
            cells.extend([number(Some(mark.cost)), number(Some(mark.objective)), String::new(), String::new()]);
            cells.extend([mark.limit, mark.accuracy, mark.accuracy_stderr, mark.perplexity].map(number));
            cells.push(String::new());
            rows.push(cells);
        }
    }
    table(heading, rows)
}

/// One row for each phase, epoch (from 1) and network. `None` before the first epoch.
pub fn training_csv(report: &Report) -> Option<String> {
    let heading = texts(&["phase", "epoch", "network", "loss_nats", "accuracy_share"]);
    let mut rows: Vec<Vec<String>> = Vec::new();
    for phase in &report.training {
        for (index, epoch) in phase.epochs.iter().enumerate() {
            for (network, id) in phase.networks.iter().enumerate() {
                let (loss, accuracy) = (epoch.loss.get(network).copied(), epoch.accuracy.get(network).copied());
                rows.push(vec![name(&phase.name), (index + 1).to_string(), name(id), number(loss), number(accuracy)]);
            }
        }
    }
    table(heading, rows)
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// A name that is neither a formula nor more than one line.
fn name(name: &str) -> String {
    let formula = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    let text = plain(name);
    if text.trim_start().starts_with(formula) { format!("'{text}") } else { text }
}

/// All digits that tell a number from its neighbours; nothing for a missing one.
fn number(value: Option<f64>) -> String {
    match value {
        None => String::new(),
        Some(v) if v == 0.0 || (1e-5..1e16).contains(&v.abs()) || !v.is_finite() => format!("{v}"),
        Some(v) => format!("{v:e}"),
    }
}

/// `None` without rows.
fn table(heading: Vec<String>, rows: Vec<Vec<String>>) -> Option<String> {
    if rows.is_empty() {
        return None;
    }
    // Writing into memory cannot fail.
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(&heading).ok()?;
    for row in &rows {
        writer.write_record(row).ok()?;
    }
    String::from_utf8(writer.into_inner().ok()?).ok()
}

#[cfg(test)]
#[path = "spreadsheet_tests.rs"]
mod tests;
