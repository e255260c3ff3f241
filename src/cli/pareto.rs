//! `pareto`: the front of all best plans against one budget.

use crate::cli::args::ParetoArgs;
use crate::cli::check::show;
use crate::cli::plan::seconds;
use crate::cli::progress::Bars;
use crate::cli::source::{Source, source};
use crate::cli::{Global, output};
use crate::error::{Error, Result};
use crate::plan::{Extent, Front, FrontPoint, MOST_POINTS};
use crate::store::write_atomic;

/// Points that are printed; a file has the others.
const MOST_SHOWN: usize = 200;

pub(super) fn pareto(args: &ParetoArgs, global: &Global) -> Result<()> {
    let limit = args.time_limit.map(seconds).transpose()?;
    if let Some(path) = &args.output {
        output::check_target(path, args.source.table.as_deref())?;
    }
    let Source { table, budgets, unlimited, .. } = source(&args.source, global)?;
    let [budget] = &unlimited[..] else {
        let found = format!(
            "found {} costs without a limit, expected one: the cost that the front is against",
            unlimited.len()
        );
        return Err(Error::Usage(format!(
            "{found}\n  hint: pass --budget NAME, and --budget NAME=VALUE for the others"
        )));
    };
    let extent = args.points.map_or(Extent::Whole { most: MOST_POINTS }, |n| Extent::Limits(n as usize));
    let front = crate::plan::pareto(&table, budget, &budgets, extent, limit, &mut Bars::new(global))?;
    if let Some(path) = &args.output {
        write_atomic(path, front.to_json()?.as_bytes())?;
    }
    output::print(global, &front, || text(&front))?;
    match front.complete {
        true => Ok(()),
        false => Err(Error::Unproved("stopped before the front was complete and proved".into())),
    }
}

fn text(front: &Front) -> String {
    let others: Vec<String> =
        front.others.iter().map(|(name, limit)| format!("{name} ≤ {}", show(name, *limit))).collect();
    let within = if others.is_empty() { String::new() } else { format!(" within {}", others.join(", ")) };
    let mut lines =
        vec![format!("{} plans of the front of objective against {}{within}", front.points.len(), front.budget)];
    lines.push(String::new());
    lines.push(format!("{:>16} {:>16}  {:9}  candidates", front.budget, "objective", "supported"));
    let every = front.points.len().div_ceil(MOST_SHOWN).max(1);
    let point = |p: &FrontPoint| {
        let supported = match p.supported {
            Some(true) => "yes",
            Some(false) => "no",
            None => "not known",
        };
        let unproved = if p.proved { "" } else { " (not proved)" };
        format!(
            "{:>16} {:>16.8e}  {supported:9}  {}{unproved}",
            show(&front.budget, p.limit_used),
            p.objective,
            counts(p)
        )
    };
    lines.extend(front.points.iter().step_by(every).map(point));
    if every > 1 {
        lines.push(format!("every {every}th plan is shown: `-o FILE` and `--json` have all, with their layers"));
    }
    lines.join("\n")
}

/// How many layers take each candidate.
fn counts(point: &FrontPoint) -> String {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    point.layers.iter().for_each(|id| *counts.entry(id).or_default() += 1);
    counts.iter().map(|(id, n)| format!("{n}×{id}")).collect::<Vec<_>>().join(" ")
}
