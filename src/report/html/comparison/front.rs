//! Fronts of the same cost side by side.

use maud::html;

use super::super::charts;
use super::super::figure::figure;
use super::super::shell::Section;
use super::super::table::{Cell, Row, Table};
use super::columns_of_runs;
use crate::report::units::{cost, cost_title, significant};
use crate::report::{ComparedFront, Comparison, FrontStep};

/// The section.
pub fn section(comparison: &Comparison) -> Section {
    let (id, title) = ("front", "Front");
    if comparison.fronts.is_empty() {
        return Section::without(id, title, "No run has a front yet.");
    }
    let body = html! {
        p { "The smallest sum of sensitivities that the points of each front reach within a limit." }
        @for (index, front) in comparison.fronts.iter().enumerate() {
            (figure(&format!("Fronts against {}", cost_title(&front.cost)), charts::compared_front(comparison, index)))
            (table(front, comparison))
        }
    };
    Section::new(id, title, body)
}

fn table(front: &ComparedFront, comparison: &Comparison) -> Table {
    let row = |step: &FrontStep| {
        let objectives = step.objectives.iter().map(|value| Cell::optional(*value, |value| significant(value, 4)));
        let limit = Cell::number(step.limit, cost(&front.cost, step.limit));
        Row::from([limit].into_iter().chain(objectives).collect::<Vec<_>>())
    };
    let title = format!("Objective at limits of {}", cost_title(&front.cost));
    let table = Table::new(title, &format!("front-{}", front.cost)).numbers("Limit");
    columns_of_runs(table, comparison).rows(front.steps.iter().map(row))
}
