//! Networks and plans of several runs.

use std::collections::BTreeSet;

use super::super::block::{Block, MISSING, Table, number, or_missing, words};
use super::super::sections::network_name;
use crate::report::units::{self, accuracy, change as points, cost, cost_title, grouped, percent, significant};
use crate::report::{Change, ComparedNetwork, ComparedPlan, Comparison, PlanTotals};

pub(super) fn networks(comparison: &Comparison) -> Vec<Block> {
    if comparison.networks.is_empty() {
        return Vec::new();
    }
    let others = || comparison.runs.iter().skip(1);
    let mut columns = vec![words("network")];
    columns.extend(comparison.runs.iter().map(|run| number(&run.name)));
    // Accuracies on other data are not subtracted.
    let subtracted = comparison.networks.iter().flat_map(|network| &network.changes).any(Option::is_some);
    columns.extend(others().filter(|_| subtracted).map(|run| number(format!("{}: change", run.name))));
    let row = |network: &ComparedNetwork| {
        let mut cells = vec![network_name(network.kind, &network.name)];
        cells.extend(network.runs.iter().map(|run| {
            let share = run.as_ref().and_then(|row| row.accuracy.map(|share| (share, row.accuracy_stderr)));
            or_missing(share, |(share, stderr)| accuracy(share, stderr))
        }));
        cells.extend(network.changes.iter().skip(1).filter(|_| subtracted).map(|change| or_missing(*change, shown)));
        cells
    };
    let mut blocks = vec![Block::Heading("Accuracies".into())];
    if subtracted {
        let note = "Changes are to the first run, in percentage points; * marks those above two standard errors of the difference, \
                    taken as of independent samples.";
        blocks.push(Block::Paragraph(note.into()));
    }
    blocks.push(Block::Table(Table { columns, rows: comparison.networks.iter().map(row).collect() }));
    let perplexity = |network: &ComparedNetwork| network.runs.iter().flatten().any(|row| row.perplexity.is_some());
    if comparison.networks.iter().any(perplexity) {
        blocks.push(Block::Paragraph("Perplexities:".into()));
        blocks.push(Block::Table(perplexities(comparison)));
    }
    blocks
}

fn shown(change: Change) -> String {
    let clear = if change.clear == Some(true) { " *" } else { "" };
    format!("{}{clear}", points(change.difference, change.stderr))
}

fn perplexities(comparison: &Comparison) -> Table {
    let columns = [words("network")].into_iter().chain(comparison.runs.iter().map(|run| number(&run.name))).collect();
    let row = |network: &ComparedNetwork| {
        let cells = network.runs.iter().map(|run| {
            let found = run.as_ref().and_then(|row| Some((row.perplexity?, row.perplexity_stderr)));
            or_missing(found, |(value, error)| units::perplexity(value, error))
        });
        [network_name(network.kind, &network.name)].into_iter().chain(cells).collect()
    };
    Table { columns, rows: comparison.networks.iter().map(row).collect() }
}

pub(super) fn plans(comparison: &Comparison) -> Vec<Block> {
    if comparison.plans.is_empty() {
        return Vec::new();
    }
    let columns = [words("plan"), words("")].into_iter().chain(comparison.runs.iter().map(|run| number(&run.name)));
    let rows = comparison.plans.iter().flat_map(rows).collect();
    vec![Block::Heading("Plans".into()), Block::Table(Table { columns: columns.collect(), rows })]
}

/// One row for each number of a plan.
fn rows(plan: &ComparedPlan) -> Vec<Vec<String>> {
    let row = |title: String, show: &dyn Fn(&PlanTotals) -> Option<String>| -> Vec<String> {
        let cells = plan.runs.iter().map(|run| run.as_ref().and_then(show).unwrap_or_else(|| MISSING.into()));
        [plan.name.clone(), title].into_iter().chain(cells).collect()
    };
    let present = || plan.runs.iter().flatten();
    let mut rows = vec![
        row("sum of sensitivities".into(), &|run| Some(significant(run.objective, 4))),
        row("mean weight bits".into(), &|run| Some(format!("{:.2}", run.mean_weight_bits))),
    ];
    let names: BTreeSet<&String> =
        present().flat_map(|run| run.totals.keys().chain(run.budgets.iter().map(|b| &b.name))).collect();
    for name in names.into_iter().filter(|name| *name != "avg_weight_bits") {
        let limit = |run: &PlanTotals| run.budgets.iter().find(|b| b.name == *name).map(|b| (b.used, b.limit));
        rows.push(row(cost_title(name), &|run| match (limit(run), run.totals.get(name)) {
            (Some((used, limit)), _) => Some(format!("{} of {}", cost(name, used), cost(name, limit))),
            (None, total) => total.map(|total| cost(name, *total)),
        }));
    }
    if present().any(|run| run.same_plan.is_some()) {
        rows.push(row("best in resampled draws".into(), &|run| run.same_plan.map(percent)));
    }
    rows.push(row("layers with other bits".into(), &|run| run.other_layers.map(grouped)));
    rows
}
