//! Training steps and evaluation at the speed of the machine, in single precision.
//!
//! The same mathematics as [`forward()`](crate::exec::forward()) and [`backward()`](crate::exec::backward()), which stay as
//! the readable form, in both precisions and for second derivatives. Here the batch is cut into fixed pieces, and one
//! thread takes one image of its piece through as many steps as it can before a batch norm has to wait for all others
//! (module `plan`): values go from step to step in the caches of one core, and what a batch norm, a ReLU or a quantiser
//! made of a value is made again in the reverse pass instead of being kept. Buffers of the batch are used again from step
//! to step.
//!
//! Sums are taken per piece, then over the pieces in order: the same bits at any number of threads.

mod action;
mod clock;
mod collect;
mod context;
mod draft;
mod evaluate;
mod image;
mod layer;
mod plan;
mod reverse;
mod run;
mod slots;
mod store;
mod tally;

pub use clock::Part;
pub use plan::{Memory, Mode};

use std::sync::Arc;

use context::Context;
use plan::Plan;
use store::{Store, Workspaces};

use crate::error::{Error, Result};
use crate::exec::engine::action::Key;
use crate::exec::{Bindings, Gradients, Network, NormState};

/// What a forward pass gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs {
    /// `[batch, outputs]`.
    pub logits: Vec<f32>,
    /// What each norm used.
    pub norms: Vec<NormState>,
}

/// A network with the memory to run it.
#[derive(Debug)]
pub struct Engine<'n> {
    network: &'n Network,
    mode: Mode,
    plan: Plan,
    store: Store,
    workspaces: Workspaces,
    timed: bool,
}

/// A forward pass in training mode whose values are kept: ready to be differentiated.
pub struct Recorded<'e, 'n, 'a> {
    engine: &'e mut Engine<'n>,
    context: Context<'a>,
    images: &'a [f32],
    batch: usize,
    /// What came out.
    pub outputs: Outputs,
}

impl<'n> Engine<'n> {
    /// Plans the passes of a network.
    pub fn new(network: &'n Network, mode: Mode) -> Self {
        let plan = Plan::new(network, mode);
        Self { network, mode, plan, store: Store::default(), workspaces: Workspaces::default(), timed: false }
    }

    /// Measures from now on where the threads' time goes; costs some 30 ns for each step and image.
    pub fn measure_time(&mut self) {
        self.timed = true;
    }

    /// What all threads together have spent on a part since [`Self::measure_time`].
    pub fn time_spent(&self, part: Part) -> std::time::Duration {
        self.workspaces.spent(part)
    }

    /// Runs images `[batch, …]`.
    ///
    /// # Errors
    /// When the images or a binding do not fit the network.
    pub fn outputs(&mut self, bindings: &Bindings, images: &[f32]) -> Result<Outputs> {
        let batch = self.check(images)?;
        let mut context = Context::new(self.network, bindings, Arc::clone(&self.plan.program), (self.mode, false))?;
        self.forward(&mut context, images, batch)
    }

    /// Runs images `[batch, …]` and keeps what the reverse pass needs.
    ///
    /// # Errors
    /// As [`Self::outputs`], or when the engine is one for evaluation.
    pub fn record<'a>(&mut self, bindings: &'a Bindings, images: &'a [f32]) -> Result<Recorded<'_, 'n, 'a>>
    where
        'n: 'a,
    {
        let batch = self.check(images)?;
        if self.mode == Mode::Evaluation {
            return Err(Error::Internal("an engine for evaluation keeps nothing to be differentiated".into()));
        }
        let mut context = Context::new(self.network, bindings, Arc::clone(&self.plan.program), (self.mode, true))?;
        let outputs = self.forward(&mut context, images, batch)?;
        Ok(Recorded { engine: self, context, images, batch, outputs })
    }

    fn check(&self, images: &[f32]) -> Result<usize> {
        let batch = images.len() / self.plan.program.lengths[0].max(1);
        if batch == 0 || batch * self.plan.program.lengths[0] != images.len() {
            return Err(Error::Internal(format!(
                "{} numbers are no images of {}",
                images.len(),
                self.plan.program.lengths[0]
            )));
        }
        Ok(batch)
    }

    fn forward(&mut self, context: &mut Context<'_>, images: &[f32], batch: usize) -> Result<Outputs> {
        self.store.clear();
        for pass in &self.plan.forward {
            let tallies = run::run(pass, context, images, batch, &mut self.store, (&self.workspaces, self.timed));
            collect::statistics(context, &tallies)?;
        }
        let output = self.network.graph().output();
        // A graph of nothing but its input gives it back.
        let values = if output == 0 { images } else { self.store.read(Key::Value(output)) };
        let logits = values[..batch * self.plan.program.lengths[output]].to_vec();
        Ok(Outputs { logits, norms: context.norms.iter().map(|forms| forms.state.clone()).collect() })
    }
}

impl Recorded<'_, '_, '_> {
    /// Gradients from `∂L/∂output`, `[batch, outputs]`. About two forward passes.
    ///
    /// # Errors
    /// When the gradient has another length than the output.
    pub fn gradients(self, d_output: &[f32]) -> Result<Gradients> {
        let Self { engine, mut context, images, batch, outputs } = self;
        if d_output.len() != outputs.logits.len() {
            return Err(Error::Internal(format!("{} gradients of {} outputs", d_output.len(), outputs.logits.len())));
        }
        let Engine { network, plan, store, workspaces, timed, .. } = engine;
        let key = Key::Gradient(network.graph().output());
        let mut seed = store.take(key, d_output.len());
        seed[..d_output.len()].copy_from_slice(d_output);
        store.put(key, seed);
        let mut gradients = Gradients::zero(context.bindings)?;
        for pass in &plan.backward {
            let tallies = run::run(pass, &context, images, batch, store, (&*workspaces, *timed));
            collect::collect(&mut context, pass, tallies, batch, store, &mut gradients)?;
        }
        Ok(gradients)
    }
}
