//! Plans, their budgets, and what pins and groups cost.

use super::super::block::{Block, Table, number, or_missing, words};
use crate::plan::{Relief, Status};
use crate::report::units::{cost, cost_title, grouped, of_limit, percent, significant};
use crate::report::{BindingRow, PlanRow, Report};

/// Layers of a group that are named.
const NAMED: usize = 4;

pub(super) fn plans(report: &Report) -> Vec<Block> {
    if report.plans.is_empty() {
        return Vec::new();
    }
    let plan = |plan: &PlanRow| {
        let stability = plan.stability.as_ref();
        vec![
            plan.name.clone(),
            status(plan),
            significant(plan.objective, 4),
            format!("{:.2}", plan.mean_weight_bits),
            or_missing(stability, |s| format!("{} of {}", percent(s.same_plan), grouped(s.draws))),
            or_missing(stability, |s| percent(s.regret_mean)),
            or_missing(stability, |s| percent(s.regret_max)),
        ]
    };
    let columns = vec![
        words("plan"),
        words("status"),
        number("sum of sensitivities"),
        number("mean weight bits"),
        number("best in resampled draws"),
        number("mean regret"),
        number("largest"),
    ];
    let plans = Table { columns, rows: report.plans.iter().map(plan).collect() };
    let budgets = report.plans.iter().flat_map(|plan| {
        plan.budgets.iter().map(|budget| {
            let used = if budget.limit > 0.0 { of_limit(budget.used, budget.limit) } else { "–".into() };
            vec![
                plan.name.clone(),
                cost_title(&budget.name),
                budget.verdict().into(),
                cost(&budget.name, budget.limit),
                cost(&budget.name, budget.used),
                used,
                relieved(budget.without),
                relieved(budget.higher),
            ]
        })
    });
    let columns = vec![
        words("plan"),
        words("budget"),
        words("binds"),
        number("limit"),
        number("used"),
        number("of the limit"),
        number("sum without it"),
        number("sum, limit 1 % higher"),
    ];
    let budgets = Table { columns, rows: budgets.collect() };
    let mut blocks = vec![Block::Heading("Plans and budgets".into()), Block::Table(plans)];
    if !budgets.rows.is_empty() {
        blocks.push(Block::Paragraph(
            "A budget binds if the best plan without it, with all other limits, has a smaller sum of sensitivities."
                .into(),
        ));
        blocks.push(Block::Table(budgets));
    }
    blocks
}

/// The objective under something less; `≤` where that is not proved.
fn relieved(relief: Option<Relief>) -> String {
    or_missing(relief, |r| format!("{}{}", if r.proved { "" } else { "≤ " }, significant(r.objective, 4)))
}

/// How far a plan is proved.
fn status(plan: &PlanRow) -> String {
    match plan.status {
        Status::Optimal => "optimal, proved".into(),
        Status::Infeasible => "not within the budgets".into(),
        Status::Feasible => format!("within {} % of the best", significant(100.0 * plan.gap, 2)),
    }
}

pub(super) fn bindings(report: &Report) -> Vec<Block> {
    let all = || report.plans.iter().flat_map(|plan| plan.bindings.iter().map(move |binding| (plan, binding)));
    if all().next().is_none() {
        return Vec::new();
    }
    let costs = |binding: &BindingRow| binding.cost > 0.0 || !binding.proved;
    let rows: Vec<Vec<String>> = all().filter(|(_, b)| costs(b)).map(|(plan, b)| row(plan, b)).collect();
    let free = all().filter(|(_, b)| !costs(b)).count();
    let mut note = "How much smaller the sum of the sensitivities could be without each of them.".to_string();
    match (free, rows.len()) {
        (0, _) => {}
        (_, 0) => note += " None of them costs anything.",
        (free, _) => note += &format!(" {free} of {} cost nothing and are not shown.", free + rows.len()),
    }
    let mut blocks = vec![Block::Heading("What pins and groups cost".into()), Block::Paragraph(note)];
    if rows.is_empty() {
        return blocks;
    }
    let columns = vec![words("plan"), words("pin or group"), number("sensitivity it costs"), number("of the plan's")];
    blocks.push(Block::Table(Table { columns, rows }));
    blocks
}

fn row(plan: &PlanRow, binding: &BindingRow) -> Vec<String> {
    let mut names: Vec<&str> = binding.layers.iter().take(NAMED).map(String::as_str).collect();
    let more = format!("{} more", binding.layers.len().saturating_sub(NAMED));
    if binding.layers.len() > NAMED {
        names.push(&more);
    }
    let what = match &binding.candidate {
        Some(candidate) => format!("{} at {candidate}", names.join(", ")),
        None => names.join(" = "),
    };
    let least = if binding.proved { "" } else { "≥ " };
    let share = if plan.objective > 0.0 { percent(binding.cost / plan.objective) } else { "–".into() };
    vec![plan.name.clone(), what, format!("{least}{}", significant(binding.cost, 3)), format!("{least}{share}")]
}
