//! The pipeline: stages with files between them, computed once and skipped while their inputs stay the same.

mod evaluation;
mod facts;
mod format_table;
mod fronts;
mod ggml;
mod machine;
mod manifest;
mod partial;
mod pipeline;
mod planning;
mod ranges;
mod record;
mod report;
mod sensitivity;
mod study;
mod table;
mod task;
mod traces;
mod training;
mod workspace;

use std::path::Path;

pub use evaluation::evaluate_packed;
pub use format_table::{format_table, left_out};
pub use ggml::{GgmlLayer, ggml_planning_table, ggml_table};
pub use manifest::space_of;
pub use partial::{settle, settled};
pub use pipeline::Pipeline;
pub use planning::configuration_of;
pub use ranges::output_ranges;
pub use record::{findings, is_finished};
pub use report::PAGE;
pub use study::{Outline, Study};
pub use table::{planning_table, resolve_budget, whole_table};
pub use task::Task;
pub use workspace::Workspace;

use crate::error::{Error, Result};
use crate::plan::Status;
use crate::progress::Observer;
use crate::report::Report;

/// The whole pipeline, from a search space to the report.
///
/// # Errors
/// Whatever ends it early; what is finished stays, and the next run goes on from there.
pub fn run(outline: Outline, folder: &Path, space_file: &Path, observer: &mut dyn Observer) -> Result<Report> {
    let outline = settle(outline, folder, space_file, observer)?;
    outline.check_budgets()?;
    let study = Study::open(outline)?;
    let mut workspace = begun(&study, folder, space_file)?;
    let mut pipeline = Pipeline::new(&study, &mut workspace, observer);
    pipeline.float()?;
    pipeline.sensitivity()?;
    pipeline.plans()?;
    pipeline.fronts()?;
    pipeline.supernet()?;
    pipeline.evaluation()?;
    pipeline.report()
}

/// The folder of a run, opened for work on a study.
///
/// # Errors
/// When it cannot be made or written, or is not that of a run.
pub fn begun(study: &Study, folder: &Path, space_file: &Path) -> Result<Workspace> {
    let mut workspace = Workspace::open(folder)?;
    workspace.remember_space(space_file)?;
    workspace.begin(&facts::facts(study)?)?;
    Ok(workspace)
}

/// Whether every plan is proved, as an error if not: what exit code 5 tells.
///
/// # Errors
/// [`Error::Unproved`] with the first plan that is not.
pub fn all_proved(report: &Report) -> Result<()> {
    match report.plans.iter().find(|p| p.status != Status::Optimal) {
        None => Ok(()),
        Some(plan) => {
            let gap = 100.0 * plan.gap;
            Err(Error::Unproved(format!(
                "plan `{}` is within {gap:.2} % of the best, but not proved to be it",
                plan.name
            )))
        }
    }
}
