//! Several runs side by side.

mod layers;
mod networks;
mod runs;

use super::block::Block;
use crate::report::Comparison;

/// All sections, in the order of the page.
pub(super) fn comparison(comparison: &Comparison) -> Vec<Block> {
    let sections: [fn(&Comparison) -> Vec<Block>; 8] = [
        runs::runs,
        runs::settings,
        networks::networks,
        networks::plans,
        layers::layers,
        layers::fronts,
        runs::training,
        runs::provenance,
    ];
    sections.iter().flat_map(|section| section(comparison)).collect()
}
