//! Whether two runs put the sensitivities of the layers in the same order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::matching::Match;
use crate::numeric::rank::{kendall, spearman};
use crate::report::document::{CandidateRow, RankRow, Report};

/// Fewer values have hardly an order.
const FEWEST: usize = 3;

/// Two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedRanks {
    /// Index of one run in [`super::Comparison::runs`].
    pub first: usize,
    /// Index of the other.
    pub second: usize,
    /// Sensitivities of the layers that both have: at all candidates together, then at each candidate.
    pub ranks: Vec<RankRow>,
}

/// Every pair of runs that both know sensitivities.
pub(super) fn ranks(reports: &[Report], layers: &[Match]) -> Vec<ComparedRanks> {
    let pairs = (0..reports.len()).flat_map(|first| (first + 1..reports.len()).map(move |second| (first, second)));
    let compared = pairs.map(|(first, second)| {
        let ranks = pair(reports, layers, first, second);
        ComparedRanks { first, second, ranks }
    });
    compared.filter(|pair| !pair.ranks.is_empty()).collect()
}

fn pair(reports: &[Report], layers: &[Match], first: usize, second: usize) -> Vec<RankRow> {
    let candidates = |run: usize, layer: &Match| -> Option<&[CandidateRow]> {
        Some(&reports.get(run)?.layers.get(layer.get(run).copied().flatten()?)?.candidates)
    };
    let mut order: Vec<&str> = Vec::new();
    let mut values: BTreeMap<&str, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    let mut all = (Vec::new(), Vec::new());
    for layer in layers {
        let Some((here, there)) = candidates(first, layer).zip(candidates(second, layer)) else { continue };
        for a in here {
            let Some(b) = there.iter().find(|b| b.id == a.id) else { continue };
            let Some((x, y)) = a.sensitivity.zip(b.sensitivity) else { continue };
            let lists = values.entry(&a.id).or_insert_with(|| {
                order.push(&a.id);
                Default::default()
            });
            for lists in [lists, &mut all] {
                lists.0.push(x);
                lists.1.push(y);
            }
        }
    }
    let each = order.iter().filter_map(|id| values.get(id).map(|lists| (Some(id.to_string()), lists)));
    let rows = [(None, &all)].into_iter().chain(each).filter(|(_, (x, _))| x.len() >= FEWEST);
    rows.map(|(candidate, (x, y))| RankRow {
        candidate,
        count: x.len() as u64,
        spearman: spearman(x, y),
        kendall: kendall(x, y),
    })
    .collect()
}
