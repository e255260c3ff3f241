//! What a pass does to one image: a short program over places.

use crate::exec::Step;
use crate::graph::NodeId;

/// A buffer of the whole batch that outlives a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// Value of a node.
    Value(NodeId),
    /// Gradient of a node, as far as it has been added up.
    Gradient(NodeId),
    /// Gradient behind a norm, in front of its ReLU.
    Norm(usize),
}

/// Where the numbers of one image are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The network's input.
    Images,
    /// A buffer that an earlier pass has filled.
    Shared(Key),
    /// A buffer that this pass fills: its number among the pass's.
    Written(usize),
    /// Memory of the thread, for one image.
    Local(usize),
}

/// Where a gradient goes, and whether it is added to what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub place: Place,
    pub add: bool,
}

/// One action. Gradients are named `g`, values `x` and `y`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    /// The value of a step.
    Evaluate { step: Step, inputs: Vec<Place>, output: Place },
    /// Mean and squared deviations of the image's channels, for a norm that is to come.
    Statistics { norm: usize, x: Place },
    /// The gradient in front of a norm from that behind it, once its sums over the batch are known.
    ThroughNorm { norm: usize, x: Place, g: Place, target: Target },
    /// The gradient behind a norm, whose output is `node`, through its clipping, and its sums over the image.
    BehindNorm { norm: usize, node: NodeId, x: Place, g: Place, target: Target },
    /// Gradients of a layer's weight, bias, quantiser and input.
    Layer { layer: usize, x: Place, g: Place, target: Option<Target> },
    /// The gradient where `y` is not clipped, or everywhere, to each target.
    Masked { node: NodeId, y: Option<Place>, g: Place, targets: Vec<Target> },
    /// The adjoint of a pool or a subsampling.
    Adjoint { step: Step, g: Place, target: Target },
    /// Gradients of a function's parameters and inputs.
    Function { function: usize, inputs: Vec<Place>, g: Place, targets: Vec<Option<Target>> },
}

impl Action {
    /// Every place that the action names.
    pub fn places(&mut self) -> Vec<&mut Place> {
        match self {
            Action::Evaluate { inputs, output, .. } => inputs.iter_mut().chain([output]).collect(),
            Action::Statistics { x, .. } => vec![x],
            Action::ThroughNorm { x, g, target, .. } | Action::BehindNorm { x, g, target, .. } => {
                vec![x, g, &mut target.place]
            }
            Action::Layer { x, g, target, .. } => {
                [x, g].into_iter().chain(target.as_mut().map(|t| &mut t.place)).collect()
            }
            Action::Masked { y, g, targets, .. } => {
                y.iter_mut().chain([g]).chain(targets.iter_mut().map(|t| &mut t.place)).collect()
            }
            Action::Adjoint { g, target, .. } => vec![g, &mut target.place],
            Action::Function { inputs, g, targets, .. } => {
                inputs.iter_mut().chain([g]).chain(targets.iter_mut().flatten().map(|t| &mut t.place)).collect()
            }
        }
    }
}
