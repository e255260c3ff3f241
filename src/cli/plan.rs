//! `plan`: the certified optimum of a table or a search space.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::args::{PlanArgs, SolverName};
use crate::cli::progress::{Bars, Spinner};
use crate::cli::source::{Source, source};
use crate::cli::tell::tell;
use crate::cli::{Global, output, plan_text};
use crate::error::{Error, Result};
use crate::export::Format;
use crate::plan::{Method, Provenance, Search, Status, best_uniform, bindings, optimize, stability};
use crate::solve::Backend;
use crate::store::write_atomic;
use crate::table::{Budget, Layer, PlanningTable};

pub(super) fn plan(args: &PlanArgs, global: &Global) -> Result<()> {
    let limit = args.time_limit.map(seconds).transpose()?;
    if let Some(path) = &args.output {
        output::check_target(path, args.source.table.as_deref())?;
    }
    let Source { table, whole, budgets, unlimited, seed, hash } = source(&args.source, global)?;
    if budgets.is_empty() || !unlimited.is_empty() {
        let found = unlimited.first().map_or("no budget".into(), |name| format!("--budget {name} without a limit"));
        return Err(Error::Usage(format!("{found}\n  hint: pass --budget NAME=VALUE")));
    }
    let search = Search { method: method(args.solver), limit, timed: true, keep: args.k_best as usize };
    let spinner = Spinner::new(global, "planning");
    let (mut plan, remark) = optimize(&table, &budgets, search, provenance(hash, seed, args.source.target))?;
    if args.explain {
        plan.bindings = bindings(whole.as_ref().unwrap_or(&table), &budgets, plan.objective, limit)?;
        plan.relieve(&table, limit)?;
    }
    drop(spinner);
    if let Some(draws) = args.stability {
        plan.stability = Some(stability(&table, &budgets, &plan, draws, seed, limit, &mut Bars::new(global))?);
    }
    if let Some(remark) = remark {
        tell!("warning: {remark}");
    }
    if let Some(uniform) = best_uniform(&table, &budgets)?.filter(|u| u.is_as_good_as(plan.objective)) {
        let id = &uniform.candidate;
        tell!("note: {id} in every layer that has the choice is within the budgets and as good as the plan");
    }
    for name in loose(&table, &budgets) {
        tell!("note: budget `{name}` limits nothing: the costliest candidate of every layer is within it");
    }
    if let Some(path) = &args.output {
        write_atomic(path, plan.to_json()?.as_bytes())?;
    }
    output::print(global, &plan, || plan_text::plan(&plan))?;
    match plan.status {
        Status::Optimal => Ok(()),
        _ => Err(Error::Unproved(format!(
            "stopped before the proof; the plan is within {} of the best",
            plan_text::percent(plan.gap)
        ))),
    }
}

/// Budgets that every plan keeps.
fn loose<'a>(table: &PlanningTable, budgets: &'a [Budget]) -> impl Iterator<Item = &'a str> {
    let limits_nothing = |b: &Budget| {
        let column = table.cost_names().iter().position(|n| *n == b.name);
        let dearest = |l: &Layer| column.map_or(0.0, |k| l.candidates.iter().map(|c| c.cost[k]).fold(0.0, f64::max));
        // More than twice: a limit in another unit, not one that happens to be loose.
        b.limit > 2.0 * table.layers().iter().map(dearest).sum::<f64>()
    };
    budgets.iter().filter(move |b| limits_nothing(b)).map(|b| b.name.as_str()).collect::<Vec<_>>().into_iter()
}

/// Longest time limit: thirty years.
const LONGEST: f64 = 1e9;

/// A time limit.
pub(super) fn seconds(seconds: f64) -> Result<Duration> {
    let limit = Some(seconds).filter(|s| (0.0..=LONGEST).contains(s));
    let fault = || Error::Usage(format!("--time-limit: found {seconds:e}, expected seconds from 0 to {LONGEST:e}"));
    limit.and_then(|s| Duration::try_from_secs_f64(s).ok()).ok_or_else(fault)
}

fn method(solver: SolverName) -> Method {
    match solver {
        SolverName::Exact => Method::Exact,
        SolverName::Microlp => Method::General(Backend::Microlp),
        #[cfg(feature = "highs")]
        SolverName::Highs => Method::General(Backend::Highs),
    }
}

/// Where a plan comes from.
pub(super) fn provenance(hash: String, seed: u64, target: Option<&dyn Format>) -> Provenance {
    Provenance {
        version: crate::VERSION.into(),
        inputs: BTreeMap::from([("table".to_string(), hash)]),
        seed,
        command: std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" "),
        target: target.map(|format| format.name().to_string()),
    }
}
