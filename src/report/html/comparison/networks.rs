//! Networks and plans of the same name side by side.

use maud::{Markup, html};

use super::super::charts;
use super::super::figure::figure;
use super::super::shell::Section;
use super::super::table::{Cell, Row, Table};
use super::super::words::network;
use super::columns_of_runs;
use crate::report::units::{self, bytes, cost, cost_title, operations, percent, significant};
use crate::report::{Change, ComparedNetwork, ComparedPlan, Comparison, NetworkRow, PlanTotals};

/// The section.
pub fn section(comparison: &Comparison) -> Section {
    let (id, title) = ("networks", "Networks");
    if comparison.networks.is_empty() && comparison.plans.is_empty() {
        return Section::without(id, title, "No run has costed a network yet.");
    }
    let body = html! {
        (figure("Accuracies", charts::compared_accuracy(comparison)))
        (accuracies(comparison))
        (costs("Weight bytes", "weight-bytes", comparison, |row| Cell::number(row.weight_bytes, bytes(row.weight_bytes))))
        (costs("BitOPs", "bitops", comparison, |row| Cell::number(row.bitops, operations(row.bitops))))
        (plans(comparison))
    };
    Section::new(id, title, body)
}

/// Accuracies, or perplexities of language models, and the differences to the first run.
fn accuracies(comparison: &Comparison) -> Markup {
    // Accuracies on other data are not subtracted.
    let subtracted = comparison.networks.iter().flat_map(|network| &network.changes).any(Option::is_some);
    let row = |compared: &ComparedNetwork| {
        let values = compared.runs.iter().map(|run| match run {
            Some(row) => Cell::measured(row.accuracy, row.accuracy_stderr, units::accuracy),
            None => Cell::missing(),
        });
        let cells = [Cell::named(network(compared.kind, &compared.name))].into_iter().chain(values);
        let changes = compared.changes.iter().skip(1).filter(|_| subtracted);
        Row::from(cells.chain(changes.map(change)).collect::<Vec<_>>())
    };
    let table = columns_of_runs(Table::new("Accuracy", "accuracy").words("Network"), comparison);
    let others = comparison.runs.iter().skip(1).filter(|_| subtracted);
    let table = others.fold(table, |table, run| {
        table
            .numbers(format!("{} − first", run.name))
            .hint("Difference with its standard error, as of independent samples")
    });
    let known = |row: &NetworkRow| row.accuracy.is_some();
    html! {
        @if comparison.networks.iter().any(|n| n.runs.iter().flatten().any(known)) {
            @if subtracted { p { "A difference is marked ● if it is larger than two standard errors." } }
            (table.rows(comparison.networks.iter().map(row)))
        } @else {
            p { "No accuracies are known yet." }
        }
        (perplexities(comparison))
    }
}

fn change(change: &Option<Change>) -> Cell {
    let Some(change) = change else { return Cell::missing() };
    let mark = if change.clear == Some(true) { "● " } else { "" };
    Cell::measured(change.difference, change.stderr, |value, error| format!("{mark}{}", units::change(value, error)))
}

fn perplexities(comparison: &Comparison) -> Markup {
    let known = |compared: &&ComparedNetwork| compared.runs.iter().flatten().any(|row| row.perplexity.is_some());
    let cell = |row: &NetworkRow| Cell::measured(row.perplexity, row.perplexity_stderr, units::perplexity);
    let table = Table::new("Perplexity", "perplexity").words("Network");
    html! { (columns_of_runs(table, comparison).rows(comparison.networks.iter().filter(known).map(|n| side_by_side(n, cell)))) }
}

fn costs(title: &str, file: &str, comparison: &Comparison, cell: fn(&NetworkRow) -> Cell) -> Table {
    let table = Table::new(title, file).words("Network");
    columns_of_runs(table, comparison).rows(comparison.networks.iter().map(|network| side_by_side(network, cell)))
}

fn side_by_side(compared: &ComparedNetwork, cell: impl Fn(&NetworkRow) -> Cell) -> Row {
    let cells = compared.runs.iter().map(|run| run.as_ref().map_or_else(Cell::missing, &cell));
    Row::from([Cell::named(network(compared.kind, &compared.name))].into_iter().chain(cells).collect::<Vec<_>>())
}

/// What the plans come to: a row for each plan of each run.
fn plans(comparison: &Comparison) -> Table {
    let row = |(compared, index, totals): (&ComparedPlan, usize, &PlanTotals)| {
        let run = comparison.runs.get(index).map_or("", |run| run.name.as_str());
        let budgets: Vec<String> =
            totals.budgets.iter().filter(|b| b.binds == Some(true)).map(|b| cost_title(&b.name)).collect();
        let total = |name: &str| Cell::optional(totals.totals.get(name).copied(), |value| cost(name, value));
        Row {
            primary: totals.primary,
            cells: vec![
                Cell::name(&compared.name),
                Cell::text(html! { bdi { (run) } }),
                Cell::number(totals.objective, significant(totals.objective, 4)),
                total("weight_bytes"),
                total("bitops"),
                Cell::number(totals.mean_weight_bits, format!("{:.2}", totals.mean_weight_bits)),
                Cell::optional(totals.same_plan, percent),
                Cell::optional(totals.other_layers.map(|count| count as f64), |count| format!("{count:.0}")),
                if budgets.is_empty() { Cell::missing() } else { Cell::text(budgets.join(", ")) },
            ],
            ..Row::default()
        }
    };
    let rows = comparison.plans.iter().flat_map(|plan| {
        plan.runs.iter().enumerate().filter_map(move |(index, run)| Some((plan, index, run.as_ref()?)))
    });
    Table::new("Plans", "plans")
        .words("Plan")
        .words("Run")
        .numbers("Objective")
        .hint("Sum of the sensitivities; those of different objectives have different units")
        .numbers("Weights")
        .numbers("BitOPs")
        .numbers("Mean weight bits")
        .numbers("Stable")
        .hint("Share of the plans for resampled sensitivities that are the same plan")
        .numbers("Other layers")
        .hint("Layers with another candidate than in the first run")
        .words("What binds")
        .rows(rows.map(row))
}
