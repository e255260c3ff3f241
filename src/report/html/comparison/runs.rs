//! Which runs, and what each decided.

use maud::html;

use super::super::shell::Section;
use super::super::table::{Cell, Row, Table};
use super::super::words::named;
use crate::report::{ComparedRun, Comparison};

/// The section.
pub fn section(comparison: &Comparison) -> Section {
    let plans: Vec<&str> = comparison.plans.iter().map(|plan| plan.name.as_str()).collect();
    let body = html! {
        (table(comparison))
        @for run in &comparison.runs {
            @if !run.decisions.is_empty() {
                details {
                    summary { "What " bdi { (run.name) } " decided" }
                    @for decision in &run.decisions { p.decided { (named(decision, &plans)) } }
                }
            }
        }
        @if !comparison.remarks.is_empty() {
            h3 { "Remarks" }
            ul.remarks {
                @for remark in &comparison.remarks { li { (remark) } }
            }
        }
    };
    Section::new("runs", "Runs", body)
}

fn table(comparison: &Comparison) -> Table {
    let row = |(index, run): (usize, &ComparedRun)| {
        Row::from(vec![
            Cell::number(index as f64, index + 1),
            Cell::name(&run.name),
            Cell::text(html! { bdi { (run.network) } }),
            Cell::text(if run.finished { "finished" } else { "not finished" }),
            run.folder.as_ref().map_or_else(Cell::missing, Cell::text),
        ])
    };
    Table::new("The runs; the others are compared with the first", "runs")
        .numbers("#")
        .words("Run")
        .words("Network")
        .words("State")
        .words("Folder")
        .rows(comparison.runs.iter().enumerate().map(row))
}
