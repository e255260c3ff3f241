//! The report stage, and reports of runs that may not be finished.

use crate::error::Result;
use crate::report::{Report, csv_files, html, markdown, text};
use crate::run::pipeline::key;
use crate::run::{Pipeline, findings};
use crate::store::{hash_file, write_atomic, write_json};

/// The page of a run's folder. It tells times and the machine, so the manifest does not have it.
pub const PAGE: &str = "report.html";

impl Pipeline<'_> {
    /// The report of the whole run: as text, Markdown, JSON and CSV, and as a page.
    ///
    /// # Errors
    /// When a stage before it fails, or a file cannot be written.
    pub fn report(&mut self) -> Result<Report> {
        let (evaluation, _) = self.evaluation()?;
        let (fronts, _) = self.fronts()?;
        let facts = hash_file(&self.workspace.path(crate::report::collect::FACTS_FILE))?;
        let folder = self.workspace.folder().to_path_buf();
        let mut found = findings(&folder)?;
        // Times, command and machine are not the same for the same inputs: only the page tells them.
        let machine = found.machine.take();
        self.stage("report", &key("report", &(evaluation, fronts, facts))?, |p| {
            let report = Report::collect(&found);
            let mut files = vec![("report.txt".to_string(), text(&report)), ("report.md".into(), markdown(&report))];
            files.extend(csv_files(&report).into_iter().map(|(name, text)| (name.to_string(), text)));
            for (name, text) in &files {
                write_atomic(&p.workspace.path(name), text.as_bytes())?;
            }
            write_json(&p.workspace.path("report.json"), &report)?;
            Ok(files.into_iter().map(|(name, _)| name).chain(["report.json".to_string()]).collect())
        })?;
        found.machine = machine;
        let report = Report::collect(&found);
        write_atomic(&folder.join(PAGE), html(&report).as_bytes())?;
        Ok(report)
    }
}
