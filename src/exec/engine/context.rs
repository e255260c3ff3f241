//! What every image of a step needs: prepared layers, affine forms of the norms, lengths.

use std::sync::Arc;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::exec::engine::layer::LayerKernels;
use crate::exec::engine::plan::{Mode, Program};
use crate::exec::forward::wide;
use crate::exec::functions::FunctionSite;
use crate::exec::kernels::norm::ChannelMap;
use crate::exec::{Bindings, Network, NormState, Statistics, forward};
use crate::graph::NodeId;

/// A norm as affine forms of each channel.
#[derive(Debug, Clone, Default)]
pub(super) struct NormForms {
    /// What it used.
    pub state: NormState,
    /// `y = a x + b`.
    pub value: [Vec<f32>; 2],
    /// `dx = p g + q x + r`, once the sums of the reverse pass are known.
    pub gradient: [Vec<f32>; 3],
}

/// What the actions read beside the image.
pub(super) struct Context<'a> {
    pub network: &'a Network,
    pub bindings: &'a Bindings,
    pub layers: Vec<LayerKernels>,
    pub functions: Vec<FunctionSite>,
    pub norms: Vec<NormForms>,
    /// What the engine runs.
    pub program: Arc<Program>,
}

impl<'a> Context<'a> {
    /// Prepares a network with its bindings. Norms with batch statistics get their forms later.
    pub fn new(
        network: &'a Network,
        bindings: &'a Bindings,
        program: Arc<Program>,
        (mode, differentiable): (Mode, bool),
    ) -> Result<Self> {
        let layers = 0..network.layers().len();
        let layers = layers.into_par_iter().map(|l| LayerKernels::new(network, l, &bindings.layers[l], differentiable));
        let functions =
            (0..network.functions().len()).map(|f| Ok(forward::function_site::<f32>(network, bindings, f, 1)?.0));
        let mut context = Self {
            network,
            bindings,
            layers: layers.collect::<Result<_>>()?,
            functions: functions.collect::<Result<_>>()?,
            norms: vec![NormForms::default(); network.norms().len()],
            program,
        };
        for (norm, binding) in bindings.norms.iter().enumerate() {
            if matches!(binding.statistics, Statistics::Batch) == (mode == Mode::Evaluation) {
                let rule = "batch statistics need an engine for training, fixed ones one for evaluation";
                return Err(Error::Internal(format!("norm `{}`: {rule}", network.norms()[norm].name)));
            }
            if let Statistics::Fixed { mean, variance } = &binding.statistics {
                context.set_statistics(norm, wide::<f32>(mean)?, wide::<f32>(variance)?)?;
            }
        }
        Ok(context)
    }

    /// Channels and positions of one image of a node.
    pub fn channels(&self, node: NodeId) -> ChannelMap {
        self.network.channel_map(node, 1)
    }

    /// Gives a norm its mean and variance.
    pub fn set_statistics(&mut self, norm: usize, mean: Vec<f64>, variance: Vec<f64>) -> Result<()> {
        let epsilon = self.network.norms()[norm].epsilon;
        let state = NormState::new(mean, variance, epsilon);
        let (a, b) = forward::affine_form::<f32>(&self.bindings.norms[norm], &state)?;
        self.norms[norm] = NormForms { state, value: [a, b], gradient: Default::default() };
        Ok(())
    }

    /// Gives a norm the sums of its reverse pass over `count` values per channel: `S1 = Σ g`, `S2 = Σ g x̂`.
    pub fn set_gradient_sums(&mut self, norm: usize, sums: &[[f64; 2]], count: f64) -> Result<()> {
        let NormForms { state, gradient, .. } = &mut self.norms[norm];
        *gradient = forward::gradient_form::<f32>(&self.bindings.norms[norm], state, sums, count)?;
        Ok(())
    }
}
