//! The sections of a report, in the order of the page. What a run has not reached has no section; the first one says so.

mod agreement;
mod decision;
mod draws;
mod fronts;
mod layers;
mod memory;
mod networks;
mod plans;
mod provenance;
mod shares;
mod training;

pub(super) use agreement::ranks;
pub(super) use layers::MOST_LAYERS;
pub(super) use networks::{accuracies, name as network_name};

use super::block::Block;
use crate::report::Report;

/// All of them.
pub(super) fn report(report: &Report) -> Vec<Block> {
    let sections: [fn(&Report) -> Vec<Block>; 13] = [
        decision::decision,
        plans::plans,
        networks::networks,
        layers::layers,
        plans::bindings,
        fronts::fronts,
        training::training,
        draws::draws,
        agreement::agreement,
        shares::shares,
        memory::memory,
        provenance::settings,
        provenance::provenance,
    ];
    sections.iter().flat_map(|section| section(report)).collect()
}
