//! `report`: the page of a run, and the same as text; several runs side by side.

use std::path::{Path, PathBuf};

use crate::cli::args::ReportArgs;
use crate::cli::tell::tell;
use crate::cli::{Global, output};
use crate::error::{Error, Result};
use crate::report::{Comparison, Report, comparison_html, comparison_markdown, comparison_text, html, markdown, text};
use crate::run::{PAGE, findings};
use crate::store::write_atomic;

/// Page of several runs.
const COMPARISON: &str = "comparison.html";

/// What every page begins with. Nothing else is replaced by one: a run's own files are worth hours.
const PAGE_BEGINS: &[u8] = b"<!DOCTYPE html>";

pub(super) fn report(args: &ReportArgs, global: &Global) -> Result<()> {
    let page = match (&args.output, &args.runs[..]) {
        (Some(path), _) => path.clone(),
        (None, [run]) => run.join(PAGE),
        (None, _) => PathBuf::from(COMPARISON),
    };
    let reports: Vec<Report> = args.runs.iter().map(|run| read(run)).collect::<Result<_>>()?;
    output::check_target(&page, None)?;
    if std::fs::read(&page).is_ok_and(|old| !old.is_empty() && !old.starts_with(PAGE_BEGINS)) {
        let shown = page.display();
        return Err(Error::Usage(format!("--output {shown} is no page, and would be lost\n  hint: name another file")));
    }
    match <[Report; 1]>::try_from(reports) {
        Ok([report]) => {
            write(&page, &html(&report), global)?;
            output::print(global, &report, || if args.markdown { markdown(&report) } else { text(&report) })
        }
        Err(reports) => {
            let folders = args.runs.iter().map(|run| run.display().to_string());
            let comparison = Comparison::of_folders(folders.zip(reports).collect());
            write(&page, &comparison_html(&comparison), global)?;
            output::print(global, &comparison, || match args.markdown {
                true => comparison_markdown(&comparison),
                false => comparison_text(&comparison),
            })
        }
    }
}

fn read(run: &Path) -> Result<Report> {
    Ok(Report::collect(&findings(run)?))
}

fn write(page: &Path, html: &str, global: &Global) -> Result<()> {
    write_atomic(page, html.as_bytes())?;
    if !global.quiet {
        tell!("page: {}", page.display());
    }
    Ok(())
}
