//! `plan`: the certified optimum of a table or a search space.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::args::PlanArgs;
use crate::cli::check::show;
use crate::cli::progress::Bars;
use crate::cli::run::{open, read_space};
use crate::cli::{Global, output};
use crate::error::{Error, Result, ValueFault};
use crate::plan::{Plan, Provenance, Report, Status, optimize};
use crate::run::{Outline, Pipeline, infeasibility, planning_table, resolve_budget};
use crate::solve::Problem;
use crate::space::{BudgetRequest, Limit};
use crate::store::{hash_bytes, write_atomic};
use crate::table::{Budget, PlanningTable, RawTable};

pub(super) fn plan(args: &PlanArgs, global: &Global) -> Result<()> {
    let limit = match args.time_limit {
        None => None,
        Some(seconds) => Some(
            Duration::try_from_secs_f64(seconds)
                .map_err(|_| Error::Usage(format!("--time-limit {seconds}\n  hint: a number of seconds, 0 or more")))?,
        ),
    };
    if let Some(path) = &args.output {
        output::check_target(path, args.table.as_deref())?;
    }
    let (table, budgets, seed) = source(args, global)?;
    if budgets.is_empty() {
        return Err(Error::Usage("no budget\n  hint: pass --budget NAME=VALUE".into()));
    }
    let provenance = Provenance {
        version: crate::VERSION.into(),
        inputs: BTreeMap::from([("table".to_string(), hash_bytes(RawTable::from(&table).to_json()?.as_bytes()))]),
        seed,
        command: std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" "),
    };
    let plan = optimize(&table, &budgets, limit, provenance, Report::Timed)?;
    if let Some(path) = &args.output {
        write_atomic(path, plan.to_json()?.as_bytes())?;
    }
    output::print(global, &plan, || text(&plan))?;
    match plan.status {
        Status::Optimal => Ok(()),
        _ => Err(Error::Unproved(format!(
            "stopped before the proof; the plan is within {:.2} % of the best",
            100.0 * plan.gap
        ))),
    }
}

/// The table, the budgets in its units, and the seed.
fn source(args: &PlanArgs, global: &Global) -> Result<(PlanningTable, Vec<Budget>, u64)> {
    if let Some(path) = &args.table {
        let budgets = args.budget.iter().map(|b| table_budget(b)).collect::<Result<_>>()?;
        return Ok((PlanningTable::read(path)?, budgets, global.seed.unwrap_or(0)));
    }
    let Some(path) = &args.space else { return Err(Error::Usage("neither a search space nor a table".into())) };
    let outline = Outline::new(read_space(path, global)?)?;
    let requests = match args.budget.is_empty() {
        true => outline.space.plans[0].budgets.clone(),
        false => args.budget.iter().map(|b| parse(b)).collect::<Result<_>>()?,
    };
    let budgets = requests.iter().map(|r| resolve_budget(outline.scheme(), r).map_err(usage));
    let budgets = budgets.collect::<Result<Vec<_>>>()?;
    // Before anything expensive: can they be met at all?
    let problem = Problem::new(&planning_table(&outline.space.name, outline.scheme(), None)?, &budgets)?;
    if let Some(reason) = infeasibility(&problem)? {
        return Err(Error::Infeasible(reason));
    }
    let (study, mut workspace) = open(outline, path, args.out.as_ref())?;
    let outline = &study.outline;
    let (_, sensitivity) = Pipeline::new(&study, &mut workspace, &mut Bars::new(global)).sensitivity()?;
    let table = planning_table(&outline.space.name, outline.scheme(), Some(&sensitivity))?;
    Ok((table, budgets, outline.space.seed))
}

fn parse(text: &str) -> Result<BudgetRequest> {
    text.parse().map_err(usage)
}

fn usage(fault: ValueFault) -> Error {
    let hint = if fault.remedy.is_empty() { String::new() } else { format!("\n  hint: {}", fault.remedy) };
    Error::Usage(format!("--budget: found {}, expected {}{hint}", fault.found, fault.expected))
}

/// The costs of a table are the user's, so a limit is a number, with K, M, G, KiB and so on.
fn table_budget(text: &str) -> Result<Budget> {
    let limit = |value: &str| match (value.parse::<f64>(), value.parse::<Limit>()) {
        (Ok(0.0), _) => Some(0.0),
        (_, Ok(Limit::Absolute(limit))) => Some(limit),
        _ => None,
    };
    text.split_once('=').and_then(|(name, value)| Some(Budget::new(name, limit(value)?))).ok_or_else(|| {
        let hint = "write NAME=VALUE with a number of 0 or more: gbops=30, bytes=300KiB; a table has no percentages";
        Error::Usage(format!("--budget `{text}`\n  hint: {hint}"))
    })
}

fn text(plan: &Plan) -> String {
    let proof = match plan.status {
        Status::Optimal => "optimal, proved".to_string(),
        _ => format!("within {:.2} % of the best", 100.0 * plan.gap),
    };
    let mut lines = vec![
        format!("objective {:.6e} ({proof}; the proof looked at {} partial plans)", plan.objective, plan.solver.nodes),
        String::new(),
    ];
    lines.push(format!("{:28} {:10} {:>14}", "layer", "candidate", "sensitivity"));
    lines.extend(plan.layers.iter().map(|l| format!("{:28} {:10} {:>14.4e}", l.name, l.candidate, l.sensitivity)));
    lines.push(format!("\n{:28} {:>16} {:>16} {:>9} {:>14}", "budget", "limit", "used", "share", "shadow price"));
    lines.extend(plan.budgets.iter().map(|b| {
        let share = 100.0 * b.used / b.limit;
        let binds = b.shadow_price * b.limit > 1e-9 * plan.objective.abs();
        let price = if binds { format!("{:.3e}", b.shadow_price) } else { "0".into() };
        format!("{:28} {:>16} {:>16} {share:>7.1} % {price:>14}", b.name, show(&b.name, b.limit), show(&b.name, b.used))
    }));
    lines.join("\n")
}
