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

use std::sync::Arc;

use crate::exec::engine::action::{Action, Key, Place};
use crate::exec::engine::draft::Draft;
use crate::exec::{Network, Step};
use crate::graph::{Activation, Function, NodeId, Op};

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
    pub program: Arc<Program>,
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
    /// What the engine runs.
    pub program: Program,
}

/// The steps of a network with every clipping fused into the norm or sum in front of it, or as a step like a ReLU.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub steps: Vec<Step>,
    /// What the value of a node is clipped to: `[0, ∞]` by a ReLU.
    pub bounds: Vec<Option<[f32; 2]>>,
    /// The node that each norm reads.
    pub norm_inputs: Vec<NodeId>,
    /// Numbers of one image in each node.
    pub lengths: Vec<usize>,
}

impl Program {
    fn new(network: &Network) -> Self {
        let nodes = network.graph().nodes();
        let mut consumers = vec![0; nodes.len()];
        nodes.iter().flat_map(|node| &node.inputs).for_each(|&input| consumers[input] += 1);
        let mut program = Self {
            steps: Vec::new(),
            bounds: vec![None; nodes.len()],
            norm_inputs: vec![0; network.norms().len()],
            lengths: (0..nodes.len()).map(|node| network.elements(node, 1)).collect(),
        };
        for &step in network.steps() {
            match step {
                Step::Norm { output, relu: true, .. }
                | Step::Add { output, relu: true, .. }
                | Step::Relu { output, .. } => {
                    program.bounds[output] = Some([0.0, f32::INFINITY]);
                }
                Step::Function { output, .. } => {
                    if let Op::Function(Function::Activation(Activation::Clip { low, high })) = nodes[output].op {
                        program.bounds[output] = Some([low as f32, high as f32]);
                        let input = nodes[output].inputs[0];
                        program.clip(input, output, consumers[input] == 1);
                        continue;
                    }
                }
                _ => {}
            }
            if let Step::Norm { norm, input, .. } = step {
                program.norm_inputs[norm] = input;
            }
            program.steps.push(step);
        }
        program
    }

    /// Adds the clipping of `input` to `output`.
    fn clip(&mut self, input: NodeId, output: NodeId, only: bool) {
        let before = self.steps.iter_mut().find(|step| step.output() == input && only);
        match before {
            Some(Step::Norm { output: o, relu, .. } | Step::Add { output: o, relu, .. }) if !*relu => {
                (*o, *relu) = (output, true);
            }
            _ => self.steps.push(Step::Relu { input, output }),
        }
    }
}

impl<'n> Outline<'n> {
    fn new(network: &'n Network, mode: Mode) -> Self {
        let nodes = network.graph().nodes().len();
        let training = mode != Mode::Evaluation;
        let (mut levels, mut producers) = (vec![0; nodes], vec![None; nodes]);
        let mut kept = vec![false; nodes];
        let program = Program::new(network);
        for &step in &program.steps {
            let waits = training && matches!(step, Step::Norm { .. });
            let deepest = network.inputs(step).iter().map(|&input| levels[input]).max().unwrap_or(0);
            levels[step.output()] = deepest + usize::from(waits);
            producers[step.output()] = Some(step);
            let cheap = matches!(step, Step::Norm { .. } | Step::Relu { .. } | Step::Subsample { .. });
            kept[step.output()] = training && (!cheap || mode == Mode::Training(Memory::Keep));
        }
        kept[network.graph().output()] = true;
        Self { network, levels, kept, producers, program }
    }

    /// Norms that read a node.
    pub fn norms_of(&self, node: NodeId) -> impl Iterator<Item = usize> + '_ {
        self.program.steps.iter().filter_map(move |step| match *step {
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
        Self { forward, backward, program: Arc::new(outline.program) }
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
