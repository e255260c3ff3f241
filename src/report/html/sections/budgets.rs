//! What the budgets are used for.

use maud::html;

use crate::plan::Relief;
use crate::report::html::charts;
use crate::report::html::figure::figure;
use crate::report::html::shell::Section;
use crate::report::html::table::{Cell, Row, Table};
use crate::report::html::words::layer_name;
use crate::report::units::{capital, cost, cost_title, of_limit, percent, plan_title, significant};
use crate::report::{BudgetRow, PlanRow, Report};

/// Layers in the table of the largest users.
const LARGEST: usize = 10;

/// The section.
pub fn section(report: &Report) -> Section {
    let (id, title) = ("budgets", "Budgets");
    if report.plans.iter().all(|plan| plan.budgets.is_empty()) {
        return Section::without(id, title, "There is no plan yet that could use a budget.");
    }
    let body = html! {
        p {
            "A budget binds if the best plan without it, with all other limits, is better. What a limit 1 % higher would be \
            worth was planned as well: plans follow their limits in steps."
        }
        (table(report))
        @if let Some(plan) = report.plans.first() {
            @for (index, budget) in plan.budgets.iter().enumerate() {
                (figure(&format!("Use of {} by the layers", cost_title(&budget.name)), charts::waterfall(report, index)))
                (users(report, plan, budget))
            }
        }
    };
    Section::new(id, title, body)
}

fn table(report: &Report) -> Table {
    let row = |(plan, budget): (&PlanRow, &BudgetRow)| {
        let share = (budget.limit > 0.0).then(|| budget.used / budget.limit);
        let used = |_| of_limit(budget.used, budget.limit);
        Row::from(vec![
            Cell::name(&plan.name),
            Cell::text(cost_title(&budget.name)),
            Cell::number(budget.used, cost(&budget.name, budget.used)),
            Cell::number(budget.limit, cost(&budget.name, budget.limit)),
            Cell::optional(share, used),
            Cell::text(budget.verdict()),
            relieved(budget.without),
            relieved(budget.higher),
        ])
    };
    let pairs = report.plans.iter().flat_map(|plan| plan.budgets.iter().map(move |budget| (plan, budget)));
    Table::new("Limits and what is used of them", "budgets")
        .words("Plan")
        .words("Budget")
        .numbers("Used")
        .numbers("Limit")
        .numbers("Used, %")
        .words("Binds")
        .numbers("Objective without it")
        .numbers("Objective, limit 1 % higher")
        .rows(pairs.map(row))
}

/// The objective under something less; `≤` where that is not proved.
fn relieved(relief: Option<Relief>) -> Cell {
    let Some(Relief { objective, proved, .. }) = relief else { return Cell::missing() };
    Cell::number(objective, format!("{}{}", if proved { "" } else { "≤ " }, significant(objective, 4)))
}

/// The layers that use most of a budget.
fn users(report: &Report, plan: &PlanRow, budget: &BudgetRow) -> Table {
    let choices = plan.choices.iter().enumerate();
    let mut users: Vec<_> = choices.filter_map(|(index, c)| Some((index, c, *c.cost.get(&budget.name)?))).collect();
    users.sort_by(|a, b| b.2.total_cmp(&a.2));
    let rows = users.into_iter().take(LARGEST).map(|(index, choice, used)| {
        let cells = vec![
            Cell::name(&layer_name(report, index)),
            Cell::text(&choice.candidate),
            Cell::number(used, cost(&budget.name, used)),
            Cell::optional((budget.limit > 0.0).then(|| used / budget.limit), percent),
        ];
        Row { layer: Some(index), cells, ..Row::default() }
    });
    let title = format!("Largest users of {} in {}", cost_title(&budget.name), plan_title(&plan.name));
    Table::new(title, &format!("largest-users-{}", budget.name))
        .words("Layer")
        .words("Choice")
        .numbers(capital(&cost_title(&budget.name)))
        .numbers("Of the limit")
        .rows(rows)
}
