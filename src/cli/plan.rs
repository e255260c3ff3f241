//! `plan`: the certified optimum of a table or a search space.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::args::{PlanArgs, budget};
use crate::cli::progress::Bars;
use crate::cli::run::open;
use crate::cli::{Global, output};
use crate::error::{Error, Result};
use crate::plan::{Plan, Provenance, Report, Status, optimize};
use crate::run::{Pipeline, planning_table, resolve_budget};
use crate::solve::{Budget, PlanningTable, RawTable};
use crate::store::{hash_bytes, write_atomic};

pub(super) fn plan(args: &PlanArgs, global: &Global) -> Result<()> {
    let limit = match args.time_limit {
        None => None,
        Some(seconds) => Some(
            Duration::try_from_secs_f64(seconds)
                .map_err(|_| Error::Usage(format!("--time-limit {seconds}\n  hint: a number of seconds, 0 or more")))?,
        ),
    };
    let (table, budgets, seed) = source(args, global)?;
    if budgets.is_empty() {
        return Err(Error::Usage("no budget\n  hint: pass --budget NAME=VALUE".into()));
    }
    let provenance = Provenance {
        version: crate::VERSION.into(),
        inputs: BTreeMap::from([("table".to_string(), hash_bytes(RawTable::from(&table).to_json()?.as_bytes()))]),
        seed,
        command: std::env::args().collect::<Vec<_>>().join(" "),
    };
    let plan = optimize(&table, &budgets, limit, provenance, Report::Timed)?;
    if let Some(path) = &args.output {
        write_atomic(path, plan.to_json()?.as_bytes())?;
    }
    output::print(global, &plan, || text(&plan))?;
    match plan.status {
        Status::Optimal => Ok(()),
        _ => Err(Error::Unproved(format!("stopped before the proof; the plan is within {:.3e} of the best", plan.gap))),
    }
}

/// The table, the budgets in its units, and the seed.
fn source(args: &PlanArgs, global: &Global) -> Result<(PlanningTable, Vec<Budget>, u64)> {
    if let Some(path) = &args.table {
        let budgets = args.budget.iter().map(|b| table_budget(b)).collect::<Result<_>>()?;
        return Ok((PlanningTable::read(path)?, budgets, global.seed.unwrap_or(0)));
    }
    let Some(path) = &args.space else { return Err(Error::Usage("neither a search space nor a table".into())) };
    let (study, mut workspace) = open(path, args.out.as_ref(), global)?;
    let outline = &study.outline;
    let requests = match args.budget.is_empty() {
        true => outline.space.plans[0].budgets.clone(),
        false => args.budget.iter().map(|b| parse(b)).collect::<Result<_>>()?,
    };
    let budgets = requests.iter().map(|r| resolve_budget(outline.scheme(), r)).collect::<Result<Vec<_>>>()?;
    let (_, sensitivity) = Pipeline::new(&study, &mut workspace, &mut Bars::new(global)).sensitivity()?;
    let table = planning_table(&outline.space.name, outline.scheme(), Some(&sensitivity))?;
    Ok((table, budgets, outline.space.seed))
}

fn parse(text: &str) -> Result<crate::space::BudgetRequest> {
    budget(text).map_err(|fault| {
        let hint = if fault.remedy.is_empty() { String::new() } else { format!("\n  hint: {}", fault.remedy) };
        Error::Usage(format!("--budget `{text}`: found {}, expected {}{hint}", fault.found, fault.expected))
    })
}

/// The costs of a table are the user's, so only plain numbers are limits.
fn table_budget(text: &str) -> Result<Budget> {
    let parsed = text.split_once('=').and_then(|(name, value)| Some((name, value.parse::<f64>().ok()?)));
    match parsed {
        Some((name, limit)) if limit.is_finite() && limit >= 0.0 => Ok(Budget::new(name, limit)),
        _ => Err(Error::Usage(format!("--budget `{text}`\n  hint: write NAME=VALUE with a number of 0 or more"))),
    }
}

fn text(plan: &Plan) -> String {
    let proof = match plan.status {
        Status::Optimal => "optimal, proved".to_string(),
        _ => format!("within {:.3e} of the best", plan.gap),
    };
    let mut lines =
        vec![format!("objective {:.6e} ({proof}; {} states)", plan.objective, plan.solver.nodes), String::new()];
    lines.push(format!("{:28} {:10} {:>14}", "layer", "candidate", "sensitivity"));
    lines.extend(plan.layers.iter().map(|l| format!("{:28} {:10} {:>14.4e}", l.name, l.candidate, l.sensitivity)));
    lines.push(format!("\n{:28} {:>16} {:>16} {:>9} {:>14}", "budget", "limit", "used", "share", "shadow price"));
    lines.extend(plan.budgets.iter().map(|b| {
        let share = 100.0 * b.used / b.limit;
        format!("{:28} {:>16.6} {:>16.6} {share:>7.1} % {:>14.4e}", b.name, b.limit, b.used, b.shadow_price)
    }));
    lines.join("\n")
}
