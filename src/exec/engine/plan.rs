//! Which pass computes what.
//!
//! A pass takes every image through as many steps as it can alone, with what it needs in the caches of one core. Only a
//! norm with batch statistics has to wait for the whole batch, so a node's level is the largest number of such norms on a
//! way to it, and there is one pass forward and one backward for each level; without them one pass is all.
//!
//! Layers, sums, pools and functions keep their values for the reverse pass. Norms, ReLUs and subsamplings are computed
//! again by each pass that reads them, from what they read: cheaper than to fetch them from memory, and about half of all
//! activations (Chen et al., "Training deep nets with sublinear memory cost", 2016, arXiv 1604.06174). [`Memory::Keep`] keeps
//! them.

use crate::exec::engine::action::{Action, Key, Place};
use crate::exec::engine::draft::Draft;
use crate::exec::{Network, Step};
use crate::graph::NodeId;

/// One pass over the images.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pass {
    /// What is done to each image, in order.
    pub actions: Vec<Action>,
    /// Buffers that it fills or adds to.
    pub writes: Vec<Key>,
    /// Places of the thread that it needs.
    pub locals: usize,
    /// Buffers that nobody reads after it.
    pub releases: Vec<Key>,
}

/// What happens to activations between the forward and the reverse pass. The results are the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Memory {
    /// Norms, ReLUs and subsamplings are computed again where they are read.
    #[default]
    Recompute,
    /// Every value is kept: about twice the memory.
    Keep,
}

/// What an engine is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Norms with batch statistics; values are kept for a reverse pass.
    Training(Memory),
    /// Norms with fixed statistics; nothing is kept but the output.
    Evaluation,
}

/// All passes of a network.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub forward: Vec<Pass>,
    /// In the order in which they run.
    pub backward: Vec<Pass>,
}

/// What the passes are planned from.
pub(super) struct Outline<'n> {
    pub network: &'n Network,
    /// Level of each node.
    pub levels: Vec<usize>,
    /// Whether a node's value is kept for the batch.
    pub kept: Vec<bool>,
    /// The step that computes a node.
    pub producers: Vec<Option<Step>>,
}

impl<'n> Outline<'n> {
    fn new(network: &'n Network, mode: Mode) -> Self {
        let nodes = network.graph().nodes().len();
        let training = mode != Mode::Evaluation;
        let (mut levels, mut producers) = (vec![0; nodes], vec![None; nodes]);
        let mut kept = vec![false; nodes];
        for &step in network.steps() {
            let waits = training && matches!(step, Step::Norm { .. });
            let deepest = network.inputs(step).iter().map(|&input| levels[input]).max().unwrap_or(0);
            levels[step.output()] = deepest + usize::from(waits);
            producers[step.output()] = Some(step);
            let cheap = matches!(step, Step::Norm { .. } | Step::Relu { .. } | Step::Subsample { .. });
            kept[step.output()] = training && (!cheap || mode == Mode::Training(Memory::Keep));
        }
        kept[network.graph().output()] = true;
        Self { network, levels, kept, producers }
    }

    /// Norms that read a node.
    pub fn norms_of(&self, node: NodeId) -> impl Iterator<Item = usize> + '_ {
        self.network.steps().iter().filter_map(move |step| match *step {
            Step::Norm { norm, input, .. } if input == node => Some(norm),
            _ => None,
        })
    }
}

impl Plan {
    pub fn new(network: &Network, mode: Mode) -> Self {
        let outline = Outline::new(network, mode);
        let levels = 0..=outline.levels.iter().copied().max().unwrap_or(0);
        let forward = levels.clone().map(|level| forward_pass(&outline, level, mode)).collect();
        let mut backward = Vec::new();
        if mode != Mode::Evaluation {
            let mut pending = vec![false; outline.levels.len()];
            pending[network.graph().output()] = true;
            backward.extend(levels.rev().map(|level| Draft::backward(&outline, level, &mut pending)));
            release(&mut backward);
        }
        Self { forward, backward }
    }
}

fn forward_pass(outline: &Outline<'_>, level: usize, mode: Mode) -> Pass {
    let mut draft = Draft::new(outline, level, true);
    for node in (0..outline.levels.len()).filter(|&node| outline.levels[node] == level) {
        let norms: Vec<usize> = outline.norms_of(node).filter(|_| mode != Mode::Evaluation).collect();
        if node > 0 && (outline.kept[node] || !norms.is_empty()) {
            draft.value(node);
        }
        norms.into_iter().for_each(|norm| draft.statistics(norm, node));
    }
    draft.finish()
}

/// Tells each pass which buffers nobody reads after it.
fn release(passes: &mut [Pass]) {
    let mut later = std::collections::BTreeSet::new();
    for pass in passes.iter_mut().rev() {
        let writes = pass.writes.clone();
        let mut keys: Vec<Key> = pass
            .actions
            .iter_mut()
            .flat_map(Action::places)
            .filter_map(|place| match *place {
                Place::Shared(key) => Some(key),
                Place::Written(number) => Some(writes[number]),
                _ => None,
            })
            .collect();
        keys.sort_unstable();
        keys.dedup();
        pass.releases = keys.into_iter().filter(|&key| later.insert(key)).collect();
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
