//! What every format says of itself.

use crate::error::Result;
use crate::export::{Deployment, Package};
use crate::graph::{Graph, GroupKind, Op};
use crate::space::Candidate;

/// A layer as a format's rules see it.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its operator.
    pub op: &'a Op,
    /// Shape of its weight, output channels first.
    pub shape: &'a [usize],
    /// Weights that share a scale, consecutive.
    pub group: usize,
    /// Whether the input is never negative, so that its codes are unsigned.
    pub unsigned_input: bool,
}

impl Site<'_> {
    /// Number of weights.
    pub fn parameters(&self) -> usize {
        self.shape.iter().product()
    }

    /// Number of scales.
    pub fn scales(&self) -> usize {
        self.parameters().div_ceil(self.group.max(1))
    }
}

/// How a format stores a layer's weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Bits that a weight takes: those of the plan, of the next wider container, or those of the floats that the values are
    /// stored as, 16 or 32.
    pub bits: u32,
    /// Bytes of codes, scales and zero points of the layer in the files, exactly.
    pub bytes: u64,
}

/// A file format of one or several deployment tools.
pub trait Format: Sync {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// One line for help texts: which tools load it.
    fn about(&self) -> &'static str;

    /// The tools and versions that the files are made for and were tried with.
    fn tools(&self) -> &'static [&'static str];

    /// How a layer would be stored at a candidate.
    ///
    /// # Errors
    /// Why the tools cannot run it, as the end of the sentence "NAME cannot run w3a2 here: …".
    fn stored(&self, site: &Site<'_>, candidate: Candidate) -> std::result::Result<Stored, String>;

    /// Layers that must take one candidate, because the tools run them as one.
    fn groups(&self) -> &'static [GroupKind] {
        &[]
    }

    /// Whether the files hold the integer masters of layers ([`Deployment::masters`]), where the run has them.
    fn holds_masters(&self) -> bool {
        false
    }

    /// Whether the files need to know what numbers the nodes of the network give ([`Deployment::ranges`]).
    fn needs_ranges(&self) -> bool {
        false
    }

    /// Whether the planner offers the tools' own types of blocks (`q4_k`) instead of bit-widths.
    fn has_own_types(&self) -> bool {
        false
    }

    /// Bytes of all tensors in the files that are no part of a layer's weight, but for scales of inputs; none where that shows
    /// only when they are written.
    fn other_bytes(&self, _: &Graph) -> Option<u64> {
        None
    }

    /// Whether the files hold weights; a recipe for another quantiser does not.
    fn writes_weights(&self) -> bool {
        true
    }

    /// The files. Called after [`crate::export::check`], so every layer is one that [`Format::stored`] accepts.
    ///
    /// # Errors
    /// When an operator of the network has no form in the format, or a file that it needs cannot be read.
    fn write(&self, deployment: &Deployment) -> Result<Package>;
}

impl std::fmt::Debug for dyn Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
