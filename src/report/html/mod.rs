//! The report as one self-contained page, [`html`], and several runs side by side, [`comparison_html`].
//!
//! A section composes sentences, charts and tables of rows; numbers get their words from [`units`](crate::report::units).

mod charts;
mod comparison;
mod figure;
mod sections;
mod shell;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub use comparison::comparison_html;

use maud::html as markup;

use crate::report::Report;
use crate::report::units::grouped;

/// The page of a run, however far it got.
pub fn html(report: &Report) -> String {
    let samples = &report.samples;
    let heading = shell::Heading {
        title: report.name.clone(),
        lead: markup! {
            "Network " bdi { (report.network) } ", " (words::count(samples.training, &samples.noun)) " for training, "
            (grouped(samples.held_out)) " held out"
        },
        notice: sections::progress(report),
        file: "report",
        footer: words::footer(&report.provenance.version),
    };
    shell::page(&heading, &sections::all(report), report)
}
