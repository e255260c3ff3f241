//! `plan`: the certified optimum of a table or a search space.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::args::{PlanArgs, SolverName};
use crate::cli::progress::{Bars, Spinner};
use crate::cli::source::{Source, source};
use crate::cli::{Global, output, plan_text};
use crate::error::{Error, Result};
use crate::plan::{Method, Provenance, Search, Status, best_uniform, bindings, optimize, stability};
use crate::solve::Backend;
use crate::store::write_atomic;

pub(super) fn plan(args: &PlanArgs, global: &Global) -> Result<()> {
    let limit = args.time_limit.map(seconds).transpose()?;
    if let Some(path) = &args.output {
        output::check_target(path, args.source.table.as_deref())?;
    }
    let Source { table, budgets, unlimited, seed, hash } = source(&args.source, global)?;
    if budgets.is_empty() || !unlimited.is_empty() {
        let found = unlimited.first().map_or("no budget".into(), |name| format!("--budget {name} without a limit"));
        return Err(Error::Usage(format!("{found}\n  hint: pass --budget NAME=VALUE")));
    }
    let search = Search { method: method(args.solver), limit, timed: true, keep: args.k_best as usize };
    let spinner = Spinner::new(global, "planning");
    let (mut plan, remark) = optimize(&table, &budgets, search, provenance(hash, seed))?;
    if args.explain {
        plan.bindings = bindings(&table, &budgets, plan.objective, limit)?;
    }
    drop(spinner);
    if let Some(draws) = args.stability {
        plan.stability = Some(stability(&table, &budgets, &plan, draws, seed, limit, &mut Bars::new(global))?);
    }
    if let Some(remark) = remark {
        eprintln!("warning: {remark}");
    }
    if let Some(uniform) = best_uniform(&table, &budgets)?.filter(|u| u.is_as_good_as(plan.objective)) {
        eprintln!("note: {} in every layer is within the budgets and as good as the plan", uniform.candidate);
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

/// A time limit.
pub(super) fn seconds(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| Error::Usage(format!("--time-limit {seconds}\n  hint: a number of seconds, 0 or more")))
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
pub(super) fn provenance(hash: String, seed: u64) -> Provenance {
    Provenance {
        version: crate::VERSION.into(),
        inputs: BTreeMap::from([("table".to_string(), hash)]),
        seed,
        command: std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" "),
    }
}
