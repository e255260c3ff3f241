//! The planning table and the budgets that a command names.

use std::path::Path;

use crate::cli::args::SourceArgs;
use crate::cli::progress::Bars;
use crate::cli::run::{open, outline, read_space};
use crate::cli::tell::tell;
use crate::cli::{Global, ggml};
use crate::error::{Error, Result, ValueFault};
use crate::export::Format;
use crate::run::{Outline, Pipeline, format_table, left_out, planning_table, resolve_budget, whole_table};
use crate::sensitivity::SensitivityReport;
use crate::solve::{Problem, infeasibility};
use crate::store::{hash_bytes, hash_file};
use crate::table::{Budget, PlanningTable, RawTable, repair, resolve};

/// What is planned.
pub(super) struct Source {
    /// With every cost that a budget names.
    pub table: PlanningTable,
    /// The same with what the search space's pins keep layers from, to say what these cost; none without such pins.
    pub whole: Option<PlanningTable>,
    pub budgets: Vec<Budget>,
    /// Costs that are named without a limit.
    pub unlimited: Vec<String>,
    pub seed: u64,
    /// Content hash of the table as it was read.
    pub hash: String,
}

/// Reads or measures the table, and resolves the budgets; repairs are said on standard error.
pub(super) fn source(args: &SourceArgs, global: &Global) -> Result<Source> {
    let mut source = match (&args.table, &args.space) {
        (Some(path), _) => of_table(path, args, global)?,
        (None, Some(path)) => of_space(path, args, global)?,
        (None, None) => return Err(Error::Usage("neither a search space nor a table".into())),
    };
    let (table, changes) = repair(source.table, args.sensitivities)?;
    for change in &changes {
        tell!("repaired: {change}");
    }
    source.table = table;
    if let Some(whole) = source.whole.take() {
        source.whole = Some(repair(whole, args.sensitivities)?.0);
    }
    Ok(source)
}

fn of_table(path: &Path, args: &SourceArgs, global: &Global) -> Result<Source> {
    let (limited, unlimited) = split(&args.budget);
    let mut table = PlanningTable::read(path)?;
    for name in limited.iter().filter_map(|b| Some(b.rsplit_once('=')?.0)).chain(unlimited.iter().map(String::as_str)) {
        table = table.with_cost(name)?;
    }
    // Before the pins: a share of the costliest uniform choice is the same with them and without.
    let budgets = limited.iter().map(|b| resolve(&table, b)).collect::<Result<_>>()?;
    Ok(Source {
        table: pinned(table, &args.pin)?,
        whole: None,
        budgets,
        unlimited,
        seed: global.seed.unwrap_or(0),
        hash: hash_file(path)?,
    })
}

fn of_space(path: &Path, args: &SourceArgs, global: &Global) -> Result<Source> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv") || e.eq_ignore_ascii_case("json")) {
        let shown = path.display();
        return Err(Error::Usage(format!(
            "{shown} is not a search space (YAML)\n  hint: pass a planning table as --table {shown}"
        )));
    }
    let outline = outline(read_space(path, global)?, path, args.out.as_ref(), global)?;
    if let Some(format) = args.target.filter(|format| format.has_own_types()) {
        return of_types(outline, path, format, args, global);
    }
    let blank = table_for(&outline, None, args)?;
    for line in args.target.iter().flat_map(|&format| left_out(&outline, &blank, format)) {
        tell!("note: {line}");
    }
    let (limited, unlimited) = split(&args.budget);
    let budgets = budgets(&outline, &blank, args, &limited)?;
    let blank = pinned(blank, &args.pin)?;
    // Before anything expensive: can they be met at all?
    if let Some(reason) = infeasibility(&Problem::new(&blank, &budgets)?)? {
        return Err(reason.into_error(None));
    }
    let (study, mut workspace) = open(outline, path, args.out.as_ref())?;
    let outline = &study.outline;
    let (_, sensitivity) = Pipeline::new(&study, &mut workspace, &mut Bars::new(global)).sensitivity()?;
    let table = table_for(outline, Some(&sensitivity), args)?;
    let hash = hash_bytes(RawTable::from(&table).to_json()?.as_bytes());
    // What a format runs at the candidates that pins keep layers from is not asked.
    let whole = match args.target {
        None => Some(whole_table(outline, &sensitivity)?).filter(|whole| !whole.pins().is_empty()),
        Some(_) => None,
    };
    let whole = whole.map(|whole| pinned(whole, &args.pin)).transpose()?;
    Ok(Source { table: pinned(table, &args.pin)?, whole, budgets, unlimited, seed: outline.space.seed, hash })
}

/// What is planned in a format's own types. Their costs are known only with the weights, so budgets are checked by planning.
fn of_types(outline: Outline, path: &Path, format: &dyn Format, args: &SourceArgs, global: &Global) -> Result<Source> {
    ggml::check_network(format, &outline)?;
    let (study, mut workspace) = open(outline, path, args.out.as_ref())?;
    let table = ggml::table(&study, &mut workspace, global)?;
    let (limited, unlimited) = split(&args.budget);
    let budgets = budgets(&study.outline, &table, args, &limited)?;
    let hash = hash_bytes(RawTable::from(&table).to_json()?.as_bytes());
    Ok(Source {
        table: pinned(table, &args.pin)?,
        whole: None,
        budgets,
        unlimited,
        seed: study.outline.space.seed,
        hash,
    })
}

/// The planning table, of what a format's tools run if one is named.
fn table_for(outline: &Outline, report: Option<&SensitivityReport>, args: &SourceArgs) -> Result<PlanningTable> {
    match args.target {
        Some(format) => format_table(outline, report, format),
        None => planning_table(outline, report),
    }
}

/// The budgets of the command line, else those of the search space's first plan. For a format, shares and candidates are of
/// what that stores.
fn budgets(outline: &Outline, table: &PlanningTable, args: &SourceArgs, limited: &[&String]) -> Result<Vec<Budget>> {
    let first = &outline.space.plans[0].budgets;
    match (args.target, args.budget.is_empty()) {
        (Some(_), true) => first.iter().map(|request| resolve(table, &request.to_string())).collect(),
        (Some(_), false) => limited.iter().map(|text| resolve(table, text)).collect(),
        (None, true) => first.iter().map(|request| resolve_budget(outline, request).map_err(usage)).collect(),
        (None, false) => {
            limited.iter().map(|text| resolve_budget(outline, &text.parse().map_err(usage)?).map_err(usage)).collect()
        }
    }
}

/// Budgets with a limit, and costs without one.
fn split(budgets: &[String]) -> (Vec<&String>, Vec<String>) {
    let (limited, unlimited): (Vec<&String>, Vec<&String>) = budgets.iter().partition(|b| b.contains('='));
    (limited, unlimited.into_iter().cloned().collect())
}

fn pinned(mut table: PlanningTable, pins: &[String]) -> Result<PlanningTable> {
    for pin in pins {
        let Some((layer, candidate)) = pin.rsplit_once('=') else {
            return Err(Error::Usage(format!("--pin {pin}\n  hint: write LAYER=CANDIDATE, for example conv1=w8a8")));
        };
        if let Some(other) = pins.iter().find(|p| p.rsplit_once('=').is_some_and(|(l, c)| l == layer && c != candidate))
        {
            return Err(Error::Usage(format!(
                "--pin {pin}: found --pin {other} too, expected one candidate for a layer"
            )));
        }
        table = table.with_pin(layer, candidate)?;
    }
    Ok(table)
}

fn usage(fault: ValueFault) -> Error {
    Error::Usage(format!("--budget: {}", fault.with_hint()))
}
