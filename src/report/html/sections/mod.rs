//! The sections of a run's page, one file each.

mod agreement;
mod budgets;
mod decision;
mod draws;
mod front;
mod layers;
mod memory;
mod networks;
mod progress;
mod provenance;
mod training;

pub use progress::progress;

use super::shell::Section;
use crate::report::Report;

/// All sections in the order of the page.
pub fn all(report: &Report) -> Vec<Section> {
    vec![
        decision::section(report),
        layers::section(report),
        front::section(report),
        networks::section(report),
        training::section(report),
        draws::section(report),
        agreement::section(report),
        budgets::section(report),
        memory::section(report),
        provenance::section(report),
    ]
}
