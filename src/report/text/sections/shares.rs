//! Where the budget goes: the largest users of each cost.

use std::collections::BTreeSet;

use super::super::bars::bar;
use super::super::block::{Block, Table, number, words};
use crate::report::units::{cost, cost_title, percent, plan_title};
use crate::report::{PlanRow, Report};

/// Layers that are shown for each cost.
const MOST_LAYERS: usize = 5;

pub(super) fn shares(report: &Report) -> Vec<Block> {
    let Some(plan) = report.plans.first() else { return Vec::new() };
    let budgets = plan.budgets.iter().map(|budget| budget.name.as_str());
    let mut named = BTreeSet::new();
    let costs = budgets.chain(["bitops", "weight_bytes"]).filter(|cost| named.insert(cost.to_string()));
    let rows: Vec<Vec<String>> = costs.flat_map(|cost| users(report, plan, cost)).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = vec![
        words("cost"),
        words("layer"),
        number("candidate"),
        number("uses"),
        number("share of the plan"),
        words(""),
    ];
    vec![
        Block::Heading("Where the budget goes".into()),
        Block::Paragraph(format!("The largest users in {}.", plan_title(&plan.name))),
        Block::Table(Table { columns, rows }),
    ]
}

fn users(report: &Report, plan: &PlanRow, name: &str) -> Vec<Vec<String>> {
    let total = plan.total(name).filter(|total| *total > 0.0);
    let Some(total) = total else { return Vec::new() };
    let choices = plan.choices.iter().enumerate();
    let mut users: Vec<(f64, usize)> =
        choices.filter_map(|(layer, choice)| Some((*choice.cost.get(name)?, layer))).collect();
    users.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let row = |(used, layer): (f64, usize)| {
        Some(vec![
            cost_title(name),
            report.layers.get(layer)?.name.clone(),
            plan.choices.get(layer)?.candidate.clone(),
            cost(name, used),
            percent(used / total),
            bar(used / total),
        ])
    };
    users.into_iter().take(MOST_LAYERS).filter_map(row).collect()
}
