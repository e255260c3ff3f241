//! What less of a cost would lose: the fronts, and the plans behind their points.

use maud::{Markup, html};

use crate::report::html::charts;
use crate::report::html::figure::figure;
use crate::report::html::shell::Section;
use crate::report::html::table::{Cell, Row, Table};
use crate::report::units::{accuracy, capital, cost, cost_title, perplexity, plural, significant};
use crate::report::{FrontSection, Landmark, LandmarkKind, Report};

/// The section.
pub fn section(report: &Report) -> Section {
    let (id, title) = ("front", "Front");
    if report.fronts.is_empty() {
        return Section::without(id, title, "No front is computed yet: it comes with the plans.");
    }
    let body = html! {
        p {
            "A point is a plan that no other plan beats in both the sum of sensitivities and the cost. All other budgets are \
            lifted here, so that a plan with several budgets may lie above the front."
        }
        @for (number, front) in report.fronts.iter().enumerate() { (one(report, front, number)) }
    };
    Section::new(id, title, body)
}

fn one(report: &Report, front: &FrontSection, number: usize) -> Markup {
    let label = format!("Front of the objective against {}", cost_title(&front.cost));
    html! {
        (figure(&label, charts::front(number, front)))
        p.note { (extent(front)) }
        div.panel.js-only id=(panel_id(&front.cost, number)) data-front-panel=(front.cost) data-start=(start(report, front))
            aria-live="polite" {}
        (landmarks(front))
    }
}

/// What the points are.
fn extent(front: &FrontSection) -> String {
    let proved = front.points.iter().filter(|point| point.proved).count();
    let points = plural(front.points.len() as u64, "point");
    let all = match (front.whole, front.limits) {
        (true, _) => format!("{points}: the whole front"),
        (false, Some(limits)) => format!("{points}: the best plans within {limits} equally spaced limits"),
        (false, None) => format!("{points} that were found before the search was stopped"),
    };
    let hull = front.points.iter().filter(|point| point.supported == Some(true)).count();
    let hull = if hull > 0 { format!(", {hull} on its lower convex hull") } else { String::new() };
    let proof = if proved == front.points.len() { "all proved".into() } else { format!("{proved} proved") };
    format!("{all}{hull}, {proof}.")
}

/// Cost names of one's own may have any letters; ids may not.
fn panel_id(cost: &str, number: usize) -> String {
    let plain = !cost.is_empty() && cost.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if plain { format!("front-plan-{cost}") } else { format!("front-plan-{number}") }
}

/// The point that the panel shows first: the last one within the first plan's limit.
fn start(report: &Report, front: &FrontSection) -> usize {
    let budgets = report.plans.first().map_or(&[][..], |plan| &plan.budgets);
    let limit = budgets.iter().find(|budget| budget.name == front.cost).map(|budget| budget.limit);
    let within = |limit: f64| front.points.iter().rposition(|point| point.cost <= limit);
    limit.and_then(within).unwrap_or(front.points.len() / 2)
}

fn landmarks(front: &FrontSection) -> Table {
    let row = |mark: &Landmark| {
        let kind = match mark.kind {
            LandmarkKind::Uniform => "uniform precision",
            LandmarkKind::Plan => "plan",
        };
        let cells = vec![
            Cell::name(&mark.name),
            Cell::text(kind),
            Cell::number(mark.cost, cost(&front.cost, mark.cost)),
            Cell::optional(mark.limit, |limit| cost(&front.cost, limit)),
            Cell::number(mark.objective, significant(mark.objective, 4)),
            Cell::measured(mark.accuracy, mark.accuracy_stderr, accuracy),
            Cell::measured(mark.perplexity, mark.perplexity_stderr, perplexity),
        ];
        Row { primary: mark.kind == LandmarkKind::Plan, cells, ..Row::default() }
    };
    Table::new(
        format!("Plans and uniform precisions against {}", cost_title(&front.cost)),
        &format!("landmarks-{}", front.cost),
    )
    .words("Network")
    .words("Kind")
    .numbers(capital(&cost_title(&front.cost)))
    .numbers("Limit")
    .numbers("Objective")
    .hint("Sum of the sensitivities")
    .numbers("Accuracy")
    .numbers("Perplexity")
    .rows(front.landmarks.iter().map(row))
}
