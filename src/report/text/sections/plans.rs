//! Plans, their budgets, and what pins and groups cost.

use super::super::block::{Block, Table, number, or_missing, words};
use crate::plan::Status;
use crate::report::units::{cost, cost_title, grouped, percent, significant};
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
            let used = if budget.limit > 0.0 { percent(budget.used / budget.limit) } else { "–".into() };
            vec![
                plan.name.clone(),
                cost_title(&budget.name),
                if budget.binds { "yes" } else { "no" }.into(),
                cost(&budget.name, budget.limit),
                cost(&budget.name, budget.used),
                used,
            ]
        })
    });
    let columns =
        vec![words("plan"), words("budget"), words("binds"), number("limit"), number("used"), number("of the limit")];
    let budgets = Table { columns, rows: budgets.collect() };
    let mut blocks = vec![Block::Heading("Plans and budgets".into()), Block::Table(plans)];
    if !budgets.rows.is_empty() {
        blocks.push(Block::Paragraph("A budget binds if the plan could be better with more of it.".into()));
        blocks.push(Block::Table(budgets));
    }
    blocks
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
    let rows = report.plans.iter().flat_map(|plan| plan.bindings.iter().map(|binding| row(plan, binding)));
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = vec![words("plan"), words("pin or group"), number("sensitivity it costs"), number("of the plan's")];
    vec![
        Block::Heading("What pins and groups cost".into()),
        Block::Paragraph("How much smaller the sum of the sensitivities could be without each of them.".into()),
        Block::Table(Table { columns, rows }),
    ]
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
