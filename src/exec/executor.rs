//! A network on whichever device runs it: the host's own kernels, or candle's operations.

use crate::error::{Error, Result};
use crate::exec::engine::{Engine, Memory, Mode, Outputs};
use crate::exec::{Bindings, Device, Gradients, Network, awake, host, plain};

/// Where and how networks run. Not part of any result's identity but for the device, whose rounding differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backend {
    /// The device.
    pub device: Device,
    /// What the host's engine keeps between the passes of a training step.
    pub memory: Memory,
}

impl Backend {
    /// Runs `work`; with the threads of the host's engine [awake](awake()), if that is what runs it.
    pub fn busy<R: Send>(self, work: impl FnOnce() -> R + Send) -> R {
        if self.device.is_plain() { work() } else { awake(work) }
    }
}

/// A network with what it needs to run again and again.
#[derive(Debug)]
pub struct Executor<'n> {
    network: &'n Network,
    place: Place<'n>,
}

#[derive(Debug)]
enum Place<'n> {
    Host(Box<Engine<'n>>),
    Plain(candle_core::Device),
}

impl<'n> Executor<'n> {
    /// For norms with batch statistics.
    ///
    /// # Errors
    /// When the device cannot be opened.
    pub fn training(network: &'n Network, backend: Backend) -> Result<Self> {
        Self::new(network, backend, Mode::Training(backend.memory))
    }

    /// For norms with fixed statistics.
    ///
    /// # Errors
    /// As [`Self::training`].
    pub fn evaluation(network: &'n Network, backend: Backend) -> Result<Self> {
        Self::new(network, backend, Mode::Evaluation)
    }

    fn new(network: &'n Network, backend: Backend, mode: Mode) -> Result<Self> {
        let place = match backend.device.is_plain() {
            true => Place::Plain(backend.device.open()?),
            false => Place::Host(Box::new(Engine::new(network, mode))),
        };
        Ok(Self { network, place })
    }

    /// What comes out for images `[batch, …]`.
    ///
    /// # Errors
    /// When the images or a binding do not fit the network.
    pub fn outputs(&mut self, bindings: &Bindings, images: &[f32]) -> Result<Outputs> {
        match &mut self.place {
            Place::Host(engine) => engine.outputs(bindings, images),
            Place::Plain(device) => Ok(outputs(&plain_forward(self.network, bindings, images, device)?)?),
        }
    }

    /// What comes out, and the gradients from `d_output`, which is `∂L/∂output` as a function of what came out.
    ///
    /// # Errors
    /// As [`Self::outputs`].
    pub fn step(
        &mut self,
        bindings: &Bindings,
        images: &[f32],
        d_output: impl FnOnce(&Outputs) -> Vec<f32>,
    ) -> Result<(Outputs, Gradients)> {
        match &mut self.place {
            Place::Host(engine) => {
                let recorded = engine.record(bindings, images)?;
                let (outputs, seed) = (recorded.outputs.clone(), d_output(&recorded.outputs));
                Ok((outputs, recorded.gradients(&seed)?))
            }
            Place::Plain(device) => {
                let tape = plain_forward(self.network, bindings, images, device)?;
                let outputs = outputs(&tape)?;
                let seed = host::tensor(d_output(&outputs), tape.output()?.dims())?.to_device(device)?;
                Ok((outputs, plain::backward(self.network, bindings, &tape, &seed)?))
            }
        }
    }
}

fn plain_forward(
    network: &Network,
    bindings: &Bindings,
    images: &[f32],
    device: &candle_core::Device,
) -> Result<plain::PlainTape> {
    let batch = images.len() / network.elements(0, 1).max(1);
    if batch == 0 {
        return Err(Error::Internal(format!("{} numbers are no image", images.len())));
    }
    let images = host::tensor(images.to_vec(), network.batch_shape(0, batch))?;
    plain::forward(network, bindings, &images.to_device(device)?)
}

fn outputs(tape: &plain::PlainTape) -> Result<Outputs> {
    let logits = tape.output()?.flatten_all()?.to_vec1::<f32>()?;
    Ok(Outputs { logits, norms: tape.norms().to_vec() })
}
